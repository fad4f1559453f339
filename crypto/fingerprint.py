"""
Fingerprints: the only names by which we call OpenPGP keys.

A fingerprint is the SHA-1 hash of a version 4 key (RFC 9580, section 5.5.4.2)
in 40 upper-case hexadecimal digits.  Names, addresses and short key IDs can be
forged or match by accident; GnuPG would take any of them for a key.
"""

import re
from typing import NewType

from crypto.errors import CryptoError

Fingerprint = NewType("Fingerprint", str)

_FORTY_HEX_DIGITS = re.compile(r"[0-9A-F]{40}", re.ASCII)


class MalformedFingerprint(CryptoError):
    """A fingerprint must be 40 hexadecimal digits."""


def parse_fingerprint(untrusted_text: str) -> Fingerprint:
    """
    Understand a fingerprint as people copy it: any case, spaces between groups.

    Raises:
        MalformedFingerprint: If it is not 40 hexadecimal digits.
    """
    # Upper-casing first would let "\u017f" and its like through as letters.
    compact = "".join(untrusted_text.split(" "))
    if not compact.isascii() or not _FORTY_HEX_DIGITS.fullmatch(compact.upper()):
        raise MalformedFingerprint(MalformedFingerprint.__doc__)
    return Fingerprint(compact.upper())
