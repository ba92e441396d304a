"""Meaning by a provider's embeddings: across languages, for a request each time it is asked."""

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from inference.backend import BackendError, Errand
from inference.ledger import Ledger
from inference.openai_backend import OpenAIBackend

log = logging.getLogger(__name__)

Vectors = NDArray[np.float32]

MAX_CHARS = 1_500
"""Common models read 512 tokens; some servers refuse what is longer."""
KEEPS = 8
"""Requests of a day that embeddings leave to answers."""
KEEPS_SHARE = 0.5
"""Of a day's limit, what embedding everything anew leaves to all else."""
QUESTION_S = 6.0
"""A turn waits no longer for what its question means."""
REMEMBERED = 256
"""Questions whose vectors are kept, so that asking again costs nothing."""


class ProviderEmbedding:
    """Fits the protocol `Embedding` of memory/embedding.py: it never raises, `trouble` says why not.

    A request for each question that is not remembered, and for every 64 texts. `backend` gives the
    backend to ask now. `background` is for embedding all anew: it leaves half of each day's requests.
    """

    per_request = True

    def __init__(
        self,
        backend: Callable[[], OpenAIBackend],
        ledger: Ledger,
        model: str,
        *,
        background: bool = False,
        question_s: float = QUESTION_S,
    ) -> None:
        self._backend, self._ledger, self._model = backend, ledger, model
        self._background, self._question_s = background, question_s
        self._width = 0
        self._asked: OrderedDict[str, Vectors] = OrderedDict()
        self.name = f"{backend().provider.name}-{model}-v1"
        self.trouble = ""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return await self._embed([text[:MAX_CHARS] for text in texts])

    async def embed_query(self, text: str, rarity: Mapping[str, float]) -> Vectors:  # noqa: ARG002 the model weighs words itself
        text = text[:MAX_CHARS]
        if text not in self._asked:
            try:
                async with asyncio.timeout(self._question_s):
                    found = await self._embed([text])
            except TimeoutError:
                return self._none(1, f"{self._who} took longer than {self._question_s:g} s.")
            if not found.any():
                return found
            self._asked[text] = found
            while len(self._asked) > REMEMBERED:
                self._asked.popitem(last=False)
        self._asked.move_to_end(text)
        return self._asked[text]

    @property
    def _who(self) -> str:
        return f"{self._backend().provider.label}'s {self._model}"

    async def _embed(self, texts: Sequence[str]) -> Vectors:
        # Some servers refuse empty texts, and all others of that request with them.
        telling = [row for row, text in enumerate(texts) if text.strip()]
        if not telling:
            return np.zeros((len(texts), self._width), np.float32)
        if why := await self._spared():
            return self._none(len(texts), why)
        errand = Errand("", "", "", "embedding")
        try:
            rows = await self._backend().embed([texts[row] for row in telling], self._model, errand)
        except BackendError as error:
            return self._none(len(texts), f"{error.message} {error.advice}".strip())
        made = np.array(rows, np.float32)
        if self._width and made.shape[1] != self._width:
            return self._none(
                len(texts),
                f"{self._who} gives {made.shape[1]} numbers, not {self._width} as before.",
            )
        self._width, self.trouble = made.shape[1], ""
        found = np.zeros((len(texts), self._width), np.float32)
        found[telling] = made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9)
        return found

    async def _spared(self) -> str:
        """Why nothing is asked now: the requests that are left are for answers."""
        left = await self._ledger.left(self._backend().provider.name, self._model)
        if left.left is None:
            return ""
        kept = KEEPS
        if self._background and left.limit:
            kept = max(KEEPS, math.ceil(left.limit * KEEPS_SHARE))
        if left.left > kept:
            return ""
        return f"{left.left} requests are left today; embeddings leave {kept} to all else."

    def _none(self, count: int, why: str) -> Vectors:
        if why != self.trouble:
            log.warning("Texts are not embedded: %s", why)
        self.trouble = why
        return np.zeros((count, self._width), np.float32)
