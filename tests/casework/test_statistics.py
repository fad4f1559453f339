"""Statistics: what is counted of a case, on which day, and what is left out."""

import csv
import io
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.journals import JournalWriter, exchange

from casework.deadlines import indonesian_calendar, working_days_between
from casework.journal import (
    Action,
    Assessed,
    ClosingConfirmed,
    ClosingProposed,
    Labelled,
    Registered,
    StepTaken,
    Undone,
)
from casework.reply import CaseStatus
from casework.statistics import (
    CaseFacts,
    Figures,
    Milestone,
    Quarter,
    UnknownQuarter,
    What,
    figures_of,
    milestones_of,
)
from casework.tabulation import COLUMNS, to_csv

CALENDAR = indonesian_calendar()
QUARTER = Quarter(2026, 3)
RECEIVED = date(2026, 7, 1)
DUE = date(2026, 7, 8)
S = CaseStatus


def on(days: int, what: What, value: str = "") -> Milestone:
    """Something that happened some days after the report."""
    return Milestone(RECEIVED + timedelta(days=days), what, value)


def case(*milestones: Milestone, received: date = RECEIVED) -> CaseFacts:
    """A case whose report answers everything."""
    report = Milestone(received, What.REPORT, "7")
    return CaseFacts(received, DUE, (report, *milestones))


def figures(*cases: CaseFacts, through: date = date(2027, 2, 1)) -> Figures:
    """The figures of the quarter."""
    return figures_of(QUARTER, cases, through=through, calendar=CALENDAR)


def counts(made: Figures, key: str) -> dict[str, int | None]:
    """What one breakdown shows."""
    found = next(one for one in made.breakdowns if one.key == key)
    return {cell.key: cell.count for cell in found.cells}


@pytest.mark.parametrize("text", ["2027-Q1", "1900-Q4", "2999-Q4"])
def test_a_quarter_is_read_as_it_is_written(text: str) -> None:
    """The spelling is one."""
    assert text == str(Quarter.parse(text))


@pytest.mark.parametrize(
    "text", ["", "2027-Q5", "2027-Q0", "2027Q1", "27-Q1", "0001-Q1", "2027-Q1 "]
)
def test_what_is_no_quarter_is_refused(text: str) -> None:
    """And named."""
    with pytest.raises(UnknownQuarter):
        Quarter.parse(text)


@given(st.dates(date(1900, 1, 1), date(2998, 12, 31)))
def test_every_day_is_in_one_quarter(day: date) -> None:
    """Quarters follow each other without a gap."""
    quarter = Quarter.of(day)
    assert quarter.first <= day <= quarter.last
    assert quarter.last + timedelta(days=1) == quarter.next.first
    assert quarter == quarter.next.previous


def test_only_reports_of_the_quarter_are_counted() -> None:
    """The first and the last day belong to it, and their neighbours do not."""
    days = [date(2026, 6, 30), date(2026, 10, 1)]
    days += [date(2026, 7, 1)] * 3 + [date(2026, 9, 30)] * 3
    assert 6 == figures(*(case(received=day) for day in days)).received


def test_what_happens_after_the_quarter_is_not_counted() -> None:
    """A figure that was published is the same a year later."""
    during = [case(on(5, What.STEP, S.VERIFICATION)) for _ in range(6)]
    later = [
        case(
            on(5, What.STEP, S.VERIFICATION),
            on(120, What.STEP, S.NEEDS_COMPLETION),
            on(120, What.REPLY),
            on(121, What.WITHDRAWAL),
            on(122, What.LABEL, "beras"),
        )
        for _ in range(6)
    ]
    assert figures(*during) == figures(*later, through=date(2028, 1, 1))


def test_of_a_few_reports_nothing_is_said() -> None:
    """Fewer than five are not even counted."""
    for number in range(1, 5):
        made = figures(*[case()] * number)
        assert (None, (), (), ()) == (
            made.received,
            made.breakdowns,
            made.durations,
            made.labels,
        )
    assert 0 == figures().received
    assert 5 == figures(*[case()] * 5).received


def test_a_deadline_is_kept_missed_or_not_yet_due() -> None:
    """The promised day itself is in time; what was never done is late behind it."""
    kept = case(on(7, What.STEP, S.NEEDS_COMPLETION))
    late = case(on(8, What.STEP, S.NEEDS_COMPLETION))
    never = case(on(3, What.STEP, S.VERIFICATION))
    made = figures(*[kept] * 12, *[late] * 5, *[never] * 6)
    assert {"kept": 12, "missed": 11, "undated": 0} == counts(made, "deadline")
    early = figures(*[kept] * 12, *[never] * 6, through=DUE)
    assert {"kept": 18, "missed": 0, "undated": 0} == counts(early, "deadline")


def test_every_case_is_in_one_stage() -> None:
    """Whatever its status is."""
    for status in S:
        made = figures(*[case(on(2, What.STEP, status))] * 7)
        assert [7] == [count for count in counts(made, "stage").values() if count]


def test_a_median_needs_five_cases_on_each_side_and_a_percentile_fifty() -> None:
    """The number of days is that of one case."""
    cases = [case(on(days, What.REPLY)) for days in range(1, 61)]

    def of(number: int) -> tuple[int | None, int | None]:
        made = figures(*cases[:number]).durations[1]
        return made.median_days, made.ninetieth_days

    assert (None, None) == of(9)
    assert (5, None) == of(10)
    assert (25, None) == of(49)
    assert (25, 45) == of(50)
    # Three cases without an answer: a median would tell that they are the few.
    silent = figures(*cases, *[case()] * 3)
    assert None is silent.durations[1].median_days


def test_labels_of_few_cases_are_not_even_named() -> None:
    """What officers write on one case could say which it is."""
    rare = case(on(1, What.LABEL, "Bendahara Dinas Contoh"), on(1, What.LABEL, "beras"))
    rice = case(on(1, What.LABEL, "beras"))
    taken_off = case(on(1, What.LABEL, "uang"), on(2, What.UNLABEL, "uang"))
    made = figures(rare, *[rice] * 6, *[taken_off] * 6)
    assert [("beras", 7)] == [(cell.key, cell.count) for cell in made.labels]


def test_milestones_are_what_stands_in_the_journal() -> None:
    """What was taken back is not counted; a closing counts when it is confirmed."""
    ani, budi = JournalWriter("0a" * 16), JournalWriter("0b" * 16)
    first: list[Action] = [
        StepTaken(before=S.RECEIVED, after=S.VERIFICATION),
        Labelled(label="beras", on=True),
        Assessed(subject="retaliation", verdict="yes"),
        Assessed(subject="competence", verdict="yes"),
        Registered(number="1"),
        StepTaken(before=S.VERIFICATION, after=S.REGISTERED),
    ]
    written = [ani.write(action) for action in first]
    ani.write(Undone(entry=written[-1].digest))
    proposal = ani.write(
        ClosingProposed(before=S.VERIFICATION, after=S.NOT_COMPETENT, reason="Bukan.")
    )
    assert S.NOT_COMPETENT not in [one.value for one in milestones_of(ani.state)]
    exchange(ani, budi)
    budi.write(ClosingConfirmed(proposal=proposal.digest))
    assert [
        (What.STEP, S.VERIFICATION),
        (What.LABEL, "beras"),
        (What.RETALIATION, "yes"),
        (What.STEP, S.NOT_COMPETENT),
    ] == [(one.what, one.value) for one in milestones_of(budi.state)]


@given(
    st.dates(),
    st.sampled_from(What),
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])),
)
def test_a_milestone_is_read_as_it_is_written(
    day: date, what: What, value: str
) -> None:
    """On one line, whatever a label is."""
    milestone = Milestone(day, what, value)
    assert 1 == len(str(milestone).split("\n"))
    assert milestone == Milestone.parse(str(milestone))


def test_working_days_are_counted_as_deadlines_are() -> None:
    """The day of receipt does not count, nor does a weekend."""
    assert 5 == working_days_between(RECEIVED, DUE, CALENDAR)
    assert 2 == working_days_between(date(2026, 7, 3), date(2026, 7, 7), CALENDAR)
    assert 0 == working_days_between(DUE, RECEIVED, CALENDAR)


@given(st.text(min_size=1, max_size=40))
def test_no_cell_of_the_file_is_calculated(label: str) -> None:
    """A label that looks like a formula stays a text, and the file stays whole."""
    cases = [case(on(1, What.LABEL, label))] * 6
    rows = list(csv.reader(io.StringIO(to_csv(figures(*cases)).decode(), newline="")))
    assert list(COLUMNS) == rows[0]
    assert {len(COLUMNS)} == {len(row) for row in rows}
    assert label == rows[-1][3].removeprefix("'" if label[0] != "'" else "")
    for row in rows:
        assert not any(cell.startswith(tuple("=+-@\t\r\n")) for cell in row)


def test_the_file_says_what_is_hidden() -> None:
    """A hidden count has no value, and a remark; lines end as RFC 4180 says."""
    written = to_csv(figures(*[case()] * 6, case(on(1, What.REPLY))))
    assert b"2026-Q3,2026-09-30,received,all,7,\r\n" in written
    assert b"2026-Q3,2026-09-30,answered,yes,,hidden\r\n" in written
    assert b"2026-Q3,2026-09-30,answered,no,,hidden\r\n" in written
    assert written.count(b"\r\n") == written.count(b"\n")
