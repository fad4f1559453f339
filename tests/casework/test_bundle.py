"""Bundles: sealed items on their way to a desk."""

import hashlib
import io
import tracemalloc
from itertools import repeat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.casework_samples import DAY, Vector, archive, named, vectors

from casework import strict
from casework.bundle import (
    LARGEST_OUTBOX,
    AppliedOutboxes,
    BundleEntry,
    BundleManifest,
    BundleReader,
    DamagedItem,
    Finding,
    MalformedBundle,
    Verdict,
    item_name,
    read_bundle,
    write_bundle,
)
from casework.strict import LARGEST_INTEGER

INSTALLATION = "ef" * 16
ITEMS = {1: b"satu" * 300, 2: b"", 5: bytes(range(256)) * 300}
OK, DAMAGED, MISSING = Verdict.OK, Verdict.DAMAGED, Verdict.MISSING


def manifest_of(items: dict[int, bytes], *, after: int = 0) -> BundleManifest:
    """Announce *items*."""
    return BundleManifest(
        installation=INSTALLATION,
        after=after,
        through=max(items, default=after),
        items=tuple(
            BundleEntry(
                number=number,
                day=DAY,
                size_bytes=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
            )
            for number, content in items.items()
        ),
    )


def written_as(manifest: BundleManifest, items: dict[int, bytes]) -> bytes:
    """Write a bundle."""
    stream = io.BytesIO()
    size_bytes = write_bundle(stream.write, manifest, lambda n: [items[n]], DAY)
    assert size_bytes == len(stream.getvalue())
    return stream.getvalue()


def kept(reader: BundleReader) -> dict[int, bytes]:
    """Read a bundle as a desk does: keep what is good, step over the rest."""
    items = {}
    for item in reader:
        try:
            content = b"".join(item.chunks())
        except DamagedItem:
            continue
        items[item.number] = content
    return items


def verdicts(reader: BundleReader) -> list[Verdict]:
    """Return the verdicts alone."""
    return [finding.verdict for finding in reader.findings()]


CONTENT = written_as(manifest_of(ITEMS), ITEMS)


def test_good_vectors() -> None:
    """
    Every bundle of the vectors is judged item by item as it is written there.
    """
    for vector in vectors("bundle.json")["good"]:
        content = archive(vector["members"])
        reader = read_bundle(io.BytesIO(content))
        kept(reader)

        assert vector["verdicts"] == [
            [finding.name, finding.verdict] for finding in reader.findings()
        ], vector["name"]


def test_written_vectors() -> None:
    """
    Every whole bundle of the vectors is written again byte for byte.
    """
    for vector in vectors("bundle.json")["good"]:
        if "sha256" not in vector:
            continue
        reader = read_bundle(io.BytesIO(archive(vector["members"])))
        items = kept(reader)
        content = written_as(reader.manifest, items)

        assert vector["size_bytes"] == len(content)
        assert vector["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("vector", vectors("bundle.json")["bad"], ids=named)
def test_bad_vectors(vector: Vector) -> None:
    """
    Every bundle without a manifest that can be believed is refused.
    """
    content = archive(vector["members"])

    with pytest.raises(MalformedBundle):
        read_bundle(io.BytesIO(content))


def test_a_bundle_is_read_as_it_was_written() -> None:
    """
    Items come back byte for byte with what the manifest says about them.
    """
    reader = read_bundle(io.BytesIO(CONTENT))
    read = {}
    for item in reader:
        read[item.number] = b"".join(item.chunks())
        announced = next(e for e in reader.manifest.items if e.number == item.number)
        assert (DAY, announced.size_bytes, announced.sha256) == (
            item.day,
            item.size_bytes,
            item.sha256,
        )

    assert ITEMS == read
    assert [OK, OK, OK] == verdicts(reader)


def test_one_damaged_item_costs_one_item() -> None:
    """
    A changed byte is noticed at the end of its item, and the others are kept.
    """
    damaged = CONTENT.replace(b"satusatu", b"satuSatu", 1)
    reader = read_bundle(io.BytesIO(damaged))

    assert {2: ITEMS[2], 5: ITEMS[5]} == kept(reader)
    assert [DAMAGED, OK, OK] == verdicts(reader)


def test_an_item_left_unread_is_judged() -> None:
    """
    Who reads no item at all, or stops in the middle, still gets the verdicts.
    """
    damaged = CONTENT.replace(b"satusatu", b"satuSatu", 1)
    untouched = read_bundle(io.BytesIO(damaged))
    for _ in untouched:
        pass
    begun = read_bundle(io.BytesIO(damaged))
    for item in begun:
        next(item.chunks(), None)

    assert [DAMAGED, OK, OK] == verdicts(untouched) == verdicts(begun)


@pytest.mark.parametrize("lost_bytes", range(1024, len(CONTENT) - 2048, 2500))
def test_a_bundle_that_breaks_off_keeps_its_beginning(lost_bytes: int) -> None:
    """
    Where a stick gave out, what came before is good and the rest is named.
    """
    reader = read_bundle(io.BytesIO(CONTENT[:-lost_bytes]))
    read: dict[int, bytes] = {}
    with pytest.raises(MalformedBundle):
        for item in reader:
            read[item.number] = b"".join(item.chunks())
    found = verdicts(reader)

    assert list(ITEMS.items())[: len(read)] == list(read.items())
    assert [OK] * len(read) == found[: len(read)]
    assert {DAMAGED, MISSING} >= set(found[len(read) :])


def test_an_item_that_breaks_off_is_damaged() -> None:
    """
    An item cut off in its middle is damaged, and those behind it are missing.
    """
    cut = CONTENT[: CONTENT.index(b"satusatu") + 700]
    reader = read_bundle(io.BytesIO(cut))

    with pytest.raises(MalformedBundle):
        kept(reader)
    assert [DAMAGED, MISSING, MISSING] == verdicts(reader)


def test_before_reading_everything_is_missing() -> None:
    """
    No item counts as good before it was read.
    """
    reader = read_bundle(io.BytesIO(CONTENT))

    assert [MISSING] * 3 == verdicts(reader)
    next(iter(reader))
    assert [DAMAGED, MISSING, MISSING] == verdicts(reader)


def test_findings_name_items() -> None:
    """
    A finding has what a person needs to ask for the item again.
    """
    reader = read_bundle(io.BytesIO(CONTENT))

    assert Finding(MISSING, "items/00000001.pgp", 1) == reader.findings()[0]


@pytest.mark.parametrize(
    ("numbers", "after", "through", "gaps"),
    [
        ((1, 2, 3), 0, 3, ()),
        ((), 5, 5, ()),
        ((), 0, 3, (range(1, 4),)),
        ((2, 5), 0, 7, (range(1, 2), range(3, 5), range(6, 8))),
        ((9,), 7, 9, (range(8, 9),)),
    ],
)
def test_gaps(
    numbers: tuple[int, ...], after: int, through: int, gaps: tuple[range, ...]
) -> None:
    """
    The numbers that the dead drop did not have are named as ranges.
    """
    manifest = manifest_of(dict.fromkeys(numbers, b""), after=after)

    assert gaps == manifest.model_copy(update={"through": through}).gaps()


@pytest.mark.parametrize("content", [b"sat", b"satus"])
def test_the_writer_keeps_its_word(content: bytes) -> None:
    """
    An item that is not as long as announced ends the writing with an error.
    """
    manifest = manifest_of({1: b"satu"})

    with pytest.raises(ValueError, match="than it was announced"):
        write_bundle(io.BytesIO().write, manifest, lambda _: [content], DAY)


def test_a_manifest_that_contradicts_itself_is_not_made() -> None:
    """
    Numbers rise from the cursor to the end, when writing as when reading.
    """
    with pytest.raises(ValidationError):
        manifest_of({2: b"", 1: b""})
    with pytest.raises(ValidationError):
        manifest_of({1: b""}, after=1)


def test_memory_does_not_depend_on_the_size_of_an_item(tmp_path: Path) -> None:
    """
    An item of 64 MiB is written and read with less than 2 MiB of memory.
    """
    piece, count = bytes(64 * 1024), 1024
    digest = hashlib.sha256()
    for _ in range(count):
        digest.update(piece)
    announced = BundleEntry(
        number=1, day=DAY, size_bytes=len(piece) * count, sha256=digest.hexdigest()
    )
    manifest = BundleManifest(
        installation=INSTALLATION, after=0, through=1, items=(announced,)
    )

    tracemalloc.start()
    try:
        with (tmp_path / "bundle").open("wb+") as file:
            write_bundle(file.write, manifest, lambda _: repeat(piece, count), DAY)
            file.seek(0)
            reader = read_bundle(file)
            for item in reader:
                for _ in item.chunks():
                    pass
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert [OK] == verdicts(reader)
    assert peak_bytes < 2 * 1024 * 1024


@settings(max_examples=300)
@given(st.data())
def test_any_change_is_judged_or_refused(data: st.DataObject) -> None:
    """
    After any change an item is good only if its bytes are the announced ones.
    """
    content = bytearray(CONTENT)
    for _ in range(data.draw(st.integers(1, 3))):
        # Headers lie in the first part; the rest is content like any other.
        position = data.draw(st.integers(0, 6000))
        content[position] = data.draw(st.integers(0, 255))
    read = {}
    try:
        reader = read_bundle(io.BytesIO(bytes(content)))
        for item in reader:
            try:
                read[item.number] = (b"".join(item.chunks()), item.sha256)
            except DamagedItem:
                continue
    except MalformedBundle:
        pass

    for sealed, announced in read.values():
        assert announced == hashlib.sha256(sealed).hexdigest()


@given(st.binary(max_size=2000))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """
    No bytes make the reader raise anything but its own error.
    """
    try:
        kept(read_bundle(io.BytesIO(content)))
    except MalformedBundle:
        pass


def test_item_names_have_eight_digits() -> None:
    """
    Names sort as their numbers do.
    """
    assert "items/00000042.pgp" == item_name(42)


def test_applied_outboxes_are_named_by_number() -> None:
    """The last digest belongs to the last number; nothing else has digests."""
    digests = ("aa" * 32, "bb" * 32)
    applied = AppliedOutboxes(desk_id="0d" * 16, number=7, sha256=digests)
    assert {6: digests[0], 7: digests[1]} == applied.digests()
    none = AppliedOutboxes(desk_id="0d" * 16, number=0, sha256=())
    assert {} == none.digests()
    for number, sha256 in ((1, digests), (0, digests), (3, ())):
        with pytest.raises(ValueError, match="as many outboxes as digests"):
            AppliedOutboxes(desk_id="0d" * 16, number=number, sha256=sha256)


def test_more_outboxes_than_a_desk_can_count_on_from_are_refused() -> None:
    """A bundle that says so is none, and the desk never sees the number."""
    applied = AppliedOutboxes(
        desk_id="0d" * 16, number=LARGEST_OUTBOX, sha256=("aa" * 32,)
    )
    told = manifest_of({}).model_copy(update={"applied": applied})
    content = written_as(told, {})
    assert applied == read_bundle(io.BytesIO(content)).manifest.applied
    for number in (LARGEST_OUTBOX + 1, LARGEST_INTEGER):
        lie = applied.model_copy(update={"number": number})
        content = written_as(told.model_copy(update={"applied": lie}), {})
        with pytest.raises(MalformedBundle):
            read_bundle(io.BytesIO(content))


def test_a_bundle_for_nobody_leaves_applied_outboxes_out() -> None:
    """Bundles from before they were there stay readable, in one spelling."""
    manifest = manifest_of({})
    assert b"applied" not in strict.render(manifest)
    applied = AppliedOutboxes(desk_id="0d" * 16, number=0, sha256=())
    told = manifest.model_copy(update={"applied": applied})
    content = written_as(told, {})
    assert applied == read_bundle(io.BytesIO(content)).manifest.applied
