"""
Ranges: any part of a bundle, without making the parts before it.

    manifest.json | item 1 | item 2 | ... | end
         ^ every offset follows from the sizes in the manifest

A bundle of several hundred megabytes takes hours over Tor, and circuits break.  The
same manifest and day make the same bytes, so that a download goes on where it was: only
the items that the range touches are read, from the piece on that it begins in.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date

from casework import strict
from casework.bundle import MANIFEST_NAME, BundleManifest, item_name
from crypto.container import BLOCK_BYTES, END_OF_ARCHIVE_BYTES, member_header

OpenItem = Callable[[int, int], Iterator[bytes]]
"""Given an item's number and an offset, gives its bytes from there on."""


@dataclass(frozen=True)
class _Part:
    """A stretch of the bundle: bytes that are here, or an item's."""

    start: int
    size_bytes: int
    content: bytes = field(default=b"", repr=False)
    number: int | None = None


class BundleFile:
    """
    A bundle as a file that can be read from anywhere.

    Attributes:
        size_bytes: Of the whole bundle.

        digest: Tells this bundle from any other, in hexadecimal digits.
    """

    def __init__(self, manifest: BundleManifest, *, day: date) -> None:
        content = strict.render(manifest)
        named = hashlib.sha256(content + day.isoformat().encode())
        self.digest = named.hexdigest()[:32]
        self.size_bytes = 0
        self._parts: list[_Part] = []
        self._add_member(MANIFEST_NAME, len(content), day, content=content)
        for item in manifest.items:
            self._add_member(
                item_name(item.number), item.size_bytes, day, number=item.number
            )
        self._add(bytes(END_OF_ARCHIVE_BYTES))

    def read(self, start: int, stop: int, open_item: OpenItem) -> Iterator[bytes]:
        """
        Yield the bytes from *start* up to *stop*, in pieces.

        Args:
            start: The first byte, counted from 0.

            stop: Behind the last one.

            open_item: Gives the items.

        Raises:
            ValueError: If an item is shorter than the manifest says.
        """
        for part in self._parts:
            first = max(start, part.start)
            last = min(stop, part.start + part.size_bytes)
            if first >= last:
                continue
            skip, left = first - part.start, last - first
            if part.number is None:
                yield part.content[skip : skip + left]
                continue
            for piece in open_item(part.number, skip):
                yield piece[:left]
                left -= len(piece)
                if left <= 0:
                    break
            if left > 0:
                raise ValueError("an item is shorter than the manifest says")

    def _add_member(
        self,
        name: str,
        size_bytes: int,
        day: date,
        *,
        content: bytes = b"",
        number: int | None = None,
    ) -> None:
        self._add(member_header(name, size_bytes, day=day))
        if number is None:
            self._add(content)
        else:
            self._parts.append(_Part(self.size_bytes, size_bytes, number=number))
            self.size_bytes += size_bytes
        self._add(bytes(-size_bytes % BLOCK_BYTES))

    def _add(self, content: bytes) -> None:
        self._parts.append(_Part(self.size_bytes, len(content), content))
        self.size_bytes += len(content)
