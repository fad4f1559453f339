"""Strict JSON."""

from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from casework import strict
from casework.errors import CaseworkError
from casework.strict import Count, Day, StrictModel

LIMIT_BYTES = 200
GOOD = b'{"version": 1, "day": "2027-03-05", "count": 8, "note": "rahasia"}'


class Sample(StrictModel):
    """A record with one field of every sort."""

    version: Literal[1] = 1
    day: Day
    count: Count = 0
    note: Annotated[str, Field(max_length=10)] = ""


class Malformed(CaseworkError):
    """The sample is malformed."""


def parse(content: bytes) -> Sample:
    """Parse a sample."""
    return strict.parse(Sample, content, limit_bytes=LIMIT_BYTES, malformed=Malformed)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(GOOD + b" " * LIMIT_BYTES, id="larger than the limit"),
        pytest.param(GOOD.replace(b"rahasia", b"\xff"), id="not UTF-8"),
        pytest.param(b"\xef\xbb\xbf" + GOOD, id="byte order mark"),
        pytest.param(GOOD.decode().encode("utf-16"), id="UTF-16"),
        pytest.param(GOOD[:-1], id="cut off"),
        pytest.param(GOOD + GOOD, id="twice"),
        pytest.param(GOOD[:-1] + b', "count": 8}', id="a key twice"),
        pytest.param(GOOD.replace(b"8", b"NaN"), id="NaN"),
        pytest.param(GOOD.replace(b"8", b"Infinity"), id="infinity"),
        pytest.param(GOOD.replace(b"8", b"8.0"), id="fraction"),
        pytest.param(GOOD.replace(b"8", b"8e0"), id="exponent"),
        pytest.param(GOOD.replace(b"8", b'"8"'), id="number as text"),
        pytest.param(GOOD.replace(b"8", b"true"), id="truth as number"),
        pytest.param(GOOD.replace(b": 1", b": true"), id="truth as version"),
        pytest.param(GOOD.replace(b": 1", b": 2"), id="another version"),
        pytest.param(GOOD.replace(b"8", b"-1"), id="negative"),
        pytest.param(GOOD.replace(b"8", b"9007199254740992"), id="beyond 2^53"),
        pytest.param(GOOD.replace(b"8", b"9" * 100), id="huge number"),
        pytest.param(GOOD.replace(b"8", b"null"), id="null"),
        pytest.param(GOOD.replace(b"-03-05", b"0305"), id="basic day"),
        pytest.param(GOOD.replace(b"03-05", b"W09-5"), id="week day"),
        pytest.param(GOOD.replace(b"03-05", b"02-29"), id="no such day"),
        pytest.param(GOOD.replace(b"-05", b"-05T00:00:00"), id="day with a time"),
        pytest.param(GOOD.replace(b'"2027-03-05"', b"20000"), id="day as number"),
        pytest.param(GOOD.replace(b"rahasia", b"\\ud800"), id="lone surrogate"),
        pytest.param(GOOD.replace(b"rahasia", b"x" * 11), id="too long"),
        pytest.param(GOOD.replace(b', "count": 8', b""), id="default left out"),
        pytest.param(GOOD[:-1] + b', "more": 1}', id="unknown field"),
        pytest.param(b"[" * LIMIT_BYTES, id="deeply nested"),
        pytest.param(b"[]", id="not an object"),
        pytest.param(b"", id="empty"),
    ],
)
def test_refused(content: bytes) -> None:
    """
    Whatever is not exactly such a document is refused with the format's error.
    """
    with pytest.raises(Malformed):
        parse(content)


def test_deep_nesting_is_refused_not_crashed_on() -> None:
    """
    A document nested a million deep is an error like any other.
    """
    with pytest.raises(Malformed):
        strict.parse(
            Sample, b"[" * 1_000_000, limit_bytes=2_000_000, malformed=Malformed
        )


@pytest.mark.parametrize(
    "content",
    [GOOD.replace(b"8", b'"rahasia"'), GOOD[:-1] + b', "rahasia": 1}', GOOD[:-1]],
)
def test_messages_do_not_repeat_the_document(content: bytes) -> None:
    """
    An error names the field and keeps its value, and unknown names, to itself.
    """
    with pytest.raises(Malformed) as refusal:
        parse(content)

    assert "rahasia" not in str(refusal.value)
    assert refusal.value.__suppress_context__


def test_an_error_names_the_field() -> None:
    """
    Who repairs a document reads which field is wrong.
    """
    with pytest.raises(Malformed, match="'count'"):
        parse(GOOD.replace(b"8", b"-8"))


def test_what_is_rendered_is_parsed() -> None:
    """
    Writing and reading give the same record.
    """
    sample = parse(GOOD)

    assert sample == parse(strict.render(sample))


@given(st.binary(max_size=LIMIT_BYTES + 10))
def test_any_bytes_are_parsed_or_refused(content: bytes) -> None:
    """
    No bytes make the parser raise anything but the format's error.
    """
    try:
        parse(content)
    except Malformed:
        pass


@given(st.data())
def test_any_change_is_parsed_or_refused(data: st.DataObject) -> None:
    """
    No change of a good document makes it raise anything else, either.
    """
    start = data.draw(st.integers(0, len(GOOD)))
    end = data.draw(st.integers(start, len(GOOD)))
    try:
        parse(GOOD[:start] + data.draw(st.binary(max_size=8)) + GOOD[end:])
    except Malformed:
        pass
