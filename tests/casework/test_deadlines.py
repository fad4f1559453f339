"""Working days and calendar files."""

import re
from datetime import date, timedelta

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.casework_samples import Vector, named, vectors

from casework.deadlines import (
    BeyondCalendar,
    Calendar,
    HolidayKind,
    MalformedCalendar,
    due_day,
    indonesian_calendar,
)

CALENDAR = indonesian_calendar()
SMALL = """\
# A calendar for tests.
# years: 2026-2026
day,name_id,name_en,kind
2026-01-01,Tahun Baru,New Year,public
2026-12-24,Cuti Bersama Natal,Christmas Eve,joint-leave
"""
COVERED = range(CALENDAR.first_year, CALENDAR.last_year + 1)


@pytest.mark.parametrize("year", COVERED)
@pytest.mark.parametrize(
    ("kind", "category"),
    [
        (HolidayKind.PUBLIC, holidays.PUBLIC),
        (HolidayKind.JOINT_LEAVE, holidays.GOVERNMENT),
    ],
)
@pytest.mark.parametrize("language", ["id", "en"])
def test_the_calendar_agrees_with_the_holidays_package(
    year: int, kind: HolidayKind, category: str, language: str
) -> None:
    """
    Every covered year has exactly the days, and the names, that others know.
    """
    expected = holidays.country_holidays(
        "ID",
        years=year,
        categories=(category,),
        language={"id": "id", "en": "en_US"}[language],
        # Our names do not say "estimated": a decree has fixed the day off.
        islamic_show_estimated=False,
    )
    actual = {
        holiday.day: holiday.name(language)
        for holiday in CALENDAR.holidays.values()
        if holiday.day.year == year and holiday.kind is kind
    }

    assert dict(expected) == actual


def test_five_working_days_can_be_seventeen_days() -> None:
    """
    A report of 5 March 2027 is due on 22 March 2027, and the reasons are named.
    """
    deadline = due_day(date(2027, 3, 5), 5, CALENDAR)

    assert date(2027, 3, 22) == deadline.due
    assert [8, 9, 10, 11, 12, 15] == [holiday.day.day for holiday in deadline.skipped]
    assert "Hari Suci Nyepi" == deadline.skipped[0].name("id")
    assert "Day of Silence" == deadline.skipped[0].name("en")


def test_good_vectors() -> None:
    """
    Every due day of the vectors is computed as it is written there.
    """
    for vector in vectors("calendar.json")["good"]:
        deadline = due_day(
            date.fromisoformat(vector["received"]), vector["working_days"], CALENDAR
        )

        assert vector["due"] == deadline.due.isoformat(), vector["name"]
        assert vector["skipped"] == [day.day.isoformat() for day in deadline.skipped]


@pytest.mark.parametrize("vector", vectors("calendar.json")["bad"], ids=named)
def test_bad_vectors(vector: Vector) -> None:
    """
    Every bad calendar of the vectors is refused, and the message names the line.
    """
    with pytest.raises(MalformedCalendar, match=re.escape(vector["message"])):
        Calendar.parse(vector["text"])


def test_a_spreadsheet_may_save_the_calendar() -> None:
    """
    A byte order mark, Windows newlines and quoted names mean the same calendar.
    """
    saved = "\ufeff" + SMALL.replace(",Tahun Baru,", ',"Tahun Baru",')

    assert Calendar.parse(SMALL) == Calendar.parse(saved.replace("\n", "\r\n"))


def test_weekends_are_not_named() -> None:
    """
    A holiday on a Saturday or Sunday delayed nothing, so it is not named.
    """
    # 21 and 22 March 2026, Idul Fitri, are a Saturday and a Sunday.
    deadline = due_day(date(2026, 3, 17), 1, CALENDAR)

    assert date(2026, 3, 25) == deadline.due
    assert [18, 19, 20, 23, 24] == [holiday.day.day for holiday in deadline.skipped]


@pytest.mark.parametrize(
    ("received", "working_days"),
    [
        (date(2026, 12, 30), 2),
        (date(2026, 1, 1), 1000),
        (date(2027, 1, 1), 1),
        (date(2025, 12, 30), 1),
        (date.max, 1),
    ],
)
def test_nothing_is_guessed_beyond_the_calendar(
    received: date, working_days: int
) -> None:
    """
    A day that the calendar does not know ends the count with an error.
    """
    with pytest.raises(BeyondCalendar):
        due_day(received, working_days, Calendar.parse(SMALL))


def test_the_day_before_the_calendar_is_enough() -> None:
    """
    The day of receipt is not counted, so the calendar need not know it.
    """
    deadline = due_day(date(2025, 12, 31), 1, Calendar.parse(SMALL))

    assert date(2026, 1, 2) == deadline.due


@pytest.mark.parametrize("working_days", [0, -1])
def test_a_deadline_is_in_the_future(working_days: int) -> None:
    """
    No deadline is today or earlier.
    """
    with pytest.raises(ValueError, match="at least one working day"):
        due_day(date(2026, 5, 5), working_days, CALENDAR)


@given(
    st.dates(date(2026, 1, 1), date(2027, 9, 30)),
    st.integers(min_value=1, max_value=30),
)
def test_between_receipt_and_due_day_lie_that_many_working_days(
    received: date, working_days: int
) -> None:
    """
    The due day is a working day, and exactly the last of those counted.
    """
    deadline = due_day(received, working_days, CALENDAR)
    days = [
        received + timedelta(days=n)
        for n in range(1, (deadline.due - received).days + 1)
    ]

    assert CALENDAR.is_working_day(deadline.due)
    assert working_days == sum(map(CALENDAR.is_working_day, days))


@given(st.text(), st.integers(0, len(SMALL)), st.integers(0, 12))
def test_any_change_is_parsed_or_refused(junk: str, start: int, cut: int) -> None:
    """
    No file makes the parser raise anything but its own error.
    """
    try:
        Calendar.parse(SMALL[:start] + junk + SMALL[start + cut :])
    except MalformedCalendar:
        pass
