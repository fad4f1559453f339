"""
Bundles: sealed items on their way from the courier to a desk.

    manifest.json         which items, each with size and digest
    items/00000001.pgp    the items themselves, in the order of the manifest
    items/00000002.pgp

A bundle crosses the gap on a stick that may be worn out or have passed through
other hands.  So its reader judges every item by itself: one damaged item is
named and the others are kept.  The digests guard against accidents; who sealed
what is for OpenPGP to say.

    for item in bundle:             findings() afterwards
        item.chunks()               ok         as announced
          raises DamagedItem        damaged    size or digest differs, or cut off
                                    duplicate  its number was there already
                                    foreign    not announced in the manifest
                                    missing    announced, and not there

Specified in docs/spec/bundle.md.  This module does no I/O, and its memory does
not depend on the size of an item.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from casework import strict
from casework.enrolment import Certificate, OfficerName
from casework.errors import CaseworkError
from casework.members import content_of, translated
from casework.report import RoleKey
from casework.strict import Count, Day, Digest, Identity, StrictModel
from crypto.container import (
    ContainerLimits,
    ContainerReader,
    ContainerWriter,
    Entry,
    Readable,
)

MOST_ITEMS = 10_000
LARGEST_NUMBER = 99_999_999  # A member's name has eight digits.
MOST_OFFICERS = 64
MOST_OUTBOXES = 100
# More than any desk makes: a desk that believes it can still count on from here.
LARGEST_OUTBOX = 1_000_000_000
MANIFEST_BYTES = 8 * 1024 * 1024

BUNDLE_LIMITS = ContainerLimits(
    entries=2 * MOST_ITEMS,
    entry_bytes=1024 * 1024 * 1024,
    total_bytes=64 * 1024 * 1024 * 1024,
)

MANIFEST_NAME = "manifest.json"
_ITEM_NAME = re.compile(r"items/([0-9]{1,20})\.pgp")

ItemNumber = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
Cursor = Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]


class MalformedBundle(CaseworkError):
    """The bundle is not one that this software wrote, or it is broken off."""


class DamagedItem(CaseworkError):
    """The item is not what the bundle's manifest announces; fetch it again."""


class BundleEntry(StrictModel):
    """One item as the manifest announces it."""

    number: ItemNumber
    day: Day
    size_bytes: Count
    sha256: Digest


class BundleOfficer(StrictModel):
    """
    An officer as the server knows them; nothing of it is believed uncertified.

    Attributes:
        certificate: The officer's public key, armored and certified.

        role: Key of the officer's public role in the profile.

        receives: Whether new reports are sealed to this officer.
    """

    name: OfficerName
    desk_id: Identity
    certificate: Annotated[Certificate, Field(repr=False)]
    role: RoleKey | None
    receives: bool


class AppliedOutboxes(StrictModel):
    """
    Which outboxes of a desk the dead drop has applied.

    A desk that finds more here than it has made, or others, is a copy of that desk, or
    was restored from one; a desk that finds less learns what is still to be brought.

    Attributes:
        number: Of the last one; 0 if there was none.

        sha256: Of the manifests of the last ones, the last one last.
    """

    desk_id: Identity
    number: Annotated[int, Field(ge=0, le=LARGEST_OUTBOX)]
    sha256: Annotated[tuple[Digest, ...], Field(max_length=MOST_OUTBOXES)]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if len(self.sha256) > self.number or bool(self.sha256) != bool(self.number):
            raise ValueError("there are not as many outboxes as digests")
        return self

    def digests(self) -> dict[int, str]:
        """Return the digests by number."""
        first = self.number - len(self.sha256) + 1
        return dict(enumerate(self.sha256, start=first))


class BundleManifest(StrictModel):
    """
    What is in a bundle (manifest.json).

    Attributes:
        installation: The dead drop it comes from.

        after: The desk had everything up to this number.

        through: The bundle holds everything from there up to this number that
            the dead drop still had.

        items: In rising order; numbers may be left out.

        officers: Whoever is an officer now, so that desks can seal to each other.

        applied: Of the desk that the bundle was made for; None if for nobody.
    """

    version: Literal[1] = 1
    installation: Identity
    after: Cursor
    through: Cursor
    items: Annotated[tuple[BundleEntry, ...], Field(max_length=MOST_ITEMS)]
    officers: Annotated[
        tuple[BundleOfficer, ...],
        Field(max_length=MOST_OFFICERS, exclude_if=strict.is_absent),
    ] = ()
    applied: Annotated[AppliedOutboxes | None, Field(exclude_if=strict.is_absent)] = (
        None
    )

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        previous = self.after
        for item in self.items:
            if item.number <= previous:
                raise ValueError("the items do not rise from the cursor")
            previous = item.number
        if previous > self.through:
            raise ValueError("the items go beyond the end")
        return self

    def gaps(self) -> tuple[range, ...]:
        """
        Return the numbers that the dead drop did not have any more.

        A desk that does not hold one of these already has lost it.
        """
        gaps = []
        expected = self.after + 1
        for number in (*(item.number for item in self.items), self.through + 1):
            if number > expected:
                gaps.append(range(expected, number))
            expected = number + 1
        return tuple(gaps)


class Verdict(StrEnum):
    """What is to be said about one item of a bundle."""

    OK = "ok"
    DAMAGED = "damaged"
    DUPLICATE = "duplicate"
    FOREIGN = "foreign"
    MISSING = "missing"


@dataclass(frozen=True)
class Finding:
    """A verdict and the member it is about; a foreign one may have no number."""

    verdict: Verdict
    name: str
    number: int | None


class BundleItem:
    """One announced item that is being read; valid until the next one."""

    def __init__(self, announced: BundleEntry, entry: Entry) -> None:
        self.number = announced.number
        self.day: date = announced.day
        self.size_bytes = announced.size_bytes
        self.sha256 = announced.sha256
        self._entry = entry
        self._digest = hashlib.sha256()
        self._whole = False

    def chunks(self) -> Iterator[bytes]:
        """
        Yield the sealed item in pieces of at most 256 KiB.

        Nothing may be done with them before this has ended without an error.

        Raises:
            DamagedItem: At the end, if size or digest is not as announced.

            MalformedBundle: If the bundle breaks off.
        """
        yield from self._pieces()
        if self.verdict() is Verdict.DAMAGED:
            raise DamagedItem(f"item {self.number} is not what the manifest announces")

    def drain(self) -> None:
        """Read what was left unread, so that the item can be judged."""
        for _ in self._pieces():
            pass

    def verdict(self) -> Verdict:
        """Judge the item by what was read of it; a part of it is damaged."""
        as_announced = (
            self._whole
            and self._entry.size_bytes == self.size_bytes
            and self._digest.hexdigest() == self.sha256
        )
        return Verdict.OK if as_announced else Verdict.DAMAGED

    def _pieces(self) -> Iterator[bytes]:
        for piece in translated(self._entry.chunks(), MalformedBundle):
            self._digest.update(piece)
            yield piece
        self._whole = True


class BundleReader:
    """
    Read a bundle item by item.  Made by `read_bundle`.

    Attributes:
        manifest: What the bundle announces.
    """

    def __init__(self, manifest: BundleManifest, entries: Iterator[Entry]) -> None:
        self.manifest = manifest
        self._announced = {item.number: item for item in manifest.items}
        self._entries = entries
        self._findings: list[Finding] = []
        self._present: dict[int, BundleItem] = {}

    def __iter__(self) -> Iterator[BundleItem]:
        """
        Yield the announced items that are there, once, in the bundle's order.

        Reaching the end proves that the archive is whole, and says nothing about
        the items: ask `findings`.

        Raises:
            MalformedBundle: If the archive breaks off.  Items that were read to
                their end before that are good.
        """
        for entry in self._entries:
            name = entry.untrusted_name
            match = _ITEM_NAME.fullmatch(name)
            number = int(match[1]) if match else None
            if number in self._present:
                self._findings.append(Finding(Verdict.DUPLICATE, name, number))
                continue
            announced = None if number is None else self._announced.get(number)
            if announced is None or name != item_name(announced.number):
                self._findings.append(Finding(Verdict.FOREIGN, name, number))
                continue
            item = BundleItem(announced, entry)
            self._present[announced.number] = item
            yield item
            item.drain()

    def findings(self) -> tuple[Finding, ...]:
        """
        Return a verdict on every announced item and on everything else.

        Announced items come first, in their order.  Before the iteration has
        ended, an item not reached yet counts as missing.
        """
        announced = []
        for number in self._announced:
            item = self._present.get(number)
            verdict = item.verdict() if item else Verdict.MISSING
            announced.append(Finding(verdict, item_name(number), number))
        return (*announced, *self._findings)


def item_name(number: int) -> str:
    """Return the member name of item *number*."""
    return f"items/{number:08}.pgp"


def write_bundle(
    sink: Callable[[bytes], object],
    manifest: BundleManifest,
    open_item: Callable[[int], Iterable[bytes]],
    day: date,
) -> int:
    """
    Write a bundle.

    Args:
        sink: Takes the bytes as they come.

        manifest: What to write.

        open_item: Given an item's number, gives its sealed bytes in pieces.

        day: The day the bundle is made.

    Raises:
        ValueError: If an item is longer or shorter than announced.

    Returns:
        The size of the bundle in bytes.
    """
    container = ContainerWriter(sink, day=day)
    container.add(MANIFEST_NAME, strict.render(manifest))
    for item in manifest.items:
        container.add_stream(
            item_name(item.number), item.size_bytes, open_item(item.number)
        )
    return container.finish()


def read_bundle(
    stream: Readable, *, limits: ContainerLimits = BUNDLE_LIMITS
) -> BundleReader:
    """
    Read a bundle's manifest, and prepare to read its items.

    Raises:
        MalformedBundle: If there is no manifest that can be read.
    """
    container = ContainerReader(stream, limits=limits)
    entries = translated(iter(container), MalformedBundle)
    content = content_of(
        next(entries, None), MANIFEST_NAME, MANIFEST_BYTES, MalformedBundle
    )
    manifest = strict.parse(
        BundleManifest, content, limit_bytes=MANIFEST_BYTES, malformed=MalformedBundle
    )
    return BundleReader(manifest, entries)
