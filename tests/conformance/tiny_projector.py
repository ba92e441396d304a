"""Eyes for the tiny model: a vision encoder of one block with random weights, sixteen patches."""

from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np

PATCH = 14
SIDE = 4 * PATCH
_WIDTH = 32


def write_projector(path: Path, embedding: int) -> None:
    """A file as llama.cpp's `--mmproj` takes it, for a model with embeddings of this width."""
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "mlp")
    writer.add_bool("clip.use_gelu", True)
    sizes = {
        "image_size": SIDE,
        "patch_size": PATCH,
        "embedding_length": _WIDTH,
        "feed_forward_length": _WIDTH,
        "block_count": 1,
        "projection_dim": embedding,
        "attention.head_count": 1,
    }
    for name, size in sizes.items():
        writer.add_uint32(f"clip.vision.{name}", size)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    writer.add_array("clip.vision.image_mean", [0.5] * 3)
    writer.add_array("clip.vision.image_std", [0.5] * 3)
    for name, tensor in _tensors(embedding):
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tensors(embedding: int) -> Iterator[tuple[str, np.ndarray]]:
    random = np.random.default_rng(7)

    def some(*shape: int) -> np.ndarray:
        return random.normal(0, 0.1, shape).astype(np.float32)

    yield "v.patch_embd.weight", some(_WIDTH, 3, PATCH, PATCH)
    yield "v.position_embd.weight", some((SIDE // PATCH) ** 2, _WIDTH)
    yield "mm.0.weight", some(embedding, _WIDTH)
    yield "mm.0.bias", some(embedding)
    yield "mm.2.weight", some(embedding, embedding)
    yield "mm.2.bias", some(embedding)
    for layer in ("attn_q", "attn_k", "attn_v", "attn_out", "ffn_up", "ffn_down"):
        yield f"v.blk.0.{layer}.weight", some(_WIDTH, _WIDTH)
        yield f"v.blk.0.{layer}.bias", some(_WIDTH)
    for norm in ("ln1", "ln2"):
        yield f"v.blk.0.{norm}.weight", np.ones(_WIDTH, dtype=np.float32)
        yield f"v.blk.0.{norm}.bias", some(_WIDTH)
