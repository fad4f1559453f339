"""
Registration numbers: unique across desks that never meet, and saying nothing else.

    7KD-4Q9Z-XB3Y
    |   |       |
    |   |       check character
    |   random, 35 bits
    the desk's prefix, 15 bits of its id

A number shows neither the day nor how many cases there are.  It is written in
Crockford's base 32: no I, L, O and U, and what people confuse means the same.  Two
desks with different prefixes never give the same number; of two desks one pair in
32,768 has the same prefix, and then their numbers differ by 35 random bits.

The check character finds every wrong character, and every two different ones that were
swapped, wherever they stand.  Characters are elements of the field of 32: the number,
read as a polynomial over it, is zero at a primitive element, as in the codes of Reed
and Solomon (Journal of the SIAM 8 (2), 1960).
"""

from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PREFIX_CHARACTERS = 3
RANDOM_CHARACTERS = 7
# x^5 + x^2 + 1, which is primitive over the field of two.
_POLYNOMIAL = 0b100101
LOOKS_LIKE = str.maketrans("ILOU", "110V")


class MistypedNumber(ValueError):
    """The registration number has a character that is wrong."""


def prefix_of(desk_id: bytes) -> str:
    """Return the beginning of all numbers that a desk gives."""
    return _spell(int.from_bytes(desk_id[:2], "big") >> 1, PREFIX_CHARACTERS)


def new_number(
    desk_id: bytes, *, entropy: Callable[[int], bytes], taken: Callable[[str], bool]
) -> str:
    """
    Draw a registration number.

    Args:
        desk_id: Of the desk that gives it.

        entropy: Gives random bytes.

        taken: Tells whether a number is in use already.
    """
    while True:
        drawn = int.from_bytes(entropy(5), "big") >> 5
        characters = prefix_of(desk_id) + _spell(drawn, RANDOM_CHARACTERS)
        characters += _check(characters)
        number = f"{characters[:3]}-{characters[3:7]}-{characters[7:]}"
        if not taken(number):
            return number


def parse_number(untrusted_text: str) -> str:
    """
    Understand a registration number as people write it.

    Raises:
        MistypedNumber: If it cannot be one that a desk has given.
    """
    characters = "".join(
        character for character in untrusted_text.upper() if character.isalnum()
    ).translate(LOOKS_LIKE)
    expected = PREFIX_CHARACTERS + RANDOM_CHARACTERS + 1
    if len(characters) != expected or not set(characters) <= set(ALPHABET):
        raise MistypedNumber(MistypedNumber.__doc__)
    if _check(characters[:-1]) != characters[-1]:
        raise MistypedNumber(MistypedNumber.__doc__)
    return f"{characters[:3]}-{characters[3:7]}-{characters[7:]}"


def _spell(number: int, length: int) -> str:
    return "".join(
        ALPHABET[number >> 5 * place & 31] for place in reversed(range(length))
    )


def _check(characters: str) -> str:
    total = 0
    # Horner's rule: each place weighs the primitive element times the next one.  These
    # weights differ from each other and from zero for 31 places.
    for character in characters:
        total = _times_primitive(total ^ ALPHABET.index(character))
    return ALPHABET[total]


def _times_primitive(element: int) -> int:
    doubled = element << 1
    return doubled ^ _POLYNOMIAL if doubled & 32 else doubled
