"""
Pixels: the only thing that leaves the sandbox, read strictly.

    P6 <newline> width height <newline> 255 <newline> width * height * 3 bytes, again

This is the binary "Portable PixMap" of Netpbm (ppm(5)) as poppler and our own child
write it.  The reader checks every number before it takes a byte for it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from journalist_app.workstation.viewing.errors import CannotShow

LONGEST_SIDE = 4096
MOST_PIXELS = 16_000_000
_HEADER = re.compile(rb"P6\n([1-9][0-9]{0,4}) ([1-9][0-9]{0,4})\n255\n")
_HEADER_BYTES = 20


@dataclass(frozen=True)
class Pixels:
    """One page: three bytes (red, green, blue) for each pixel, row by row."""

    width: int
    height: int
    rgb: bytes = field(repr=False)


def read_pixels(pieces: Iterable[bytes]) -> Iterator[Pixels]:
    """
    Read pages as they come.

    Raises:
        CannotShow: On the first byte that is not as it must be.
    """
    held = bytearray()
    more = iter(pieces)
    while True:
        while len(held) < _HEADER_BYTES and (piece := next(more, b"")):
            held += piece
        if not held:
            return
        found = _HEADER.match(held)
        if found is None:
            raise CannotShow("what came out of the sandbox are no pictures")
        width, height = int(found[1]), int(found[2])
        if max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
            raise CannotShow("a page is too large to be shown")
        needed = found.end() + width * height * 3
        while len(held) < needed:
            piece = next(more, b"")
            if not piece:
                raise CannotShow("a page is cut off")
            held += piece
        yield Pixels(width, height, bytes(held[found.end() : needed]))
        del held[:needed]
