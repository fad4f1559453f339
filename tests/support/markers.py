"""
Markers: words that must not be found where nothing readable may lie.

All markers of a run begin with the same random stem, so that one search finds any
of them, whatever field it was typed into.  A marker is looked for as it is and in
the forms in which software is apt to write text away.
"""

import base64
import os
import secrets
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

STEM_BYTES = 12
# Enough of a compressed stream to see a marker in it.
INFLATED_BYTES = 256 * 1024
PIECE_BYTES = 16 * 1024 * 1024

_GZIP = b"\x1f\x8b\x08"
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")


class Markers:
    """The markers of one run, and the search for them."""

    def __init__(self) -> None:
        # Letters and digits only: no encoding of a form changes them.
        self.stem = "Zq" + secrets.token_hex(STEM_BYTES)
        self._needles = dict(forms_of(self.stem.encode("ascii")))

    def new(self, what: str) -> str:
        """Return a marker for one field."""
        return f"{self.stem}{what}{secrets.token_hex(4)}"

    def add_secret(self, what: str, secret: bytes) -> None:
        """Look for *secret*, too: a key that no disk may hold."""
        self._needles |= {
            f"{what} ({form})": needle for form, needle in forms_of(secret)
        }

    def found_in(self, content: bytes) -> list[str]:
        """Return the forms in which a marker is in *content*."""
        found = self._plain(content)
        for place, inflated in _inflated(content):
            found += [f"{form} in {place}" for form in self._plain(inflated)]
        return found

    def found_below(self, *paths: Path) -> list[str]:
        """Return where markers are in the files below folders, or in their names."""
        found = []
        for path in files_below(paths):
            found += [f"{path}: name" for _ in self._plain(str(path).encode())]
            found += [f"{path}: {form}" for form in self._found_in_file(path)]
        return found

    def _plain(self, content: bytes) -> list[str]:
        return [form for form, needle in self._needles.items() if needle in content]

    def _found_in_file(self, path: Path) -> set[str]:
        found: set[str] = set()
        overlap = b""
        with path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                found.update(self.found_in(overlap + piece))
                overlap = piece[-4096:]
        return found


def files_below(paths: Iterable[Path]) -> list[Path]:
    """List the regular files below folders that may be read."""
    return sorted(
        path
        for folder in paths
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK)
    )


def forms_of(word: bytes) -> Iterator[tuple[str, bytes]]:
    """Give a word in every form it may have been written in, by name."""
    yield "raw", word
    yield "hex", word.hex().encode()
    yield "HEX", word.hex().upper().encode()
    if word.isascii():
        text = word.decode("ascii")
        # Finds the other byte order, too, but for one zero at an end.
        yield "UTF-16", text.encode("utf-16-le")[:-1]
    for alignment in range(3):
        encoded = base64.b64encode(b"\0" * alignment + word)
        # The letters at both ends depend on the bytes around the word.
        start = -(-alignment * 8 // 6)
        core = encoded[start : (alignment + len(word)) * 8 // 6]
        yield f"base64 at {alignment}", core
        yield f"base64url at {alignment}", core.replace(b"+", b"-").replace(b"/", b"_")


def _inflated(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Give what comes out of anything that looks compressed."""
    for magic, window_bits, name in (
        (_GZIP, 31, "gzip"),
        *((header, 15, "zlib") for header in _ZLIB),
    ):
        start = content.find(magic)
        while start >= 0:
            stream = zlib.decompressobj(window_bits)
            try:
                piece = content[start : start + INFLATED_BYTES]
                inflated = stream.decompress(piece, INFLATED_BYTES)
            except zlib.error:
                inflated = b""
            if inflated:
                yield name, inflated
            start = content.find(magic, start + 1)
