"""
The recovery code: what opens the backups of a desk, on paper in a safe.

    K7Q2-9XWB-41MD-ZC0F-8TGH-5RNE-V3PA
    |------- 128 random bits, 12 bits to notice slips -------|

Written in Crockford's base 32, where I, L, O and U are taken for what they look like.
A slip is noticed in all but one of 4,096 cases before anything is decrypted.

This module does no I/O: the random bytes are passed in.
"""

import hashlib
from dataclasses import dataclass, field

from crypto.keys import expand
from journalist_app.workstation.errors import UnusableBackup
from journalist_app.workstation.registering import ALPHABET, LOOKS_LIKE

SECRET_BYTES = 16
_CHECK_BITS = 12
_CHARACTERS = 28
_GROUP = 4


@dataclass(frozen=True)
class RecoveryCode:
    """The code of one desk; `str` writes it as it stands on paper."""

    secret: bytes = field(repr=False)

    def __str__(self) -> str:
        """Write it in groups."""
        number = int.from_bytes(self.secret, "big") << _CHECK_BITS | _check(self.secret)
        characters = "".join(
            ALPHABET[number >> 5 * place & 31] for place in reversed(range(_CHARACTERS))
        )
        return "-".join(
            characters[start : start + _GROUP]
            for start in range(0, _CHARACTERS, _GROUP)
        )

    def key(self, salt: bytes) -> bytes:
        """Return the key of one backup, 32 bytes."""
        return expand(self.secret, f"bisik/v1/backup/{salt.hex()}", 32)


def parse_recovery_code(untrusted_text: str) -> RecoveryCode:
    """
    Read a code as people type it.

    Raises:
        UnusableBackup: If it is none, or has a slip.
    """
    characters = untrusted_text.upper().translate(LOOKS_LIKE)
    characters = "".join(one for one in characters if one not in "- \t\r\n")
    if len(characters) != _CHARACTERS or not set(characters) <= set(ALPHABET):
        raise UnusableBackup("a recovery code has 28 letters and digits")
    number = 0
    for character in characters:
        number = number << 5 | ALPHABET.index(character)
    secret = (number >> _CHECK_BITS).to_bytes(SECRET_BYTES, "big")
    if number & (1 << _CHECK_BITS) - 1 != _check(secret):
        raise UnusableBackup("the recovery code has a wrong letter or digit")
    return RecoveryCode(secret)


def _check(secret: bytes) -> int:
    digest = hashlib.sha256(b"bisik/v1/recovery-code" + secret).digest()
    return int.from_bytes(digest[:2], "big") >> 16 - _CHECK_BITS
