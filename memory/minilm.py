"""Meaning by all-MiniLM-L6-v2, as Chroma ships it, where its file is on this machine already."""

import asyncio
import importlib.util
import logging
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from memory.embedding import MAX_CHARS, EmbeddingRefused, Vectors, unit

log = logging.getLogger(__name__)

FOLDER = Path(".cache/chroma/onnx_models/all-MiniLM-L6-v2/onnx")
"""Below the home directory: where Chroma's own embedding leaves what it downloaded."""
FILES = ("model.onnx", "tokenizer.json")

WIDTH = 384
MOST_TOKENS = 256
AT_ONCE = 16
"""Texts in one run; more take longer for each, for all are as long as the longest then."""


class MiniLM:
    """0 requests, about 10 ms a sentence; finds 1 to 3 % more than the local default.

    Nothing is ever downloaded: raises EmbeddingRefused where a file or onnxruntime is missing. Loads
    when first used. Chroma's own class makes every text 256 tokens long, which takes 10 times longer.
    """

    name = "all-minilm-l6-v2-onnx-384-v1"
    per_request = False

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path.home() / FOLDER
        self._lock = threading.Lock()
        self.trouble = ""
        missing = [name for name in FILES if not (self._folder / name).is_file()]
        if missing:
            raise EmbeddingRefused(
                f"MiniLM needs {' and '.join(missing)} in {self._folder}, and Parley downloads "
                "no models.",
                "Copy them there (Chroma's onnx.tar.gz has them), or set PARLEY_EMBEDDING=local.",
            )
        for package in ("onnxruntime", "tokenizers"):
            if importlib.util.find_spec(package) is None:
                raise EmbeddingRefused(
                    f"MiniLM needs the package {package}, which is not installed.",
                    f"Run pip install {package}, or set PARLEY_EMBEDDING=local.",
                )

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return await asyncio.to_thread(self._embed, [text[:MAX_CHARS] for text in texts])

    async def embed_query(self, text: str, rarity: Mapping[str, float]) -> Vectors:  # noqa: ARG002 it weighs words itself
        return await self.embed([text])

    def _embed(self, texts: Sequence[str]) -> Vectors:
        found = np.zeros((len(texts), WIDTH), np.float32)
        # Of like length together: the shorter are filled up to the longest.
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        try:
            with self._lock:
                for start in range(0, len(order), AT_ONCE):
                    rows = order[start : start + AT_ONCE]
                    found[rows] = self._run([texts[row] for row in rows])
        except (
            Exception
        ) as error:  # onnxruntime and tokenizers raise whatever a damaged file brings
            log.warning("MiniLM failed: %s", error)
            self.trouble = f"MiniLM in {self._folder} cannot be used: {error}"
            return np.zeros((len(texts), WIDTH), np.float32)
        self.trouble = ""
        return unit(found)

    def _run(self, texts: Sequence[str]) -> Vectors:
        """The mean of the tokens' vectors, for each text."""
        tokenizer, session = self._loaded
        encoded = tokenizer.encode_batch(list(texts))
        mask = np.array([one.attention_mask for one in encoded], np.int64)
        ids = np.array([one.ids for one in encoded], np.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        taken = {wanted.name: given[wanted.name] for wanted in session.get_inputs()}
        hidden = session.run(None, taken)[0]
        counts = np.maximum(mask.sum(axis=1, keepdims=True), 1)
        mean: Vectors = (hidden * mask[:, :, None]).sum(axis=1) / counts
        if mean.shape[1] != WIDTH:
            raise ValueError(f"its vectors have {mean.shape[1]} numbers, not {WIDTH}")
        return mean

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        import onnxruntime  # type: ignore[import-untyped]
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.enable_truncation(max_length=MOST_TOKENS)
        tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # One core: the others are for whoever waits.
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            str(self._folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        return tokenizer, session
