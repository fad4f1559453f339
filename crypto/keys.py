"""
Keys of a reporter, all of them derived from the codename and never stored.

    codename --Argon2id(salt, 64 MiB, t = 3, lanes = 1)--> root, 64 bytes
    root --HKDF-Expand "bisik/v1/state"   --> state_key    seals their own history
         --HKDF-Expand "bisik/v1/mailbox" --> mailbox_key  names their slots
         --HKDF-Expand "bisik/v1/reply"   --> reply_seed   opens the replies
         --HKDF-Expand "bisik/v1/case"    --> case_id      inside sealed items only
         --HKDF-Expand "bisik/v1/receipt" --> receipt_key  proves receipt

Specified in docs/spec/codename.md.  Argon2id is RFC 9106, HKDF is RFC 5869.
This module does no I/O: the salt is passed in.
"""

import threading
from dataclasses import dataclass, field
from typing import NewType

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from crypto.codename import Codename

RootKey = NewType("RootKey", bytes)

SALT_BYTES = 16
ROOT_BYTES = 64
KEY_BYTES = 32
CASE_ID_BYTES = 16


@dataclass(frozen=True)
class StretchingCost:
    """
    What one derivation costs.

    Attributes:
        memory_kib: Memory of one derivation in KiB.

        passes: Times the memory is gone over.
    """

    memory_kib: int
    passes: int


# RFC 9106, section 4: the second recommended option (64 MiB, t = 3), except for
# its four lanes.  With more than one lane, two threads of cryptography 50 that
# derive at the same time wait for each other for ever.
RFC_9106_LOW_MEMORY = StretchingCost(memory_kib=64 * 1024, passes=3)
CHEAPEST = StretchingCost(memory_kib=8, passes=1)  # Only for testing!
LANES = 1


class Stretcher:
    """
    Stretch codenames, a bounded number at a time.

    Each derivation takes 64 MiB and a fifth of a second of a core.  A crowd at
    the door must not take the machine's memory with it, so the rest queue here.
    """

    def __init__(
        self,
        salt: bytes,
        *,
        cost: StretchingCost = RFC_9106_LOW_MEMORY,
        at_once: int = 2,
    ) -> None:
        """
        Args:
            salt: This installation's salt, 16 bytes.  Not secret, never changed:
                with another salt every reporter loses their case.

            cost: Cost of one derivation.

            at_once: Derivations that may run side by side.

        Raises:
            ValueError: If *salt* is not 16 bytes, or *at_once* not at least 1.
        """
        if at_once < 1:  # Everybody would queue for ever.
            raise ValueError("at least one derivation must be allowed at once")
        if len(salt) != SALT_BYTES:
            raise ValueError(f"the salt must be {SALT_BYTES} bytes")
        self._salt = salt
        self._cost = cost
        self._places = threading.BoundedSemaphore(at_once)

    def stretch(self, codename: Codename) -> RootKey:
        """Return the root key of *codename*: always the same for the same salt."""
        with self._places:
            return RootKey(
                Argon2id(
                    salt=self._salt,
                    length=ROOT_BYTES,
                    iterations=self._cost.passes,
                    lanes=LANES,
                    memory_cost=self._cost.memory_kib,
                ).derive(codename.encode("ascii"))
            )


@dataclass(frozen=True)
class ReporterKeys:
    """Everything a reporter can do, while they are signed in."""

    state_key: bytes = field(repr=False)
    mailbox_key: bytes = field(repr=False)
    reply_seed: bytes = field(repr=False)
    case_id: bytes = field(repr=False)
    receipt_key: bytes = field(repr=False)

    @classmethod
    def from_root(cls, root: RootKey) -> "ReporterKeys":
        """
        Derive the keys from the root.

        Raises:
            ValueError: If *root* is not 64 bytes.
        """
        if len(root) != ROOT_BYTES:
            raise ValueError(f"the root key must be {ROOT_BYTES} bytes")
        return cls(
            state_key=expand(root, "bisik/v1/state", KEY_BYTES),
            mailbox_key=expand(root, "bisik/v1/mailbox", KEY_BYTES),
            reply_seed=expand(root, "bisik/v1/reply", KEY_BYTES),
            case_id=expand(root, "bisik/v1/case", CASE_ID_BYTES),
            receipt_key=expand(root, "bisik/v1/receipt", KEY_BYTES),
        )


def expand(key: bytes, label: str, length: int) -> bytes:
    """
    Derive *length* bytes for one purpose: HKDF-Expand, RFC 5869 section 2.3.

    The extract step is left out where the key is uniform already, as the output
    of Argon2id and of HKDF is (RFC 5869, section 3.3).
    """
    return HKDFExpand(hashes.SHA256(), length, label.encode("ascii")).derive(key)
