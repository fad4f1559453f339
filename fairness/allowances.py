"""
Allowances: how much of each thing one circuit may have in a minute.

    use                    counted in
    requests               requests
    derivations            codenames stretched
    uploads                MiB that arrived

The counting is done by the library `limits`, in memory, in a window that slides.  A
circuit that asks for nothing more is forgotten after two minutes.  The counts are
those of one process: a site with two workers allows up to twice as much.
"""

import threading
from collections.abc import Mapping
from enum import StrEnum

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from fairness.circuits import Pseudonym
from fairness.errors import AllowanceSpent


class Use(StrEnum):
    """What is counted."""

    REQUESTS = "requests"
    DERIVATIONS = "derivations"
    UPLOADS = "uploads"


class Allowances:
    """What each circuit has had in the last minute."""

    def __init__(self, per_minute: Mapping[Use, int]) -> None:
        """
        Args:
            per_minute: How much of each use one circuit may have.
        """
        self._limits = {
            use: RateLimitItemPerMinute(amount, namespace=use)
            for use, amount in per_minute.items()
        }
        self._counts = _Counts()
        self._limiter = SlidingWindowCounterRateLimiter(self._counts)
        self._lock = threading.Lock()

    def spend(self, use: Use, who: Pseudonym | None, amount: int = 1) -> None:
        """
        Count a use.

        Args:
            who: None, where nobody can be told apart, is never refused anything.

        Raises:
            AllowanceSpent: If there is not so much left; nothing is counted then.
        """
        if who is None:
            return
        with self._lock:
            self._counts.forget()
            if not self._limiter.hit(self._limits[use], who.hex(), cost=amount):
                raise AllowanceSpent(AllowanceSpent.__doc__)

    def spent(self, use: Use, who: Pseudonym | None) -> int:
        """Return how much of a use somebody has had in the last minute."""
        if who is None:
            return 0
        limit = self._limits[use]
        with self._lock:
            left = self._limiter.get_window_stats(limit, who.hex()).remaining
        return limit.amount - left

    def __len__(self) -> int:
        """Count what is remembered: for each circuit two numbers a use at most."""
        return len(self._counts.expirations)


class _Counts(MemoryStorage):
    """
    The library's memory, without its thread.

    The library forgets in a thread of its own, whose errors would go to the log with
    the name of what it looked at.  Here it is done before something is counted.
    """

    def __init__(self) -> None:
        super().__init__()
        self.timer.join()  # It ends by itself, and is not started again:
        self.timer = _Done()

    def forget(self) -> None:
        """Forget what has run out."""
        # All live equally long, so those that came first run out first.
        while (key := next(iter(self.expirations), None)) is not None:
            self.get(key)
            if key in self.expirations:
                return


class _Done(threading.Timer):
    """A timer that says it is at work, so that nobody starts another one."""

    def __init__(self) -> None:
        super().__init__(0, lambda: None)

    def is_alive(self) -> bool:
        """Say yes."""
        return True
