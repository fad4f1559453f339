"""
Deadlines: working days, counted with a calendar that an institution maintains.

    received Fri 5 March 2027, 5 working days

    Mo  8  Nyepi                    Mo 15  joint leave         Mo 22  5  <- due
    Tu  9  joint leave              Tu 16  1
    We 10  Idul Fitri               We 17  2
    Th 11  Idul Fitri               Th 18  3
    Fr 12  joint leave              Fr 19  4

The day of receipt does not count; Saturdays, Sundays, public holidays and joint
leave (cuti bersama) are no working days.  Joint leave is decreed year by year
and may be added late, so the calendar is a file, and a date beyond its years is
refused instead of guessed.  A date that was promised is stored, not computed
again: a later decree must not move a promise.

Specified in docs/spec/calendar.md.
"""

import csv
import importlib.resources
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Self

from casework.errors import CaseworkError
from casework.text import clean_line

CALENDAR_CHARACTERS = 256 * 1024
HOLIDAY_NAME_CHARACTERS = 100
# A decree is made some months before its year, and a file has to be carried to desks.
LOW_CALENDAR_DAYS = 60

_YEARS = re.compile(r"#\s*years:\s*([0-9]{4})-([0-9]{4})\s*")
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COLUMNS = ["day", "name_id", "name_en", "kind"]
_SATURDAY = 5  # As date.weekday() counts.


class MalformedCalendar(CaseworkError):
    """The calendar file has a mistake; the message names the line."""


class BeyondCalendar(CaseworkError):
    """The calendar does not reach that far; a newer calendar file is needed."""


class HolidayKind(StrEnum):
    """Why nobody works on that day."""

    PUBLIC = "public"
    JOINT_LEAVE = "joint-leave"


@dataclass(frozen=True)
class Holiday:
    """A day off, with its name in both languages."""

    day: date
    name_id: str
    name_en: str
    kind: HolidayKind

    def name(self, language: str) -> str:
        """Return its English name for "en", otherwise the Indonesian one."""
        return self.name_en if language == "en" else self.name_id


@dataclass(frozen=True)
class Calendar:
    """
    The holidays of some whole years.

    Attributes:
        first_year: The first year the file declares to be whole.

        last_year: The last one.

        holidays: Every holiday of these years by its day.
    """

    first_year: int
    last_year: int
    holidays: Mapping[date, Holiday]

    @classmethod
    def parse(cls, untrusted_text: str) -> Self:
        """
        Read a calendar file.

        Raises:
            MalformedCalendar: On the first line that is not as it must be.
        """
        if len(untrusted_text) > CALENDAR_CHARACTERS:
            raise MalformedCalendar(
                f"the calendar is longer than {CALENDAR_CHARACTERS} characters"
            )
        # A spreadsheet program may have put a byte order mark in front.
        lines = untrusted_text.removeprefix("\ufeff").splitlines()
        comments = 0
        while comments < len(lines) and lines[comments].startswith("#"):
            comments += 1
        first_year, last_year = _declared_years(lines[:comments])
        holidays: dict[date, Holiday] = {}
        previous: date | None = None
        for number, line in enumerate(lines[comments:], start=comments + 1):
            cells = _cells(line, number)
            if number == comments + 1:
                if cells != _COLUMNS:
                    raise MalformedCalendar(
                        f"line {number}: expected {','.join(_COLUMNS)}"
                    )
                continue
            holiday = _holiday(cells, number)
            if not first_year <= holiday.day.year <= last_year:
                raise MalformedCalendar(
                    f"line {number}: the day is outside the declared years"
                )
            if previous is not None and holiday.day <= previous:
                raise MalformedCalendar(
                    f"line {number}: the days must rise, and none may be there twice"
                )
            holidays[holiday.day] = holiday
            previous = holiday.day
        years = {day.year for day in holidays}
        for year in range(first_year, last_year + 1):
            if year not in years:
                raise MalformedCalendar(f"the year {year} has no holiday at all")
        return cls(first_year, last_year, holidays)

    def covers(self, day: date) -> bool:
        """Tell whether the calendar knows about *day*."""
        return self.first_year <= day.year <= self.last_year

    @property
    def ends(self) -> date:
        """The last day that it knows about."""
        return date(self.last_year, 12, 31)

    def ends_soon(self, today: date) -> bool:
        """Tell whether there is little time left to put a new one in place."""
        return (self.ends - today).days < LOW_CALENDAR_DAYS

    def is_working_day(self, day: date) -> bool:
        """
        Tell whether offices work on *day*.

        Raises:
            BeyondCalendar: If the calendar does not know about it.
        """
        if not self.covers(day):
            raise BeyondCalendar(
                f"the calendar covers {self.first_year} to {self.last_year}, "
                f"not {day.isoformat()}"
            )
        return day.weekday() < _SATURDAY and day not in self.holidays


@dataclass(frozen=True)
class Deadline:
    """
    A due day, and why it is no earlier.

    Attributes:
        due: The last day on which the step is in time.

        skipped: The holidays that fell on a Monday to Friday in between.
    """

    due: date
    skipped: tuple[Holiday, ...]


def due_day(received: date, working_days: int, calendar: Calendar) -> Deadline:
    """
    Count *working_days* from the day after *received*.

    Args:
        received: The day of receipt, whatever day of the week it is.

        working_days: How many working days the step may take, at least one.

        calendar: Must reach to the due day.

    Raises:
        BeyondCalendar: If it does not.

        ValueError: If *working_days* is less than one.
    """
    if working_days < 1:
        raise ValueError("a deadline is at least one working day away")
    if received == date.max:
        raise BeyondCalendar("no day comes after the last day of the calendar")
    day = received
    skipped = []
    while working_days:
        # The calendar ends before date.max + 1 day could be asked for.
        day += timedelta(days=1)
        if calendar.is_working_day(day):
            working_days -= 1
        elif day.weekday() < _SATURDAY:
            skipped.append(calendar.holidays[day])
    return Deadline(due=day, skipped=tuple(skipped))


def working_days_between(start: date, end: date, calendar: Calendar) -> int:
    """
    Count the working days after *start* through *end*, as `due_day` counts them.

    Raises:
        BeyondCalendar: If the calendar does not reach that far.

    Returns:
        0 if *end* is not after *start*.
    """
    days = (start + timedelta(days=n) for n in range(1, (end - start).days + 1))
    return sum(calendar.is_working_day(day) for day in days)


def indonesian_calendar() -> Calendar:
    """Return the calendar that comes with this software."""
    file = importlib.resources.files("casework") / "calendars" / "indonesia.csv"
    return Calendar.parse(file.read_text(encoding="utf-8"))


def _declared_years(comments: list[str]) -> tuple[int, int]:
    declared = [match for line in comments if (match := _YEARS.fullmatch(line))]
    if len(declared) != 1:
        raise MalformedCalendar(
            "the comment must declare the whole years once, "
            'in a line such as "# years: 2026-2027"'
        )
    first, last = int(declared[0][1]), int(declared[0][2])
    # 9999 is left out so that counting days never leaves Python's calendar.
    if not 1900 <= first <= last <= 2999:
        raise MalformedCalendar("the declared years must rise, from 1900 to 2999")
    return first, last


def _cells(line: str, number: int) -> list[str]:
    try:
        rows = list(csv.reader([line], strict=True))
    except csv.Error:
        rows = []
    if len(rows) != 1 or len(rows[0]) != len(_COLUMNS):
        raise MalformedCalendar(f"line {number}: expected four values and commas")
    return rows[0]


def _holiday(cells: list[str], number: int) -> Holiday:
    untrusted_day, name_id, name_en, untrusted_kind = cells
    try:
        if not _ISO_DAY.fullmatch(untrusted_day):
            raise ValueError("not the form YYYY-MM-DD")
        day = date.fromisoformat(untrusted_day)
    except ValueError:
        raise MalformedCalendar(
            f"line {number}: the day must be written as YYYY-MM-DD"
        ) from None
    for name in (name_id, name_en):
        if not 0 < len(name) <= HOLIDAY_NAME_CHARACTERS or clean_line(name) != name:
            raise MalformedCalendar(
                f"line {number}: a name must be one line of 1 to "
                f"{HOLIDAY_NAME_CHARACTERS} characters"
            )
    try:
        kind = HolidayKind(untrusted_kind)
    except ValueError:
        raise MalformedCalendar(
            f"line {number}: the kind must be {' or '.join(HolidayKind)}"
        ) from None
    return Holiday(day, name_id, name_en, kind)
