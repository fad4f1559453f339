"""Threads in a waiting room."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from fairness.circuits import Pseudonym
from fairness.errors import Crowded
from fairness.turns import Turn, Turns
from fairness.waiting import Line, Room

SECONDS = 20.0
SEATS = {Line.FIRST: 4, Line.SECOND: 4}


def who(number: int) -> Pseudonym:
    """Somebody."""
    return Pseudonym(bytes([number]) * 16)


def turns(places: int = 1, patience_seconds: float = SECONDS) -> Turns:
    """A room with a few seats."""
    return Turns(
        Room(places=places, reserved=0, seats=SEATS, each=3),
        patience_seconds=patience_seconds,
        clock=lambda: 0.0,
    )


def until(happened: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.002)


class Visit(threading.Thread):
    """Somebody who takes a turn and holds it until they are let go."""

    def __init__(self, room: Turns, number: int, line: Line = Line.FIRST) -> None:
        super().__init__()
        self.room, self.number, self.line = room, number, line
        self.go = threading.Event()
        self.turn: Turn | None = None
        self.refused = False
        self.start()

    def run(self) -> None:
        """Take a turn."""
        try:
            with self.room.take(who(self.number), self.line) as self.turn:
                self.go.wait(SECONDS)
        except Crowded:
            self.refused = True

    def end(self) -> None:
        """Let go."""
        self.go.set()
        self.join(SECONDS)
        assert not self.is_alive()


def test_everybody_is_served_in_turn() -> None:
    """One place, four people: each holds it once, in the order of coming."""
    room = turns()
    visits: list[Visit] = []
    for number in range(4):
        visits.append(Visit(room, number))
        until(lambda: room.waiting == len(visits) - 1)
    for number, visit in enumerate(visits):
        until(lambda visit=visit: visit.turn is not None)  # type: ignore[misc]
        assert all(later.turn is None for later in visits[number + 1 :])
        visit.end()
    assert [False] * 4 == [visit.refused for visit in visits]


def test_patience_ends() -> None:
    """Who has waited too long is told, and their seat is free again."""
    room = turns(patience_seconds=0.05)
    holder = Visit(room, 1)
    until(lambda: holder.turn is not None)

    with pytest.raises(Crowded), room.take(who(2), Line.FIRST):
        pytest.fail("there was no place")

    assert 0 == room.waiting
    holder.end()
    with room.take(who(2), Line.FIRST):
        assert 0 == room.waiting


def test_who_gives_way_is_told_at_once() -> None:
    """Nobody sits out their patience on a seat that they have lost."""
    room = turns()
    holder = Visit(room, 1)
    until(lambda: holder.turn is not None)
    waiting = [Visit(room, number, Line.SECOND) for number in range(2, 6)]
    until(lambda: room.waiting == 4)

    with suppress(Crowded), room.take(who(9), Line.SECOND, later_seconds=99.0):
        pytest.fail("there was no seat")
    before = Turns.take(room, who(9), Line.SECOND, later_seconds=-1.0)
    entering = threading.Thread(target=lambda: before.__enter__())
    entering.start()

    until(lambda: any(visit.refused for visit in waiting))
    assert 1 == sum(visit.refused for visit in waiting)
    holder.end()
    entering.join(SECONDS)
    before.__exit__(None, None, None)
    for visit in waiting:
        visit.end()


def test_an_interrupted_turn_comes_back() -> None:
    """
    Who passes a place on gets another one after those who waited, even in a full room.
    """
    room = turns()
    with room.take(who(1), Line.SECOND) as turn:
        waiting = [Visit(room, number, Line.SECOND) for number in range(2, 6)]
        until(lambda: room.waiting == 4)
        for visit in waiting:
            visit.go.set()
        turn.pass_on(later_seconds=1.0)
        assert [True] * 4 == [visit.turn is not None for visit in waiting]
    for visit in waiting:
        visit.end()


def test_a_turn_is_kept_while_nobody_waits() -> None:
    """There is nobody to pass it on to."""
    room = turns()
    with room.take(who(1), Line.SECOND) as turn:
        ticket = turn.ticket
        turn.pass_on()
        assert ticket is turn.ticket


def test_a_fault_gives_the_place_back() -> None:
    """Whatever goes wrong in a turn, the next one has the place."""
    room = turns()
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), room.take(who(1), Line.FIRST):
            raise ZeroDivisionError
    with room.take(who(2), Line.FIRST):
        assert 0 == room.waiting
