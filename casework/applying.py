"""
Applying: what each kind of event makes of a case, where it fits.

    CaseState + event --> CaseState, or `DoesNotFit` with the reason

Taking back is `undoing`.  Specified in docs/spec/journal.md.  This module does no I/O.
"""

from dataclasses import replace
from functools import singledispatch

from casework.case_state import (
    CaseState,
    DoesNotFit,
    Entry,
    ExposureDecision,
    Note,
    Proposal,
    Sent,
    Verdict,
)
from casework.journal import (
    Admitted,
    Assessed,
    Assigned,
    Briefed,
    ClosingConfirmed,
    ClosingDeclined,
    ClosingProposed,
    ContactOpened,
    Excluded,
    Exported,
    ExposureDecided,
    Labelled,
    Linked,
    Noted,
    Paraphrased,
    Redacted,
    Registered,
    Replied,
    Restored,
    Returned,
    StepTaken,
    TakenOut,
)
from casework.reply import CaseStatus, Letter
from casework.workflow import UNVERIFIED, StepNotAllowed, check_step, gives_feedback


@singledispatch
def apply_action(action: object, _state: CaseState, _entry: Entry) -> CaseState:
    """Return the state after an action, by its kind; raise `DoesNotFit`."""
    raise TypeError(f"there is no rule for {type(action).__name__}")


@apply_action.register
def _step(action: StepTaken, state: CaseState, entry: Entry) -> CaseState:
    return _move(state, entry, action.before, action.after, action.reason, officers=1)


def _move(
    state: CaseState,
    entry: Entry,
    before: CaseStatus,
    after: CaseStatus,
    reason: str,
    *,
    officers: int,
) -> CaseState:
    if state.status is not before:
        raise DoesNotFit(f"the case was at {state.status} by then, not at {before}")
    try:
        step = check_step(
            before, after, reason=reason, number=state.registration_number
        )
    except StepNotAllowed as error:
        raise DoesNotFit(str(error)) from None
    if step.two_officers and officers < 2:
        raise DoesNotFit("this step needs a second officer")
    if after is CaseStatus.REOPENED:
        # What was told before was about work that has ended.
        state = replace(state, reopened_day=entry.event.day, feedback_day=None)
    return replace(
        state,
        status=after,
        status_day=entry.event.day,
        proposal=None,
        due=state.due if after in UNVERIFIED else None,
        due_told=state.due_told and after in UNVERIFIED,
    )


@apply_action.register
def _propose(action: ClosingProposed, state: CaseState, entry: Entry) -> CaseState:
    if state.proposal:
        raise DoesNotFit("another closing was proposed already")
    # Whether it can be taken at all is asked now, and not when it is confirmed.
    _move(state, entry, action.before, action.after, action.reason, officers=2)
    proposal = Proposal(
        entry.digest,
        entry.event.desk_id,
        entry.event.day,
        action.after,
        action.reason,
    )
    return replace(state, proposal=proposal)


@apply_action.register
def _confirm(action: ClosingConfirmed, state: CaseState, entry: Entry) -> CaseState:
    proposal = _proposal(state, action.proposal)
    if proposal.desk_id == entry.event.desk_id:
        raise DoesNotFit("whoever proposed it cannot confirm it")
    return _move(
        state, entry, state.status, proposal.after, proposal.reason, officers=2
    )


@apply_action.register
def _decline(action: ClosingDeclined, state: CaseState, entry: Entry) -> CaseState:
    _proposal(state, action.proposal)
    return replace(state, proposal=None)


def _proposal(state: CaseState, digest: str) -> Proposal:
    if state.proposal is None or state.proposal.digest != digest:
        raise DoesNotFit("the proposal was settled by then")
    return state.proposal


@apply_action.register
def _register(action: Registered, state: CaseState, entry: Entry) -> CaseState:
    if state.registration_number is not None:
        raise DoesNotFit("the case had a registration number by then")
    return replace(state, registration_number=action.number)


@apply_action.register
def _assign(action: Assigned, state: CaseState, entry: Entry) -> CaseState:
    if action.desk_id in state.excluded:
        raise DoesNotFit("this officer is excluded from the case")
    return replace(state, assigned=action.desk_id)


@apply_action.register
def _admit(action: Admitted, state: CaseState, entry: Entry) -> CaseState:
    if action.desk_id == entry.event.desk_id:
        raise DoesNotFit("nobody lets themselves in")
    # Whoever is excluded is let in again by an officer who names them.
    excluded = {
        desk: why for desk, why in state.excluded.items() if desk != action.desk_id
    }
    members = {*action.members, action.desk_id, entry.event.desk_id}
    return replace(
        state,
        admitted={**state.admitted, action.desk_id: action.form},
        members=(state.members | members) - set(excluded),
        excluded=excluded,
    )


@apply_action.register
def _brief(action: Briefed, state: CaseState, entry: Entry) -> CaseState:
    before = state.brief
    if before is not None and before.answers and not action.answers:
        # It is for somebody who must not have the answers; whoever has them keeps them.
        action = before.model_copy(update={"paraphrase": action.paraphrase})
    return replace(state, brief=action)


@apply_action.register
def _exclude(action: Excluded, state: CaseState, entry: Entry) -> CaseState:
    return replace(
        state,
        excluded={**state.excluded, action.desk_id: action.reason},
        admitted={
            desk: form
            for desk, form in state.admitted.items()
            if desk != action.desk_id
        },
        members=state.members - {action.desk_id},
        assigned=None if state.assigned == action.desk_id else state.assigned,
    )


@apply_action.register
def _note(action: Noted, state: CaseState, entry: Entry) -> CaseState:
    note = Note(entry.digest, entry.event.desk_id, entry.event.day, action.text)
    return replace(state, notes=(*state.notes, note))


@apply_action.register
def _label(action: Labelled, state: CaseState, entry: Entry) -> CaseState:
    label = frozenset({action.label})
    return replace(
        state, labels=state.labels | label if action.on else state.labels - label
    )


@apply_action.register
def _link(action: Linked, state: CaseState, entry: Entry) -> CaseState:
    if action.other_case == entry.event.case_id:
        raise DoesNotFit("a case cannot be linked to itself")
    links = {
        case: relation
        for case, relation in state.links.items()
        if case != action.other_case
    }
    if action.on:
        links[action.other_case] = action.relation
    return replace(state, links=links)


@apply_action.register(Restored)
@apply_action.register(Returned)
def _tell(_action: object, state: CaseState, _entry: Entry) -> CaseState:
    # It is about desks and changes no case.
    return state


@apply_action.register
def _assess(action: Assessed, state: CaseState, entry: Entry) -> CaseState:
    verdict = Verdict(
        entry.event.desk_id, entry.event.day, action.verdict, action.reason
    )
    return replace(state, verdicts={**state.verdicts, action.subject: verdict})


@apply_action.register
def _decide_exposure(
    action: ExposureDecided, state: CaseState, entry: Entry
) -> CaseState:
    decision = ExposureDecision(entry.event.desk_id, entry.event.day, action)
    return replace(state, exposure=decision)


@apply_action.register
def _redact(action: Redacted, state: CaseState, entry: Entry) -> CaseState:
    place = (action.item, action.field)
    return replace(state, redactions={**state.redactions, place: action.spans})


@apply_action.register
def _paraphrase(action: Paraphrased, state: CaseState, entry: Entry) -> CaseState:
    return replace(state, paraphrase=action.text)


@apply_action.register
def _reply(action: Replied, state: CaseState, entry: Entry) -> CaseState:
    sent = Sent(entry.digest, entry.event.desk_id, entry.event.day, action)
    state = replace(state, replies=(*state.replies, sent))
    if state.feedback_day is None and gives_feedback(action.letter):
        state = replace(state, feedback_day=entry.event.day)
    return _promise(state, action.letter)


def _promise(state: CaseState, letter: Letter) -> CaseState:
    if letter.due_day is None:
        return state
    return replace(state, due=letter.due_day, due_told=True)


@apply_action.register
def _open_contact(_action: ContactOpened, state: CaseState, entry: Entry) -> CaseState:
    return replace(state, contacts_opened=(*state.contacts_opened, entry))


@apply_action.register
def _take_out(_action: TakenOut, state: CaseState, entry: Entry) -> CaseState:
    return replace(state, files_taken=(*state.files_taken, entry))


@apply_action.register
def _export(_action: Exported, state: CaseState, entry: Entry) -> CaseState:
    return replace(state, exports=(*state.exports, entry))
