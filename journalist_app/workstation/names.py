"""
Names of cases: short enough for a telephone, the same on every desk.

    case_id  3f 52 .. --first 32 bits--> hajof-davuz

A case's identity is 16 random bytes that only officers see.  Its name is the
first four of them as two proquints (Wilkerson, "A Proposal for Proquints",
arXiv:0901.4016): five letters that can be spoken for every 16 bits.  A case that comes
to a desk where another one has its name, by chance or because somebody forged it, is
called by more of its identity.
"""

from collections.abc import Container

CONSONANTS = "bdfghjklmnprstvz"
VOWELS = "aiou"
NAMED_BYTES = 4


def case_name(case_id: bytes, *, named_bytes: int = NAMED_BYTES) -> str:
    """Return the name of the case with this identity, by its first bytes."""
    words = [case_id[start : start + 2] for start in range(0, named_bytes, 2)]
    return "-".join(_proquint(int.from_bytes(word, "big")) for word in words)


def free_name(case_id: bytes, taken: Container[str]) -> str:
    """Return the shortest name of a case that no other one has."""
    lengths = range(NAMED_BYTES, len(case_id), NAMED_BYTES)
    names = [case_name(case_id, named_bytes=length) for length in lengths]
    whole = case_name(case_id, named_bytes=len(case_id))
    return next((name for name in names if name not in taken), whole)


def _proquint(number: int) -> str:
    """Spell 16 bits: consonants stand for four of them, vowels for two."""
    return (
        CONSONANTS[number >> 12]
        + VOWELS[number >> 10 & 3]
        + CONSONANTS[number >> 6 & 15]
        + VOWELS[number >> 4 & 3]
        + CONSONANTS[number & 15]
    )
