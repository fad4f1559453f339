"""Parcels: events on their way between desks."""

import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.casework_samples import DAY, archive, item_header
from support.journals import JournalWriter

from casework.errors import CaseworkError
from casework.item import ItemKind, ItemReader, ItemWriter
from casework.journal import Noted
from casework.parcel import (
    MOST_EVENTS,
    MalformedParcel,
    Parcel,
    SignedEvent,
    batches,
    read_message,
    write_parcel,
)
from crypto.padding import SMALLEST_ITEM_BYTES

DESK = "0a" * 16
EVENTS = tuple(
    SignedEvent(
        JournalWriter(DESK).write(Noted(text=text)).event.to_json(),
        b"sig" + text.encode(),
    )
    for text in ("satu", "dua", "tiga")
)


def written(events: Sequence[SignedEvent]) -> bytes:
    """Write a parcel."""
    stream = io.BytesIO()
    write_parcel(stream.write, events, desk_id=DESK, day=DAY)
    return stream.getvalue()


def test_a_parcel_is_read_as_it_was_written() -> None:
    """Events and signatures come back byte for byte, in order."""
    parcel = read_message(io.BytesIO(written(EVENTS)))
    assert isinstance(parcel, Parcel)
    assert EVENTS == parcel.events
    assert DESK == parcel.header.desk_id


def test_a_parcel_has_the_size_of_an_item() -> None:
    """Few events make a parcel as large as a short report."""
    assert SMALLEST_ITEM_BYTES == len(written(EVENTS[:1])) == len(written(EVENTS))


def test_an_item_of_a_reporter_is_told_from_a_parcel() -> None:
    """The same reader reads both, by their first member."""
    stream = io.BytesIO()
    writer = ItemWriter(stream.write, header=item_header(ItemKind.MESSAGE))
    writer.add_message("Susulan.")
    writer.finish()
    stream.seek(0)
    item = read_message(stream)
    assert isinstance(item, ItemReader)
    assert "Susulan." == item.message


HEADER = {"version": 1, "desk_id": DESK, "events": 1}
EVENT = {"name": "events/000000.json", "text": "{}"}
SIGNATURE = {"name": "events/000000.sig", "text": "s"}


@pytest.mark.parametrize(
    "members",
    [
        [],
        [EVENT],
        [SIGNATURE, EVENT],
        [EVENT, SIGNATURE, {"name": "events/000001.json", "text": "{}"}],
        [{**EVENT, "name": "events/0.json"}, SIGNATURE],
        [{**EVENT, "times": 300_000}, SIGNATURE],
        [EVENT, {**SIGNATURE, "times": 5_000}],
    ],
)
def test_bad_parcels_are_refused(members: list[dict[str, object]]) -> None:
    """What is missing, too many, misnamed or too large is refused."""
    content = archive([{"name": "journal.json", "document": HEADER}, *members])
    with pytest.raises(MalformedParcel):
        read_message(io.BytesIO(content))


@pytest.mark.parametrize(
    "change",
    [{"events": 0}, {"events": MOST_EVENTS + 1}, {"version": 2}, {"desk_id": "x"}],
)
def test_bad_headers_are_refused(change: dict[str, object]) -> None:
    """A header that says something else than a desk would is refused."""
    header = {"name": "journal.json", "document": {**HEADER, **change}}
    with pytest.raises(MalformedParcel):
        read_message(io.BytesIO(archive([header, EVENT, SIGNATURE])))


def test_a_parcel_of_too_much_is_not_written() -> None:
    """The writer makes nothing that the reader would refuse."""
    large = SignedEvent(bytes(500_000), b"s")
    with pytest.raises(ValueError, match="too large"):
        written([large] * 40)


def test_events_are_cut_into_parcels() -> None:
    """Whatever there is to send fits into parcels, in order and without loss."""
    large = SignedEvent(bytes(500_000), b"s")
    events = [*EVENTS * 400, *[large] * 40]
    parts = list(batches(events))
    assert events == [event for part in parts for event in part]
    for part in parts:
        written(part)
    assert [] == list(batches([]))


@given(st.data())
def test_any_change_is_read_or_refused(data: st.DataObject) -> None:
    """No bytes make the reader raise anything but its own errors."""
    content = bytearray(written(EVENTS))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, 6_000))
        content[position] = data.draw(st.integers(0, 255))
    try:
        read_message(io.BytesIO(bytes(content)))
    except CaseworkError:
        pass


@given(st.binary(max_size=2_000))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """Nor does anything that is no archive at all."""
    try:
        read_message(io.BytesIO(content))
    except CaseworkError:
        pass
