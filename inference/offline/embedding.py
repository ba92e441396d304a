"""Sentence vectors from the word table of the wordllama wheel: 256 dimensions, no download."""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

from inference.offline.errors import ApiError

DIMENSIONS = 256
MAX_CHARS = 8_000


@cache
def _table() -> tuple[Any, Any]:
    """The tokenizer and the word vectors. Raises ApiError where the wheel is not installed.

    The wheel's two files are opened directly: its own loader looks for the tokenizer in a folder
    that is not there and then tries to download it, and its import sets up the root logger.
    """
    spec = importlib.util.find_spec("wordllama")
    if spec is None or spec.origin is None:
        raise ApiError(501, "Offline embedding is not installed here (wordllama is missing).")
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    home = Path(spec.origin).parent
    tokenizer = Tokenizer.from_file(str(home / "tokenizers/l2_supercat_tokenizer_config.json"))
    # Padded, every text of a batch would cost as much as the longest.
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer, load_file(home / "weights/l2_supercat_256.safetensors")["embedding.weight"]


def embedded(texts: list[str]) -> tuple[list[list[float]], int]:
    """A vector of length 1 for each text (zeros for an empty one), and the number of tokens."""
    import numpy as np

    tokenizer, table = _table()
    vectors, tokens = [], 0
    for text in texts:
        ids = tokenizer.encode(text[:MAX_CHARS], add_special_tokens=False).ids
        tokens += len(ids)
        if not ids:
            vectors.append([0.0] * DIMENSIONS)
            continue
        rows = table[np.minimum(ids, len(table) - 1)].astype(np.float32)
        mean = rows.mean(axis=0)
        vectors.append((mean / (np.linalg.norm(mean) or 1.0)).tolist())
    return vectors, tokens
