"""Replies: sealed to one reporter, by the algorithms that they are said to use."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from hypothesis import given, settings
from hypothesis import strategies as st
from support import hpke_by_hand as by_hand

from crypto.replies import (
    HPKE_OVERHEAD_BYTES,
    PUBLIC_KEY_BYTES,
    REPLY_ROOM_BYTES,
    MalformedPublicKey,
    ReplyPrivateKey,
    join_reply_parts,
    open_reply_part,
    seal_reply,
)
from crypto.slots import (
    ROOM_BYTES,
    SLOT_BYTES,
    CannotOpenSlot,
    SealedSlot,
    open_slot,
    outer_key,
    reply_slot,
    seal_slot,
)

_FOLDER = Path(__file__).parents[1] / "vectors"
VECTORS: dict[str, Any] = json.loads((_FOLDER / "replies.json").read_text())
PUBLISHED: dict[str, Any] = json.loads((_FOLDER / "hpke.json").read_text())
REPLY = VECTORS["reply"]
SEED = bytes.fromhex(REPLY["seed"])
REPORTER = ReplyPrivateKey.from_seed(SEED)
PUBLIC_KEY = REPORTER.public_bytes()
MAILBOX_KEY = bytes.fromhex(REPLY["mailbox_key"])
DESK, OTHER_DESK = bytes(range(16)), bytes(range(16, 32))
PIECE_BYTES = REPLY_ROOM_BYTES - 8


def sealed_reply(content: bytes, *, first_number: int = 0) -> list[SealedSlot]:
    """Seal a reply of one desk to the reporter."""
    return seal_reply(
        content,
        public_key=PUBLIC_KEY,
        mailbox_key=MAILBOX_KEY,
        desk_id=DESK,
        first_number=first_number,
    )


def opened_reply(slots: list[SealedSlot]) -> bytes:
    """Open a reply as the reporter does."""
    return join_reply_parts(
        [
            open_reply_part(
                slot.sealed,
                slot=slot.slot,
                private_key=REPORTER,
                mailbox_key=MAILBOX_KEY,
            )
            for slot in slots
        ]
    )


@pytest.mark.parametrize(
    ("name", "kem"), [("x25519", by_hand.X25519_KEM), ("xwing", by_hand.XWING_KEM)]
)
def test_published_vectors_open_by_hand(name: str, kem: int) -> None:
    """
    The second implementation of the tests is HPKE as published.
    """
    vector = {
        k: v if k == "source" else bytes.fromhex(v) for k, v in PUBLISHED[name].items()
    }

    key, nonce = by_hand.key_and_nonce(kem, vector["shared_secret"], vector["info"])
    opened = by_hand.open_by_hand(
        kem,
        vector["enc"] + vector["ct"],
        private=vector["skRm"],
        info=vector["info"],
        aad=vector["aad"],
    )

    assert (vector["key"], vector["base_nonce"]) == (key, nonce)
    assert vector["pt"] == opened


def test_library_and_hand_agree_about_x25519() -> None:
    """
    With the suite of RFC 9180, appendix A.2, each opens the other's messages.
    """
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    private = bytes.fromhex(PUBLISHED["x25519"]["skRm"])
    key = X25519PrivateKey.from_private_bytes(private)
    public = key.public_key().public_bytes_raw()
    kem = by_hand.X25519_KEM

    ours = by_hand.seal_by_hand(kem, b"halo", public=public, info=b"info")
    theirs = suite.encrypt(b"halo", key.public_key(), info=b"info")

    assert PUBLISHED["x25519"]["pkRm"] == public.hex()
    assert b"halo" == suite.decrypt(ours, key, info=b"info")
    assert b"halo" == by_hand.open_by_hand(kem, theirs, private=private, info=b"info")


def test_replies_and_hand_agree_about_xwing() -> None:
    """
    The reply inside a slot is an HPKE message of the hand's, and the reverse.
    """
    (slot,) = sealed_reply(b"halo")
    inner = open_slot(slot.sealed, key=outer_key(MAILBOX_KEY), slot=slot.slot)
    purpose = b"bisik/v1/reply" + slot.slot
    kem = by_hand.XWING_KEM

    room = by_hand.open_by_hand(kem, inner, private=SEED, info=purpose)
    ours = by_hand.seal_by_hand(kem, room, public=PUBLIC_KEY, info=purpose)

    assert bytes.fromhex("0100000000010000") + b"halo".ljust(PIECE_BYTES, b"\0") == room
    assert room == REPORTER.open(ours, purpose=purpose)


@pytest.mark.parametrize(
    ("seed", "public_key"),
    [
        (PUBLISHED["xwing_key"]["seed"], PUBLISHED["xwing_key"]["public_key"]),
        (PUBLISHED["xwing"]["skRm"], PUBLISHED["xwing"]["pkRm"]),
    ],
    ids=["draft-connolly-cfrg-xwing-kem", "draft-ietf-hpke-pq"],
)
def test_published_public_keys(seed: str, public_key: str) -> None:
    """
    A seed gives the public key that the drafts say.
    """
    private = ReplyPrivateKey.from_seed(bytes.fromhex(seed))

    assert public_key == private.public_bytes().hex()


def test_fixed_reply_opens() -> None:
    """
    A reply that was sealed once can be read for ever.
    """
    sealed = base64.b64decode(REPLY["sealed"])
    slot = reply_slot(MAILBOX_KEY, bytes.fromhex(REPLY["desk_id"]), REPLY["number"])

    opened = opened_reply([SealedSlot(slot, sealed)])

    assert REPLY["slot"] == slot.hex()
    assert REPLY["public_key_sha256"] == hashlib.sha256(PUBLIC_KEY).hexdigest()
    assert REPLY["text"].encode().ljust(PIECE_BYTES, b"\0") == opened


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda v: v["name"])
def test_changed_reply_does_not_open(vector: dict[str, Any]) -> None:
    """
    One change at a time, and each makes the fixed reply unreadable.
    """
    changed = REPLY | vector
    sealed = bytearray(base64.b64decode(REPLY["sealed"]))
    if "flip_byte" in vector:
        sealed[vector["flip_byte"]] ^= 1
    sealed = (sealed + b"\0")[: vector.get("length", SLOT_BYTES)]
    # The name is made with the right key, as a server would show the row.
    slot = reply_slot(MAILBOX_KEY, bytes.fromhex(changed["desk_id"]), changed["number"])

    with pytest.raises(CannotOpenSlot):
        open_reply_part(
            bytes(sealed),
            slot=slot,
            private_key=ReplyPrivateKey.from_seed(bytes.fromhex(changed["seed"])),
            mailbox_key=bytes.fromhex(changed["mailbox_key"]),
        )


@pytest.mark.parametrize(
    "vector", VECTORS["public_keys"]["refused"], ids=lambda v: v["name"]
)
def test_unusable_public_keys(vector: dict[str, str]) -> None:
    """
    Nothing is sealed to bytes that cannot be a reporter's key.
    """
    with pytest.raises(MalformedPublicKey):
        seal_reply(
            b"",
            public_key=bytes.fromhex(vector["hex"]),
            mailbox_key=MAILBOX_KEY,
            desk_id=DESK,
            first_number=0,
        )


@given(
    st.one_of(
        st.binary(max_size=40),
        st.binary(min_size=1, max_size=4).map(
            lambda end: PUBLIC_KEY[: PUBLIC_KEY_BYTES - len(end)] + end
        ),
        st.binary(min_size=1, max_size=4).map(
            lambda begin: begin + PUBLIC_KEY[len(begin) :]
        ),
        st.binary(min_size=32, max_size=32).map(lambda x: PUBLIC_KEY[:1184] + x),
    )
)
def test_any_public_key(public_key: bytes) -> None:
    """
    Any bytes can be sealed to or are `MalformedPublicKey`.
    """
    try:
        slots = seal_reply(
            b"",
            public_key=public_key,
            mailbox_key=MAILBOX_KEY,
            desk_id=DESK,
            first_number=0,
        )
    except MalformedPublicKey:
        return
    assert 1 == len(slots)


@settings(max_examples=40)
@given(st.integers(0, 3 * PIECE_BYTES), st.integers(0, 1000))
def test_reply_comes_back(size: int, first_number: int) -> None:
    """
    A reply of any size lies in consecutive slots of one size, and opens.
    """
    content = b"\1" * size

    slots = sealed_reply(content, first_number=first_number)

    assert {SLOT_BYTES} == {len(slot.sealed) for slot in slots}
    assert [slot.slot for slot in slots] == [
        reply_slot(MAILBOX_KEY, DESK, first_number + part) for part in range(len(slots))
    ]
    assert content.ljust(len(slots) * PIECE_BYTES, b"\0") == opened_reply(slots)


@pytest.mark.parametrize(
    ("size", "slots"), [(0, 1), (PIECE_BYTES, 1), (PIECE_BYTES + 1, 2)]
)
def test_slots_of_a_reply(size: int, slots: int) -> None:
    """
    A slot is full before the next one is begun.
    """
    assert slots == len(sealed_reply(bytes(size)))


def test_parts_missing_or_exchanged() -> None:
    """
    A reply of three slots opens whole, or not at all.
    """
    one, two, three = sealed_reply(bytes(3 * PIECE_BYTES))

    for slots in ([one, two], [two, three], [one, three, two], [one, one, two], []):
        with pytest.raises(CannotOpenSlot):
            opened_reply(slots)


def test_two_desks_do_not_meet() -> None:
    """
    Desks that both begin at number 0 write under different names.
    """
    assert reply_slot(MAILBOX_KEY, DESK, 0) != reply_slot(MAILBOX_KEY, OTHER_DESK, 0)


@settings(max_examples=60)
@given(st.integers(0, HPKE_OVERHEAD_BYTES), st.binary(min_size=1, max_size=40))
def test_hostile_desk_is_only_ever_refused(at: int, change: bytes) -> None:
    """
    Who knows the outer key, as desks do, still cannot make opening fail otherwise.

    This includes X25519 shares of small order and ML-KEM ciphertexts of no key.
    """
    slot = reply_slot(MAILBOX_KEY, DESK, 0)
    room = bytearray(ROOM_BYTES)
    room[at : at + len(change)] = change
    sealed = seal_slot(bytes(room), key=outer_key(MAILBOX_KEY), slot=slot)

    with pytest.raises(CannotOpenSlot):
        opened_reply([SealedSlot(slot, sealed)])


@given(st.binary(max_size=2000))
def test_junk_does_not_open(junk: bytes) -> None:
    """
    Messages of any length are `CannotOpenSlot` and nothing else.
    """
    with pytest.raises(CannotOpenSlot):
        REPORTER.open(junk, purpose=b"")


@pytest.mark.parametrize("length", [0, 31, 33])
def test_seed_of_another_length(length: int) -> None:
    """
    Only 32 bytes are a seed.
    """
    with pytest.raises(ValueError, match="32 bytes"):
        ReplyPrivateKey.from_seed(bytes(length))


def test_private_key_stays_out_of_repr() -> None:
    """
    Showing the key shows nothing of it.
    """
    assert "ReplyPrivateKey()" == repr(REPORTER)
