"""
The identity of a server, as people read it out to each other.

    16 bytes of the installation | 2 bytes of SHA-256(label + those)
    3f2a 91c0 77e4 0b1d 5a6c 88f2 e013 9d44 c2a7

Every bundle and every outbox names the installation that it is of, and a desk takes
bundles of one installation only.  Where a server takes the place of another one, its
officers compare this line with the operator, face to face; the last group notices
slips.  It is no secret, and it proves nothing by itself.

Specified in docs/spec/bundle.md.
"""

import hashlib
import re
from typing import Final

from casework.errors import CaseworkError
from casework.training import INSTALLATION_BYTES

CHECK_BYTES: Final = 2
GROUP_DIGITS: Final = 4
_LABEL: Final = b"bisik/v1/installation"
_TYPED: Final = re.compile(f"[0-9a-f]{{{2 * (INSTALLATION_BYTES + CHECK_BYTES)}}}")


class MalformedIdentity(CaseworkError):
    """This is not the identity of a server: nine groups of four digits and letters."""


def spoken(installation: bytes) -> str:
    """Write an installation's id for people."""
    digits = (installation + _check(installation)).hex()
    return " ".join(
        digits[start : start + GROUP_DIGITS]
        for start in range(0, len(digits), GROUP_DIGITS)
    )


def parse_spoken(untrusted_text: str) -> bytes:
    """
    Read what somebody has typed; spaces, hyphens and capitals do not matter.

    Raises:
        MalformedIdentity: If it is none, or has a slip.
    """
    typed = re.sub(r"[\s-]", "", untrusted_text).lower()
    if not _TYPED.fullmatch(typed):
        raise MalformedIdentity(MalformedIdentity.__doc__)
    octets = bytes.fromhex(typed)
    installation, check = octets[:INSTALLATION_BYTES], octets[INSTALLATION_BYTES:]
    if check != _check(installation):
        raise MalformedIdentity("the groups do not belong together: there is a slip")
    return installation


def _check(installation: bytes) -> bytes:
    return hashlib.sha256(_LABEL + installation).digest()[:CHECK_BYTES]
