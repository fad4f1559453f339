"""
Projecting: from what a desk was told about a case to the row that its queue shows.

    content + entries --fold--> CaseState --> one row, labels, links, words to search

Made anew whenever something about the case arrives or is done, in the same
transaction, so that the queue and the case never disagree.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Row,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from casework.case_state import CaseState, Entry
from casework.exposure_check import NOT_CHECKED, awaiting_decision
from casework.folding import fold
from casework.item import ItemKind, missing_before
from casework.journal import Briefed, Event, digest_of
from casework.reply import CaseStatus
from casework.report import SEVEN_QUESTIONS, Report, completeness
from casework.statistics import Milestone, What, milestones_of
from casework.workflow import CLOSED, UNVERIFIED, WAITING, feedback_due
from journalist_app.workstation import casebook
from journalist_app.workstation.names import case_name, free_name

# Of the cases that a desk left with their server, and as all labels in the language
# of the office.
LEFT_BEHIND: Final = "server lama"
# What a reporter sends without waiting for an answer; and what not every desk has that
# has the case.  A reply says how many items it answers, and all desks must count alike.
ASKS_NOTHING = frozenset({ItemKind.READ_RECEIPT, ItemKind.WITHDRAWAL, ItemKind.CONTACT})
# How many cases are made anew by the same few statements.
_PROJECTED_AT_ONCE = 500
_TEXTS = ("title", *SEVEN_QUESTIONS, "reported_elsewhere", "risk")


@dataclass(frozen=True)
class Clocks:
    """
    The days by which something is due; None where nothing is.

    Attributes:
        verification: The result of verification, promised to the reporter.

        feedback: The first word about what follows from the report, or from reopening.
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


@dataclass(frozen=True)
class Words:
    """What can be found of a case: the words of one source, an item for instance."""

    case_id: bytes
    source: bytes
    texts: tuple[str, ...] = field(repr=False)


def journal_of(connection: Connection, case_id: bytes) -> Journal:
    """Read the journal of a case."""
    return _journals(connection, [case_id])[case_id]


def clocks_of(case: Row[Any], state: CaseState) -> Clocks:
    """
    Say what is due when, for a case in this state.

    Feedback stays due when a case is closed: that it was is what the reporter has to
    be told.
    """
    feedback = _feedback_due(case, state)
    if state.status in CLOSED:
        return Clocks(None, feedback)
    # What the site promised was about the report as it came in.
    promised = None if state.reopened_day else _day(case.verification_due_day)
    return Clocks(
        verification=(
            state.due or promised if state.status in UNVERIFIED else state.due
        ),
        feedback=feedback,
    )


def _feedback_due(case: Row[Any], state: CaseState) -> date | None:
    # No answer arrives where the reporter's server was left.
    if state.feedback_day or LEFT_BEHIND in state.labels:
        return None
    return feedback_due(state.reopened_day or date.fromordinal(case.received_day))


def project(connection: Connection, case_ids: Iterable[bytes], *, own: str) -> None:
    """
    Write the rows of cases anew; a case of which nothing can be read here has none.

    Args:
        own: The desk's own id: an officer who is excluded sees that they are.
    """
    wanted = sorted(set(case_ids))
    for start in range(0, len(wanted), _PROJECTED_AT_ONCE):
        _project(connection, wanted[start : start + _PROJECTED_AT_ONCE], own)


def _project(connection: Connection, case_ids: Sequence[bytes], own: str) -> None:
    journals = _journals(connection, case_ids)
    cases = _cases(connection, case_ids)
    for case_id in case_ids:
        # A colleague may have sent a brief of a case, and no item.
        brief = journals[case_id].state.brief
        if case_id not in cases and brief is not None:
            _open_briefed(connection, case_id, brief)
            cases |= _cases(connection, [case_id])
    if not cases:
        return
    contents = _contents(connection, list(cases))
    connection.execute(
        update(casebook.case).where(casebook.case.c.case_id == bindparam("projected")),
        [
            {
                "projected": case_id,
                **_values(case, contents[case_id], journals[case_id].state, own),
            }
            for case_id, case in cases.items()
        ],
    )
    # Most of what comes in is of cases that nobody has touched yet.
    touched = {
        case_id: journals[case_id].state
        for case_id in cases
        if journals[case_id].entries
    }
    if touched:
        _replace(
            connection,
            casebook.label,
            touched,
            [
                {"case_id": case_id, "label": label}
                for case_id, state in touched.items()
                for label in state.labels
            ],
        )
        _replace(
            connection,
            casebook.link,
            touched,
            [
                {
                    "case_id": case_id,
                    "other_case": bytes.fromhex(other),
                    "relation": relation,
                }
                for case_id, state in touched.items()
                for other, relation in state.links.items()
            ],
        )
        _replace(
            connection,
            casebook.held,
            touched,
            [
                {"case_id": case_id, "digest": digest, "desk_id": desk_id}
                for case_id, state in touched.items()
                for digest, desk_id in awaiting_decision(
                    state, _to_check(contents[case_id]), own
                )
            ],
        )
        _let_wait_for_links(connection, touched.values())
    index(
        connection,
        [
            _words_of_journal(case, journals[case_id].state)
            for case_id, case in cases.items()
        ],
    )


def _to_check(contents: Sequence[Any]) -> frozenset[bytes]:
    return frozenset(
        row.digest for row in contents if ItemKind(row.kind) not in NOT_CHECKED
    )


def _let_wait_for_links(connection: Connection, states: Iterable[CaseState]) -> None:
    """Have linked cases looked at: who may hear of a link depends on both of them."""
    linked = {bytes.fromhex(other) for state in states for other in state.links}
    if linked:
        connection.execute(
            update(casebook.case)
            .where(casebook.case.c.case_id.in_(linked))
            .values(unsent=True)
        )


def _values(
    case: Row[Any], contents: Sequence[Any], state: CaseState, own: str
) -> dict[str, object]:
    """Return what a queue shows of a case, and what it is sorted by."""
    clocks = clocks_of(case, state)
    written = next((row.report for row in contents if row.report), None)
    report = Report.parse(written) if written else None
    asking = sum(ItemKind(row.kind) not in ASKS_NOTHING for row in contents)
    days = [row.sent_day for row in contents]
    days += [entry.event.day.toordinal() for entry in state.history]
    return {
        "title": _title(report, state),
        "status": state.status.value,
        # Nobody is done with a case whose reporter has not been told.
        "closed": state.status in CLOSED and clocks.next is None,
        "registration_number": state.registration_number,
        "assigned": state.assigned,
        "due_day": _ordinal(clocks.next),
        "feedback_due_day": _ordinal(clocks.feedback),
        "told_due_day": _ordinal(clocks.verification),
        "last_day": max(days, default=case.received_day),
        "new_items": sum(not row.shown for row in contents),
        "unanswered": asking > answered_through(state)
        or any(map(_is_unseen, contents)),
        "waiting": state.status in WAITING,
        "withdrawn": any(map(_withdraws, contents)),
        "missing": missing_before(row.sequence for row in contents),
        "conflicts": len(state.conflicts) + len(state.gaps),
        "proposed": state.proposal is not None,
        "excluded": own in state.excluded,
        "answered": len(state.replies),
        "milestones": _milestones(contents, report, state),
        "unsent": True,
    }


def _is_unseen(content: Any) -> bool:
    """Tell whether these are contact details of which no officer here knows yet."""
    return ItemKind(content.kind) is ItemKind.CONTACT and not content.shown


def _words_of_journal(case: Row[Any], state: CaseState) -> Words:
    texts = [note.text for note in state.notes]
    texts += [state.paraphrase, state.registration_number or "", case.name]
    if state.brief:
        texts += [
            state.brief.title,
            state.brief.paraphrase,
            *state.brief.answers.values(),
        ]
    texts += [sent.action.letter.text for sent in state.replies]
    return Words(case.case_id, b"journal" + case.case_id, tuple(texts))


def _cases(connection: Connection, case_ids: Sequence[bytes]) -> dict[bytes, Row[Any]]:
    table = casebook.case
    rows = connection.execute(select(table).where(table.c.case_id.in_(case_ids)))
    return {row.case_id: row for row in rows}


def _contents(
    connection: Connection, case_ids: Sequence[bytes]
) -> dict[bytes, list[Any]]:
    columns = casebook.content.c
    contents: dict[bytes, list[Any]] = {case_id: [] for case_id in case_ids}
    for row in connection.execute(
        select(
            columns.case_id,
            columns.digest,
            columns.kind,
            columns.sequence,
            columns.sent_day,
            columns.shown,
            columns.report,
            columns.other_keys,
        )
        .where(columns.case_id.in_(case_ids))
        .order_by(columns.sequence, columns.digest)
    ):
        contents[row.case_id].append(row)
    return contents


def _journals(
    connection: Connection, case_ids: Sequence[bytes]
) -> dict[bytes, Journal]:
    columns = casebook.entry.c
    entries: dict[bytes, list[Entry]] = {case_id: [] for case_id in case_ids}
    for row in connection.execute(
        select(columns.case_id, columns.content).where(columns.case_id.in_(case_ids))
    ):
        entry = Entry(digest_of(row.content), Event.parse(row.content))
        entries[row.case_id].append(entry)
    return {
        case_id: Journal(tuple(found), fold(found))
        for case_id, found in entries.items()
    }


def _open_briefed(connection: Connection, case_id: bytes, brief: Briefed) -> None:
    connection.execute(
        insert(casebook.case),
        {
            "case_id": case_id,
            "name": free_name(case_id, names_like(connection, case_id)),
            "language": "id",
            "received_day": brief.received.toordinal(),
            "status": CaseStatus.RECEIVED.value,
            "last_day": brief.received.toordinal(),
        },
    )


def names_like(connection: Connection, case_id: bytes) -> set[str]:
    """Return the names of cases here that begin as the name of a case does."""
    column = casebook.case.c.name
    name = case_name(case_id)
    # A full stop is what comes next behind the hyphen of a longer name.
    alike = column.between(name, f"{name}.")
    return set(connection.scalars(select(column).where(alike)))


def answered_through(state: CaseState) -> int:
    """Return how many items that ask for an answer have been answered."""
    return max((sent.action.answered for sent in state.replies), default=0)


def words_of_content(
    case_id: bytes,
    digest: bytes,
    *,
    report: Report | None,
    message: str | None,
    names: Sequence[str],
) -> Words:
    """Return what can be found of what a reporter sent."""
    texts = [message or "", *names]
    if report:
        texts += [getattr(report, name) for name in _TEXTS]
    return Words(case_id, digest, tuple(texts))


def index(connection: Connection, words: Sequence[Words]) -> None:
    """Put words into the index under their sources, in place of what was there."""
    table = casebook.place
    places = {
        row.source: row.row
        for row in connection.execute(
            select(table.c.source, table.c.row).where(
                table.c.source.in_([one.source for one in words])
            )
        )
    }
    if places:
        connection.execute(
            text("DELETE FROM search WHERE rowid = :row"),
            [{"row": row} for row in places.values()],
        )
    new = [one for one in words if one.source not in places]
    if new:
        # Nobody else can add a place before this transaction has ended.
        last = connection.scalar(select(func.max(table.c.row))) or 0
        rows = [
            {"row": row, "source": one.source, "case_id": one.case_id}
            for row, one in enumerate(new, start=last + 1)
        ]
        connection.execute(insert(table), rows)
        places |= {one.source: row for row, one in enumerate(new, start=last + 1)}
    if words:
        connection.execute(
            text("INSERT INTO search (rowid, words) VALUES (:row, :words)"),
            [
                {"row": places[one.source], "words": "\n".join(filter(None, one.texts))}
                for one in words
            ],
        )


def _replace(
    connection: Connection,
    table: Any,
    case_ids: Iterable[bytes],
    rows: Sequence[dict[str, object]],
) -> None:
    connection.execute(delete(table).where(table.c.case_id.in_([*case_ids])))
    if rows:
        connection.execute(insert(table), rows)


def _milestones(
    contents: Sequence[Any], report: Report | None, state: CaseState
) -> str:
    """Write what is counted of a case: the reporter's part, then the officers'."""
    found: list[Milestone] = []
    for row in contents:
        day = date.fromordinal(row.sent_day)
        if row.report and report and not found:
            answered = len(completeness(report).answered)
            found.append(Milestone(day, What.REPORT, str(answered)))
        elif _withdraws(row):
            found.append(Milestone(day, What.WITHDRAWAL))
    return "\n".join(str(one) for one in [*found, *milestones_of(state)])


def _withdraws(row: Any) -> bool:
    # Whoever forged an item takes nothing back by it.
    return row.kind == ItemKind.WITHDRAWAL and not row.other_keys


def _title(report: Report | None, state: CaseState) -> str | None:
    if report:
        return report.title
    return state.brief.title if state.brief else None


def _day(ordinal: int | None) -> date | None:
    return None if ordinal is None else date.fromordinal(ordinal)


def _ordinal(day: date | None) -> int | None:
    return None if day is None else day.toordinal()
