"""
Replies: sealed at a desk, opened only while the reporter is signed in.

    content --cut--> parts --HPKE to the reporter--> --outer seal--> slots

HPKE is RFC 9180 in base mode with the suite MLKEM768-X25519 (X-Wing, KEM id
0x647a, draft-connolly-cfrg-xwing-kem), HKDF-SHA256 and ChaCha20-Poly1305: who
records the slots today and builds a quantum computer later opens nothing.

Base mode does not say who sealed.  What an officer writes is therefore signed
in the outbox (docs/spec/outbox.md), and the server applies nothing unsigned.

Specified in docs/spec/slot.md.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import (
    MLKEM768PrivateKey,
    MLKEM768PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from crypto.errors import CryptoError
from crypto.slots import (
    ROOM_BYTES,
    CannotOpenSlot,
    Part,
    SealedSlot,
    cut,
    join,
    open_slot,
    outer_key,
    parse_part,
    reply_slot,
    seal_slot,
)

SEED_BYTES = 32
MLKEM768_PUBLIC_BYTES = 1184
X25519_PUBLIC_BYTES = 32
PUBLIC_KEY_BYTES = MLKEM768_PUBLIC_BYTES + X25519_PUBLIC_BYTES  # 1,216
_MLKEM768_SEED_BYTES = 64

SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
# Encapsulated key 1,088 + 32 bytes, and the tag.
HPKE_OVERHEAD_BYTES = 1136
# The part header and content of one reply slot.
REPLY_ROOM_BYTES = ROOM_BYTES - HPKE_OVERHEAD_BYTES


class MalformedPublicKey(CryptoError):
    """The reply key must be an X-Wing public key of 1,216 bytes."""


@dataclass(frozen=True)
class ReplyPrivateKey:
    """Opens replies; it exists only while the reporter is signed in."""

    _mlkem: MLKEM768PrivateKey = field(repr=False)
    _x25519: X25519PrivateKey = field(repr=False)

    @classmethod
    def from_seed(cls, seed: bytes) -> "ReplyPrivateKey":
        """
        Expand a 32-byte seed into the two private keys of X-Wing.

        draft-connolly-cfrg-xwing-kem, section 5.2: SHAKE-256 to 96 bytes, of
        which 64 are the ML-KEM seed and 32 the X25519 key.

        Raises:
            ValueError: If *seed* is not 32 bytes.
        """
        if len(seed) != SEED_BYTES:
            raise ValueError(f"the seed must be {SEED_BYTES} bytes")
        expanded = hashlib.shake_256(seed).digest(_MLKEM768_SEED_BYTES + 32)
        return cls(
            MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM768_SEED_BYTES]),
            X25519PrivateKey.from_private_bytes(expanded[_MLKEM768_SEED_BYTES:]),
        )

    def public_bytes(self) -> bytes:
        """Return the 1,216 bytes that travel inside every sealed item."""
        return (
            self._mlkem.public_key().public_bytes_raw()
            + self._x25519.public_key().public_bytes_raw()
        )

    def open(self, sealed: bytes, *, purpose: bytes) -> bytes:
        """Open one HPKE message; raises `CannotOpenSlot`."""
        key = MLKEM768X25519PrivateKey(self._mlkem, self._x25519)
        try:
            return SUITE.decrypt(sealed, key, info=purpose)
        except InvalidTag:
            raise CannotOpenSlot(CannotOpenSlot.__doc__) from None


def seal_reply(
    content: bytes,
    *,
    public_key: bytes,
    mailbox_key: bytes,
    desk_id: bytes,
    first_number: int,
) -> list[SealedSlot]:
    """
    Seal one reply into consecutive slots of a reporter.

    Args:
        content: The reply as `casework.reply` writes it: it knows its own end.

        public_key: The reporter's, 1,216 bytes, from one of their items.

        mailbox_key: The reporter's, from the same item.

        desk_id: Of the desk that answers, 16 bytes.

        first_number: The number of slots this desk has used for this reporter.

    Raises:
        MalformedPublicKey: If *public_key* cannot be one.

        TooLongForSlots: If the content needs more than 65,535 slots.
    """
    reporter = _public_key(public_key)
    outer = outer_key(mailbox_key)
    slots = []
    for number, room in enumerate(
        cut(content, room_bytes=REPLY_ROOM_BYTES), start=first_number
    ):
        slot = reply_slot(mailbox_key, desk_id, number)
        try:
            inner = SUITE.encrypt(room, reporter, info=_purpose(slot))
        except ValueError:
            # A point of small order is a well-formed key that nobody may use
            # (RFC 7748, section 6.1).
            raise MalformedPublicKey(MalformedPublicKey.__doc__) from None
        slots.append(SealedSlot(slot, seal_slot(inner, key=outer, slot=slot)))
    return slots


def open_reply_part(
    sealed: bytes, *, slot: bytes, private_key: ReplyPrivateKey, mailbox_key: bytes
) -> Part:
    """
    Open one slot of a reply.

    Raises:
        CannotOpenSlot: If it was not sealed to this reporter under this name.
    """
    inner = open_slot(sealed, key=outer_key(mailbox_key), slot=slot)
    return parse_part(private_key.open(inner, purpose=_purpose(slot)))


def join_reply_parts(parts: Sequence[Part]) -> bytes:
    """Put a reply together; raises `CannotOpenSlot` if a part is missing."""
    return join(parts)


def _purpose(slot: bytes) -> bytes:
    return b"bisik/v1/reply" + slot


def _public_key(public_key: bytes) -> MLKEM768X25519PublicKey:
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise MalformedPublicKey(MalformedPublicKey.__doc__)
    try:
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public_key[:MLKEM768_PUBLIC_BYTES]),
            X25519PublicKey.from_public_bytes(public_key[MLKEM768_PUBLIC_BYTES:]),
        )
    except ValueError:
        raise MalformedPublicKey(MalformedPublicKey.__doc__) from None
