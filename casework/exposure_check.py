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

from casework.item import ItemKind
from casework.journal import ExposureDecided

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


def _covered(decision: ExposureDecided | None) -> frozenset[bytes]:
    if decision is None:
        return frozenset()
    return frozenset(bytes.fromhex(one) for one in decision.items)
