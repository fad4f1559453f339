"""
The crowd at the door: who may ask, and who is served next.

    request --allowance of its circuit--> page
    codename typed   --first line---+
    new codename     --second line--+--> 2 derivations at once
    message          --first line---+
    new report       --second line--+--> 4 seals at once
    small upload     --first line---+
    large upload     --second line--+--> 12 uploads at once, in slices

Whoever had much of late stands further back.  An upload that has begun is never
refused: after each slice it lets those who wait go first, unread in the meantime, so
that its browser only sees it go slowly.

Specified in docs/spec/fairness.md.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crypto.container import Readable
from fairness.allowances import Allowances, Use
from fairness.circuits import CIRCUIT, Pseudonym, Pseudonyms
from fairness.errors import AllowanceSpent
from fairness.turns import Turn, Turns
from fairness.waiting import Line, Room

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MEBIBYTE = 1024 * 1024

DERIVATIONS = Room(places=2, reserved=1, seats={Line.FIRST: 40, Line.SECOND: 8}, each=2)
SEALS = Room(places=4, reserved=2, seats={Line.FIRST: 12, Line.SECOND: 8}, each=4)
UPLOADS = Room(places=12, reserved=2, seats={Line.FIRST: 4, Line.SECOND: 8}, each=4)

# An upload is worth a longer wait: those who hold its place without sending have to
# give it up by then (`ops.arrivals`).
UPLOAD_PATIENCE = 2

# Tor Browser opens six connections to a site at most.
REQUESTS_AT_ONCE = 8
# One photograph, and not a folder of them.
SMALL_UPLOAD_BYTES = MEBIBYTE
# What an upload may bring before it lets others go first; less, once its circuit
# has had its allowance.
SLICE_BYTES = 16 * MEBIBYTE
SMALL_SLICE_BYTES = MEBIBYTE
# How far back one goes for what one has had in the last minute.
SECONDS_FOR_A_DERIVATION = 10.0
SECONDS_FOR_A_MEBIBYTE = 0.5
MOST_SECONDS_BACK = 40.0


@dataclass(frozen=True)
class Generosity:
    """
    What one circuit may have of one worker, and how long a line is bearable.

    Attributes:
        requests: In a minute.

        derivations: In a minute.

        upload_mebibytes: In a minute, before its uploads let others go first more
            often.  They are never refused for it.

        patience_seconds: How long somebody waits in a line before they are asked to
            come back later; twice as long with an upload.
    """

    requests: int = 90
    derivations: int = 10
    upload_mebibytes: int = 64
    patience_seconds: float = 60.0

    @property
    def per_minute(self) -> Mapping[Use, int]:
        """As allowances."""
        return {
            Use.REQUESTS: self.requests,
            Use.DERIVATIONS: self.derivations,
            Use.UPLOADS: self.upload_mebibytes,
        }


class Crowd:
    """Everybody at the door of one worker."""

    def __init__(
        self,
        generosity: Generosity,
        *,
        pseudonym_key: bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            generosity: What one circuit may have.

            pseudonym_key: Random bytes of this process, kept nowhere.

            clock: Seconds from any beginning that never go back.
        """
        self._pseudonyms = Pseudonyms(pseudonym_key)
        self._allowances = Allowances(generosity.per_minute)
        self._inside: Counter[Pseudonym] = Counter()
        self._lock = threading.Lock()

        def turns(room: Room, patience: float) -> Turns:
            return Turns(room, patience_seconds=patience, clock=clock)

        patience = generosity.patience_seconds
        self._derivations = turns(DERIVATIONS, patience)
        self._seals = turns(SEALS, patience)
        self._uploads = turns(UPLOADS, UPLOAD_PATIENCE * patience)

    @contextmanager
    def admitted(self, environ: "WSGIEnvironment") -> Iterator[None]:
        """
        Let a request in.

        Raises:
            AllowanceSpent: If its circuit has asked for too much in this minute, or
                for too much at once.
        """
        who = self._who(environ)
        self._allowances.spend(Use.REQUESTS, who)
        if who is None:
            yield
            return
        with self._lock:
            if self._inside[who] >= REQUESTS_AT_ONCE:
                raise AllowanceSpent(AllowanceSpent.__doc__)
            self._inside[who] += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside[who] -= 1
                if not self._inside[who]:
                    del self._inside[who]

    @contextmanager
    def deriving(self, environ: "WSGIEnvironment", line: Line) -> Iterator[None]:
        """
        Wait for the turn to stretch a codename.

        Raises:
            AskedToWait: If it does not come.
        """
        who = self._who(environ)
        back = self._back(Use.DERIVATIONS, who, SECONDS_FOR_A_DERIVATION)
        self._allowances.spend(Use.DERIVATIONS, who)
        with self._derivations.take(who, line, later_seconds=back):
            yield

    @contextmanager
    def sealing(self, environ: "WSGIEnvironment", line: Line) -> Iterator[None]:
        """
        Wait for the turn to seal a text.

        Raises:
            AskedToWait: If it does not come.
        """
        with self._seals.take(self._who(environ), line):
            yield

    @contextmanager
    def uploading(
        self, environ: "WSGIEnvironment", stream: Readable
    ) -> Iterator[Readable]:
        """
        Wait for the turn to send documents; *stream* is not read before.

        Raises:
            AskedToWait: If it does not come.

        Returns:
            The same stream, which lets others go first from time to time.
        """
        who = self._who(environ)
        announced = str(environ.get("CONTENT_LENGTH") or "")
        small = announced.isdecimal() and int(announced) <= SMALL_UPLOAD_BYTES
        line = Line.FIRST if small else Line.SECOND
        with self._uploads.take(who, line, later_seconds=self._back_for(who)) as turn:
            yield _Sliced(stream, turn, lambda size: self._arrived(who, size))

    @property
    def uploads_wait(self) -> bool:
        """Whether somebody waits to send documents."""
        return self._uploads.waiting > 0

    def _who(self, environ: "WSGIEnvironment") -> Pseudonym | None:
        return self._pseudonyms.of(environ.get(CIRCUIT))

    def _arrived(self, who: Pseudonym | None, mebibytes: int) -> tuple[int, float]:
        """Count what arrived; return how large the next slice is, and how far back."""
        size = SLICE_BYTES
        try:
            for _ in range(mebibytes):
                self._allowances.spend(Use.UPLOADS, who)
        except AllowanceSpent:
            size = SMALL_SLICE_BYTES
        return size, self._back_for(who)

    def _back_for(self, who: Pseudonym | None) -> float:
        return self._back(Use.UPLOADS, who, SECONDS_FOR_A_MEBIBYTE)

    def _back(self, use: Use, who: Pseudonym | None, seconds_for_one: float) -> float:
        spent = self._allowances.spent(use, who)
        return min(MOST_SECONDS_BACK, spent * seconds_for_one)


class _Sliced:
    """A stream that gives its place up after each slice, and takes another one."""

    def __init__(
        self,
        stream: Readable,
        turn: Turn,
        arrived: Callable[[int], tuple[int, float]],
    ) -> None:
        self._stream = stream
        self._turn = turn
        self._arrived = arrived
        self._uncounted = 0
        self._slice = 0
        self._slice_size = SLICE_BYTES

    def read(self, size: int = -1, /) -> bytes:
        """Read as from the stream itself."""
        piece = self._stream.read(size)
        self._uncounted += len(piece)
        self._slice += len(piece)
        if mebibytes := self._uncounted // MEBIBYTE:
            self._uncounted %= MEBIBYTE
            self._slice_size, back = self._arrived(mebibytes)
            if self._slice >= self._slice_size:
                self._slice = 0
                self._turn.pass_on(later_seconds=back)
        return piece
