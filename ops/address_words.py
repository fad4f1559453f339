"""
The address in words: six that two people can compare, where 56 letters are too many.

    address --SHA-256--> 72 bits --4,096 words--> six words

They stand on the leaflet, and are announced where no leaflet hangs: on the
institution's own pages, over a loudspeaker.  Whoever wants to hang a leaflet with an
address of their own and the same words has to try some 2^72 addresses.  Specified in
docs/spec/tor.md.
"""

import hashlib
from typing import Final

from crypto.wordlist import load_wordlist
from tor.address import OnionAddress, public_key_in

WORDS: Final = 6
# One list for every language: the words are compared, and not understood.
LANGUAGE: Final = "id"
_LABEL = b"bisik/v1/address-words"
_BITS = 12


def address_words(address: OnionAddress) -> tuple[str, ...]:
    """Return the six words of an address."""
    words = load_wordlist(LANGUAGE).words
    digest = hashlib.sha256(_LABEL + public_key_in(address)).digest()
    number = int.from_bytes(digest, "big") >> (8 * len(digest) - WORDS * _BITS)
    return tuple(
        words[number >> (_BITS * place) & ((1 << _BITS) - 1)]
        for place in reversed(range(WORDS))
    )
