"""Who is served next: rules that hold for every crowd."""

from collections import Counter
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fairness.circuits import Pseudonym
from fairness.errors import Crowded
from fairness.waiting import SHARE, Line, Room, Ticket, WaitingRoom

ROOM = Room(places=3, reserved=1, seats={Line.FIRST: 4, Line.SECOND: 3}, each=2)
MOST_BACK = 20
PEOPLE = [None, *(Pseudonym(bytes([number]) * 16) for number in range(6))]


class Crowd(RuleBasedStateMachine):
    """
    People come, are called, leave, are interrupted and give up, in any order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.room = WaitingRoom(ROOM)
        self.now = 0
        self.second_passed_over = 0
        # Of each who waits: how many were called before them although they came
        # later than anything could put them back.
        self.came: dict[Ticket, int] = {}

    def _join(self, who: Pseudonym | None, line: Line, back: int) -> None:
        before = self.room.waiting
        try:
            ticket, displaced = self.room.join(who, line, rank=self.now + back)
        except Crowded:
            assert before == self.room.waiting
            seated = [one for one in before if one.line is line and not one.begun]
            full = len(seated) >= ROOM.seats[line]
            mine = [one for one in before | self.room.served if one.who == who]
            assert full or (who is not None and len(mine) >= ROOM.each)
            return
        self.came[ticket] = self.now
        if displaced is not None:
            assert ticket < displaced
            assert (line, False) == (displaced.line, displaced.begun)
            del self.came[displaced]

    @rule(
        who=st.sampled_from(PEOPLE),
        line=st.sampled_from(Line),
        back=st.integers(0, MOST_BACK),
    )
    def somebody_comes(self, who: Pseudonym | None, line: Line, back: int) -> None:
        """Somebody stands in a line, or is turned away and nothing changes."""
        self.now += 1
        self._join(who, line, back)

    @rule(steps=st.integers(1, 30))
    def time_passes(self, steps: int) -> None:
        """The clock goes on."""
        self.now += steps

    @rule()
    def a_place_is_given(self) -> None:
        """Whoever is next is called."""
        waiting, served = self.room.waiting, self.room.served
        taken_by_second = sum(one.line is Line.SECOND for one in served)
        free = {
            Line.FIRST: len(served) < ROOM.places,
            Line.SECOND: len(served) < ROOM.places
            and taken_by_second < ROOM.places - ROOM.reserved,
        }
        ready = {one.line for one in waiting if free[one.line]}
        ticket = self.room.call()
        if ticket is None:
            # Nobody is kept out of a free place that is theirs.
            assert not ready
            return
        # In a line the order is that of the tickets.
        assert ticket == min(one for one in waiting if one.line is ticket.line)
        # Nobody is passed over by who came more than the longest penalty later.
        left = [one for one in self.room.waiting if one.line is ticket.line]
        assert all(self.came[ticket] - self.came[one] <= MOST_BACK for one in left)
        # Neither line starves the other.
        if ready == set(Line):
            if ticket.line is Line.FIRST:
                self.second_passed_over += 1
            assert self.second_passed_over <= SHARE
        if ticket.line is Line.SECOND or not any(
            one.line is Line.SECOND for one in waiting
        ):
            self.second_passed_over = 0
        del self.came[ticket]

    @precondition(lambda self: self.room.served)
    @rule(choose=st.randoms(use_true_random=False))
    def somebody_is_done(self, choose: Random) -> None:
        """A place becomes free."""
        self.room.leave(choose.choice(sorted(self.room.served)))

    @precondition(lambda self: self.room.served)
    @rule(choose=st.randoms(use_true_random=False), back=st.integers(0, MOST_BACK))
    def somebody_is_interrupted(
        self,
        choose: Random,
        back: int,
    ) -> None:
        """A place is passed on, and another one waited for."""
        ticket = choose.choice(sorted(self.room.served))
        self.room.leave(ticket)
        again, displaced = self.room.join(
            ticket.who, ticket.line, rank=self.now + back, begun=True
        )
        assert displaced is None
        self.came[again] = self.now

    @precondition(lambda self: self.came)
    @rule(choose=st.randoms(use_true_random=False))
    def somebody_gives_up(self, choose: Random) -> None:
        """Patience ends."""
        ticket = choose.choice(sorted(self.came))
        self.room.leave(ticket)
        del self.came[ticket]

    @invariant()
    def the_room_is_bounded(self) -> None:
        """Nobody is lost, and no more are in than fit."""
        assert set(self.came) == self.room.waiting
        assert len(self.room.served) <= ROOM.places
        for line in Line:
            seated = [
                one for one in self.room.waiting if one.line is line and not one.begun
            ]
            assert len(seated) <= ROOM.seats[line]
        each = Counter(one.who for one in self.room.waiting | self.room.served)
        del each[None]
        assert max(each.values(), default=0) <= ROOM.each


Crowd.TestCase.settings = settings(
    max_examples=150, stateful_step_count=60, deadline=None
)
TestCrowd = Crowd.TestCase


def serve_all(room: WaitingRoom) -> list[Pseudonym | None]:
    """Serve one after the other until nobody waits."""
    served = []
    while (ticket := room.call()) is not None:
        served.append(ticket.who)
        room.leave(ticket)
    return served


def test_a_stranger_passes_those_who_had_much() -> None:
    """
    Before fifty circuits that were served of late goes one that was not.
    """
    room = WaitingRoom(
        Room(places=1, reserved=0, seats={Line.FIRST: 60, Line.SECOND: 1}, each=1)
    )
    hostile = [Pseudonym(bytes([number]) * 16) for number in range(1, 51)]
    for number, who in enumerate(hostile):
        room.join(who, Line.FIRST, rank=number * 0.1 + 15.0)
    reporter = Pseudonym(b"r" * 16)
    room.join(reporter, Line.FIRST, rank=5.0)

    assert [reporter, *hostile] == serve_all(room)


def test_a_stranger_gets_a_seat_in_a_full_room() -> None:
    """
    The last of those who had much gives way, and is told so.
    """
    room = WaitingRoom(
        Room(places=1, reserved=0, seats={Line.FIRST: 3, Line.SECOND: 1}, each=1)
    )
    hostile = [
        room.join(Pseudonym(bytes([number]) * 16), Line.FIRST, rank=15.0 + number)[0]
        for number in range(3)
    ]

    _, displaced = room.join(Pseudonym(b"r" * 16), Line.FIRST, rank=4.0)

    assert hostile[2] == displaced
    with pytest.raises(Crowded):
        room.join(Pseudonym(b"s" * 16), Line.FIRST, rank=60.0)


def test_new_codenames_leave_a_place_for_those_who_return() -> None:
    """
    However many come for a new codename, a reserved place is free for a sign-in.
    """
    room = WaitingRoom(ROOM)
    for number in range(3):
        room.join(Pseudonym(bytes([number]) * 16), Line.SECOND, rank=number)
    called = [room.call() for _ in range(3)]
    assert [True, True, False] == [ticket is not None for ticket in called]

    ticket, _ = room.join(Pseudonym(b"r" * 16), Line.FIRST, rank=99.0)

    assert ticket == room.call()


@pytest.mark.parametrize(
    ("places", "reserved", "seats", "each"),
    [(1, 1, 1, 1), (0, 0, 1, 1), (1, 0, 0, 1), (1, 0, 1, 0)],
)
def test_a_room_that_serves_nobody_is_refused(
    places: int, reserved: int, seats: int, each: int
) -> None:
    """A room needs a place for everybody, and seats."""
    with pytest.raises(ValueError, match=r"place|seat"):
        Room(places, reserved, dict.fromkeys(Line, seats), each)
