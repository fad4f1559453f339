"""Items: what a reporter sends."""

import hashlib
import io
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.casework_samples import Vector, archive, item_header, named, vectors

from casework.item import (
    ItemHeader,
    ItemKind,
    ItemReader,
    ItemWriter,
    MalformedItem,
    ReadMarks,
    missing_before,
    read_item,
)
from casework.report import Report
from crypto.container import ContainerLimits
from crypto.padding import item_size

REPORT = Report(title="Suap, Dinas X, Mei 2026", what="Uang diminta.")
DESK = "ab" * 16


def written(header: ItemHeader, *files: tuple[str, bytes]) -> bytes:
    """Write an item with everything that its kind must have."""
    stream = io.BytesIO()
    writer = ItemWriter(stream.write, header=header)
    match header.kind:
        case ItemKind.REPORT:
            writer.add_report(REPORT)
        case ItemKind.MESSAGE | ItemKind.CONTACT:
            writer.add_message("Hubungi lewat sini.")
        case ItemKind.READ_RECEIPT:
            writer.add_read_marks(ReadMarks(read={DESK: 3}))
    for name, content in files:
        writer.add_file(name, content)
    writer.finish()
    return stream.getvalue()


def read_whole(content: bytes) -> tuple[ItemReader, list[tuple[str, bytes]]]:
    """Read an item to its end."""
    item = read_item(io.BytesIO(content))
    return item, [(file.name, b"".join(file.chunks())) for file in item.files()]


def test_good_vectors() -> None:
    """
    Every good item of the vectors is read, and written again byte for byte.
    """
    for vector in vectors("item.json")["good"]:
        item, files = read_whole(archive(vector["members"]))
        stream = io.BytesIO()
        writer = ItemWriter(stream.write, header=item.header)
        if item.report:
            writer.add_report(item.report)
        if item.message:
            writer.add_message(item.message)
        if item.read_marks:
            writer.add_read_marks(item.read_marks)
        for name, content in files:
            writer.add_file(name, content)
        size_bytes = writer.finish()

        assert vector["size_bytes"] == size_bytes, vector["name"]
        assert vector["sha256"] == hashlib.sha256(stream.getvalue()).hexdigest()


@pytest.mark.parametrize("vector", vectors("item.json")["bad"], ids=named)
def test_bad_vectors(vector: Vector) -> None:
    """
    Every bad item of the vectors is refused.
    """
    content = archive(vector["members"])

    with pytest.raises(MalformedItem):
        read_whole(content)


@pytest.mark.parametrize("kind", [*ItemKind])
def test_every_kind_is_written_and_read(kind: ItemKind) -> None:
    """
    Every kind of item comes back as it was, padded to a size that tells nothing.
    """
    files = [("a.txt", b"isi")] if kind is ItemKind.ATTACHMENTS else []
    content = written(item_header(kind), *files)
    item, files_read = read_whole(content)

    assert item_header(kind) == item.header
    assert (kind is ItemKind.REPORT) == (item.report == REPORT)
    assert (kind is ItemKind.READ_RECEIPT) == (item.read_marks is not None)
    assert files == files_read
    assert item_size(0) == len(content)


def test_files_keep_their_bytes_and_order() -> None:
    """
    Files come back byte for byte in the order in which they were added.
    """
    files = [("b.bin", bytes(range(256)) * 1000), ("a.txt", b""), ("b.bin", b"2")]

    assert files == read_whole(written(item_header(), *files))[1]


def test_a_report_with_a_small_file_looks_like_one_without() -> None:
    """
    The size does not tell whether a photograph of 50 kB came with a report.
    """
    with_file = written(item_header(), ("a", bytes(50_000)))

    assert len(written(item_header())) == len(with_file)


def test_what_was_sent_is_told() -> None:
    """
    The writer says under which name and size a file was sent.
    """
    writer = ItemWriter(io.BytesIO().write, header=item_header())
    writer.add_report(REPORT)
    sent = writer.add_file("../Foto\x00 bukti.pdf", b"123")

    assert ("Foto bukti.pdf", 3) == (sent.name, sent.size_bytes)


def test_a_kind_takes_no_foreign_member() -> None:
    """
    What contradicts the kind is refused before a byte of it is written.
    """
    stream = io.BytesIO()
    writer = ItemWriter(stream.write, header=item_header(ItemKind.CONTACT))
    before = stream.getvalue()

    with pytest.raises(ValueError, match=r"report\.json"):
        writer.add_report(REPORT)
    with pytest.raises(ValueError, match="no more files"):
        writer.add_file("a", b"b")
    for text in ("", "x" * 20_001, "tab \x00"):
        with pytest.raises(ValueError, match="clean"):
            writer.add_message(text)
    assert before == stream.getvalue()


@pytest.mark.parametrize(
    "kind",
    [
        ItemKind.REPORT,
        ItemKind.MESSAGE,
        ItemKind.ATTACHMENTS,
        ItemKind.CONTACT,
        ItemKind.READ_RECEIPT,
    ],
)
def test_an_item_is_not_finished_without_its_content(kind: ItemKind) -> None:
    """
    An empty item cannot be finished.
    """
    writer = ItemWriter(io.BytesIO().write, header=item_header(kind))

    with pytest.raises(ValueError, match="needs more"):
        writer.finish()


def test_an_item_does_not_show_its_secrets() -> None:
    """
    Neither the case nor its keys nor a text is in the `repr` of an item.
    """
    shown = repr(read_whole(written(item_header()))[0])

    assert not {s for s in ("0000", "1111", "2222", "Uang", "Suap") if s in shown}


def test_errors_do_not_name_files() -> None:
    """
    The name of an attachment is a secret, and no error repeats it.
    """
    content = written(item_header(), ("rahasia.txt", b"x" * 5000))

    for end in range(0, len(content.rstrip(b"\0")), 512):
        with pytest.raises(MalformedItem) as refusal:
            read_whole(content[:end])
        assert "rahasia" not in str(refusal.value)


def test_limits_are_kept() -> None:
    """
    A file above the reader's limit is refused before it is read.
    """
    limits = ContainerLimits(entries=9, entry_bytes=10_000, total_bytes=10**6)
    content = written(item_header(), ("a", bytes(10_001)))

    with pytest.raises(MalformedItem):
        list(read_item(io.BytesIO(content), limits=limits).files())


def test_every_cut_into_the_content_is_noticed() -> None:
    """
    An item of which anything but padding was lost is not whole.
    """
    content = written(item_header(ItemKind.MESSAGE), ("a", b"isi"))
    end_of_content = len(content.rstrip(b"\0"))

    for end in range(0, end_of_content, 61):
        with pytest.raises(MalformedItem):
            read_whole(content[:end])


@settings(max_examples=100)
@given(st.binary(max_size=3000))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """
    No bytes make the reader raise anything but its own error.
    """
    try:
        read_whole(content)
    except MalformedItem:
        pass


@settings(max_examples=300)
@given(st.data())
def test_any_change_is_read_or_refused(
    header_bytes: bytes, data: st.DataObject
) -> None:
    """
    No change of a good item makes the reader raise anything else, either.
    """
    content = bytearray(header_bytes)
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, 6 * 1024))
        content[position] = data.draw(st.integers(0, 255))
    try:
        read_whole(bytes(content[: data.draw(st.integers(0, len(content)))]))
    except MalformedItem:
        pass


@pytest.fixture(scope="module")
def header_bytes() -> bytes:
    """Return an item with a report and a file."""
    return written(item_header(), ("a.txt", b"isi"))


@pytest.mark.parametrize(
    ("sequences", "missing"),
    [
        ([], 0),
        ([0], 0),
        ([0, 1, 2], 0),
        ([2, 0, 1], 0),
        # Two tabs: both sealed before either was accepted.
        ([0, 0, 2], 0),
        ([0, 1, 1, 1, 4], 0),
        ([1], 1),
        ([0, 2], 1),
        ([0, 0, 3], 1),
        ([5], 5),
        ([0, 9], 8),
        ([0, 1, 4, 4], 2),
        # The last one cannot be missed by anybody.
        ([0, 1], 0),
    ],
)
def test_missing_before(sequences: list[int], missing: int) -> None:
    """
    The numbers tell how many items are missing at least, in whatever order.
    """
    for order in permutations(sequences):
        assert missing == missing_before(order)


@st.composite
def accepted_sequences(draw: st.DrawFn) -> list[int]:
    """Draw the numbers of a case in which any item may be sealed long before."""
    return [draw(st.integers(0, n)) for n in range(draw(st.integers(0, 12)))]


@given(accepted_sequences())
def test_a_whole_case_misses_nothing(sequences: list[int]) -> None:
    """
    However many tabs are open, a case that is all there raises no alarm.
    """
    assert 0 == missing_before(sequences)


@given(accepted_sequences(), st.data())
def test_no_more_is_missed_than_was_lost(
    sequences: list[int], data: st.DataObject
) -> None:
    """
    The rule never claims that more items are missing than were taken away.
    """
    kept = [s for s in sequences if data.draw(st.booleans())]

    assert 0 <= missing_before(kept) <= len(sequences) - len(kept)


@given(st.integers(1, 20), st.data())
def test_every_loss_but_at_the_end_is_noticed_with_one_tab(
    length: int, data: st.DataObject
) -> None:
    """
    With one tab, every lost item is noticed once a later one is there.
    """
    lost = data.draw(st.sets(st.integers(0, length - 1)))
    kept = [n for n in range(length) if n not in lost]

    assert len([n for n in lost if kept and n < kept[-1]]) == missing_before(kept)
