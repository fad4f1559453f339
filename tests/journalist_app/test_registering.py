"""Registration numbers: which slips are found, and what a number says of a case."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.casework_samples import Vector, named, vectors

from journalist_app.workstation.registering import (
    ALPHABET,
    MistypedNumber,
    new_number,
    parse_number,
    prefix_of,
)

VECTORS = vectors("registration-number.json")
DESKS = st.binary(min_size=16, max_size=16)
DRAWN = st.binary(min_size=5, max_size=5)


def number_of(desk_id: bytes, drawn: bytes) -> str:
    """Draw a number, with these bytes for chance."""
    return new_number(desk_id, entropy=lambda _size: drawn, taken=lambda _one: False)


def is_number(characters: str) -> bool:
    """Tell whether this is taken for a number."""
    try:
        parse_number(characters)
    except MistypedNumber:
        return False
    return True


@pytest.mark.parametrize("vector", VECTORS["good"], ids=named)
def test_good_vectors(vector: Vector) -> None:
    """A desk and chance make one number, which is understood as people write it."""
    desk_id, drawn = bytes.fromhex(vector["desk_id"]), bytes.fromhex(vector["drawn"])
    assert vector["number"] == number_of(desk_id, drawn)
    for written in vector["written"]:
        assert vector["number"] == parse_number(written)


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=named)
def test_bad_vectors(vector: Vector) -> None:
    """Anything else is refused."""
    with pytest.raises(MistypedNumber, match="has a character that is wrong"):
        parse_number(vector["written"])


@given(desk_id=DESKS, drawn=DRAWN)
def test_every_wrong_character_is_found(desk_id: bytes, drawn: bytes) -> None:
    """At every place, every other character of the alphabet."""
    characters = number_of(desk_id, drawn).replace("-", "")
    unnoticed = [
        (place, wrong)
        for place, right in enumerate(characters)
        for wrong in ALPHABET
        if wrong != right
        and is_number(characters[:place] + wrong + characters[place + 1 :])
    ]
    assert [] == unnoticed


@given(desk_id=DESKS, drawn=DRAWN)
def test_every_swap_is_found(desk_id: bytes, drawn: bytes) -> None:
    """Neighbours and all others, unless they are the same character."""
    characters = number_of(desk_id, drawn).replace("-", "")
    unnoticed = []
    for one, other in combinations(range(len(characters)), 2):
        swapped = list(characters)
        swapped[one], swapped[other] = swapped[other], swapped[one]
        if characters[one] != characters[other] and is_number("".join(swapped)):
            unnoticed.append((one, other))
    assert [] == unnoticed


@given(one=DESKS, other=DESKS, drawn=DRAWN)
def test_desks_with_two_prefixes_never_give_the_same_number(
    one: bytes, other: bytes, drawn: bytes
) -> None:
    """Whatever chance gives them: a number begins with its desk's own prefix."""
    assert number_of(one, drawn).startswith(f"{prefix_of(one)}-")
    same_prefix = prefix_of(one) == prefix_of(other)
    assert same_prefix == (number_of(one, drawn) == number_of(other, drawn))


@given(desk_id=DESKS, drawn=st.lists(DRAWN, min_size=2, max_size=20))
def test_a_number_follows_from_desk_and_chance_alone(
    desk_id: bytes, drawn: list[bytes]
) -> None:
    """The same chance gives the same number as the first and as the last of many."""
    first = number_of(desk_id, drawn[0])
    for one in drawn:
        number_of(desk_id, one)
    assert first == number_of(desk_id, drawn[0])
    # 35 of the 40 bits stand in the number, and nothing else does.
    spelled = first.replace("-", "")[3:10]
    value = sum(ALPHABET.index(one) << 5 * n for n, one in enumerate(spelled[::-1]))
    assert int.from_bytes(drawn[0], "big") >> 5 == value


def test_a_number_in_use_is_not_given_again() -> None:
    """The next one is drawn."""
    drawn = iter([b"\x00" * 5, b"\x00" * 5, b"\xff" * 5])
    taken = number_of(bytes(16), b"\x00" * 5)
    number = new_number(
        bytes(16), entropy=lambda _size: next(drawn), taken=lambda one: one == taken
    )
    assert number_of(bytes(16), b"\xff" * 5) == number


@given(st.text(max_size=40))
def test_what_people_type_is_a_number_or_mistyped(untrusted_text: str) -> None:
    """Whatever is typed: one of the two, and a number is written in one way only."""
    try:
        number = parse_number(untrusted_text)
    except MistypedNumber:
        return
    assert number == parse_number(number)
