"""
The exposure check: which of the reporter's items a decision covers.

    items of the case  --shown-->  officer  --decides-->  names of all that was shown
    later items        --not named-->  wait for the next decision

ISO 37002:2021, 8.3.2: the risk to the reporter is assessed before anything is passed
on.  A decision is about what was read and nothing else: an item that comes later is
not covered by it, whatever its number in the case.

Specified in docs/spec/journal.md.  This module does no I/O, and judges no text: what
may be telling is found by `casework.exposure`.
"""

import hashlib
from collections.abc import Set as AbstractSet

from casework.case_state import CaseState
from casework.item import ItemKind
from casework.journal import Admitted, ExposureDecided

# Contact details never leave, and a receipt has no words.
NOT_CHECKED = frozenset({ItemKind.CONTACT, ItemKind.READ_RECEIPT})


def mark_of(items: AbstractSet[bytes]) -> str:
    """Return the digest of a set of items: it tells whether this very set was shown."""
    return hashlib.sha256(b"".join(sorted(items))).hexdigest()


def unchecked(
    decision: ExposureDecided | None, items: AbstractSet[bytes]
) -> frozenset[bytes]:
    """
    Return the items that nobody has decided about.

    Args:
        decision: The one that stands; None if there is none.

        items: What a desk has of the case, by digest.
    """
    return frozenset(items - _covered(decision))


def may_follow(
    decision: ExposureDecided | None, items: AbstractSet[bytes]
) -> frozenset[bytes]:
    """Return the items that may go to whoever was let in with the whole case."""
    if decision is None or decision.decision != "share":
        return frozenset()
    return frozenset(items & _covered(decision))


def let_in_whole(state: CaseState, own: str) -> frozenset[str]:
    """Return the desks that have the whole case from this one, and go on getting it."""
    return frozenset(
        desk_id
        for desk_id, form in state.admitted.items()
        if form == "full"
        and desk_id not in state.excluded
        and desk_id != own
        and sender_to(state, desk_id) == own
    )


def sender_to(state: CaseState, desk_id: str) -> str | None:
    """Return who sends a desk what others have written: whoever let it in last."""
    sender = None
    for entry in state.history:
        action = entry.event.action
        if isinstance(action, Admitted) and action.desk_id == desk_id:
            sender = entry.event.desk_id
    return sender


def awaiting_decision(
    state: CaseState, items: AbstractSet[bytes], own: str
) -> frozenset[tuple[bytes, str]]:
    """
    Return what the next decision may let go, and to whom.

    Args:
        state: What the journal says.

        items: What this desk has of the case, by digest.

        own: This desk.

    Returns:
        Pairs of an item and a desk that was let in from here, whether or not it has
        the item from elsewhere.  None while all was looked at: nobody is waited for.
    """
    decision = state.exposure.action if state.exposure else None
    if own in state.excluded or not unchecked(decision, items):
        return frozenset()
    held = items - may_follow(decision, items)
    desks = let_in_whole(state, own)
    return frozenset((digest, desk_id) for digest in held for desk_id in desks)


def _covered(decision: ExposureDecided | None) -> frozenset[bytes]:
    if decision is None:
        return frozenset()
    return frozenset(bytes.fromhex(one) for one in decision.items)
