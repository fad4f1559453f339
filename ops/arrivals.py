"""
Arrivals: what a site is still waiting for, and who gives way in a crowd.

    connection --head--> gunicorn --body--> site
                |                   |
                60 s, or 5          1 KiB a second at least, while others need the place

A thread reads a request for as long as it takes, and some circuits are slow.  That is
borne as long as there is room.  Is there none, who sends next to nothing gives way:
their connection is closed, and nothing of what they sent is kept.

Only time that is spent in reading counts, and never that in which a request waits for
its turn.  The clock comes in as an argument, and so does the way to close.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

# A head is a few hundred bytes, which tor hands over at once.
HEAD_SECONDS = 60.0
HEAD_SECONDS_IN_A_CROWD = 5.0
# Below that, 5 MB take an hour and a half, and a visit has long ended.
SLOWEST_BYTES_A_SECOND = 1024
# Circuits stall; 16 to 20 seconds have been seen.
JUDGED_AFTER_SECONDS = 30.0
PIECE_BYTES = 8 * 1024


class Input(Protocol):
    """The body of a request, as WSGI hands it over."""

    def read(self, size: int = ..., /) -> bytes:
        """Return at most *size* bytes; empty means the end."""

    def readline(self, size: int = ..., /) -> bytes:
        """Return a line."""


@dataclass(eq=False)
class Arrival:
    """
    Something that is being read.

    Attributes:
        close: Ends its connection.

        since: When the present wait for bytes began; None while nobody waits.

        waited_seconds: Waits since the last judgement.

        arrived_bytes: What came since then.
    """

    close: Callable[[], object] = field(repr=False)
    is_head: bool
    since: float | None = None
    waited_seconds: float = 0.0
    arrived_bytes: int = 0

    def is_late(self, now: float, *, crowded: bool) -> bool:
        """Tell whether a head takes too long."""
        most = HEAD_SECONDS_IN_A_CROWD if crowded else HEAD_SECONDS
        return self.is_head and self.since is not None and now - self.since > most

    def is_slow(self, now: float) -> bool:
        """Tell whether too little of a body came, for long enough to say so."""
        if self.is_head or self.since is None:
            return False
        waited = self.waited_seconds + now - self.since
        if waited < JUDGED_AFTER_SECONDS:
            return False
        if self.arrived_bytes < waited * SLOWEST_BYTES_A_SECOND:
            return True
        self.since, self.waited_seconds, self.arrived_bytes = now, 0.0, 0
        return False


class Arrivals:
    """All that is being read in one process."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._all: set[Arrival] = set()

    @contextmanager
    def head(self, close: Callable[[], object]) -> Iterator[Arrival]:
        """Watch a connection until its request has begun."""
        with self._watching(Arrival(close, is_head=True, since=self._clock())) as one:
            yield one

    @contextmanager
    def body(self, stream: Input, close: Callable[[], object]) -> Iterator[Input]:
        """Watch the body of a request while it is read."""
        with self._watching(Arrival(close, is_head=False)) as one:
            yield _Watched(stream, one, self._lock, self._clock)

    def head_ended(self, one: Arrival) -> None:
        """Note that a head has arrived."""
        with self._lock:
            one.since = None

    def give_way(self, *, crowded: bool) -> int:
        """
        Close what takes too long.

        Args:
            crowded: Whether heads have less time, and slow bodies must give way.

        Returns:
            How many were closed.
        """
        now = self._clock()
        with self._lock:
            # Who was quick yesterday is judged by today, crowded or not.
            late = [one for one in self._all if one.is_late(now, crowded=crowded)]
            slow = [one for one in self._all if one.is_slow(now)]
            ending = [*late, *slow] if crowded else late
            self._all.difference_update(ending)
        for one in ending:
            one.close()
        return len(ending)

    @property
    def busy(self) -> int:
        """How many threads are at work on a connection."""
        with self._lock:
            return sum(one.is_head for one in self._all)

    @contextmanager
    def _watching(self, one: Arrival) -> Iterator[Arrival]:
        with self._lock:
            self._all.add(one)
        try:
            yield one
        finally:
            with self._lock:
                self._all.discard(one)


class _Watched:
    """A body that says how long it makes its reader wait."""

    def __init__(
        self,
        stream: Input,
        arrival: Arrival,
        lock: threading.Lock,
        clock: Callable[[], float],
    ) -> None:
        self._stream = stream
        self._arrival = arrival
        self._lock = lock
        self._clock = clock

    def read(self, size: int = -1, /) -> bytes:
        """Read a piece, or all that is left."""
        if size < 0:
            return b"".join(iter(lambda: self.read(PIECE_BYTES), b""))
        return self._timed(lambda: self._stream.read(min(size, PIECE_BYTES)))

    def readline(self, size: int = -1, /) -> bytes:
        """Read a line."""
        return self._timed(lambda: self._stream.readline(size))

    def readlines(self, _hint: int = -1, /) -> list[bytes]:
        """Read all lines."""
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def _timed(self, read: Callable[[], bytes]) -> bytes:
        arrival = self._arrival
        with self._lock:
            arrival.since = self._clock()
        piece = b""
        try:
            piece = read()
        finally:
            with self._lock:
                if arrival.since is not None:
                    arrival.waited_seconds += self._clock() - arrival.since
                arrival.since = None
                arrival.arrived_bytes += len(piece)
        return piece
