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
from dataclasses import replace
from datetime import date

from casework.applying import apply_action
from casework.case_state import CaseState, Conflict, DoesNotFit, Entry, Gap
from casework.journal import FIRST, Undone
from casework.strict import LARGEST_INTEGER
from casework.undoing import REVERSIBLE, check_not_undone, take_back, undo


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
            check_not_undone(state, target.digest)
            take_back(target.event.action, state, target, before[target.digest])
        except DoesNotFit:
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
                raise DoesNotFit("this desk has told two stories under one number")
            if entry.digest in going_back:
                raise DoesNotFit(going_back[entry.digest])
            if entry.event.desk_id in state.excluded:
                raise DoesNotFit("the officer was excluded from the case by then")
            action = entry.event.action
            if isinstance(action, Undone):
                after = undo(state, entry, action, before)
            else:
                after = apply_action(action, state, entry)
        except DoesNotFit as unfit:
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
