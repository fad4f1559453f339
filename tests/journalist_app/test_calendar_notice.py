"""The end of the calendar: the queue says so early, and what to do."""

from datetime import date
from pathlib import Path

import pytest
from support.reporters import Reporter, Sealer, make_bundle
from support.screens import Screen

from casework.deadlines import LOW_CALENDAR_DAYS
from journalist_app.workstation.desk import Desk, Institution, open_desk
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.queueing import list_cases

LAST_DAY = date(2027, 12, 31)
NEW_YEAR = "2028-01-01,Tahun Baru Masehi,New Year's Day,public\n"
SAID_ID = "Kalender hari libur meja kerja ini berakhir pada 31 Des 2027"
SAID_EN = "The calendar of holidays of this desk"


def queue_of(desk: Desk, today: date, *, english: bool = False) -> str:
    """Return what stands on the queue on a day."""
    screen = Screen(desk, stick=desk.path, today=today)
    if english:
        screen.post("/language/en")
    return screen.text("/")


def day_before_the_end(days: int) -> date:
    """Return the day that is so many days before the calendar ends."""
    return date.fromordinal(LAST_DAY.toordinal() - days)


def test_the_queue_is_silent_while_there_is_time(desk: Desk) -> None:
    """Sixty days before the end nothing is said yet."""
    assert LAST_DAY == desk.calendar.ends
    assert "Kalender" not in queue_of(desk, day_before_the_end(LOW_CALENDAR_DAYS))


@pytest.mark.parametrize("days", [LOW_CALENDAR_DAYS - 1, 0])
def test_the_queue_says_early_that_the_calendar_ends(desk: Desk, days: int) -> None:
    """It names the day, the file and who has a new one, in both languages."""
    today = day_before_the_end(days)
    said = queue_of(desk, today)
    assert f"{SAID_ID}. Laporan yang tenggatnya jatuh sesudah hari itu" in said
    assert "Mintalah kepada pengelola kalender" in said
    assert "simpan sebagai calendar.csv di folder meja kerja" in said
    english = queue_of(desk, today, english=True)
    assert f"{SAID_EN} ends on 31 Dec 2027. Reports that would be due" in english
    assert "Ask the operator for a calendar" in english
    assert "save it as calendar.csv in the desk's folder" in english


def test_behind_the_end_it_says_that_reports_get_no_day(
    desk: Desk, sealer: Sealer
) -> None:
    """And that is so: verification of such a report has none, feedback has."""
    today = date(2028, 1, 1)
    assert f"{SAID_ID}: laporan baru tidak mendapat tenggat" in queue_of(desk, today)
    english = queue_of(desk, today, english=True)
    assert f"{SAID_EN} ended on 31 Dec 2027: new reports get no day" in english
    sealed = sealer.seal(Reporter("ani", day=today).write())
    assert import_bundle(desk, make_bundle({1: sealed}), today=today).complete
    assert [date(2028, 4, 1)] == [case.due for case in list_cases(desk, today=today)]


def test_a_new_calendar_ends_the_notice(
    desk_path: Path, sealer: Sealer, institution: Institution
) -> None:
    """Done as the notice says: the next reports have their day again."""
    today = date(2027, 12, 30)
    longer = institution.calendar.replace("# years: 2026-2027", "# years: 2026-2028")
    (desk_path / "calendar.csv").write_text(longer + NEW_YEAR, "utf-8")
    with open_desk(desk_path, passphrase=None, entropy=bytes) as desk:
        assert "Kalender" not in queue_of(desk, today)
        sealed = sealer.seal(Reporter("ani", day=today).write())
        assert import_bundle(desk, make_bundle({1: sealed}), today=today).complete
        # Friday the 31st, and from Monday the 3rd to Thursday the 6th.
        assert [date(2028, 1, 6)] == [one.due for one in list_cases(desk, today=today)]
