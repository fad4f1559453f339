"""
Undoing: what officers can take back of what they did, and what is left of a case then.

Only what nothing was built on, and only their own: a step is taken back as long as
the case has not gone on.  Specified in docs/spec/journal.md.  This module does no I/O.
"""

from dataclasses import replace
from functools import singledispatch
from typing import TypeVar

from casework.case_state import CaseState, DoesNotFit, Entry
from casework.journal import (
    Assessed,
    Assigned,
    ClosingConfirmed,
    ClosingProposed,
    Labelled,
    Linked,
    Noted,
    Paraphrased,
    Redacted,
    StepTaken,
    Undone,
)

Key = TypeVar("Key")
Value = TypeVar("Value")

# What an officer can take back as long as nothing was built on it.
REVERSIBLE = (
    StepTaken,
    Assigned,
    Noted,
    Labelled,
    Linked,
    Assessed,
    Redacted,
    Paraphrased,
    ClosingProposed,
)


def undo(
    state: CaseState, entry: Entry, undone: Undone, before: dict[str, CaseState]
) -> CaseState:
    """
    Return the state without what an event takes back.

    Args:
        state: As it is now.

        entry: The event that takes back.

        undone: Its action.

        before: The states before each reversible event, by digest.

    Raises:
        DoesNotFit: If it is somebody else's, or something was built on it.
    """
    target = next((one for one in state.history if one.digest == undone.entry), None)
    if target is None or undone.entry not in before:
        raise DoesNotFit("there is nothing of this kind to take back")
    if target.event.desk_id != entry.event.desk_id:
        raise DoesNotFit("an officer takes back only what they did themselves")
    check_not_undone(state, undone.entry)
    taken_back = take_back(target.event.action, state, target, before[undone.entry])
    return replace(taken_back, undone=taken_back.undone | {undone.entry})


def check_not_undone(state: CaseState, digest: str) -> None:
    """Raise `DoesNotFit` if an event was taken back already."""
    if digest in state.undone:
        raise DoesNotFit("it was taken back already")


@singledispatch
def take_back(
    action: object, _state: CaseState, _target: Entry, _before: CaseState
) -> CaseState:
    """Return the state without an action, by its kind; raise `DoesNotFit`."""
    raise TypeError(f"{type(action).__name__} cannot be taken back")


@take_back.register
def _take_back_step(
    action: StepTaken, state: CaseState, target: Entry, before: CaseState
) -> CaseState:
    moved = [
        one
        for one in state.history
        if isinstance(one.event.action, StepTaken | ClosingConfirmed)
        and one.digest not in state.undone
    ]
    if state.proposal or moved[-1].digest != target.digest:
        raise DoesNotFit("the case has gone on since")
    return replace(
        state,
        status=before.status,
        status_day=before.status_day,
        due=before.due,
        due_told=before.due_told,
        reopened_day=before.reopened_day,
        # A letter stays sent, whatever was taken back behind it.
        feedback_day=before.feedback_day or state.feedback_day,
    )


@take_back.register
def _take_back_assignment(
    action: Assigned, state: CaseState, target: Entry, before: CaseState
) -> CaseState:
    if state.assigned != action.desk_id or before.assigned in state.excluded:
        raise DoesNotFit("the case was assigned anew since")
    return replace(state, assigned=before.assigned)


@take_back.register
def _take_back_note(
    _action: Noted, state: CaseState, target: Entry, _before: CaseState
) -> CaseState:
    notes = tuple(note for note in state.notes if note.digest != target.digest)
    return replace(state, notes=notes)


@take_back.register
def _take_back_label(
    action: Labelled, state: CaseState, target: Entry, before: CaseState
) -> CaseState:
    label = frozenset({action.label})
    was_on = action.label in before.labels
    return replace(
        state, labels=state.labels | label if was_on else state.labels - label
    )


@take_back.register
def _take_back_link(
    action: Linked, state: CaseState, target: Entry, before: CaseState
) -> CaseState:
    links = _as_before(state.links, before.links, action.other_case)
    return replace(state, links=links)


@take_back.register
def _take_back_verdict(
    action: Assessed, state: CaseState, target: Entry, before: CaseState
) -> CaseState:
    verdicts = _as_before(state.verdicts, before.verdicts, action.subject)
    return replace(state, verdicts=verdicts)


@take_back.register
def _take_back_redaction(
    action: Redacted, state: CaseState, target: Entry, before: CaseState
) -> CaseState:
    place = (action.item, action.field)
    redactions = _as_before(state.redactions, before.redactions, place)
    return replace(state, redactions=redactions)


@take_back.register
def _take_back_paraphrase(
    _action: Paraphrased, state: CaseState, _target: Entry, before: CaseState
) -> CaseState:
    return replace(state, paraphrase=before.paraphrase)


@take_back.register
def _take_back_proposal(
    _action: ClosingProposed, state: CaseState, target: Entry, _before: CaseState
) -> CaseState:
    if state.proposal is None or state.proposal.digest != target.digest:
        raise DoesNotFit("the proposal was settled by then")
    return replace(state, proposal=None)


def _as_before(
    now: dict[Key, Value], before: dict[Key, Value], key: Key
) -> dict[Key, Value]:
    """Return what there is now, with what one key had before, if it had anything."""
    others = {other: value for other, value in now.items() if other != key}
    return others | ({key: before[key]} if key in before else {})
