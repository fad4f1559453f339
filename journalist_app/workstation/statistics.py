"""
Statistics of the cases that this desk knows: read from the casebook, made elsewhere.

    case --one quarter's--> CaseFacts --casework.statistics--> figures

Several desks know different cases, and each counts its own.  Cases that the desk's
officer is excluded from are left out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, func, select

from casework.statistics import (
    CaseFacts,
    Figures,
    Milestone,
    Quarter,
    QuarterNotOver,
    figures_of,
)
from casework.suppression import is_small
from journalist_app.workstation import casebook
from journalist_app.workstation.desk import Desk

# Ten years.  Whoever sends a report can write any day into it, and a list that begins
# in the year 1 would be of no use to anybody.
MOST_QUARTERS = 40


@dataclass(frozen=True)
class Intake:
    """
    How many reports came in which quarter.

    Attributes:
        received: From the quarter of the first report, or the first of the last forty,
            through the one it is now; None where the number is small.
    """

    received: Mapping[Quarter, int | None]


def intake_of(desk: Desk, *, today: date) -> Intake:
    """Count the reports of every quarter since the first one, of forty at most."""
    columns = casebook.case.c
    now = Quarter.of(today)
    counts: dict[Quarter, int] = {now: 0}
    with desk.casebook.transaction() as connection:
        rows = connection.execute(
            select(columns.received_day, func.count().label("cases"))
            .where(
                columns.excluded.is_(False), columns.received_day <= today.toordinal()
            )
            .group_by(columns.received_day)
            .order_by(columns.received_day)
        )
        for row in rows:
            quarter = Quarter.of(date.fromordinal(row.received_day))
            counts[quarter] = counts.get(quarter, 0) + row.cases
    quarter, received = now, dict[Quarter, int | None]()
    for _ in range(MOST_QUARTERS - 1):
        if quarter > min(counts):
            quarter = quarter.previous
    while quarter <= now:
        count = counts.get(quarter, 0)
        received[quarter] = None if is_small(count) else count
        quarter = quarter.next
    return Intake(received)


def quarter_figures(desk: Desk, quarter: Quarter, *, today: date) -> Figures:
    """Make the figures of a quarter; they are provisional while it is not over."""
    with desk.casebook.transaction() as connection:
        cases = list(_facts(connection, quarter))
    return figures_of(quarter, cases, through=today, calendar=desk.calendar)


def final_figures(desk: Desk, quarter: Quarter, *, today: date) -> Figures:
    """
    Make the figures of a quarter for others.

    Raises:
        QuarterNotOver: If its last day has not passed: of two days' figures, the
            difference would be single reports.
    """
    if today <= quarter.last:
        raise QuarterNotOver(
            f"the quarter {quarter} is not over; its figures can be written from "
            f"{quarter.next.first.isoformat()} on"
        )
    return quarter_figures(desk, quarter, today=today)


def _facts(connection: Connection, quarter: Quarter) -> Iterator[CaseFacts]:
    columns = casebook.case.c
    rows = connection.execute(
        select(
            columns.received_day, columns.verification_due_day, columns.milestones
        ).where(
            columns.received_day.between(
                quarter.first.toordinal(), quarter.last.toordinal()
            ),
            columns.excluded.is_(False),
        )
    ).all()
    # Thousands of cases say the same few things.
    said: dict[str, Milestone] = {}
    for received, due, lines in rows:
        milestones = []
        for line in lines.split("\n") if lines else ():
            if line not in said:
                said[line] = Milestone.parse(line)
            milestones.append(said[line])
        yield CaseFacts(
            received=date.fromordinal(received),
            verification_due=date.fromordinal(due) if due else None,
            milestones=tuple(milestones),
        )
