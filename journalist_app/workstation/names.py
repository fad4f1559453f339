"""
Names of cases: short enough for a telephone, the same on every desk.

    case_id  3f 52 .. --first 32 bits--> hajof-davuz

A case's identity is 16 random bytes that only officers see.  Its name is the
first four of them as two proquints (Wilkerson, "A Proposal for Proquints",
arXiv:0901.4016): five letters that can be spoken for every 16 bits.
"""

CONSONANTS = "bdfghjklmnprstvz"
VOWELS = "aiou"
NAMED_BYTES = 4


def case_name(case_id: bytes) -> str:
    """Return the name of the case with this identity."""
    words = [case_id[start : start + 2] for start in range(0, NAMED_BYTES, 2)]
    return "-".join(_proquint(int.from_bytes(word, "big")) for word in words)


def _proquint(number: int) -> str:
    """Spell 16 bits: consonants stand for four of them, vowels for two."""
    return (
        CONSONANTS[number >> 12]
        + VOWELS[number >> 10 & 3]
        + CONSONANTS[number >> 6 & 15]
        + VOWELS[number >> 4 & 3]
        + CONSONANTS[number & 15]
    )
