"""Chance draws evenly from the bytes it is given."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.deaddrop_samples import seeded

from deaddrop.chance import Chance


@given(bound=st.integers(1, 2**63), seed=st.integers(0, 1000))
def test_below_stays_below(bound: int, seed: int) -> None:
    """A number is never below 0 nor as large as the bound."""
    assert 0 <= Chance(seeded(seed)).below(bound) < bound


def test_below_is_even() -> None:
    """Each of 181 numbers is drawn about as often as the others."""
    chance = Chance(seeded(9))
    counted = Counter(chance.below(181) for _ in range(18_100))
    assert 181 == len(counted)
    assert 140 < sum((count - 100) ** 2 / 100 for count in counted.values()) < 230


@given(items=st.lists(st.integers()), seed=st.integers(0, 1000))
def test_shuffled_keeps_everything(items: list[int], seed: int) -> None:
    """Shuffling loses nothing and adds nothing."""
    assert sorted(items) == sorted(Chance(seeded(seed)).shuffled(items))


def test_every_order_occurs() -> None:
    """All six orders of three things are about as frequent."""
    chance = Chance(seeded(10))
    counted = Counter(tuple(chance.shuffled("abc")) for _ in range(6_000))
    assert 6 == len(counted)
    assert all(900 < count < 1_100 for count in counted.values())


def test_a_short_source_is_refused() -> None:
    """A source that gives less than asked for is an error, not less randomness."""
    with pytest.raises(ValueError, match="ran short"):
        Chance(lambda size: bytes(size - 1)).bytes(32)


def test_no_number_is_below_zero() -> None:
    """There is nothing to draw below a bound of zero."""
    with pytest.raises(ValueError, match="at least 1"):
        Chance(seeded(1)).below(0)
