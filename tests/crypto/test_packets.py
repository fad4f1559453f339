"""The frames of a message: what is one, and what is not."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.openpgp_world import World

from crypto.openpgp import Keyring
from crypto.packets import (
    LONGEST_PKESK_BYTES,
    RECIPIENTS_AT_MOST,
    Envelope,
    EnvelopeReader,
    IncompleteMessage,
    read_envelope,
    split_packets,
)

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "openpgp-framing.json").read_text()
)


def envelope_of(message: bytes) -> Envelope:
    """Read a message held in memory."""
    return read_envelope(BytesIO(message))


@pytest.mark.parametrize("vector", VECTORS["accepted"], ids=lambda v: v["name"])
def test_accepted(vector: dict[str, Any]) -> None:
    """
    Messages of other programs and of hand, with what they show.
    """
    envelope = envelope_of(bytes.fromhex(vector["message"]))

    assert vector["recipient_key_ids"] == list(envelope.recipient_key_ids)
    assert vector["protection_version"] == envelope.protection_version
    assert len(vector["message"]) // 2 == envelope.size_bytes


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda v: v["name"])
def test_refused(vector: dict[str, Any]) -> None:
    """
    One fault per message, each named.
    """
    with pytest.raises(IncompleteMessage, match=vector["error"]):
        envelope_of(bytes.fromhex(vector["message"]))


@pytest.mark.parametrize("vector", VECTORS["accepted"], ids=lambda v: v["name"])
def test_cut_off_anywhere(vector: dict[str, Any]) -> None:
    """
    No beginning of a message is a message, and no message with a byte more.
    """
    message = bytes.fromhex(vector["message"])
    for end in range(len(message)):
        with pytest.raises(IncompleteMessage):
            envelope_of(message[:end])
    with pytest.raises(IncompleteMessage):
        envelope_of(message + b"\0")


def test_real_message_cut_off_anywhere(world: World, keyring: Keyring) -> None:
    """
    The same for what gpg makes now, in one piece and in parts.
    """
    for size, step in ((100, 1), (20_000, 97)):
        sealed: list[bytes] = []
        with keyring.sealing(
            [world.key["ani"], world.key["budi"]], sink=sealed.append, day=world.today
        ) as sealing:
            sealing.write(bytes(size))
        message = b"".join(sealed)
        assert 2 == len(envelope_of(message).recipient_key_ids)
        for end in range(0, len(message), step):
            with pytest.raises(IncompleteMessage):
                envelope_of(message[:end])


@given(st.binary(max_size=2000))
def test_junk(junk: bytes) -> None:
    """
    Arbitrary bytes are refused in one way only.
    """
    with pytest.raises(IncompleteMessage):
        envelope_of(junk)


@given(
    st.sampled_from([bytes.fromhex(v["message"]) for v in VECTORS["accepted"]]),
    st.data(),
)
def test_changed_frames(message: bytes, drawn: st.DataObject) -> None:
    """
    A changed byte gives another message or a refusal, and never another error.
    """
    place = drawn.draw(st.integers(0, len(message) - 1))
    value = drawn.draw(st.integers(0, 255))
    changed = message[:place] + bytes([value]) + message[place + 1 :]
    try:
        envelope = envelope_of(changed)
    except IncompleteMessage:
        return
    assert len(message) == envelope.size_bytes


@given(
    st.sampled_from([bytes.fromhex(v["message"]) for v in VECTORS["accepted"]]),
    st.lists(st.integers(0, 40), min_size=1, max_size=20),
)
def test_pieces_do_not_matter(message: bytes, sizes: list[int]) -> None:
    """
    However the bytes arrive, the answer is the same.
    """
    reader = EnvelopeReader()
    rest = message
    for size in sizes:
        reader.feed(rest[:size])
        rest = rest[size:]
    reader.feed(rest)
    assert envelope_of(message) == reader.finish()


def test_reader_is_spent_after_a_refusal() -> None:
    """
    Good bytes do not mend a bad beginning.
    """
    reader = EnvelopeReader()
    with pytest.raises(IncompleteMessage):
        reader.feed(b"junk")
    with pytest.raises(IncompleteMessage, match="refused before"):
        reader.feed(bytes.fromhex(VECTORS["accepted"][0]["message"]))
    with pytest.raises(IncompleteMessage):
        reader.finish()


def test_memory_is_bounded() -> None:
    """
    A part of a gigabyte is waited for, not stored.
    """
    key = bytes.fromhex("840c03") + bytes(8) + bytes.fromhex("120000")
    reader = EnvelopeReader()
    reader.feed(key + bytes.fromhex("d2fe01"))
    for _ in range(50):
        reader.feed(bytes(64 * 1024))
        assert 0 == len(reader._buffer)


def test_recipients_are_bounded() -> None:
    """
    So many session keys and no more.
    """
    key = bytes.fromhex("840c03") + bytes(8) + bytes.fromhex("120000")
    data = bytes.fromhex("d22901") + bytes(40)
    envelope_of(key * RECIPIENTS_AT_MOST + data)
    with pytest.raises(IncompleteMessage, match="recipients"):
        envelope_of(key * (RECIPIENTS_AT_MOST + 1) + data)
    with pytest.raises(IncompleteMessage, match="too large"):
        envelope_of(b"\x85" + (LONGEST_PKESK_BYTES + 1).to_bytes(2, "big"))


@given(st.binary(max_size=300))
def test_split_junk(junk: bytes) -> None:
    """
    Taking apart arbitrary bytes gives packets or the one refusal.
    """
    try:
        packets = list(split_packets(junk))
    except IncompleteMessage:
        return
    assert sum(len(body) for _tag, body in packets) <= len(junk)
