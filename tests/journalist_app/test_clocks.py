"""Clocks: what a desk says is due when, and which cases its queue shows."""

from datetime import date

import pytest
from support.office import NAMES, Office
from support.reporters import DAY, REPORT, Reporter, Sealer, make_bundle

from casework.item import ItemKind
from casework.journal import ClosingConfirmed
from casework.reply import CaseStatus, ReplyKind
from journalist_app.workstation.acting import act, assign, state_of, take_step
from journalist_app.workstation.cases import show_case
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.names import case_name
from journalist_app.workstation.queueing import View, list_cases, show_queue
from journalist_app.workstation.replying import Draft, write_reply

S = CaseStatus
K = ReplyKind
ANI, BUDI, _CITRA = NAMES


def report_of(reporter: Reporter, title: str) -> bytes:
    """Write a report that can be told from others."""
    return reporter.write(report=REPORT.model_copy(update={"title": title}))


def go(desk: Desk, name: str, *way: CaseStatus, today: date = DAY) -> None:
    """Take steps."""
    for after in way:
        take_step(desk, name, after, reason="Contoh.", today=today)


def tell(
    desk: Desk,
    name: str,
    kind: ReplyKind,
    status: CaseStatus | None = None,
    *,
    today: date = DAY,
) -> None:
    """Write to a reporter."""
    write_reply(desk, name, Draft(kind, "Contoh.", status=status), today=today)


def close(office: Office, names: list[str], *, today: date = DAY) -> None:
    """Agree, on two desks, that cases in verification are not ours."""
    for name in names:
        go(office.desks[ANI], name, S.NOT_COMPETENT, today=today)
    office.exchange(today=today)
    for name in names:
        proposal = state_of(office.desks[BUDI], name).proposal
        assert proposal is not None
        confirmed = ClosingConfirmed(proposal=proposal.digest)
        act(office.desks[BUDI], name, confirmed, today=today)
    office.exchange(today=today)


def feedback_of(desk: Desk, name: str) -> date | None:
    """Return when feedback is due."""
    return show_case(desk, name, today=DAY).clocks.feedback


@pytest.mark.parametrize(
    ("reported", "due"),
    [(date(2026, 11, 30), date(2027, 2, 28)), (date(2027, 11, 30), date(2028, 2, 29))],
)
def test_feedback_is_due_three_months_after_the_report(
    desk: Desk, sealer: Sealer, reported: date, due: date
) -> None:
    """On the last of the month where it is shorter, and beyond the calendar as well."""
    reporter = Reporter("ani", day=reported)
    sealed = sealer.seal(reporter.write())
    assert import_bundle(desk, make_bundle({1: sealed}), today=reported).complete
    assert due == feedback_of(desk, case_name(reporter.keys.case_id))


def test_only_word_of_what_follows_ends_the_clock(
    desk: Desk, sealer: Sealer, ani: Reporter
) -> None:
    """Neither a question nor the number does; the queue then has nothing due."""
    name = case_name(ani.keys.case_id)
    import_bundle(desk, make_bundle({1: sealer.seal(ani.write())}), today=DAY)
    due = date(2027, 2, 24)
    go(desk, name, S.VERIFICATION)
    tell(desk, name, K.QUESTION, S.NEEDS_COMPLETION)
    assert due == feedback_of(desk, name)
    go(desk, name, S.VERIFICATION, S.REGISTERED)
    tell(desk, name, K.ANSWER)
    tell(desk, name, K.STATUS, S.REGISTERED)
    assert due == feedback_of(desk, name)
    assert [due] == [case.due for case in list_cases(desk, today=DAY)]
    tell(desk, name, K.STATUS, S.REVIEW)
    assert feedback_of(desk, name) is None
    assert [None] == [case.due for case in list_cases(desk, today=DAY)]


def test_the_queue_begins_with_what_is_due_first(desk: Desk, sealer: Sealer) -> None:
    """Feedback that is late, of today and of tomorrow, then a verification."""
    reports = {
        "verifikasi": DAY,
        "besok": date(2026, 8, 25),
        "lewat": date(2026, 8, 23),
        "diberi tahu": date(2026, 8, 22),
        "hari ini": date(2026, 8, 24),
    }
    reporters = {title: Reporter(title, day=day) for title, day in reports.items()}
    items = {
        number: sealer.seal(report_of(reporter, title))
        for number, (title, reporter) in enumerate(reporters.items(), start=1)
    }
    assert import_bundle(desk, make_bundle(items), today=DAY).complete
    for title, reporter in reporters.items():
        if title != "verifikasi":
            name = case_name(reporter.keys.case_id)
            go(desk, name, S.VERIFICATION, S.REGISTERED, S.REVIEW)
    told = case_name(reporters["diberi tahu"].keys.case_id)
    tell(desk, told, K.STATUS, S.REVIEW)
    cases = list_cases(desk, today=DAY)
    assert [
        ("lewat", date(2026, 11, 23), True),
        ("hari ini", date(2026, 11, 24), False),
        ("besok", date(2026, 11, 25), False),
        ("verifikasi", date(2026, 12, 1), False),
        ("diberi tahu", None, False),
    ] == [(case.title, case.due, case.overdue) for case in cases]


def test_reopening_starts_the_clock_anew(office: Office, ani: Reporter) -> None:
    """On both desks; the old promise of verification is not late."""
    name = case_name(ani.keys.case_id)
    office.send(ani.write(), to=NAMES[:2])
    for desk in (ANI, BUDI):
        office.fetch(desk)
    go(office.desks[ANI], name, S.VERIFICATION)
    close(office, [name])
    tell(office.desks[BUDI], name, K.CLOSING, S.NOT_COMPETENT)
    office.exchange()
    for desk in (ANI, BUDI):
        clocks = show_case(office.desks[desk], name, today=DAY).clocks
        assert (None, None) == (clocks.verification, clocks.feedback)

    later = date(2027, 11, 30)
    go(office.desks[BUDI], name, S.REOPENED, S.VERIFICATION, today=later)
    office.exchange(today=later)
    for desk in (ANI, BUDI):
        clocks = show_case(office.desks[desk], name, today=later).clocks
        assert (None, date(2028, 2, 29)) == (clocks.verification, clocks.feedback)


def test_every_view_shows_its_cases_and_no_others(office: Office) -> None:
    """One case for each reason to look at it; a table says which view has which."""
    days = {
        "baru": DAY,
        # Five working days before the 24th, and six.
        "hari ini": date(2026, 11, 17),
        "lewat": date(2026, 11, 16),
        "bertanya": DAY,
        "menunggu": DAY,
        "tugas saya": DAY,
        "tugas rekan": DAY,
        "selesai": DAY,
        "belum diberi tahu": DAY,
    }
    reporters = {title: Reporter(title, day=day) for title, day in days.items()}
    names = {
        title: case_name(reporter.keys.case_id) for title, reporter in reporters.items()
    }
    for title, reporter in reporters.items():
        office.send(report_of(reporter, title), to=NAMES[:2])
    for desk in (ANI, BUDI):
        office.fetch(desk)
    ani = office.desks[ANI]
    for title, name in names.items():
        if title != "baru":
            go(ani, name, S.VERIFICATION)
            tell(ani, name, K.ANSWER)
    go(ani, names["menunggu"], S.NEEDS_COMPLETION)
    assign(ani, names["tugas saya"], ani.record.desk_id, today=DAY)
    assign(ani, names["tugas rekan"], office.desks[BUDI].record.desk_id, today=DAY)
    close(office, [names["selesai"], names["belum diberi tahu"]])
    tell(ani, names["selesai"], K.CLOSING, S.NOT_COMPETENT)
    message = reporters["bertanya"].write(ItemKind.MESSAGE, message="Bagaimana?")
    office.send(message, to=NAMES[:2])
    office.fetch(ANI)
    for title, name in names.items():
        if title != "baru":
            show_case(ani, name, today=DAY)

    queues = {view: show_queue(ani, today=DAY, view=view) for view in View}
    shown = {view: {one.title for one in queue.cases} for view, queue in queues.items()}
    assert {
        View.OPEN: set(days) - {"selesai"},
        View.NEW: {"baru"},
        View.TODAY: {"hari ini"},
        View.OVERDUE: {"lewat"},
        View.UNANSWERED: {"baru", "bertanya"},
        View.WAITING: {"menunggu"},
        View.HELD: set(),
        View.MINE: {"tugas saya"},
        View.CLOSED: {"selesai"},
        View.ALL: set(days),
    } == shown
    assert {view: len(titles) for view, titles in shown.items()} == queues[
        View.ALL
    ].counts
