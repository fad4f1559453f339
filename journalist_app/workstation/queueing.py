"""
Queueing: which cases wait for what, in the order in which they are due.

A case is *unanswered* when its reporter sent something that asks for an answer
after the last reply, *new* as long as something in it was not shown yet, *overdue*
when a promised day has passed, and *waiting* when the reporter was asked for more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, select

from casework.reply import CaseStatus
from journalist_app.workstation import casebook
from journalist_app.workstation.desk import Desk

PAGE_CASES = 50


class View(StrEnum):
    """Which cases of the queue are shown."""

    OPEN = "open"
    NEW = "new"
    TODAY = "today"
    OVERDUE = "overdue"
    UNANSWERED = "unanswered"
    WAITING = "waiting"
    HELD = "held"
    MINE = "mine"
    CLOSED = "closed"
    ALL = "all"


@dataclass(frozen=True)
class CaseSummary:
    """
    One line of the queue.

    Attributes:
        title: None as long as the report itself is not on this desk.

        due: The next day by which something is due; None if nothing is.

        new: How many items were not shown yet.

        missing: How many items of the case must be missing, at least.

        conflicts: How many events did not fit or are missing.

        proposed: Whether a closing waits for a second officer.

        brief: Whether only a brief of the case is here.

        held: How many items wait for the next decision about exposure before they
            reach a colleague.
    """

    case_id: bytes
    name: str
    title: str | None = field(repr=False)
    received: date
    due: date | None
    status: CaseStatus
    registration_number: str | None = field(repr=False)
    assigned: str | None
    new: int
    overdue: bool
    unanswered: bool
    waiting: bool
    withdrawn: bool
    missing: int
    conflicts: int
    proposed: bool
    excluded: bool
    brief: bool
    settled: bool
    labels: tuple[str, ...] = field(default=(), repr=False)
    held: int = 0

    @property
    def closed(self) -> bool:
        """Whether nobody works on it any more."""
        return self.settled and not self.unanswered


@dataclass(frozen=True)
class Queue:
    """One page of the queue, and how many cases each view has."""

    cases: tuple[CaseSummary, ...]
    counts: Mapping[View, int]
    view: View
    page: int
    pages: int
    labels: Mapping[str, int] = field(repr=False)


def show_queue(
    desk: Desk,
    *,
    today: date,
    view: View = View.OPEN,
    page: int = 1,
    label: str | None = None,
    page_cases: int = PAGE_CASES,
) -> Queue:
    """
    Return one page of the queue: cases that are due first come first.

    Args:
        desk: Of which.

        today: The day it is.

        view: Which cases.

        page: From 1; a page beyond the last one is the last one.

        label: Only cases that are marked with it.

        page_cases: How many there are on a page.
    """
    table = casebook.case
    with desk.casebook.transaction() as connection:
        counts = _counts(connection, desk, today)
        wanted = _wanted(view, desk, today)
        if label is not None:
            marked = select(casebook.label.c.case_id).where(
                casebook.label.c.label == label
            )
            wanted = and_(wanted, table.c.case_id.in_(marked))
            total = connection.scalar(
                select(func.count()).select_from(table).where(wanted)
            )
        else:
            total = counts[view]
        pages = max(1, -(-(total or 0) // page_cases))
        page = min(max(1, page), pages)
        rows = connection.execute(
            select(table)
            .where(wanted)
            .order_by(
                table.c.closed,
                table.c.due_day.is_(None),
                table.c.due_day,
                table.c.received_day,
                table.c.name,
            )
            .limit(page_cases)
            .offset((page - 1) * page_cases)
        ).all()
        labels = labels_of(connection, [row.case_id for row in rows])
        held = _held(connection)
        return Queue(
            cases=tuple(
                replace(
                    summary_of(row, today, labels.get(row.case_id, ())),
                    held=held.get(row.case_id, 0),
                )
                for row in rows
            ),
            counts=counts,
            view=view,
            page=page,
            pages=pages,
            labels=_label_counts(connection),
        )


def list_cases(desk: Desk, *, today: date) -> tuple[CaseSummary, ...]:
    """Return all cases: those that are due first come first."""
    queue = show_queue(desk, today=today, view=View.ALL, page_cases=1_000_000)
    return queue.cases


def summaries_of(
    connection: Connection, case_ids: Sequence[bytes], *, today: date
) -> tuple[CaseSummary, ...]:
    """Return the cases with these ids, in this order; those not here are left out."""
    rows = connection.execute(
        select(casebook.case).where(casebook.case.c.case_id.in_(case_ids))
    )
    labels = labels_of(connection, case_ids)
    found = {
        row.case_id: summary_of(row, today, labels.get(row.case_id, ())) for row in rows
    }
    return tuple(found[case_id] for case_id in case_ids if case_id in found)


def _wanted(view: View, desk: Desk, today: date) -> ColumnElement[bool]:
    columns = casebook.case.c
    still_open = columns.closed.is_(False) | columns.unanswered
    now = today.toordinal()
    wanted: dict[View, ColumnElement[bool]] = {
        View.OPEN: still_open,
        View.NEW: columns.new_items > 0,
        View.TODAY: and_(still_open, columns.due_day == now),
        View.OVERDUE: and_(still_open, columns.due_day < now),
        View.UNANSWERED: columns.unanswered.is_(True),
        View.WAITING: and_(still_open, columns.waiting),
        View.HELD: columns.case_id.in_(
            select(casebook.held.c.case_id).where(_is_held())
        ),
        View.MINE: and_(still_open, columns.assigned == desk.record.desk_id),
        View.CLOSED: ~still_open,
        View.ALL: columns.case_id.is_not(None),
    }
    return wanted[view]


def _counts(connection: Connection, desk: Desk, today: date) -> dict[View, int]:
    row = connection.execute(
        select(
            *(
                func.count().filter(_wanted(view, desk, today)).label(view.name)
                for view in View
            )
        ).select_from(casebook.case)
    ).one()
    return {view: int(getattr(row, view.name)) for view in View}


def labels_of(
    connection: Connection, case_ids: Sequence[bytes]
) -> dict[bytes, tuple[str, ...]]:
    """Return the labels of cases, in the order of the alphabet."""
    table = casebook.label
    found: dict[bytes, tuple[str, ...]] = {}
    for row in connection.execute(
        select(table).where(table.c.case_id.in_(case_ids)).order_by(table.c.label)
    ):
        found[row.case_id] = (*found.get(row.case_id, ()), row.label)
    return found


def _is_held() -> ColumnElement[bool]:
    """Tell of a row of `held` whether its desk still lacks the item."""
    held, knows = casebook.held.c, casebook.knows.c
    return ~exists().where(
        knows.digest == held.digest,
        knows.desk_id == held.desk_id,
        knows.lost.is_(False),
    )


def _held(connection: Connection) -> dict[bytes, int]:
    """Count by case what waits for the next decision about exposure."""
    columns = casebook.held.c
    rows = connection.execute(
        select(columns.case_id, func.count(columns.digest.distinct()).label("items"))
        .where(_is_held())
        .group_by(columns.case_id)
    )
    return {row.case_id: row.items for row in rows}


def _label_counts(connection: Connection) -> dict[str, int]:
    table = casebook.label
    rows = connection.execute(
        select(table.c.label, func.count().label("cases"))
        .group_by(table.c.label)
        .order_by(table.c.label)
    )
    return {row.label: row.cases for row in rows}


def summary_of(row: Row[Any], today: date, labels: tuple[str, ...]) -> CaseSummary:
    """Return a row of cases as the queue shows it."""
    due = _day(row.due_day)
    return CaseSummary(
        case_id=row.case_id,
        name=row.name,
        title=row.title,
        received=date.fromordinal(row.received_day),
        due=due,
        status=CaseStatus(row.status),
        registration_number=row.registration_number,
        assigned=row.assigned,
        new=row.new_items,
        overdue=due is not None and today > due,
        unanswered=row.unanswered,
        waiting=row.waiting,
        withdrawn=row.withdrawn,
        missing=row.missing,
        conflicts=row.conflicts,
        proposed=row.proposed,
        excluded=row.excluded,
        brief=row.reply_public_key is None,
        settled=row.closed,
        labels=labels,
    )


def _day(ordinal: int | None) -> date | None:
    return None if ordinal is None else date.fromordinal(ordinal)
