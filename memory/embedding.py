"""Meaning as 256 numbers, computed here from the word vectors inside the wordllama wheel."""

import asyncio
import importlib.util
import re
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

MAX_CHARS = 8_000
"""Texts are cut here: one 300 KB paste would otherwise take seconds and gigabytes."""

_WORD = re.compile(r"\w+|[^\w\s]+")


class EmbeddingRefused(Exception):
    """An embedding that was chosen cannot be had here; `advice` says what to do next."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(f"{message} {advice}".strip())
        self.message = message
        self.advice = advice


class Embedding(Protocol):
    """`name` holds model and version: vectors of another name are never compared with these.

    `per_request`: each call is a request to a provider, so nobody asks twice for the same text, nor
    for parts of one. `trouble` says why the last call gave rows of 0 alone, for the operator; empty
    while all is well.
    """

    name: str
    per_request: bool
    trouble: str

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """One row a text, each of length 1; all 0 where a text has no known token, or in trouble.

        Rows of 0 are near nothing, and no store keeps them: words must do until they are made.
        """
        ...

    async def embed_query(self, text: str, rarity: Mapping[str, float]) -> Vectors:
        """One row. `rarity` says how much each lower-case word of the query counts; 1 if absent."""
        ...


class LocalEmbedding:
    """WordLlama's vectors, weighted. Loads when first used (0.2 s, 45 MB) and never asks a network.

    The plain mean of all tokens finds little (R@10 39 on LoCoMo); log(1 + token id) for documents,
    because BPE gives frequent pieces low ids, and the owner's own rarities for queries make it 59.
    """

    name = "wordllama-l2-256-log1p-v1"
    per_request = False
    trouble = ""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return await asyncio.to_thread(self._embed, [text[:MAX_CHARS] for text in texts])

    async def embed_query(self, text: str, rarity: Mapping[str, float]) -> Vectors:
        words = _WORD.findall(text[:MAX_CHARS])
        weights = [rarity.get(word.casefold(), 1.0) for word in words]
        return await asyncio.to_thread(self._embed_words, words, weights)

    def _embed(self, texts: Sequence[str]) -> Vectors:
        tokenizer, table = self._loaded
        found = np.zeros((len(texts), table.shape[1]), np.float32)
        for row, encoded in enumerate(
            tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ):
            ids = np.array(encoded.ids, np.int64)
            # einsum, not @: OpenBLAS would wake a thread per core for products as small as these,
            # and its limit can only be set in the environment before numpy is imported.
            found[row] = np.einsum("t,td->d", np.log1p(ids).astype(np.float32), table[ids])
        return unit(found)

    def _embed_words(self, words: Sequence[str], weights: Sequence[float]) -> Vectors:
        tokenizer, table = self._loaded
        found = np.zeros((1, table.shape[1]), np.float32)
        encoded = tokenizer.encode_batch(list(words), add_special_tokens=False)
        for pieces, weight in zip(encoded, weights, strict=True):
            ids = np.array(pieces.ids, np.int64)
            found[0] += weight * table[ids].sum(axis=0)
        return unit(found)

    @property
    def _loaded(self) -> tuple[Any, Vectors]:
        with self._lock:
            return self._tokenizer_and_table

    @cached_property
    def _tokenizer_and_table(self) -> tuple[Any, Vectors]:
        """The wheel's two files, read directly: its own loader looks in a folder that is not there,
        then on the network; importing it would also take over the program's logging."""
        from safetensors import safe_open
        from tokenizers import Tokenizer

        spec = importlib.util.find_spec("wordllama")
        if spec is None or spec.origin is None:
            raise RuntimeError("The package wordllama is not installed; see requirements.txt.")
        wheel = Path(spec.origin).parent
        tokenizer = Tokenizer.from_file(str(wheel / "tokenizers/l2_supercat_tokenizer_config.json"))
        tokenizer.no_padding()
        with safe_open(str(wheel / "weights/l2_supercat_256.safetensors"), framework="np") as file:
            return tokenizer, file.get_tensor("embedding.weight").astype(np.float32)


def unit(rows: Vectors) -> Vectors:
    """Each row at length 1, or 0."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Vectors = rows / np.maximum(lengths, 1e-9)
    return unit
