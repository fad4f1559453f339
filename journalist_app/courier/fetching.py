"""
Fetching: what the record says of a bundle that leaves, begun, in part and whole.

    fetching   before the first byte    which bytes were asked for
    part       behind the last one      which bytes were sent, of a part or of a
                                        download that was broken off
    fetched    when all bytes of the snapshot were sent, at once or in parts

A download goes on where it was, and a program may ask for any part in any order: only
parts that make the whole together, all sent to this officer, are a bundle that was
fetched.  The parts are read from the record itself; nothing else is kept of them.

What was sent was given to the network: of a download that was broken off, the last
piece (1 MiB at most) may not have arrived, so that its last byte never counts.

An officer who is removed meanwhile gets no further piece: the download ends short, as a
part, and there is no way to go on with it.
Specified in docs/spec/courier.md, section 3.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Final

from casework.bundle import BundleManifest
from deaddrop import DeadDrop, Officer, UnknownDesk, UnknownItem
from journalist_app.courier.ranges import BundleFile

FETCHING: Final = "fetching"
PART: Final = "part"
FETCHED: Final = "fetched"

_PART = re.compile(r".* items, bytes ([0-9]+)-([0-9]+) of [0-9]+, bundle [0-9a-f]+")


@dataclass(frozen=True)
class Fetch:
    """
    A bundle on its way to an officer, and the record of it.

    Attributes:
        start: The first byte that is wanted.

        stop: Behind the last one.

        today: The day it is.
    """

    drop: DeadDrop
    officer: Officer
    manifest: BundleManifest
    bundle: BundleFile
    start: int
    stop: int
    today: Callable[[], date]

    @property
    def whole(self) -> bool:
        """Whether everything is wanted at once."""
        return (self.start, self.stop) == (0, self.bundle.size_bytes)

    def begin(self) -> None:
        """
        Record which bytes are about to be sent.

        Raises:
            DeadDropUnavailable: If it cannot be stored; then nothing may be sent.
        """
        self._append(FETCHING, self._bytes(self.start, self.stop))

    def send(self) -> Iterator[bytes]:
        """
        Yield the bytes that are wanted, and record how far it came, however it ends.

        Raises:
            DeadDropUnavailable: If they cannot be read, or the end not be stored.
        """
        at = self.start
        try:
            for piece in self.bundle.read(self.start, self.stop, self._read_item):
                # Counted before it goes: whoever goes on behind a piece that only just
                # arrived leaves no gap.
                at = min(at + len(piece), self.stop - 1)
                yield piece
            at = self.stop
        except (UnknownItem, UnknownDesk):
            # All desks hold it by now, or this one is no longer any.  What is missing
            # makes the download short, which every client notices.
            return
        finally:
            self._end(at)

    def _read_item(self, number: int, start: int) -> Iterator[bytes]:
        for piece in self.drop.intake.read(number, start=start):
            # A download takes hours, and who is removed is out at once.
            self.drop.desks.assert_active(self.officer.desk_id)
            yield piece

    def _end(self, at: int) -> None:
        if not (self.whole and at == self.stop):
            if at > self.start:
                self._append(PART, self._bytes(self.start, at))
            if not covers(self._parts_sent(), self.bundle.size_bytes):
                return
        self._append(FETCHED, f"{self.bundle.size_bytes} bytes")
        # Removed behind the last piece: it was fetched, and there is no next time.
        with suppress(UnknownDesk):
            self.drop.desks.note_collected(self.officer.desk_id, self.manifest.through)

    def _parts_sent(self) -> Iterator[tuple[int, int]]:
        """Yield what was sent of this bundle since it was last fetched whole."""
        for line in self.drop.records.ending_with(
            self._ending, fingerprint=self.officer.fingerprint
        ):
            if line.action == FETCHED:
                return
            found = _PART.fullmatch(line.detail)
            if line.action == PART and found:
                yield int(found[1]), int(found[2]) + 1

    def _append(self, action: str, said: str) -> None:
        self.drop.records.append(
            day=self.today(),
            fingerprint=self.officer.fingerprint,
            action=action,
            detail=f"{self.manifest.after + 1}-{self.manifest.through}: "
            f"{len(self.manifest.items)} items, {said}{self._ending}",
        )

    def _bytes(self, start: int, stop: int) -> str:
        return f"bytes {start}-{stop - 1} of {self.bundle.size_bytes}"

    @property
    def _ending(self) -> str:
        return f", bundle {self.bundle.digest}"


def covers(parts: Iterable[tuple[int, int]], size_bytes: int) -> bool:
    """
    Tell whether parts make the whole together.

    Args:
        parts: From where, and up to where, in any order.

        size_bytes: Of the whole.
    """
    reached = 0
    for start, stop in sorted(parts):
        if start > reached:
            break
        reached = max(reached, stop)
    return reached >= size_bytes
