"""MiniLM where its files are: the mean of what the model says of each token. Nothing is downloaded.

The model here is made by the test: it knows a few words and says of each what a table says.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from memory.embedding import Embedding, EmbeddingRefused, Vectors
from memory.minilm import FILES, FOLDER, MiniLM

WORDS = ["[PAD]", "[UNK]", "crane", "red", "boat", "green", "the", "is"]
TABLE = np.random.default_rng(7).standard_normal((len(WORDS), 384)).astype(np.float32)


def field(number: int, value: bytes | str | int) -> bytes:
    """A field of a protocol buffer: a number, or bytes with their length before them."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value: int) -> bytes:
    if value < 128:
        return bytes([value])
    return bytes([value % 128 | 128]) + varint(value // 128)


def tensor_of(name: str, kind: int, *sides: str | int) -> bytes:
    """An input or output: its name, the type of its numbers, its sides, which may have names."""
    dims = b"".join(
        field(1, field(1, side) if isinstance(side, int) else field(2, side)) for side in sides
    )
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, dims)))


def onnx_model(table: Vectors) -> bytes:
    """ONNX's own format: one node that looks up a row of `table` for each token."""
    size, width = table.shape
    held = field(1, size) + field(1, width) + field(2, 1) + field(8, "table")
    held += field(9, table.tobytes())
    node = field(1, "table") + field(1, "input_ids") + field(2, "hidden") + field(4, "Gather")
    inputs = ("input_ids", "attention_mask", "token_type_ids")
    graph = field(1, node) + field(2, "tiny") + field(5, held)
    graph += b"".join(field(11, tensor_of(name, 7, "texts", "tokens")) for name in inputs)
    graph += field(12, tensor_of("hidden", 1, "texts", "tokens", width))
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13))


def write(folder: Path, table: Vectors = TABLE) -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(WordLevel({word: n for n, word in enumerate(WORDS)}, "[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = Lowercase(), Whitespace()
    # As in the real one, every text is made as long as the longest that it takes.
    tokenizer.enable_padding(length=128)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "model.onnx").write_bytes(onnx_model(table))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "onnx")
    return tmp_path / "onnx"


def mean(words: Sequence[str]) -> Vectors:
    row: Vectors = TABLE[[WORDS.index(word) for word in words]].mean(axis=0)
    return row / np.float32(np.linalg.norm(row))


async def test_a_text_is_the_mean_of_its_tokens_whatever_stands_beside_it(folder: Path) -> None:
    embedding: Embedding = MiniLM(folder)
    texts = ["the crane is red", "Boat", "crane " * 1_000, "the boat is is is green"]
    found = await embedding.embed(texts)
    assert found.shape == (4, 384)
    wanted = [mean(texts[0].split()), mean(["boat"]), mean(["crane"]), mean(texts[3].split())]
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    asked = await embedding.embed_query("the crane is red", {"the": 0.1})
    np.testing.assert_allclose(asked, [wanted[0]], atol=1e-5)
    assert embedding.trouble == ""


async def test_many_texts_of_any_length_keep_their_places(folder: Path) -> None:
    texts = [" ".join(["crane"] * (n % 37) + [WORDS[2 + n % 6]]) for n in range(100)]
    found = await MiniLM(folder).embed(texts)
    np.testing.assert_allclose(found, [mean(text.split()) for text in texts], atol=1e-5)


async def test_nothing_and_hostile_texts_are_embedded_too(folder: Path) -> None:
    embedding = MiniLM(folder)
    assert (await embedding.embed([])).shape == (0, 384)
    found = await embedding.embed(["", "\x00", "\u202e", "🧿" * 9_000])
    assert found.shape == (4, 384)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("missing", FILES)
def test_without_its_files_it_is_refused_with_what_to_do(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(EmbeddingRefused, match=missing) as refused:
        MiniLM(folder)
    assert str(folder) in refused.value.message
    assert "PARLEY_EMBEDDING=local" in refused.value.advice
    assert not (folder / missing).exists()


def test_its_files_are_looked_for_where_chroma_leaves_them() -> None:
    if (Path.home() / FOLDER / "model.onnx").exists():
        MiniLM()
        return
    with pytest.raises(EmbeddingRefused, match=r"\.cache/chroma/onnx_models/all-MiniLM-L6-v2/onnx"):
        MiniLM()


@pytest.mark.parametrize("file", FILES)
async def test_a_damaged_file_is_told_and_gives_nothing(folder: Path, file: str) -> None:
    (folder / file).write_bytes(b"not what it says")
    embedding = MiniLM(folder)
    found = await embedding.embed(["crane"])
    assert found.shape == (1, 384)
    assert not found.any()
    assert str(folder) in embedding.trouble
    write(folder)
    assert (await embedding.embed(["crane"])).any()
    assert embedding.trouble == ""


async def test_another_model_in_its_place_is_told(folder: Path) -> None:
    write(folder, TABLE[:, :100].copy())
    embedding = MiniLM(folder)
    assert not (await embedding.embed(["crane"])).any()
    assert "100 numbers, not 384" in embedding.trouble
