"""The identity of a server, read out and typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.installation import MalformedIdentity, parse_spoken, spoken
from casework.training import INSTALLATION_BYTES

ZEROS = "0000 0000 0000 0000 0000 0000 0000 0000 1e68"


@given(st.binary(min_size=INSTALLATION_BYTES, max_size=INSTALLATION_BYTES))
def test_what_is_read_out_is_understood(installation: bytes) -> None:
    """
    In groups, in capitals, with hyphens or without anything.
    """
    said = spoken(installation)

    assert 9 == len(said.split())
    for typed in (said, said.upper(), said.replace(" ", "-"), said.replace(" ", "")):
        assert installation == parse_spoken(f" {typed}\n")


def test_it_never_changes() -> None:
    """
    What was written down on paper years ago is still the same server.
    """
    assert ZEROS == spoken(bytes(INSTALLATION_BYTES))


@given(
    st.binary(min_size=INSTALLATION_BYTES, max_size=INSTALLATION_BYTES),
    st.integers(0, 31),
    st.integers(1, 15),
)
def test_one_wrong_digit_is_noticed(
    installation: bytes, place: int, difference: int
) -> None:
    """
    But for one time in 65,536, which a bundle of the right server then notices.
    """
    digits = spoken(installation).replace(" ", "")
    other = f"{int(digits[place], 16) ^ difference:x}"
    slipped = digits[:place] + other + digits[place + 1 :]
    wrong = bytes.fromhex(slipped[:32])
    if spoken(wrong).split()[-1] == slipped[32:]:
        return  # The one time.

    with pytest.raises(MalformedIdentity, match="slip"):
        parse_spoken(slipped)


@given(st.text(max_size=60))
def test_nothing_else_is_an_identity(text: str) -> None:
    """
    Whatever is typed is refused with one error, and nothing else.
    """
    with pytest.raises(MalformedIdentity):
        parse_spoken(text)
