"""
Waiting: who is served next, and who is asked to come back later.

    FIRST    people with a codename, short texts     |o|o|o|o|--3 of 4--+
                                                                        +--> places
    SECOND   new codenames, new reports, uploads     |o|o|-----1 of 4---+

Within a line, who has had the least of late goes first: each use of the last minute
counts as if its circuit had come some seconds later.  That is fixed when somebody
joins the line, so everybody's turn comes: whoever comes later than those seconds
allow stands behind them.

A line has so many seats.  If all are taken, the last in it gives way to somebody who
would stand before them.  Who has begun and was interrupted always has a seat.

No threads, no clock and no chance in here; `fairness.turns` has them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fairness.circuits import Pseudonym
from fairness.errors import Crowded

# So many turns of the first line to one of the second, while somebody waits in both.
SHARE = 3


class Line(StrEnum):
    """What somebody comes for."""

    FIRST = "first"
    SECOND = "second"


@dataclass(frozen=True, order=True)
class Ticket:
    """
    Somebody's place in a line.

    Attributes:
        rank: When they came, in seconds, later by what they have had of late.

        number: Of the ticket, in the order of coming.

        begun: Whether they were served before and were interrupted.
    """

    rank: float
    number: int
    line: Line = field(compare=False)
    who: Pseudonym | None = field(compare=False, repr=False)
    begun: bool = field(compare=False, default=False)


@dataclass(frozen=True)
class Room:
    """
    How large a waiting room is.

    Attributes:
        places: How many are served at once.

        reserved: So many of the places are for the first line alone.

        seats: How many may wait in each line.

        each: How many of one circuit may wait or be served at once.
    """

    places: int
    reserved: int
    seats: Mapping[Line, int]
    each: int

    def __post_init__(self) -> None:
        if not 0 <= self.reserved < self.places:
            raise ValueError("a place must be left that is not reserved")
        if self.each < 1 or min(self.seats[line] for line in Line) < 1:
            raise ValueError("everybody needs a seat at least")


class WaitingRoom:
    """Two lines before a few places."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._waiting: dict[Line, list[Ticket]] = {line: [] for line in Line}
        self._served: set[Ticket] = set()
        self._in_a_row = 0
        self._number = 0

    def join(
        self, who: Pseudonym | None, line: Line, *, rank: float, begun: bool = False
    ) -> tuple[Ticket, Ticket | None]:
        """
        Stand in a line.

        Raises:
            Crowded: If there is no seat, or one circuit has come too often; nothing
                has changed.

        Returns:
            The ticket, and that of somebody who had to give way, if any.
        """
        waiting = self._waiting[line]
        self._number += 1
        ticket = Ticket(rank, self._number, line, who, begun)
        displaced = None
        if not begun:
            if who is not None and self._count(who) >= self._room.each:
                raise Crowded(Crowded.__doc__)
            seated = [one for one in waiting if not one.begun]
            if len(seated) >= self._room.seats[line]:
                displaced = max(seated)
                if displaced < ticket:
                    raise Crowded(Crowded.__doc__)
                waiting.remove(displaced)
        waiting.append(ticket)
        return ticket, displaced

    def call(self) -> Ticket | None:
        """Give a free place to whoever is next; None if nobody can have one."""
        line = self._next_line()
        if line is None:
            return None
        both = all(self._waiting[one] for one in Line)
        self._in_a_row = self._in_a_row + 1 if both and line is Line.FIRST else 0
        ticket = min(self._waiting[line])
        self._waiting[line].remove(ticket)
        self._served.add(ticket)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give up a place, or a seat."""
        if ticket in self._served:
            self._served.remove(ticket)
        else:
            self._waiting[ticket.line].remove(ticket)

    @property
    def served(self) -> frozenset[Ticket]:
        """Who has a place."""
        return frozenset(self._served)

    @property
    def waiting(self) -> frozenset[Ticket]:
        """Who has none yet."""
        return frozenset(one for line in Line for one in self._waiting[line])

    def _next_line(self) -> Line | None:
        ready = [line for line in Line if self._waiting[line] and self._is_free(line)]
        if len(ready) < len(Line):
            return ready[0] if ready else None
        return Line.SECOND if self._in_a_row >= SHARE else Line.FIRST

    def _is_free(self, line: Line) -> bool:
        if len(self._served) >= self._room.places:
            return False
        if line is Line.FIRST:
            return True
        taken = sum(one.line is Line.SECOND for one in self._served)
        return taken < self._room.places - self._room.reserved

    def _count(self, who: Pseudonym) -> int:
        return sum(one.who == who for one in self.waiting | self._served)
