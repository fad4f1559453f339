"""`bisik desk list`: what it says besides the cases."""

from datetime import date
from pathlib import Path

import pytest
from support.command import World
from support.reporters import DAY

from casework.deadlines import LOW_CALENDAR_DAYS

LAST_DAY = date(2027, 12, 31)
SAID = "! The calendar of holidays of this desk"
NEW_YEAR = "2028-01-01,Tahun Baru Masehi,New Year's Day,public\n"


def on(world: World, day: date) -> World:
    """Return the same folders on a later day."""
    return world.at((day - DAY).days)


def before_the_end(days: int) -> date:
    """Return the day that is so many days before the calendar ends."""
    return date.fromordinal(LAST_DAY.toordinal() - days)


def cover_next_year(calendar: Path) -> None:
    """Do what the notice says."""
    text = calendar.read_text("utf-8")
    assert "# years: 2026-2027" in text
    longer = text.replace("# years: 2026-2027", "# years: 2026-2028")
    calendar.write_text(longer + NEW_YEAR, "utf-8")


def test_nothing_is_said_while_there_is_time(world: World) -> None:
    """Sixty days before the calendar ends, the list is all there is."""
    listed = on(world, before_the_end(LOW_CALENDAR_DAYS)).bisik("desk", "list")
    assert (0, "") == (listed.exit_code, listed.stderr)


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (
            before_the_end(LOW_CALENDAR_DAYS - 1),
            "ends on 2027-12-31: reports that would be due after that get no day",
        ),
        (LAST_DAY, "ends on 2027-12-31: reports that would be due after that"),
        (date(2028, 1, 1), "ended on 2027-12-31: new reports get no day"),
    ],
)
def test_the_end_of_the_calendar_is_told_as_the_queue_tells_it(
    world: World, day: date, said: str
) -> None:
    """Early and afterwards, apart from the cases, and with the way out."""
    later = on(world, day)
    listed = later.bisik("desk", "list")
    assert 0 == listed.exit_code
    notice, way_out = listed.stderr.splitlines()
    assert notice.startswith(f"{SAID} {said}")
    assert way_out.endswith(f"save it as {world.desk / 'calendar.csv'}.")
    assert SAID not in listed.stdout

    cover_next_year(world.desk / "calendar.csv")

    again = later.bisik("desk", "list")
    assert (listed.stdout, "") == (again.stdout, again.stderr)
