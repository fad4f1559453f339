"""Ranges: what RFC 9110 (13.1.5 and 14) says of a header, the courier answers to it."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.courier_site import HOST, Courier
from support.office import NAMES, Office
from support.reporters import Reporter

from journalist_app.courier.errors import UnsatisfiableRange
from journalist_app.courier.range_header import wanted_part

TAG = '"snapshot"'
UNSATISFIABLE = "unsatisfiable"
# Past what Python turns into a number.
HUGE = "9" * 5000

Outcome = tuple[int, int] | str | None


@pytest.fixture
def address(courier: Courier, office: Office) -> str:
    """Where the bundle of an officer who is in lies: two items."""
    for number in range(2):
        office.send(Reporter(f"p{number}").write(), to=NAMES[:2])
    courier.enter(courier.account())
    return courier.address()


def by_the_book(first: str, last: str, size: int) -> Outcome:
    """Decide about one part by listing, byte by byte, what it is of a bundle."""
    if not first and not last:
        return None
    everything = range(size)
    if not first:
        part: Sequence[int] = everything[-int(last) :] if int(last) else ()
    elif last and int(last) < int(first):
        return None
    else:
        part = [
            byte
            for byte in everything
            if byte >= int(first) and (not last or byte <= int(last))
        ]
    return (part[0], part[-1] + 1) if part else UNSATISFIABLE


def outcome(asked: str | None, size: int, if_range: str | None = None) -> Outcome:
    """Ask the courier's own function."""
    try:
        return wanted_part(asked, if_range, size_bytes=size, entity_tag=TAG)
    except UnsatisfiableRange:
        return UNSATISFIABLE


NUMBERS = st.one_of(
    st.just(""),
    st.integers(0, 40).map(str),
    st.integers(0, 40).map("{:09}".format),
    st.integers(10**17, 10**30).map(str),
)


@given(NUMBERS, NUMBERS, st.integers(1, 30))
@example("", "40", 30)
@example("", "0", 30)
@example("30", "", 30)
@example("29", "", 30)
@example("0", "29", 30)
@example("5", "4", 30)
def test_one_part_is_what_the_rfc_says(first: str, last: str, size: int) -> None:
    """Any two numbers, present or not, and any size."""
    expected = by_the_book(first, last, size)
    found = outcome(f"bytes={first}-{last}", size)
    if len(first) > 18 and len(last) > 18 and expected is None:
        # Backwards and behind the end: it may be ignored or refused (14.2).
        assert found in (None, UNSATISFIABLE)
    else:
        assert expected == found


@pytest.mark.parametrize(
    "asked",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=,",
        "bytes=a-b",
        "bytes=1",
        "bytes=--1",
        "bytes=+1-2",
        "bytes=1-2-3",
        "bytes=1 -2",
        "bytes=\u0661-\u0662",
        "bytes =0-1",
        "items=0-1",
        "bytes=0-1,3-4",
        "bytes=0-1,-1",
        "bytes=40-50,60-70",
        "bytes=4-2",
    ],
)
def test_what_is_no_single_part_is_ignored(asked: str | None) -> None:
    """Malformed, another unit, several parts, backwards: the whole is given."""
    assert outcome(asked, 30) is None


@pytest.mark.parametrize(
    "asked", ["BYTES=3-5", "bytes=3-5,", "bytes= , 3-5", " bytes=3-5 "]
)
def test_the_unit_has_no_case_and_a_list_may_have_gaps(asked: str) -> None:
    """RFC 9110, sections 14.1 and 5.6.1.2."""
    assert (3, 6) == outcome(asked, 30)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (f"bytes={HUGE}-", UNSATISFIABLE),
        (f"bytes=-{HUGE}", (0, 30)),
        (f"bytes=29-{HUGE}", (29, 30)),
        (f"bytes={'0' * 5000}7-7", (7, 8)),
    ],
)
def test_numbers_of_any_length_are_read(asked: str, expected: Outcome) -> None:
    """As far as they matter: no file has as many bytes."""
    assert expected == outcome(asked, 30)


@pytest.mark.parametrize(
    "if_range",
    [
        "",
        '"other"',
        "snapshot",
        f"W/{TAG}",
        "Thu, 26 Nov 2026 08:00:00 GMT",
        f"{TAG}, {TAG}",
    ],
)
def test_a_part_of_anything_else_is_not_given(if_range: str) -> None:
    """Only the snapshot's own tag, compared strongly, leaves the range in force."""
    assert outcome("bytes=3-5", 30, if_range) is None
    assert outcome("bytes=90-", 30, if_range) is None
    assert (3, 6) == outcome("bytes=3-5", 30, TAG)
    assert UNSATISFIABLE == outcome("bytes=90-", 30, TAG)


# What gunicorn lets through in a header's value, much of it nearly a range.
LINES = st.one_of(
    st.from_regex(r"(bytes|BYTES|items)? ?=[0-9, \t-]{0,12}", fullmatch=True),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30),
    st.builds("bytes={}-{}".format, NUMBERS, NUMBERS),
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(LINES)
@example(f"bytes={HUGE}-{HUGE}")
def test_any_header_gets_a_right_answer(
    courier: Courier, address: str, line: str
) -> None:
    """The whole, a part that is what it says it is, or a refusal with the size."""
    whole = courier.client.get(address, base_url=HOST, buffered=True).data
    answer = courier.get(address, Range=line)
    single = re.fullmatch(r"[ \t]*bytes=[ \t,]*(\d*)-(\d*)[ \t,]*", line, re.I | re.A)
    expected = None
    if single and max(map(len, single.groups())) < 4000:
        expected = by_the_book(single[1], single[2], len(whole))
    if answer.status_code == 416:
        assert f"bytes */{len(whole)}" == answer.headers["Content-Range"]
        assert b"" == answer.data
        # Backwards and far behind the end may be refused as well.
        assert expected in (None, UNSATISFIABLE)
        assert single is not None
    elif answer.status_code == 206:
        assert isinstance(expected, tuple)
        start, stop = expected
        said = f"bytes {start}-{stop - 1}/{len(whole)}"
        assert said == answer.headers["Content-Range"]
        assert whole[start:stop] == answer.data
        assert str(stop - start) == answer.headers["Content-Length"]
    else:
        assert 200 == answer.status_code
        assert whole == answer.data
        assert "Content-Range" not in answer.headers
        assert expected is None


@pytest.mark.parametrize("asked", ["bytes=-{more}", "bytes=0-", "bytes=0-{more}"])
def test_all_of_it_as_a_part_is_the_whole(
    courier: Courier, address: str, asked: str
) -> None:
    """A suffix longer than the bundle, too: given, and recorded as fetched at once."""
    whole = courier.get(address).data
    answer = courier.get(address, Range=asked.format(more=len(whole) + 1))
    assert (206, whole) == (answer.status_code, answer.data)
    said = f"bytes 0-{len(whole) - 1}/{len(whole)}"
    assert said == answer.headers["Content-Range"]
    actions = [action for action, _ in courier.recorded()]
    assert ["signed-in", *["fetching", "fetched"] * 2] == actions


@pytest.mark.parametrize("asked", ["bytes=3-5", "bytes=-0", "bytes=999999999-"])
def test_a_question_for_the_head_has_no_parts(
    courier: Courier, address: str, asked: str
) -> None:
    """RFC 9110, section 14.2: a range is defined for GET alone."""
    plain = courier.client.head(address, base_url=HOST)
    answer = courier.client.head(address, base_url=HOST, headers={"Range": asked})
    assert (200, b"") == (answer.status_code, answer.data)
    assert plain.headers == answer.headers
    assert "bytes" == answer.headers["Accept-Ranges"]


def test_a_part_that_is_refused_changes_nothing(courier: Courier, address: str) -> None:
    """Nothing is recorded: nothing was sent."""
    before = courier.recorded()
    for asked in ("bytes=-0", f"bytes={HUGE}-"):
        assert 416 == courier.get(address, Range=asked).status_code
    assert before == courier.recorded()
