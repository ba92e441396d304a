"""What one model charges for a text: the default costs, corrected by the `usage` its replies report.

A Kalman filter over the factors on the default costs: it knows what it has seen and what not, so
that a text of a kind that is new to a model is counted with more in reserve than a usual one.
"""

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.database import reading
from memory.edge import clean
from memory.measures import Measures
from memory.schema import calibrations
from memory.tokens import INDEX, KINDS, Features

Matrix = npt.NDArray[np.float64]

COMMON = 0.12
"""How far models are cheaper or dearer at everything, as a share: one standard deviation."""
NOISE = 0.03
"""How far one request is from the sum of its kinds, when all factors are right."""
NOISE_OF_ADDED = 0.08
"""The same of what one request has more than the one before: a few texts, that vary more."""
DRIFT = 0.005
"""How much of the first uncertainty returns with each reply: the newest texts count most."""
SIGMAS = 2.5
LEAST_RESERVE = 0.05
MOST_RESERVE = 0.25
"""The reserve is SIGMAS of the estimate's uncertainty, in these bounds, as a share of it."""
UNLIKELY = 4.0
DOUBTFUL = 0.1
DOUBTFUL_AT_FIRST = 0.6
"""A count so many standard deviations under the estimate, and by such a share of it (which falls with
each reply), is not believed: servers leave out what they had cached, or cut silently. What is over
the estimate is: that errs on the careful side."""
MODELS = 200
"""Models held in memory; the others are read again from the database."""

_AT_FIRST: Final = np.array([1.0 if kind.cost else 0.0 for kind in KINDS])
_SCALE: Final = np.array([kind.cost or 1.0 for kind in KINDS])
_LEAST: Final = np.array([kind.least for kind in KINDS])
_MOST: Final = np.array([kind.most for kind in KINDS])
_COMMON: Final = np.array([COMMON if kind.common else 0.0 for kind in KINDS])
_UNKNOWN: Final[Matrix] = np.outer(_COMMON, _COMMON) + np.diag([k.spread**2 for k in KINDS])


@dataclass(frozen=True, eq=False)
class Charges:
    """What is known of one model's way of counting. Immutable; `learnt` gives the next.

    `ceiling`: the model's server refused a request of so many tokens, 0 where it never did.
    """

    factors: Matrix = field(default_factory=_AT_FIRST.copy)
    unsure: Matrix = field(default_factory=_UNKNOWN.copy)
    replies: int = 0
    ceiling: int = 0
    _last: tuple[Features, int] | None = None

    @cached_property
    def _costs(self) -> Features:
        costs: Features = np.clip(self.factors, _LEAST, _MOST) * _SCALE
        return costs

    def likely(self, features: Features) -> float:
        """Tokens as they will be counted, as far as is known."""
        return float(features @ self._costs)

    def careful(self, features: Features) -> int:
        """Tokens that will not be exceeded: the likely ones and the reserve."""
        likely = self.likely(features)
        reserve = SIGMAS * self._spread(features, likely)
        return int(likely + min(max(reserve, LEAST_RESERVE * likely), MOST_RESERVE * likely)) + 1

    def _spread(self, features: Features, likely: float) -> float:
        scaled = features * _SCALE
        return float(np.sqrt(max(0.0, scaled @ self.unsure @ scaled) + (NOISE * likely) ** 2))

    def learnt(self, features: Features, reported: int) -> "Charges":
        """After a reply that reported `reported` tokens for a request; itself if that is nonsense."""
        scaled = features * _SCALE
        likely = self.likely(features)
        if not scaled @ _LEAST <= reported <= scaled @ _MOST or reported <= 0:
            return self
        doubtful = likely * (DOUBTFUL + DOUBTFUL_AT_FIRST / (1 + self.replies))
        if likely - reported > max(UNLIKELY * self._spread(features, likely), doubtful):
            return self
        state = self.factors, self.unsure + DRIFT * _UNKNOWN
        if self._last is not None:
            # What was added since the request before, whose own errors cancel out.
            added, more = features - self._last[0], reported - self._last[1]
            if more > 0 and (added >= 0).all():
                state = _filtered(*state, added * _SCALE, more, (NOISE_OF_ADDED * more) ** 2 + 9.0)
        factors, unsure = _filtered(*state, scaled, reported, (NOISE * reported) ** 2 + 4.0)
        ceiling = 0 if reported > self.ceiling else self.ceiling
        return Charges(factors, unsure, self.replies + 1, ceiling, (features, reported))

    def refused(self, features: Features, room: int) -> "Charges":
        """After the server said that a request, thought to fit into `room` tokens, does not.

        Either it was counted too low, or the window is smaller than its server says.
        """
        likely = self.likely(features)
        if likely + UNLIKELY * self._spread(features, likely) >= room:
            guessed = max(int(1.02 * room), int(1.1 * likely))
            return replace(self.learnt(features, guessed), _last=None)
        return replace(self, ceiling=int(likely))

    def to_json(self) -> str:
        state = {
            "kinds": [kind.name for kind in KINDS],
            "factors": self.factors,
            "unsure": self.unsure.astype(np.float32),
            "replies": self.replies,
            "ceiling": self.ceiling,
        }
        return orjson.dumps(state, option=orjson.OPT_SERIALIZE_NUMPY).decode()

    @classmethod
    def from_json(cls, text: str) -> "Charges":
        """As kept; kinds that were not counted then begin anew, and so does what cannot be read."""
        factors, unsure = _AT_FIRST.copy(), _UNKNOWN.copy()
        try:
            state = orjson.loads(text)
            known = [n for n, name in enumerate(state["kinds"]) if name in INDEX]
            here = [INDEX[state["kinds"][n]] for n in known]
            factors[here] = np.array(state["factors"], float)[known]
            unsure[np.ix_(here, here)] = np.array(state["unsure"], float)[np.ix_(known, known)]
            if np.isfinite(factors).all() and np.isfinite(unsure).all():
                factors = np.clip(factors, _LEAST, _MOST)
                return cls(factors, unsure, int(state["replies"]), int(state["ceiling"]))
        except (ValueError, KeyError, TypeError, IndexError):
            pass
        return cls()


def _filtered(
    factors: Matrix, unsure: Matrix, scaled: Features, reported: float, noise: float
) -> tuple[Matrix, Matrix]:
    """A step of the filter: `noise` is the variance of `reported` around `scaled @ factors`."""
    gain = unsure @ scaled
    gain = gain / (scaled @ gain + noise)
    factors = np.clip(factors + gain * (reported - scaled @ factors), _LEAST, _MOST)
    unsure = unsure - np.outer(gain, scaled @ unsure)
    # Never less sure than at first by drifting, and symmetric whatever rounding does.
    excess = np.sqrt(np.minimum(1.0, np.diag(_UNKNOWN) / np.maximum(np.diag(unsure), 1e-9)))
    return factors, np.outer(excess, excess) * (unsure + unsure.T) / 2


class Calibrations:
    """How each model counts, kept in the database; a model is known by its provider and its name."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.measures = Measures()
        self._engine = engine
        self._reading = reading(engine)
        self._known: OrderedDict[str, Charges] = OrderedDict()

    async def of(self, provider: str, model: str) -> Charges:
        """What is known of it; the default costs where nothing is."""
        key = _key(provider, model)
        if key not in self._known:
            kept = sa.select(calibrations.c.body).where(calibrations.c.model == key)
            async with self._reading.connect() as connection:
                body = (await connection.execute(kept)).scalar()
            self._known.setdefault(key, Charges.from_json(body) if body else Charges())
        self._known.move_to_end(key)
        while len(self._known) > MODELS:
            self._known.popitem(last=False)
        return self._known[key]

    async def learn(self, provider: str, model: str, features: Features, reported: int) -> None:
        """Of a reply to a request that had these `features`: `reported` is its `prompt_tokens`."""
        before = await self.of(provider, model)
        await self._keep(_key(provider, model), before, before.learnt(features, reported))

    async def refused(self, provider: str, model: str, features: Features, room: int) -> None:
        """Of the server's word that the request is too long."""
        before = await self.of(provider, model)
        await self._keep(_key(provider, model), before, before.refused(features, room))

    async def _keep(self, key: str, before: Charges, after: Charges) -> None:
        if after is before:
            return
        self._known[key] = after
        async with self._engine.begin() as connection:
            # The newest, which another turn may have learnt meanwhile.
            row = {"model": key, "body": self._known.get(key, after).to_json()}
            await connection.execute(sa.delete(calibrations).where(calibrations.c.model == key))
            await connection.execute(sa.insert(calibrations).values(row))


def _key(provider: str, model: str) -> str:
    return clean(f"{provider}/{model}"[:400])
