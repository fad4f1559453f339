"""
Slots: the sealed cells in which answers and a reporter's own state wait.

    slot name   HMAC-SHA256(mailbox_key, "state" || part)
                HMAC-SHA256(mailbox_key, desk_id || number)
    slot        nonce 12 | ChaCha20-Poly1305( part header 8 | content | zeros ) | tag 16

Every slot is exactly 16 KiB and looks like noise from the first byte to the
last.  That matters because the table also holds rows that *are* noise.  An HPKE
message alone does not look like noise: the last bit of its X25519 share is
always 0 and the numbers in its ML-KEM ciphertext are not evenly spread.  So a
reply is sealed twice, by HPKE inside and by a symmetric key from mailbox_key
outside; see docs/adr/0002-slots-look-like-noise.md.

Content that does not fit takes several slots, cut into parts.  Specified in
docs/spec/slot.md.  Randomness comes from the operating system, as for every
nonce; everything else is passed in.
"""

import hmac
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from crypto.errors import CryptoError
from crypto.keys import expand

SLOT_BYTES = 16 * 1024
SLOT_NAME_BYTES = 32
DESK_ID_BYTES = 16
NONCE_BYTES = 12
TAG_BYTES = 16
MAILBOX_KEY_BYTES = 32
# How many slots of a desk a reporter looks for at once, and how many must be empty
# before the search ends.  A desk's largest answer takes some 570 slots, so a whole one
# may have expired; a desk that does not know what it has used may leave out fewer.
STRETCH_SLOTS = 640
# What the outer seal leaves for its content.
ROOM_BYTES = SLOT_BYTES - NONCE_BYTES - TAG_BYTES

# version, then which part of how many; the rest of the eight bytes is zero.
_PART_HEADER = struct.Struct(">BxHHxx")
_VERSION = 1
MOST_PARTS = 0xFFFF
_STATE_PIECE_BYTES = ROOM_BYTES - _PART_HEADER.size


class CannotOpenSlot(CryptoError):
    """The slot was not sealed for this reporter, or it was damaged."""


class TooLongForSlots(CryptoError):
    """The content would need more slots than one message may have."""


@dataclass(frozen=True)
class SealedSlot:
    """A slot's name (32 bytes) and its sealed content (16,384 bytes)."""

    slot: bytes
    sealed: bytes = field(repr=False)


@dataclass(frozen=True)
class Part:
    """One part of a longer content: which one, of how many, and its bytes."""

    index: int
    count: int
    content: bytes = field(repr=False)


def state_slot(mailbox_key: bytes, part: int = 0) -> bytes:
    """Name the slot that holds part *part* of a reporter's own state."""
    # The first part's name is the bare label, so that an account is one slot.
    suffix = part.to_bytes(2, "big") if part else b""
    return _name(mailbox_key, b"state" + suffix)


def reply_slot(mailbox_key: bytes, desk_id: bytes, number: int) -> bytes:
    """
    Name the slot that holds reply part *number* of one desk, counted from 0.

    Two desks that never meet cannot take the same name, because each counts
    under its own *desk_id* (16 bytes).
    """
    if len(desk_id) != DESK_ID_BYTES:
        raise ValueError(f"a desk's id must be {DESK_ID_BYTES} bytes")
    return _name(mailbox_key, desk_id + number.to_bytes(4, "big"))


def seal_slot(content: bytes, *, key: bytes, slot: bytes) -> bytes:
    """
    Seal exactly `ROOM_BYTES` of content into one slot.

    Args:
        content: What the slot holds, filled up already.

        key: 32 bytes.

        slot: The slot's name.  The seal holds only under this name, so that a
            server cannot move a sealed row to another place unnoticed.
    """
    if len(content) != ROOM_BYTES:
        raise ValueError(f"a slot holds exactly {ROOM_BYTES} bytes")
    nonce = os.urandom(NONCE_BYTES)
    return nonce + ChaCha20Poly1305(key).encrypt(nonce, content, slot)


def open_slot(sealed: bytes, *, key: bytes, slot: bytes) -> bytes:
    """
    Open what `seal_slot` sealed under the same key and name.

    Raises:
        CannotOpenSlot: If anything about it is different.
    """
    if len(sealed) != SLOT_BYTES:
        raise CannotOpenSlot(CannotOpenSlot.__doc__)
    nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, ciphertext, slot)
    except InvalidTag:
        raise CannotOpenSlot(CannotOpenSlot.__doc__) from None


def cut(content: bytes, *, room_bytes: int) -> list[bytes]:
    """
    Cut *content* into parts of exactly *room_bytes*, headers and zeros included.

    The zeros are not counted anywhere: a content must know its own end, as tar
    and the state's format do.

    Raises:
        TooLongForSlots: If more than 65,535 parts would be needed.
    """
    piece_bytes = room_bytes - _PART_HEADER.size
    count = max(1, -(-len(content) // piece_bytes))
    if count > MOST_PARTS:
        raise TooLongForSlots(TooLongForSlots.__doc__)
    return [
        _PART_HEADER.pack(_VERSION, index, count)
        + content[index * piece_bytes : (index + 1) * piece_bytes].ljust(
            piece_bytes, b"\0"
        )
        for index in range(count)
    ]


def parse_part(room: bytes) -> Part:
    """
    Read one part as `cut` made it.

    Raises:
        CannotOpenSlot: If its header is not one of ours.
    """
    try:
        version, index, count = _PART_HEADER.unpack_from(room)
    except struct.error:
        raise CannotOpenSlot(CannotOpenSlot.__doc__) from None
    header = _PART_HEADER.pack(_VERSION, index, count)  # Its spare bytes are zero.
    if version != _VERSION or index >= count or not room.startswith(header):
        raise CannotOpenSlot(CannotOpenSlot.__doc__)
    return Part(index, count, room[_PART_HEADER.size :])


def join(parts: Sequence[Part]) -> bytes:
    """
    Put the parts of one content together, trailing zeros included.

    Raises:
        CannotOpenSlot: If a part is missing, doubled or out of order.
    """
    expected = [(index, len(parts)) for index in range(len(parts))]
    if not parts or [(part.index, part.count) for part in parts] != expected:
        raise CannotOpenSlot(CannotOpenSlot.__doc__)
    return b"".join(part.content for part in parts)


def seal_state(
    content: bytes, *, state_key: bytes, mailbox_key: bytes, fewest_parts: int = 1
) -> list[SealedSlot]:
    """
    Seal a reporter's own state into as many slots as it needs.

    Args:
        content: Must know its own end: `open_state` gives it back with zeros
            behind it.

        fewest_parts: As many slots as the state has now.  A state never takes
            fewer than before, so that none is left behind in its own way.
    """
    filled = content.ljust((fewest_parts - 1) * _STATE_PIECE_BYTES + 1, b"\0")
    return [
        SealedSlot(slot, seal_slot(room, key=state_key, slot=slot))
        for part, room in enumerate(cut(filled, room_bytes=ROOM_BYTES))
        for slot in (state_slot(mailbox_key, part),)
    ]


def open_state_part(
    sealed: bytes, part: int, *, state_key: bytes, mailbox_key: bytes
) -> Part:
    """
    Open part *part* of a reporter's state; part 0 tells how many there are.

    Raises:
        CannotOpenSlot: If it is not that part of this reporter's state.
    """
    slot = state_slot(mailbox_key, part)
    opened = parse_part(open_slot(sealed, key=state_key, slot=slot))
    if opened.index != part:
        raise CannotOpenSlot(CannotOpenSlot.__doc__)
    return opened


def outer_key(mailbox_key: bytes) -> bytes:
    """Derive the key of a reply's outer seal, known to reporter and desks."""
    return expand(mailbox_key, "bisik/v1/slot", 32)


def _name(mailbox_key: bytes, label: bytes) -> bytes:
    if len(mailbox_key) != MAILBOX_KEY_BYTES:
        raise ValueError(f"the mailbox key must be {MAILBOX_KEY_BYTES} bytes")
    return hmac.digest(mailbox_key, label, "sha256")
