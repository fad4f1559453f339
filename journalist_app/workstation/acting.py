"""
Acting: what an officer can do to a case, each thing one event or two.

Every function reads where the case stands, writes what the officer decided behind it
and lets the queue follow, in one transaction.  What the workflow or the rules of
need-to-know do not allow is refused with `ActionRefused`, and nothing has changed.
"""

from datetime import date

from sqlalchemy import Connection, select

from casework.case_state import CaseState, Entry
from casework.exposure_check import mark_of
from casework.item import ItemKind
from casework.journal import (
    MOST_ITEMS_CHECKED,
    Action,
    Assigned,
    ClosingProposed,
    ContactOpened,
    ExposureDecided,
    Linked,
    Registered,
    StepTaken,
    Undone,
)
from casework.reply import CaseStatus
from casework.workflow import STEPS
from journalist_app.workstation import casebook, sharing
from journalist_app.workstation.cases import find_case
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.entries import append
from journalist_app.workstation.errors import ActionRefused, ShownOtherwise, UnknownCase
from journalist_app.workstation.projecting import journal_of
from journalist_app.workstation.registering import new_number


def act(desk: Desk, name: str, action: Action, *, today: date) -> Entry:
    """
    Do one thing that needs nothing else: a note, a label, a verdict.

    Raises:
        UnknownCase: If there is no case of this name.

        ActionRefused: If it does not fit.
    """
    with desk.casebook.transaction() as connection:
        case = find_case(connection, name)
        return append(desk, connection, case.case_id, action, today=today)


def take_step(
    desk: Desk, name: str, after: CaseStatus, *, reason: str, today: date
) -> Entry:
    """
    Take a case to another step, or propose it where two officers are needed.

    On the way to "registered" a case without a number gets one.

    Raises:
        UnknownCase: If there is no case of this name.

        ActionRefused: If the workflow has no such step, or a reason is missing.
    """
    with desk.casebook.transaction() as connection:
        case = find_case(connection, name)
        state = journal_of(connection, case.case_id).state
        step = STEPS[state.status].get(after)
        if step is None:
            raise ActionRefused(f"there is no step from {state.status} to {after}")
        if step.reason and not reason:
            raise ActionRefused(f"the step to {after} needs a reason")
        if step.number and state.registration_number is None:
            _register(desk, connection, case.case_id, today)
        action: Action
        if step.two_officers:
            action = ClosingProposed(before=state.status, after=after, reason=reason)
        else:
            action = StepTaken(before=state.status, after=after, reason=reason)
        return append(desk, connection, case.case_id, action, today=today)


def assign(desk: Desk, name: str, desk_id: str | None, *, today: date) -> Entry:
    """
    Put a case into the hands of an officer who may know it, or of nobody.

    Raises:
        UnknownCase: If there is no case of this name.

        ActionRefused: If the officer may not know of the case: share it first.
    """
    with desk.casebook.transaction() as connection:
        case = find_case(connection, name)
        state = journal_of(connection, case.case_id).state
        present = sharing.members(connection, case.case_id, state)
        if desk_id is not None and desk_id not in present | {desk.record.desk_id}:
            raise ActionRefused("this officer does not have the case: share it first")
        return append(
            desk, connection, case.case_id, Assigned(desk_id=desk_id), today=today
        )


def share(
    desk: Desk, name: str, desk_id: str, *, form: str, reason: str, today: date
) -> None:
    """Let a colleague know of a case; see `sharing.admit`."""
    with desk.casebook.transaction() as connection:
        case = find_case(connection, name)
        sharing.admit(
            desk,
            connection,
            case.case_id,
            desk_id,
            form=form,
            reason=reason,
            today=today,
        )


def exclude(desk: Desk, name: str, desk_id: str, *, reason: str, today: date) -> None:
    """Keep a case from a desk from now on; see `sharing.exclude`."""
    with desk.casebook.transaction() as connection:
        case = find_case(connection, name)
        sharing.exclude(
            desk, connection, case.case_id, desk_id, reason=reason, today=today
        )


def decide_exposure(
    desk: Desk,
    name: str,
    *,
    shown: str,
    findings: int,
    decision: str,
    reason: str,
    today: date,
) -> Entry:
    """
    Record what was decided about what the officer was shown.

    Args:
        desk: Whose officer decides.

        name: Of the case.

        shown: The mark of the items that were shown (`mark_of`).

        findings: How many telling places they had.

        decision: "share", "redact" or "withhold".

        reason: May be empty.

        today: The day it is.

    Raises:
        UnknownCase: If there is no case of this name.

        ShownOtherwise: If the case has other items by now than were shown.

        ActionRefused: If the decision is none of the three, or there are too many
            items to name.
    """
    if decision not in ("share", "redact", "withhold"):
        raise ActionRefused("choose to share, to blacken passages, or to withhold")
    with desk.casebook.transaction() as connection:
        case = find_case(connection, name)
        items = sharing.to_check(connection, case.case_id)
        if shown != mark_of(items):
            raise ShownOtherwise(ShownOtherwise.__doc__)
        if len(items) > MOST_ITEMS_CHECKED:
            raise ActionRefused(
                f"the case has more than {MOST_ITEMS_CHECKED} items, which no decision "
                "can name: it is shared with nobody"
            )
        action = ExposureDecided.model_validate(
            {
                "findings": findings,
                "items": tuple(sorted(one.hex() for one in items)),
                "decision": decision,
                "reason": reason,
            }
        )
        return append(desk, connection, case.case_id, action, today=today)


def link(
    desk: Desk, name: str, other_name: str, *, relation: str | None, today: date
) -> Entry:
    """
    Say that two cases have to do with each other, on both; None for not after all.

    Raises:
        UnknownCase: If there is no case of one of the names.

        ActionRefused: If both are the same case.

    Returns:
        The event of the first case; taking it back takes the other one back, too.
    """
    with desk.casebook.transaction() as connection:
        case = find_case(connection, name)
        other = find_case(connection, other_name)
        entries = [
            append(
                desk,
                connection,
                one.case_id,
                Linked.model_validate(
                    {
                        "other_case": another.case_id.hex(),
                        "relation": relation or "same-matter",
                        "on": relation is not None,
                    }
                ),
                today=today,
            )
            for one, another in ((case, other), (other, case))
        ]
        return entries[0]


def open_contact(
    desk: Desk, name: str, digest: bytes, *, reason: str, today: date
) -> str:
    """
    Return the reporter's contact details, and record who has read them and why.

    Raises:
        UnknownCase: If the case has no such contact details on this desk.

        ActionRefused: If no reason is given.
    """
    if not reason:
        raise ActionRefused("say why the contact details are needed")
    with desk.casebook.transaction() as connection:
        case = find_case(connection, name)
        columns = casebook.content.c
        message = connection.scalar(
            select(columns.message).where(
                columns.digest == digest,
                columns.case_id == case.case_id,
                columns.kind == ItemKind.CONTACT,
            )
        )
        if message is None:
            raise UnknownCase("the case has no such contact details here")
        action = ContactOpened(item=digest.hex(), reason=reason)
        append(desk, connection, case.case_id, action, today=today)
        return str(message)


def undo(desk: Desk, name: str, digest: str, *, today: date) -> Entry:
    """
    Take back what this desk's officer did; a link of two cases on both of them.

    Raises:
        UnknownCase: If there is no case of this name.

        ActionRefused: If it is somebody else's, cannot be taken back, or the case
            has gone on since.
    """
    with desk.casebook.transaction() as connection:
        case = find_case(connection, name)
        history = journal_of(connection, case.case_id).state.history
        target = next((one for one in history if one.digest == digest), None)
        entry = append(
            desk, connection, case.case_id, Undone(entry=digest), today=today
        )
        if target is not None and isinstance(target.event.action, Linked):
            _unlink_twin(desk, connection, target, target.event.action, today)
        return entry


def state_of(desk: Desk, name: str) -> CaseState:
    """
    Return what the journal says about a case.

    Raises:
        UnknownCase: If there is no case of this name.
    """
    with desk.casebook.transaction() as connection:
        return journal_of(connection, find_case(connection, name).case_id).state


def _unlink_twin(
    desk: Desk, connection: Connection, target: Entry, action: Linked, today: date
) -> None:
    """Take back what the same officer said of the same link on the other case."""
    other = bytes.fromhex(action.other_case)
    state = journal_of(connection, other).state
    twins = [
        one
        for one in state.history
        if isinstance(one.event.action, Linked)
        and one.event.desk_id == target.event.desk_id
        and one.digest not in state.undone
        and one.event.action
        == action.model_copy(update={"other_case": target.event.case_id})
    ]
    if twins:
        twin = Undone(entry=twins[-1].digest)
        append(desk, connection, other, twin, today=today)


def _register(desk: Desk, connection: Connection, case_id: bytes, today: date) -> None:
    taken = set(
        connection.scalars(
            select(casebook.case.c.registration_number).where(
                casebook.case.c.registration_number.is_not(None)
            )
        )
    )
    number = new_number(
        desk.desk_id, entropy=desk.entropy, taken=lambda one: one in taken
    )
    append(desk, connection, case_id, Registered(number=number), today=today)
