"""
Folding: from a set of events to what every desk says about a case.

    events in any order --sort by clock, desk, number--> one by one --> CaseState

The result is a function of the *set* of events: two desks that have the same ones
show the same case, however these arrived.  An event that no longer fits at its place
(two officers took different steps at once) changes nothing and is shown as a
conflict, with the reason: nothing that an officer did is lost or silently overruled.

Specified in docs/spec/journal.md.  This module does no I/O.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import singledispatch

from casework.journal import (
    FIRST,
    Admitted,
    Assessed,
    Assigned,
    Briefed,
    ClosingConfirmed,
    ClosingDeclined,
    ClosingProposed,
    ContactOpened,
    Event,
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
    Undone,
)
from casework.reply import CaseStatus, Letter
from casework.strict import LARGEST_INTEGER
from casework.workflow import (
    UNVERIFIED,
    StepNotAllowed,
    check_step,
    gives_feedback,
)


@dataclass(frozen=True)
class Entry:
    """An event whose signature was verified, and its digest."""

    digest: str
    event: Event = field(repr=False)


@dataclass(frozen=True)
class Conflict:
    """An event that did not fit where it stands, and why."""

    entry: Entry
    reason: str


@dataclass(frozen=True)
class Gap:
    """Events of a desk that are missing before one that is there."""

    desk_id: str
    numbers: range


@dataclass(frozen=True)
class Note:
    """A note, and whose."""

    digest: str
    desk_id: str
    day: date
    text: str = field(repr=False)


@dataclass(frozen=True)
class Proposal:
    """A closing that waits for a second officer."""

    digest: str
    desk_id: str
    day: date
    after: CaseStatus
    reason: str = field(repr=False)


@dataclass(frozen=True)
class Verdict:
    """How an officer judged something, and why."""

    desk_id: str
    day: date
    verdict: str
    reason: str = field(repr=False)


@dataclass(frozen=True)
class Sent:
    """A reply that a desk sealed to the reporter."""

    digest: str
    desk_id: str
    day: date
    action: Replied = field(repr=False)


@dataclass(frozen=True)
class ExposureDecision:
    """Whether the case may be shared, as far as the reporter's protection goes."""

    desk_id: str
    day: date
    action: ExposureDecided = field(repr=False)


@dataclass(frozen=True)
class CaseState:
    """
    What the journal says about a case.

    Attributes:
        due: The day that was promised to the reporter in the last reply that
            promised one; None if none did, or it was met.

        reopened_day: When the case was opened again last.

        feedback_day: When a letter first told the reporter what follows from the
            report, or, of a case that was opened again, from that; None if none has.

        admitted: By desk that an officer let in, in which form it gets the case.

        members: Desks that knew the case when somebody was let in; whoever received
            the report itself knows so without it.

        excluded: By desk, why.

        through_clock: The clock of the last event.
    """

    status: CaseStatus = CaseStatus.RECEIVED
    status_day: date | None = None
    registration_number: str | None = field(default=None, repr=False)
    due: date | None = None
    due_told: bool = False
    reopened_day: date | None = None
    feedback_day: date | None = None
    assigned: str | None = None
    admitted: dict[str, str] = field(default_factory=dict)
    members: frozenset[str] = frozenset()
    excluded: dict[str, str] = field(default_factory=dict, repr=False)
    proposal: Proposal | None = None
    labels: frozenset[str] = field(default=frozenset(), repr=False)
    links: dict[str, str] = field(default_factory=dict, repr=False)
    notes: tuple[Note, ...] = field(default=(), repr=False)
    replies: tuple[Sent, ...] = field(default=(), repr=False)
    verdicts: dict[str, Verdict] = field(default_factory=dict, repr=False)
    exposure: ExposureDecision | None = None
    redactions: dict[tuple[str, str], tuple[tuple[int, int], ...]] = field(
        default_factory=dict, repr=False
    )
    paraphrase: str = field(default="", repr=False)
    brief: Briefed | None = field(default=None, repr=False)
    contacts_opened: tuple[Entry, ...] = ()
    files_taken: tuple[Entry, ...] = ()
    exports: tuple[Entry, ...] = ()
    history: tuple[Entry, ...] = ()
    undone: frozenset[str] = frozenset()
    conflicts: tuple[Conflict, ...] = ()
    gaps: tuple[Gap, ...] = ()
    through_clock: int = 0


class _DoesNotFit(Exception):
    """The event changes nothing where it stands."""


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


def fold(entries: Iterable[Entry]) -> CaseState:
    """
    Say what all events of one case together make of it.

    Args:
        entries: Verified, of one case, in any order; the same one may come twice.
    """
    return _fold(entries)[0]


def still_reversible(entries: Iterable[Entry], desk_id: str) -> frozenset[str]:
    """
    Say what an officer could take back now, by digest.

    Args:
        entries: As for `fold`.

        desk_id: The officer's.
    """
    state, before = _fold(entries)
    if desk_id in state.excluded:
        return frozenset()
    fitting = set()
    for target in state.history:
        if target.event.desk_id != desk_id or target.digest not in before:
            continue
        try:
            _check_not_undone(state, target.digest)
            _take_back(target.event.action, state, target, before[target.digest])
        except _DoesNotFit:
            continue
        fitting.add(target.digest)
    return frozenset(fitting)


def _fold(entries: Iterable[Entry]) -> tuple[CaseState, dict[str, CaseState]]:
    """Return the state, and how it was before each reversible event."""
    ordered = in_order(entries)
    forked = _forks(ordered)
    going_back = _going_back(ordered)
    state = CaseState(gaps=_gaps(ordered))
    # What each reversible event changed, so that it can be taken back.
    before: dict[str, CaseState] = {}
    for entry in ordered:
        state = replace(state, through_clock=entry.event.clock)
        try:
            if _place(entry) in forked:
                raise _DoesNotFit("this desk has told two stories under one number")
            if entry.digest in going_back:
                raise _DoesNotFit(going_back[entry.digest])
            if entry.event.desk_id in state.excluded:
                raise _DoesNotFit("the officer was excluded from the case by then")
            action = entry.event.action
            if isinstance(action, Undone):
                after = _undo(state, entry, action, before)
            else:
                after = _apply(action, state, entry)
        except _DoesNotFit as unfit:
            conflict = Conflict(entry, str(unfit))
            state = replace(state, conflicts=(*state.conflicts, conflict))
            continue
        if isinstance(entry.event.action, REVERSIBLE):
            before[entry.digest] = state
        state = replace(after, history=(*after.history, entry))
    return state, before


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Return events in the one order in which all desks read them."""
    unique = {entry.digest: entry for entry in entries}
    return sorted(
        unique.values(),
        key=lambda entry: (
            entry.event.clock,
            entry.event.desk_id,
            entry.event.life or "",
            entry.event.number,
            entry.digest,
        ),
    )


def _place(entry: Entry) -> tuple[str, str, int]:
    return entry.event.desk_id, entry.event.life or "", entry.event.number


def _forks(entries: list[Entry]) -> set[tuple[str, str, int]]:
    seen: dict[tuple[str, str, int], str] = {}
    forked = set()
    for entry in entries:
        place = _place(entry)
        if seen.setdefault(place, entry.digest) != entry.digest:
            forked.add(place)
    return forked


def _going_back(entries: list[Entry]) -> dict[str, str]:
    """
    Return, by digest, why events cannot be later than what their desk did before.

    A desk's own clock rises with its numbers.  Whoever writes a lower one wants an
    event to be read before something that they knew: their exclusion, for instance.
    """
    unfit = {}
    chains: dict[tuple[str, str], dict[int, list[Entry]]] = {}
    for entry in entries:
        desk_id, life, number = _place(entry)
        chain = chains.setdefault((desk_id, life), {})
        chain.setdefault(number, []).append(entry)
    for chain in chains.values():
        clock, day = 0, date.min
        for _number, there in sorted(chain.items()):
            for entry in there:
                # A clock that has reached the end stays there.
                if entry.event.clock <= clock and entry.event.clock < LARGEST_INTEGER:
                    unfit[entry.digest] = "its clock goes back"
                elif entry.event.day < day:
                    unfit[entry.digest] = "its day goes back"
            clock = max(clock, *(entry.event.clock for entry in there))
            day = max(day, *(entry.event.day for entry in there))
    return unfit


def _gaps(entries: list[Entry]) -> tuple[Gap, ...]:
    chains: dict[tuple[str, str], dict[int, Entry]] = {}
    for entry in entries:
        desk_id, life, number = _place(entry)
        chains.setdefault((desk_id, life), {})[number] = entry
    gaps = []
    for (desk_id, _life), chain in sorted(chains.items()):
        expected = 1
        for number in sorted(chain):
            if number > expected:
                gaps.append(Gap(desk_id, range(expected, number)))
            elif not _follows(chain, number):
                # What is there is not what the next event was written behind.
                gaps.append(Gap(desk_id, range(number, number + 1)))
            expected = number + 1
    return tuple(gaps)


def _follows(chain: dict[int, Entry], number: int) -> bool:
    previous = chain[number].event.previous
    return previous == (chain[number - 1].digest if number > 1 else FIRST)


@singledispatch
def _apply(action: object, _state: CaseState, _entry: Entry) -> CaseState:
    """Return the state after an action, by its kind; raise `_DoesNotFit`."""
    raise TypeError(f"there is no rule for {type(action).__name__}")


@_apply.register
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
        raise _DoesNotFit(f"the case was at {state.status} by then, not at {before}")
    try:
        step = check_step(
            before, after, reason=reason, number=state.registration_number
        )
    except StepNotAllowed as error:
        raise _DoesNotFit(str(error)) from None
    if step.two_officers and officers < 2:
        raise _DoesNotFit("this step needs a second officer")
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


@_apply.register
def _propose(action: ClosingProposed, state: CaseState, entry: Entry) -> CaseState:
    if state.proposal:
        raise _DoesNotFit("another closing was proposed already")
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


@_apply.register
def _confirm(action: ClosingConfirmed, state: CaseState, entry: Entry) -> CaseState:
    proposal = _proposal(state, action.proposal)
    if proposal.desk_id == entry.event.desk_id:
        raise _DoesNotFit("whoever proposed it cannot confirm it")
    return _move(
        state, entry, state.status, proposal.after, proposal.reason, officers=2
    )


@_apply.register
def _decline(action: ClosingDeclined, state: CaseState, entry: Entry) -> CaseState:
    _proposal(state, action.proposal)
    return replace(state, proposal=None)


def _proposal(state: CaseState, digest: str) -> Proposal:
    if state.proposal is None or state.proposal.digest != digest:
        raise _DoesNotFit("the proposal was settled by then")
    return state.proposal


@_apply.register
def _register(action: Registered, state: CaseState, entry: Entry) -> CaseState:
    if state.registration_number is not None:
        raise _DoesNotFit("the case had a registration number by then")
    return replace(state, registration_number=action.number)


@_apply.register
def _assign(action: Assigned, state: CaseState, entry: Entry) -> CaseState:
    if action.desk_id in state.excluded:
        raise _DoesNotFit("this officer is excluded from the case")
    return replace(state, assigned=action.desk_id)


@_apply.register
def _admit(action: Admitted, state: CaseState, entry: Entry) -> CaseState:
    if action.desk_id == entry.event.desk_id:
        raise _DoesNotFit("nobody lets themselves in")
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


@_apply.register
def _brief(action: Briefed, state: CaseState, entry: Entry) -> CaseState:
    before = state.brief
    if before is not None and before.answers and not action.answers:
        # It is for somebody who must not have the answers; whoever has them keeps them.
        action = before.model_copy(update={"paraphrase": action.paraphrase})
    return replace(state, brief=action)


@_apply.register
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


@_apply.register
def _note(action: Noted, state: CaseState, entry: Entry) -> CaseState:
    note = Note(entry.digest, entry.event.desk_id, entry.event.day, action.text)
    return replace(state, notes=(*state.notes, note))


@_apply.register
def _label(action: Labelled, state: CaseState, entry: Entry) -> CaseState:
    label = frozenset({action.label})
    return replace(
        state, labels=state.labels | label if action.on else state.labels - label
    )


@_apply.register
def _link(action: Linked, state: CaseState, entry: Entry) -> CaseState:
    if action.other_case == entry.event.case_id:
        raise _DoesNotFit("a case cannot be linked to itself")
    links = {
        case: relation
        for case, relation in state.links.items()
        if case != action.other_case
    }
    if action.on:
        links[action.other_case] = action.relation
    return replace(state, links=links)


@_apply.register(Restored)
@_apply.register(Returned)
def _tell(_action: object, state: CaseState, _entry: Entry) -> CaseState:
    # It is about desks and changes no case.
    return state


@_apply.register
def _assess(action: Assessed, state: CaseState, entry: Entry) -> CaseState:
    verdict = Verdict(
        entry.event.desk_id, entry.event.day, action.verdict, action.reason
    )
    return replace(state, verdicts={**state.verdicts, action.subject: verdict})


@_apply.register
def _decide_exposure(
    action: ExposureDecided, state: CaseState, entry: Entry
) -> CaseState:
    decision = ExposureDecision(entry.event.desk_id, entry.event.day, action)
    return replace(state, exposure=decision)


@_apply.register
def _redact(action: Redacted, state: CaseState, entry: Entry) -> CaseState:
    place = (action.item, action.field)
    return replace(state, redactions={**state.redactions, place: action.spans})


@_apply.register
def _paraphrase(action: Paraphrased, state: CaseState, entry: Entry) -> CaseState:
    return replace(state, paraphrase=action.text)


@_apply.register
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


@_apply.register
def _open_contact(_action: ContactOpened, state: CaseState, entry: Entry) -> CaseState:
    return replace(state, contacts_opened=(*state.contacts_opened, entry))


@_apply.register
def _take_out(_action: TakenOut, state: CaseState, entry: Entry) -> CaseState:
    return replace(state, files_taken=(*state.files_taken, entry))


@_apply.register
def _export(_action: Exported, state: CaseState, entry: Entry) -> CaseState:
    return replace(state, exports=(*state.exports, entry))


def _undo(
    state: CaseState, entry: Entry, undone: Undone, before: dict[str, CaseState]
) -> CaseState:
    target = next((one for one in state.history if one.digest == undone.entry), None)
    if target is None or undone.entry not in before:
        raise _DoesNotFit("there is nothing of this kind to take back")
    if target.event.desk_id != entry.event.desk_id:
        raise _DoesNotFit("an officer takes back only what they did themselves")
    _check_not_undone(state, undone.entry)
    taken_back = _take_back(target.event.action, state, target, before[undone.entry])
    return replace(taken_back, undone=taken_back.undone | {undone.entry})


def _check_not_undone(state: CaseState, digest: str) -> None:
    if digest in state.undone:
        raise _DoesNotFit("it was taken back already")


@singledispatch
def _take_back(
    action: object, _state: CaseState, _target: Entry, _before: CaseState
) -> CaseState:
    """Return the state without an action, by its kind; raise `_DoesNotFit`."""
    raise TypeError(f"{type(action).__name__} cannot be taken back")


@_take_back.register
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
        raise _DoesNotFit("the case has gone on since")
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


@_take_back.register
def _take_back_assignment(
    action: Assigned, state: CaseState, target: Entry, before: CaseState
) -> CaseState:
    if state.assigned != action.desk_id or before.assigned in state.excluded:
        raise _DoesNotFit("the case was assigned anew since")
    return replace(state, assigned=before.assigned)


@_take_back.register
def _take_back_note(
    _action: Noted, state: CaseState, target: Entry, _before: CaseState
) -> CaseState:
    notes = tuple(note for note in state.notes if note.digest != target.digest)
    return replace(state, notes=notes)


@_take_back.register
def _take_back_label(
    action: Labelled, state: CaseState, target: Entry, before: CaseState
) -> CaseState:
    label = frozenset({action.label})
    was_on = action.label in before.labels
    return replace(
        state, labels=state.labels | label if was_on else state.labels - label
    )


@_take_back.register
def _take_back_link(
    action: Linked, state: CaseState, target: Entry, before: CaseState
) -> CaseState:
    links = dict(state.links)
    links.pop(action.other_case, None)
    if action.other_case in before.links:
        links[action.other_case] = before.links[action.other_case]
    return replace(state, links=links)


@_take_back.register
def _take_back_verdict(
    action: Assessed, state: CaseState, target: Entry, before: CaseState
) -> CaseState:
    verdicts = dict(state.verdicts)
    verdicts.pop(action.subject, None)
    if action.subject in before.verdicts:
        verdicts[action.subject] = before.verdicts[action.subject]
    return replace(state, verdicts=verdicts)


@_take_back.register
def _take_back_redaction(
    action: Redacted, state: CaseState, target: Entry, before: CaseState
) -> CaseState:
    place = (action.item, action.field)
    redactions = dict(state.redactions)
    redactions.pop(place, None)
    if place in before.redactions:
        redactions[place] = before.redactions[place]
    return replace(state, redactions=redactions)


@_take_back.register
def _take_back_paraphrase(
    _action: Paraphrased, state: CaseState, _target: Entry, before: CaseState
) -> CaseState:
    return replace(state, paraphrase=before.paraphrase)


@_take_back.register
def _take_back_proposal(
    _action: ClosingProposed, state: CaseState, target: Entry, _before: CaseState
) -> CaseState:
    if state.proposal is None or state.proposal.digest != target.digest:
        raise _DoesNotFit("the proposal was settled by then")
    return replace(state, proposal=None)
