"""
Turns: threads that wait in a waiting room until they are called.

    with turns.take(who, Line.FIRST) as turn:
        ...                       has a place
        turn.pass_on()            gives it to who waits, and takes another turn
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fairness.circuits import Pseudonym
from fairness.errors import Crowded
from fairness.waiting import Line, Room, Ticket, WaitingRoom


@dataclass
class _Seat:
    """Somebody who waits: told when they are called or have to give way."""

    told: threading.Event = field(default_factory=threading.Event)
    called: bool = False


class Turn:
    """A place, for as long as it is held."""

    def __init__(self, turns: "Turns", ticket: Ticket) -> None:
        self._turns = turns
        self.ticket = ticket

    def pass_on(self, *, later_seconds: float = 0.0) -> None:
        """
        Let those who wait go first; whoever has begun is never turned away.

        Args:
            later_seconds: As in `Turns.take`.
        """
        self.ticket = self._turns.retake(self.ticket, later_seconds)


class Turns:
    """A waiting room with threads in it."""

    def __init__(
        self,
        room: Room,
        *,
        patience_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        """
        Args:
            room: How large it is.

            patience_seconds: How long somebody waits before they are asked to come
                back later.

            clock: Seconds from any beginning that never go back.
        """
        self._room = WaitingRoom(room)
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._seats: dict[Ticket, _Seat] = {}

    @contextmanager
    def take(
        self, who: Pseudonym | None, line: Line, *, later_seconds: float = 0.0
    ) -> Iterator[Turn]:
        """
        Wait for a place, and hold it.

        Args:
            later_seconds: Stand in the line as if come so much later.

        Raises:
            Crowded: If there is no seat, or it took too long.
        """
        turn = Turn(self, self._wait(who, line, later_seconds))
        try:
            yield turn
        finally:
            self._leave(turn.ticket)

    def retake(self, ticket: Ticket, later_seconds: float) -> Ticket:
        """Give a place up to those who wait, and wait for another one."""
        with self._lock:
            if not self._room.waiting:
                return ticket
            self._room.leave(ticket)
            again, _ = self._room.join(
                ticket.who,
                ticket.line,
                rank=self._clock() + later_seconds,
                begun=True,
            )
            seat = self._seats[again] = _Seat()
            self._call()
        seat.told.wait()
        return again

    @property
    def waiting(self) -> int:
        """How many wait."""
        with self._lock:
            return len(self._room.waiting)

    def _wait(self, who: Pseudonym | None, line: Line, later_seconds: float) -> Ticket:
        with self._lock:
            ticket, displaced = self._room.join(
                who, line, rank=self._clock() + later_seconds
            )
            seat = self._seats[ticket] = _Seat()
            if displaced is not None:
                self._seats.pop(displaced).told.set()
            self._call()
        seat.told.wait(self._patience_seconds)
        with self._lock:
            if seat.called:
                return ticket
            if self._seats.pop(ticket, None) is not None:
                self._room.leave(ticket)
        raise Crowded(Crowded.__doc__)

    def _leave(self, ticket: Ticket) -> None:
        with self._lock:
            self._room.leave(ticket)
            self._call()

    def _call(self) -> None:
        while (ticket := self._room.call()) is not None:
            seat = self._seats.pop(ticket)
            seat.called = True
            seat.told.set()
