"""Shares: any three of five are the key, and mistakes are named by their place."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pages import ROOT

from ops.shares import (
    WORDS_IN_SHARE,
    ForeignShare,
    MistypedShare,
    UnknownWord,
    join_shares,
    parse_share,
    parse_word,
    split_seed,
)

SEED = bytes(range(32))
VECTORS = json.loads((ROOT / "tests/vectors/slip-0039.json").read_text("utf-8"))


def test_any_three_of_five() -> None:
    """Every choice of three gives the seed back, in any order."""
    shares = [parse_share(words) for words in split_seed(SEED, needed=3, count=5)]
    for some in itertools.permutations(shares, 3):
        assert SEED == join_shares(some)


def test_two_are_not_enough() -> None:
    """Two of three that are needed are refused, and say nothing of their words."""
    made = split_seed(SEED, needed=3, count=5)
    shares = [parse_share(words) for words in made[:2]]
    with pytest.raises(ForeignShare) as refusal:
        join_shares(shares)
    assert not set(made[0]) & set(str(refusal.value).split())
    assert 3 == shares[0].needed
    assert not set(made[0]) & set(repr(shares[0]).replace("=", " ").split())


def test_a_share_that_does_not_go_with_the_others() -> None:
    """The same share twice, and one of another splitting of the same key."""
    first, second, *_ = (parse_share(w) for w in split_seed(SEED, needed=2, count=3))
    other = parse_share(split_seed(SEED, needed=2, count=3)[2])
    second.check_goes_with([first])
    for foreign in (first, other):
        with pytest.raises(ForeignShare):
            foreign.check_goes_with([first, second])


@given(
    place=st.integers(0, WORDS_IN_SHARE - 1),
    exchanged=st.sampled_from(["academic", "zero", "prayer"]),
)
def test_a_mistyped_word_is_noticed(place: int, exchanged: str) -> None:
    """A word of the list in the place of another breaks the checksum."""
    words = list(split_seed(SEED, needed=2, count=2)[0])
    if words[place] == exchanged:
        return
    words[place] = exchanged
    with pytest.raises(MistypedShare) as refusal:
        parse_share(words)
    # The same words whatever was typed: nothing of the share can be in them.
    assert MistypedShare.__doc__ == str(refusal.value)


@pytest.mark.parametrize(
    ("typed", "word"),
    [("academic", "academic"), ("acad", "academic"), (" ACADem ", "academic")],
)
def test_four_letters_are_enough(typed: str, word: str) -> None:
    """A word is understood whole or by its beginning."""
    assert word == parse_word(typed)


@pytest.mark.parametrize("typed", ["", "aca", "academia", "rahasia", "academics"])
def test_a_word_that_is_none(typed: str) -> None:
    """Everything else is refused without being repeated."""
    with pytest.raises(UnknownWord) as refusal:
        parse_word(typed)
    assert not typed or typed not in str(refusal.value)


@pytest.mark.parametrize(("needed", "count"), [(1, 3), (4, 3), (2, 17), (0, 0)])
def test_unfit_numbers(needed: int, count: int) -> None:
    """One share must not be the key, and three cannot need four."""
    with pytest.raises(ValueError, match="shares"):
        split_seed(SEED, needed=needed, count=count)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, object]) -> None:
    """Shares that were made once are joined for ever, or refused."""
    shares = vector["shares"]
    assert isinstance(shares, list)
    if vector["seed"] is None:
        with pytest.raises((MistypedShare, ForeignShare)):
            join_shares([parse_share(share.split()) for share in shares])
    else:
        seed = join_shares([parse_share(share.split()) for share in shares])
        assert vector["seed"] == seed.hex()
