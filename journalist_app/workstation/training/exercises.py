"""
Exercises: which of them a trainee has done, as the casebook shows it.

    own events of a case --does one of them fit?--> done
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from casework.journal import (
    Action,
    Admitted,
    ClosingConfirmed,
    ClosingDeclined,
    ClosingProposed,
    ContactOpened,
    Excluded,
    ExposureDecided,
    Linked,
    Registered,
    Replied,
    StepTaken,
)
from casework.reply import CaseStatus
from journalist_app.workstation import casebook
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.projecting import journal_of
from journalist_app.workstation.training.cases import (
    Exercise,
    exercises,
    ready_cases,
)


@dataclass(frozen=True)
class Progress:
    """
    An exercise, and how far it is.

    Attributes:
        case_name: Of the case it is about, if it is on this desk.
    """

    exercise: Exercise
    case_name: str | None
    done: bool


_FITS: Mapping[str, Callable[[Action], bool]] = {
    "verify": lambda action: isinstance(action, Registered),
    "complete": lambda action: (
        isinstance(action, StepTaken) and action.after is CaseStatus.NEEDS_COMPLETION
    ),
    "competence": lambda action: (
        isinstance(action, ClosingProposed) and action.after is CaseStatus.NOT_COMPETENT
    ),
    "reply": lambda action: isinstance(action, Replied),
    "link": lambda action: isinstance(action, Linked) and action.on,
    "exclude": lambda action: isinstance(action, Excluded),
    "exposure": lambda action: isinstance(action, ExposureDecided),
    "share": lambda action: isinstance(action, Admitted) and action.form != "full",
    "contact": lambda action: isinstance(action, ContactOpened),
    "close": lambda action: isinstance(action, ClosingConfirmed | ClosingDeclined),
}


def progress_of(desk: Desk) -> tuple[Progress, ...]:
    """Say of every exercise whether it was done at this desk."""
    with desk.casebook.transaction() as connection:
        return tuple(_progress(desk, connection, one) for one in exercises())


def _progress(desk: Desk, connection: Connection, exercise: Exercise) -> Progress:
    if exercise.title is None:
        return Progress(exercise, None, _DONE[exercise.key](connection))
    columns = casebook.case.c
    row = connection.execute(
        select(columns.case_id, columns.name).where(columns.title == exercise.title)
    ).first()
    if row is None:
        return Progress(exercise, None, done=False)
    state = journal_of(connection, row.case_id).state
    done = any(
        _FITS[exercise.key](entry.event.action)
        for entry in state.history
        if entry.event.desk_id == desk.record.desk_id
        and entry.digest not in state.undone
    )
    return Progress(exercise, row.name, done)


def _has_second_day(connection: Connection) -> bool:
    titles = [one.report.title for one in ready_cases().values() if one.second]
    columns = casebook.case.c
    found = connection.scalar(select(columns.name).where(columns.title.in_(titles)))
    return found is not None


def _has_outbox(connection: Connection) -> bool:
    return bool(connection.scalar(select(casebook.casebook.c.last_outbox)))


_DONE: Mapping[str, Callable[[Connection], bool]] = {
    "import": _has_second_day,
    "export": _has_outbox,
}
