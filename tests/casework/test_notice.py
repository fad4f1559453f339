"""The operator's notice: what may be said, and what a file of it may look like."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.notice import (
    LONGEST_CHARACTERS,
    MOST_LINES,
    MalformedNotice,
    Notice,
    UnusableNotice,
)

GOOD = Notice.of("Tutup hari ini.\nKembalilah besok.", "Closed today.", None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "at least 1 character", id="empty"),
        pytest.param(" \n\t ", "at least 1 character", id="blank"),
        pytest.param("x" * (LONGEST_CHARACTERS + 1), "at most 700", id="too long"),
        pytest.param("x\n" * MOST_LINES + "x", "more than 10 lines", id="tall"),
        pytest.param("<b>Penting</b>", "markup", id="element"),
        pytest.param("a <script src=//x>", "markup", id="script"),
        pytest.param("5 > 4", "markup", id="greater"),
        pytest.param("tutup\x00", "control characters", id="zero"),
        pytest.param("tutup\x1b[2J hari ini", "control characters", id="escape"),
        pytest.param("tutup\r\nhari ini", "control characters", id="carriage return"),
        pytest.param("a\u202eb", "control characters", id="bidi override"),
        pytest.param("a\u2066b", "control characters", id="bidi isolate"),
        pytest.param("a\ud800", "", id="lone surrogate"),
    ],
)
@pytest.mark.parametrize("language", ["Indonesian", "English"])
def test_what_cannot_be_shown_is_refused(text: str, reason: str, language: str) -> None:
    """
    Whichever language it is in, which is named; the text itself is not repeated.
    """
    texts = {"Indonesian": "Tutup.", "English": "Closed.", language: text}

    with pytest.raises(UnusableNotice, match=f"the {language} text: .*{reason}") as no:
        Notice.of(texts["Indonesian"], texts["English"], None)

    assert len(text) < 4 or text not in str(no.value)


def test_white_space_around_a_text_goes() -> None:
    """
    The newline of an editor is not a fault.
    """
    assert GOOD == Notice.of(f"\n{GOOD.id}\n", f"  {GOOD.en}\n", None)


def test_a_day_has_an_end() -> None:
    """
    It is shown through its last day, and one without a day for ever.
    """
    closed = Notice.of("Tutup.", "Closed.", date(2026, 12, 7))
    days = [date(2026, 12, day) for day in (6, 7, 8)]

    assert [True, True, False] == [closed.is_shown_on(day) for day in days]
    assert all(GOOD.is_shown_on(day) for day in [*days, date.max])


Texts = st.text(max_size=LONGEST_CHARACTERS + 5)


@given(Texts, Texts, st.none() | st.dates())
def test_every_notice_is_read_as_it_was_written(
    indonesian: str, english: str, through: date | None
) -> None:
    """
    What is accepted from a command line is accepted from its file, and means the same.
    """
    try:
        made = Notice.of(indonesian, english, through)
    except UnusableNotice:
        return

    assert made == Notice.parse(made.to_json())


@given(st.binary(max_size=400))
def test_any_other_file_is_refused(content: bytes) -> None:
    """
    With the error of the format, and nothing else.
    """
    with pytest.raises(MalformedNotice):
        Notice.parse(content)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "<b>Tutup</b>"},
        {"id": ""},
        {"id": None},
        {"en": "x" * (LONGEST_CHARACTERS + 1)},
        {"en": "a\u202eb"},
        {"through": "2026-02-30"},
        {"through": 20000},
        {"version": 2},
        {"more": 1},
    ],
)
def test_a_file_edited_by_hand_is_held_to_the_same(change: dict[str, object]) -> None:
    """
    Nothing gets onto the site by the file that the command would not take.
    """
    with pytest.raises(MalformedNotice):
        Notice.parse(json.dumps({**json.loads(GOOD.to_json()), **change}).encode())


@pytest.mark.parametrize("field", ["version", "id", "en", "through"])
def test_every_field_must_be_there(field: str) -> None:
    """
    One language alone would leave somebody without the warning.
    """
    known = json.loads(GOOD.to_json())
    del known[field]

    with pytest.raises(MalformedNotice):
        Notice.parse(json.dumps(known).encode())
