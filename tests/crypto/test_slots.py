"""Slots: their names, their seals, and that they look like noise."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from support.noise import expected_evidence_bits, signs_of_life

from crypto.replies import HPKE_OVERHEAD_BYTES, SUITE, ReplyPrivateKey, seal_reply
from crypto.slots import (
    MOST_PARTS,
    NONCE_BYTES,
    ROOM_BYTES,
    SLOT_BYTES,
    CannotOpenSlot,
    Part,
    TooLongForSlots,
    cut,
    join,
    open_slot,
    open_state_part,
    outer_key,
    parse_part,
    reply_slot,
    seal_slot,
    seal_state,
    state_slot,
)

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "slots.json").read_text()
)
MAILBOX_KEY = bytes.fromhex(VECTORS["mailbox_key"])
STATE_KEY = bytes.fromhex(VECTORS["state"]["state_key"])
KEY, SLOT = bytes(range(32)), bytes(range(32, 64))
DESK = bytes(range(16))
ROWS = 64
# Enough for two parts, three parts, and every border in small rooms.
SMALL_ROOM_BYTES = 24


def opened_state(slots: list[bytes], *, state_key: bytes = STATE_KEY) -> bytes:
    """Open a state that lies in these slots."""
    return join(
        [
            open_state_part(sealed, part, state_key=state_key, mailbox_key=MAILBOX_KEY)
            for part, sealed in enumerate(slots)
        ]
    )


def test_name_vectors() -> None:
    """
    The names are HMAC-SHA256 of the labels that the specification gives.
    """
    names = {
        bytes.fromhex(vector["label"]): bytes.fromhex(vector["slot"])
        for vector in VECTORS["names"]
    }
    other_desk = bytes(range(16, 32))

    assert names == {
        b"state": state_slot(MAILBOX_KEY),
        b"state\x00\x01": state_slot(MAILBOX_KEY, 1),
        b"state\x01\x02": state_slot(MAILBOX_KEY, 258),
    } | {
        desk + number.to_bytes(4, "big"): reply_slot(MAILBOX_KEY, desk, number)
        for desk in (DESK, other_desk)
        for number in (0, 1, 65_536)
    }
    assert VECTORS["outer_key"] == outer_key(MAILBOX_KEY).hex()


def test_state_vector() -> None:
    """
    A state of two slots, sealed by hand as the specification says, opens.
    """
    vector = VECTORS["state"]
    content = vector["content"].encode() * vector["times"]
    piece_bytes = ROOM_BYTES - 8
    slots = []
    for index, part in enumerate(vector["parts"]):
        nonce, slot = bytes.fromhex(part["nonce"]), bytes.fromhex(part["slot"])
        piece = content[index * piece_bytes : (index + 1) * piece_bytes]
        room = bytes.fromhex(part["header"]) + piece.ljust(piece_bytes, b"\0")
        slots.append(nonce + ChaCha20Poly1305(STATE_KEY).encrypt(nonce, room, slot))
        assert part["sealed_sha256"] == hashlib.sha256(slots[-1]).hexdigest()

    assert content.ljust(2 * piece_bytes, b"\0") == opened_state(slots)
    assert [bytes.fromhex(part["slot"]) for part in vector["parts"]] == [
        slot.slot
        for slot in seal_state(content, state_key=STATE_KEY, mailbox_key=MAILBOX_KEY)
    ]


@pytest.mark.parametrize("vector", VECTORS["headers"]["good"], ids=lambda v: v["name"])
def test_part_headers(vector: dict[str, Any]) -> None:
    """
    Part headers that are ours.
    """
    part = parse_part(bytes.fromhex(vector["header"]) + b"content")

    assert Part(vector["index"], vector["count"], b"content") == part


@pytest.mark.parametrize(
    "vector", VECTORS["headers"]["refused"], ids=lambda v: v["name"]
)
def test_part_headers_refused(vector: dict[str, Any]) -> None:
    """
    Part headers that are not.
    """
    with pytest.raises(CannotOpenSlot):
        parse_part(bytes.fromhex(vector["header"]))


@given(st.binary(max_size=12))
def test_junk_is_no_part(junk: bytes) -> None:
    """
    Any bytes are a part with a header like ours, or `CannotOpenSlot`.
    """
    try:
        part = parse_part(junk)
    except CannotOpenSlot:
        return
    header = b"\1\0" + part.index.to_bytes(2, "big") + part.count.to_bytes(2, "big")
    assert junk == header + bytes(2) + part.content


@given(st.binary(max_size=100))
def test_cut_and_joined(content: bytes) -> None:
    """
    Parts fill their rooms exactly, and give the content back with zeros behind.
    """
    rooms = cut(content, room_bytes=SMALL_ROOM_BYTES)
    joined = join([parse_part(room) for room in rooms])

    assert {SMALL_ROOM_BYTES} == {len(room) for room in rooms}
    assert max(1, -(-len(content) // 16)) == len(rooms)
    assert content == joined[: len(content)]
    assert b"" == joined[len(content) :].strip(b"\0")


@given(st.binary(min_size=20, max_size=100), st.data())
def test_only_all_parts_in_order(content: bytes, data: st.DataObject) -> None:
    """
    Parts that are missing, doubled, exchanged or foreign are noticed.
    """
    parts = [parse_part(room) for room in cut(content, room_bytes=SMALL_ROOM_BYTES)]
    foreign = Part(0, len(parts) + 1, bytes(16))
    others = data.draw(
        st.lists(st.sampled_from([*parts, foreign]), max_size=8).filter(
            lambda drawn: drawn != parts
        )
    )

    with pytest.raises(CannotOpenSlot):
        join(others)


def test_too_long_for_slots() -> None:
    """
    65,535 parts are the most, because two bytes count them.
    """
    assert MOST_PARTS == len(cut(bytes(MOST_PARTS), room_bytes=9))
    with pytest.raises(TooLongForSlots):
        cut(bytes(MOST_PARTS + 1), room_bytes=9)


@pytest.mark.parametrize("size", [0, 1, ROOM_BYTES - 8, ROOM_BYTES - 7, 50_000])
def test_state_comes_back(size: int) -> None:
    """
    A state of any size lies in slots of one size, and opens in order.
    """
    content = b"\1" * size

    slots = seal_state(content, state_key=STATE_KEY, mailbox_key=MAILBOX_KEY)

    assert {SLOT_BYTES} == {len(slot.sealed) for slot in slots}
    assert content == opened_state([slot.sealed for slot in slots]).rstrip(b"\0")


def test_state_parts_cannot_change_places() -> None:
    """
    A server that exchanges two parts, or gives one twice, is noticed.
    """
    one, two = seal_state(
        bytes(ROOM_BYTES), state_key=STATE_KEY, mailbox_key=MAILBOX_KEY
    )

    for slots in ([two, one], [one, one]):
        with pytest.raises(CannotOpenSlot):
            opened_state([slot.sealed for slot in slots])
    with pytest.raises(CannotOpenSlot):
        opened_state([one.sealed])


def test_state_of_somebody_else() -> None:
    """
    Another reporter's key opens nothing.
    """
    (slot,) = seal_state(b"", state_key=STATE_KEY, mailbox_key=MAILBOX_KEY)

    with pytest.raises(CannotOpenSlot):
        opened_state([slot.sealed], state_key=KEY)


def test_part_under_another_number() -> None:
    """
    A part sealed by the right key under the wrong name is refused.
    """
    room = cut(bytes(ROOM_BYTES), room_bytes=ROOM_BYTES)[1]
    sealed = seal_slot(room, key=STATE_KEY, slot=state_slot(MAILBOX_KEY))

    with pytest.raises(CannotOpenSlot):
        opened_state([sealed])


def test_sealing_twice_looks_different() -> None:
    """
    The same content gets another nonce, so the rows have nothing in common.
    """
    rows = [seal_slot(bytes(ROOM_BYTES), key=KEY, slot=SLOT) for _ in range(2)]

    assert rows[0][:NONCE_BYTES] != rows[1][:NONCE_BYTES]
    assert rows[0][NONCE_BYTES:] != rows[1][NONCE_BYTES:]


@given(st.integers(0, SLOT_BYTES - 1), st.integers(1, 255))
def test_any_changed_byte_is_noticed(at: int, change: int) -> None:
    """
    A slot with one byte changed does not open.
    """
    sealed = bytearray(seal_slot(bytes(ROOM_BYTES), key=KEY, slot=SLOT))
    sealed[at] ^= change

    with pytest.raises(CannotOpenSlot):
        open_slot(bytes(sealed), key=KEY, slot=SLOT)


@given(st.one_of(st.binary(max_size=64), st.integers(0, 20_000).map(bytes)))
def test_junk_does_not_open(junk: bytes) -> None:
    """
    Bytes of any length are `CannotOpenSlot` and nothing else.
    """
    with pytest.raises(CannotOpenSlot):
        open_slot(junk, key=KEY, slot=SLOT)


def test_wrong_sizes_are_mistakes() -> None:
    """
    What only a mistake in our own code could ask for is a `ValueError`.
    """
    with pytest.raises(ValueError, match="exactly"):
        seal_slot(bytes(ROOM_BYTES - 1), key=KEY, slot=SLOT)
    with pytest.raises(ValueError, match="desk"):
        reply_slot(MAILBOX_KEY, bytes(15), 0)
    with pytest.raises(ValueError, match="mailbox key"):
        state_slot(bytes(31))


def test_noise_passes_for_noise() -> None:
    """
    The judge finds nothing in rows from the operating system, as dummies are.
    """
    assert [] == signs_of_life([os.urandom(SLOT_BYTES) for _ in range(ROWS)])


def test_bare_hpke_messages_do_not_pass() -> None:
    """
    The judge finds everything that a bare HPKE message gives away.
    """
    reporter = MLKEM768X25519PublicKey(
        MLKEM768PrivateKey.generate().public_key(),
        X25519PrivateKey.generate().public_key(),
    )
    content = bytes(SLOT_BYTES - HPKE_OVERHEAD_BYTES)

    found = signs_of_life([SUITE.encrypt(content, reporter) for _ in range(ROWS)])

    expected = ["bits that never change", "ML-KEM ciphertexts", "X25519 shares"]
    assert expected == found


def test_evidence_is_as_large_as_the_decision_says() -> None:
    """
    docs/adr/0002: an ML-KEM ciphertext betrays itself by 9.4 bits.
    """
    real, noise = expected_evidence_bits()

    assert (9.41, -9.02) == (round(real, 2), round(noise, 2))


@pytest.mark.parametrize("share_at", [0, NONCE_BYTES], ids=["at 0", "behind the nonce"])
def test_slots_pass_for_noise(share_at: int) -> None:
    """
    The judge finds nothing in slots, be they states or replies.

    All rows are one reporter's and hold zeros, which is the worst case.
    """
    states = [
        slot.sealed
        for _ in range(ROWS)
        for slot in seal_state(b"", state_key=STATE_KEY, mailbox_key=MAILBOX_KEY)
    ]
    replies = [
        slot.sealed
        for number in range(ROWS)
        for slot in seal_reply(
            b"",
            public_key=ReplyPrivateKey.from_seed(KEY).public_bytes(),
            mailbox_key=MAILBOX_KEY,
            desk_id=DESK,
            first_number=number,
        )
    ]

    assert ROWS == len(states) == len(replies)
    assert [] == signs_of_life(states, share_at=share_at)
    assert [] == signs_of_life(replies, share_at=share_at)
