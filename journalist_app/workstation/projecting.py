"""
Projecting: from what a desk was told about a case to the row that its queue shows.

    content + entries --fold--> CaseState --> one row, labels, links, words to search

Made anew whenever something about the case arrives or is done, in the same
transaction, so that the queue and the case never disagree.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, text, update

from casework.folding import CaseState, Entry, fold
from casework.item import ItemKind, missing_before
from casework.journal import Event, Replied, StepTaken, digest_of
from casework.reply import CaseStatus
from casework.report import SEVEN_QUESTIONS, Report
from casework.workflow import CLOSED, UNVERIFIED, WAITING, feedback_due
from journalist_app.workstation import casebook
from journalist_app.workstation.names import case_name

# What a reporter sends without waiting for an answer.
ASKS_NOTHING = frozenset({ItemKind.READ_RECEIPT, ItemKind.WITHDRAWAL})
_TEXTS = ("title", *SEVEN_QUESTIONS, "reported_elsewhere", "risk")


@dataclass(frozen=True)
class Clocks:
    """
    The days by which something is due; None where nothing is.

    Attributes:
        verification: The result of verification, promised to the reporter.

        feedback: The first word about what follows from the report.
    """

    verification: date | None
    feedback: date | None

    @property
    def next(self) -> date | None:
        """The earliest of them."""
        return min(
            (day for day in (self.verification, self.feedback) if day), default=None
        )


@dataclass(frozen=True)
class Journal:
    """The events of a case that this desk has, and what they make of it."""

    entries: tuple[Entry, ...] = field(repr=False)
    state: CaseState


def journal_of(connection: Connection, case_id: bytes) -> Journal:
    """Read the journal of a case."""
    rows = connection.scalars(
        select(casebook.entry.c.content).where(casebook.entry.c.case_id == case_id)
    )
    entries = tuple(Entry(digest_of(row), Event.parse(row)) for row in rows)
    return Journal(entries, fold(entries))


def clocks_of(case: Row[Any], state: CaseState) -> Clocks:
    """Say what is due when, for a case in this state."""
    if state.status in CLOSED:
        return Clocks(None, None)
    told = state.due or _day(case.verification_due_day)
    return Clocks(
        verification=told if state.status in UNVERIFIED else state.due,
        feedback=(
            None
            if _was_told_what_follows(state)
            else feedback_due(date.fromordinal(case.received_day))
        ),
    )


def project(connection: Connection, case_ids: Iterable[bytes], *, own: str) -> None:
    """
    Write the rows of cases anew; a case of which nothing can be read here has none.

    Args:
        own: The desk's own id: an officer who is excluded sees that they are.
    """
    for case_id in sorted(set(case_ids)):
        case = connection.execute(
            select(casebook.case).where(casebook.case.c.case_id == case_id)
        ).first()
        if case is None:
            case = _open_briefed(connection, case_id)
        if case is not None:
            _project(connection, case, own)


def _open_briefed(connection: Connection, case_id: bytes) -> Row[Any] | None:
    """Open a case of which a colleague has sent a brief and no item."""
    brief = journal_of(connection, case_id).state.brief
    if brief is None:
        return None
    connection.execute(
        insert(casebook.case),
        {
            "case_id": case_id,
            "name": case_name(case_id),
            "language": "id",
            "received_day": brief.received.toordinal(),
            "status": CaseStatus.RECEIVED.value,
            "last_day": brief.received.toordinal(),
        },
    )
    return connection.execute(
        select(casebook.case).where(casebook.case.c.case_id == case_id)
    ).one()


def _project(connection: Connection, case: Row[Any], own: str) -> None:
    columns = casebook.content.c
    contents = connection.execute(
        select(
            columns.digest,
            columns.kind,
            columns.sequence,
            columns.sent_day,
            columns.shown,
            columns.report,
        )
        .where(columns.case_id == case.case_id)
        .order_by(columns.sequence, columns.digest)
    ).all()
    journal = journal_of(connection, case.case_id)
    state = journal.state
    clocks = clocks_of(case, state)
    report = next((row.report for row in contents if row.report), None)
    asking = sum(ItemKind(row.kind) not in ASKS_NOTHING for row in contents)
    days = [row.sent_day for row in contents]
    days += [entry.event.day.toordinal() for entry in state.history]
    due = clocks.next
    connection.execute(
        update(casebook.case)
        .where(casebook.case.c.case_id == case.case_id)
        .values(
            title=_title(report, state),
            status=state.status.value,
            closed=state.status in CLOSED,
            registration_number=state.registration_number,
            assigned=state.assigned,
            due_day=due.toordinal() if due else None,
            feedback_due_day=_ordinal(clocks.feedback),
            told_due_day=_ordinal(clocks.verification),
            last_day=max(days, default=case.received_day),
            new_items=sum(not row.shown for row in contents),
            unanswered=asking > answered_through(state),
            waiting=state.status in WAITING,
            withdrawn=any(row.kind == ItemKind.WITHDRAWAL for row in contents),
            missing=missing_before(row.sequence for row in contents),
            conflicts=len(state.conflicts) + len(state.gaps),
            proposed=state.proposal is not None,
            excluded=own in state.excluded,
            answered=len(state.replies),
            unsent=True,
        )
    )
    if not journal.entries:
        # Most of what comes in is of cases that nobody has touched yet.
        index(connection, case.case_id, b"journal" + case.case_id, [case.name])
        return
    _replace(connection, casebook.label, case, [{"label": one} for one in state.labels])
    links: list[dict[str, object]] = [
        {"other_case": bytes.fromhex(other), "relation": relation}
        for other, relation in state.links.items()
    ]
    _replace(connection, casebook.link, case, links)
    words = [note.text for note in state.notes]
    words += [state.paraphrase, state.registration_number or "", case.name]
    if state.brief:
        words += [
            state.brief.title,
            state.brief.paraphrase,
            *state.brief.answers.values(),
        ]
    words += [sent.action.letter.text for sent in state.replies]
    index(connection, case.case_id, b"journal" + case.case_id, words)


def answered_through(state: CaseState) -> int:
    """Return how many items that ask for an answer have been answered."""
    return max((sent.action.answered for sent in state.replies), default=0)


def index_content(
    connection: Connection,
    case_id: bytes,
    digest: bytes,
    *,
    report: Report | None,
    message: str | None,
    names: Sequence[str],
) -> None:
    """Make the words of what a reporter sent findable."""
    words = [message or "", *names]
    if report:
        words += [getattr(report, name) for name in _TEXTS]
    index(connection, case_id, digest, words)


def index(
    connection: Connection, case_id: bytes, source: bytes, words: Iterable[str]
) -> None:
    """Put words into the index under their source, in place of what was there."""
    table = casebook.place
    row = connection.scalar(select(table.c.row).where(table.c.source == source))
    if row is None:
        row = connection.execute(
            insert(table).returning(table.c.row),
            {"source": source, "case_id": case_id},
        ).scalar_one()
    else:
        connection.execute(text("DELETE FROM search WHERE rowid = :row"), {"row": row})
    connection.execute(
        text("INSERT INTO search (rowid, words) VALUES (:row, :words)"),
        {"row": row, "words": "\n".join(word for word in words if word)},
    )


def _replace(
    connection: Connection,
    table: Any,
    case: Row[Any],
    rows: Sequence[dict[str, object]],
) -> None:
    connection.execute(delete(table).where(table.c.case_id == case.case_id))
    for row in rows:
        connection.execute(insert(table), {"case_id": case.case_id, **row})


def _title(report: bytes | None, state: CaseState) -> str | None:
    if report:
        return Report.parse(report).title
    return state.brief.title if state.brief else None


def _was_told_what_follows(state: CaseState) -> bool:
    """Tell whether a reply was written after verification had come to an end."""
    verified = False
    for entry in state.history:
        action = entry.event.action
        if isinstance(action, StepTaken) and action.before is CaseStatus.VERIFICATION:
            verified = entry.digest not in state.undone or verified
        if isinstance(action, Replied) and verified:
            return True
    return False


def _day(ordinal: int | None) -> date | None:
    return None if ordinal is None else date.fromordinal(ordinal)


def _ordinal(day: date | None) -> int | None:
    return None if day is None else day.toordinal()
