"""When a request that failed is sent once more, and after how long; the second costs like the first."""

import random
import time
from dataclasses import dataclass

from inference.backend import BackendError, RateLimited
from inference.server_errors import Passing
from inference.transport import Unreached


@dataclass(frozen=True, slots=True)
class Retries:
    """In seconds. The pause is drawn between `shortest` and `longest`, so that many who failed
    together do not come back together; a server that names its own is obeyed up to `patience`."""

    shortest: float = 0.5
    longest: float = 2.0
    patience: float = 20.0

    def pause(self, error: BackendError) -> float | None:
        """Seconds to wait before the one other try; None where there shall be none.

        Another try is for a refused connection, 408, 5xx and the 429 of the minute. Everything else
        would fail again, or was perhaps answered, and paid for, without our hearing it.
        """
        if not isinstance(error, Unreached | Passing | RateLimited):
            return None
        pause = random.uniform(self.shortest, self.longest)  # noqa: S311 - no secret hangs on it
        retry_at = None if isinstance(error, Unreached) else error.retry_at
        if retry_at is None:
            return pause
        asked = max(0.0, retry_at - time.time())
        # Never before the time that was asked for, and not all at that very moment.
        return None if asked > self.patience else max(asked + self.shortest / 2, pause)
