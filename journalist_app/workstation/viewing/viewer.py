"""
The viewer: what an officer sees of a file, made in the sandbox and kept in memory.

    kind by content --> PDF, picture, Office --> pages as PNG
                        text                 --> text, made harmless
                        archive              --> a list of what it holds
                        anything else        --> its name, size and digest

Metadata is read in the sandbox as well.  A cleaned copy is made of the pages and of
nothing else: what was not visible is not in it.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from casework.text import clean_line
from casework.traces import (
    MOST_TRACES,
    NOT_LOOKED,
    VALUE_CHARACTERS,
    Inspection,
    Trace,
    TraceKind,
)
from journalist_app.workstation.viewing import sandbox
from journalist_app.workstation.viewing.errors import CannotShow
from journalist_app.workstation.viewing.kinds import Kind, Recognised, recognise
from journalist_app.workstation.viewing.pixels import Pixels, read_pixels
from journalist_app.workstation.viewing.sandbox import INPUT, Limits

MOST_PAGES = 40
PAGE_PIXELS = 1600  # The longer side of a page.
CLEANED_DPI = 140.0
TEXT_CHARACTERS = 200_000
LINE_CHARACTERS = 2_000
LISTED_MEMBERS = 500
NAME_CHARACTERS = 200
TRACES_BYTES = 64 * 1024
# A small archive that says it becomes a thousand times larger is a bomb.
BOMB_RATIO = 200
BOMB_BYTES = 50 * 1024 * 1024

PDF_LIMITS = Limits()
OFFICE_LIMITS = Limits(seconds=120.0)
_TRACES_LIMITS = Limits(seconds=15.0, memory_bytes=1024**3, output_bytes=TRACES_BYTES)
_LISTING_LIMITS = Limits(seconds=15.0, memory_bytes=1024**3, output_bytes=1024 * 1024)
# Kinds of archives that nothing in the sandbox reads.
_NOT_LISTED = {".7z", ".rar"}
_OFFICE_TO_PDF = (
    # As many threads as that on every machine: the sandbox has a limit of them.
    "MAX_CONCURRENCY=2 soffice -env:UserInstallation=file:///tmp/office --headless "
    '--norestore --convert-to pdf --outdir /tmp "$1" >&2'
)
_CHILD = "journalist_app.workstation.viewing.child"


@dataclass(frozen=True)
class Member:
    """One member of an archive, as the archive says; nothing was unpacked."""

    name: str = field(repr=False)
    size_bytes: int


@dataclass(frozen=True)
class View:
    """
    What can be seen of a file.

    Attributes:
        pages: PNG pictures of the pages that were asked for.

        more_pages: Whether there are more after these.

        text: Of a text, with what is invisible made visible.

        members: Of an archive.

        inspection: What the file says about whoever made it.

        problem: Why it cannot be shown, or what is wrong with it; may be empty.
    """

    recognised: Recognised
    pages: tuple[bytes, ...] = field(default=(), repr=False)
    more_pages: bool = False
    text: str | None = field(default=None, repr=False)
    text_cut: bool = False
    members: tuple[Member, ...] | None = field(default=None, repr=False)
    inspection: Inspection = NOT_LOOKED
    problem: str = ""


def view(
    content: bytes,
    untrusted_name: str,
    *,
    most_pages: int = MOST_PAGES,
    first_page: int = 1,
) -> View:
    """
    Make what can be seen of a file.

    Args:
        content: Of the file.

        untrusted_name: As whoever sent it named it.

        most_pages: How many pages at a time: all of them are in memory as pixels.

        first_page: Of a document, or of a picture that has several.

    Never raises for what is in the file: what cannot be shown says so in `problem`.

    Raises:
        SandboxMissing: If there is no sandbox, which is nobody's fault but ours.
    """
    recognised = recognise(content, untrusted_name)
    seen = View(recognised)
    try:
        if recognised.kind in (Kind.PDF, Kind.PICTURE, Kind.OFFICE):
            pages = _pages(content, recognised, most_pages, first_page)
            seen = replace(
                seen,
                pages=tuple(_png(page) for page in pages[:most_pages]),
                more_pages=len(pages) > most_pages,
            )
        elif recognised.kind is Kind.TEXT:
            text = content.decode("utf-8", "replace")
            seen = replace(
                seen,
                text=harmless(text[:TEXT_CHARACTERS]),
                text_cut=len(text) > TEXT_CHARACTERS,
            )
        elif recognised.suffix in _NOT_LISTED:
            seen = replace(seen, problem="archives of this kind cannot be listed")
        elif recognised.kind is Kind.ARCHIVE:
            seen = replace(seen, members=_members(content))
    except CannotShow as error:
        seen = replace(seen, problem=str(error))
    if seen.members is not None and _is_bomb(content, seen.members):
        seen = replace(seen, problem="bomb")
    return replace(seen, inspection=inspect(content))


def cleaned_copy(pages: Sequence[bytes]) -> bytes:
    """
    Make a PDF of pages as they are seen: nothing else of the file is in it.

    Args:
        pages: PNG pictures, as `view` has made them.
    """
    target = io.BytesIO()
    # invariant: no time and no number that differs from one making to the next.
    canvas = Canvas(target, invariant=1)
    canvas.setAuthor("")
    for page in pages:
        with Image.open(io.BytesIO(page)) as picture:
            width, height = (side * 72 / CLEANED_DPI for side in picture.size)
            canvas.setPageSize((width, height))
            canvas.drawImage(ImageReader(picture), 0, 0, width, height)
            canvas.showPage()
    canvas.save()
    return target.getvalue()


def harmless(untrusted_text: str) -> str:
    """
    Make a text fit to be shown: invisible characters visible, lines not endless.

    Control characters and the marks that change the direction of writing (UAX #9) are
    written as their numbers.
    """
    lines = []
    for line in untrusted_text.replace("\r\n", "\n").split("\n"):
        shown = "".join(visible(character) for character in line)
        lines += [
            shown[start : start + LINE_CHARACTERS]
            for start in range(0, len(shown), LINE_CHARACTERS)
        ] or [""]
    return "\n".join(lines)


_DIRECTIONS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)


def visible(character: str) -> str:
    """Return a character, or its number if it cannot be seen where it stands."""
    code = ord(character)
    if character == "\t":
        return character
    if code < 0x20 or 0x7F <= code < 0xA0 or character in _DIRECTIONS:
        return f"⟨{code:04X}⟩"
    return character


def _pages(
    content: bytes, recognised: Recognised, most_pages: int, first_page: int
) -> list[Pixels]:
    if recognised.kind is Kind.PICTURE:
        path = f"{INPUT}{recognised.suffix}"
        command = sandbox.python(
            _CHILD, "picture", path, str(first_page), str(most_pages + 1)
        )
        limits = Limits(seconds=30.0)
    elif recognised.kind is Kind.PDF:
        command = _pdftoppm(f"{INPUT}.pdf", most_pages, first_page)
        limits = PDF_LIMITS
    else:
        # One shell inside: LibreOffice makes a PDF, poppler makes pixels of it.
        pdf = "/tmp/in.pdf"  # noqa: S108 - Inside.
        then = " ".join(_pdftoppm(pdf, most_pages, first_page))
        script = f"{_OFFICE_TO_PDF} && exec {then}"
        path = f"{INPUT}{recognised.suffix}"
        command = ["/bin/sh", "-c", script, "sh", path]
        limits = OFFICE_LIMITS
    pieces = sandbox.run(command, content, suffix=recognised.suffix, limits=limits)
    pages = []
    for page in read_pixels(pieces):
        pages.append(page)
        if len(pages) > most_pages:
            break
    else:
        if not pages:
            raise CannotShow("there is no page in it")
    return pages


def _pdftoppm(path: str, most_pages: int, first_page: int) -> list[str]:
    return [
        "pdftoppm",
        *("-scale-to", str(PAGE_PIXELS)),
        *("-f", str(first_page)),
        *("-l", str(first_page + most_pages)),
        path,
    ]


def _png(page: Pixels) -> bytes:
    # Only raw pixels of a checked count reach Pillow out here.
    picture = Image.frombytes("RGB", (page.width, page.height), page.rgb)
    target = io.BytesIO()
    picture.save(target, "PNG", compress_level=1)
    return target.getvalue()


def _members(content: bytes) -> tuple[Member, ...]:
    pieces = sandbox.run(
        sandbox.python(_CHILD, "members", INPUT, str(LISTED_MEMBERS)),
        content,
        limits=_LISTING_LIMITS,
    )
    return parse_members(b"".join(pieces))


def parse_members(untrusted_answer: bytes) -> tuple[Member, ...]:
    """
    Read what the sandbox says that an archive holds.

    Raises:
        CannotShow: If it is not a list of names and sizes.
    """
    try:
        said = json.loads(untrusted_answer.decode("utf-8"))
        return tuple(
            Member(clean_line(harmless(str(name)))[:NAME_CHARACTERS], max(0, int(size)))
            for name, size in said[:LISTED_MEMBERS]
        )
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        raise CannotShow("the archive cannot be read") from None


def _is_bomb(content: bytes, members: Sequence[Member]) -> bool:
    unpacked = sum(member.size_bytes for member in members)
    return unpacked > BOMB_BYTES and unpacked > BOMB_RATIO * len(content)


def inspect(content: bytes) -> Inspection:
    """Say what a file tells about whoever made it, as found in the sandbox."""
    try:
        said = b"".join(
            sandbox.run(
                sandbox.python(_CHILD, "traces", INPUT),
                content,
                limits=_TRACES_LIMITS,
            )
        )
        return parse_inspection(said)
    except CannotShow:
        return NOT_LOOKED


def parse_inspection(untrusted_answer: bytes) -> Inspection:
    """Read what the sandbox says of a file; anything odd counts as not looked into."""
    try:
        said = json.loads(untrusted_answer[:TRACES_BYTES].decode("utf-8"))
        traces = tuple(
            Trace(TraceKind(kind), clean_line(str(value))[:VALUE_CHARACTERS])
            for kind, value in said["traces"][:MOST_TRACES]
        )
        return Inspection(traces, looked_inside=said["looked_inside"] is True)
    except (ValueError, KeyError, TypeError, RecursionError):
        return NOT_LOOKED
