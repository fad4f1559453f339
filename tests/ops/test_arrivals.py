"""Who gives way when places are scarce."""

import io
from dataclasses import dataclass, field

import pytest

from ops.arrivals import (
    HEAD_SECONDS,
    HEAD_SECONDS_IN_A_CROWD,
    JUDGED_AFTER_SECONDS,
    SLOWEST_BYTES_A_SECOND,
    Arrivals,
)


@dataclass
class World:
    """A clock moved by hand, and what was closed."""

    seconds: float = 0.0
    closed: list[str] = field(default_factory=list)

    def arrivals(self) -> Arrivals:
        """Nobody has come yet."""
        return Arrivals(lambda: self.seconds)


class Dripping(io.BytesIO):
    """A body that takes its time."""

    def __init__(self, world: World, *, piece: int, seconds: float) -> None:
        super().__init__(bytes(10 * 1024 * 1024))
        self.world, self.piece, self.seconds = world, piece, seconds

    def read(self, size: int | None = -1, /) -> bytes:
        """Take a while for each piece."""
        self.world.seconds += self.seconds
        return super().read(min(size or 0, self.piece))


def drip(
    world: World, arrivals: Arrivals, body: Dripping, *, pieces: int, crowded: bool
) -> list[str]:
    """Read some pieces of a body; what is closed is asked for in the midst of each."""
    with arrivals.body(body, lambda: world.closed.append("body")) as stream:
        step = body.read

        def read(size: int | None = -1, /) -> bytes:
            piece = step(size)
            arrivals.give_way(crowded=crowded)
            return piece

        body.read = read  # type: ignore[method-assign]
        for _ in range(pieces):
            stream.read(8 * 1024)
    return world.closed


@pytest.mark.parametrize(
    ("piece", "crowded", "closed"),
    [
        (SLOWEST_BYTES_A_SECOND // 2, True, ["body"]),
        (SLOWEST_BYTES_A_SECOND // 2, False, []),
        (SLOWEST_BYTES_A_SECOND * 3, True, []),
    ],
    ids=["slow in a crowd", "slow and alone", "fast enough in a crowd"],
)
def test_only_the_slow_give_way_and_only_in_a_crowd(
    piece: int, crowded: bool, closed: list[str]
) -> None:
    """A byte a second holds no place that others need."""
    world = World()
    body = Dripping(world, piece=piece, seconds=1.0)
    pieces = int(JUDGED_AFTER_SECONDS) + 5
    assert closed == drip(world, world.arrivals(), body, pieces=pieces, crowded=crowded)


def test_no_credit_for_a_quick_beginning() -> None:
    """Megabytes at first do not pay for an hour of drops."""
    world = World()
    arrivals = world.arrivals()
    quick = Dripping(world, piece=8 * 1024, seconds=0.1)
    assert [] == drip(world, arrivals, quick, pieces=500, crowded=True)
    with arrivals.body(quick, lambda: world.closed.append("body")) as stream:
        for piece, seconds in ((8 * 1024, 0.1), (1, 1.0)):
            quick.piece, quick.seconds = piece, seconds
            for _ in range(500):
                stream.read(8 * 1024)
    assert ["body"] == world.closed


def test_waiting_for_a_turn_is_not_slowness() -> None:
    """Only the time in which bytes are waited for counts."""
    world = World()
    arrivals = world.arrivals()
    body = Dripping(world, piece=1, seconds=0.1)
    with arrivals.body(body, lambda: world.closed.append("body")) as stream:
        stream.read(1)
        world.seconds += 3600
        arrivals.give_way(crowded=True)
        stream.read(1)
        arrivals.give_way(crowded=True)
    assert [] == world.closed


@pytest.mark.parametrize(
    ("crowded", "seconds"),
    [(False, HEAD_SECONDS), (True, HEAD_SECONDS_IN_A_CROWD)],
)
def test_a_head_has_its_time(crowded: bool, seconds: float) -> None:
    """A request that does not begin is closed once; one that has begun is not."""
    world = World()
    arrivals = world.arrivals()
    with (
        arrivals.head(lambda: world.closed.append("late")),
        arrivals.head(lambda: world.closed.append("begun")) as begun,
    ):
        assert 2 == arrivals.busy
        arrivals.head_ended(begun)
        world.seconds += seconds - 0.1
        assert 0 == arrivals.give_way(crowded=crowded)
        world.seconds += 0.2
        assert 1 == arrivals.give_way(crowded=crowded)
        assert 0 == arrivals.give_way(crowded=crowded)
    assert (["late"], 0) == (world.closed, arrivals.busy)
