r"""
Attached files: the names they get, and the folder they lie in.

    C:\Users\x\Foto  bukti.PDF   -->   files/007-Foto bukti.PDF

A reporter's file keeps its bytes and, as far as that is safe, its name: a name
can be evidence.  The number in front makes names unique and shows the order.
No part of a name ever reaches a command line or chooses a path.

Specified in docs/spec/item.md.
"""

import re
import unicodedata
from typing import Annotated

from pydantic import Field

from casework.strict import Count, StrictModel
from casework.text import CleanLine
from crypto.container import NAME_BYTES

MOST_FILES = 999
NAMELESS = "berkas"
EXTENSION_BYTES = 16  # With its dot; a longer one is a part of the name.

_FOLDER = "files/"
_NUMBERED = re.compile(r"files/([0-9]{3})-(.+)", re.DOTALL)
# What Windows refuses in a name.  The officer may well open it there.
_FORBIDDEN_ELSEWHERE = re.compile(r'[<>:"|?*]')
_BEFORE_DOT = re.compile(r"[. ]+\.")
_PATH_SEPARATORS = re.compile(r"[/\\]")


class FileSent(StrictModel):
    """A file as it was sent: its shown name and its size."""

    name: Annotated[
        str, Field(min_length=1, max_length=NAME_BYTES, repr=False), CleanLine
    ]
    size_bytes: Count


def sanitise_file_name(untrusted_name: str, number: int) -> str:
    """
    Make the member name under which a file lies in an item or a reply.

    Args:
        untrusted_name: What the sender's program called it.

        number: Which file it is, from 1 to 999.

    Raises:
        ValueError: If *number* is out of range.

    Returns:
        A name such as `files/001-Foto bukti.pdf`: at most 100 bytes of UTF-8,
        with the extension kept, and never empty behind the number.  Sanitising
        the part behind the number again gives the same name.
    """
    if not 1 <= number <= MOST_FILES:
        raise ValueError(f"a file's number must be from 1 to {MOST_FILES}")
    prefix = f"{_FOLDER}{number:03}-"
    last_part = _PATH_SEPARATORS.split(untrusted_name)[-1]
    known = "".join(c if _is_known(c) else "" for c in " ".join(last_part.split()))
    # Composed after the removal, which can bring a letter and its mark together.
    name = unicodedata.normalize("NFC", _FORBIDDEN_ELSEWHERE.sub("_", known))
    return prefix + _shortened(_trimmed(name), NAME_BYTES - len(prefix))


def shown_name(member_name: str) -> str:
    """Return the part of a member name that people see, without its number."""
    return member_name[len(f"{_FOLDER}000-") :]


def is_member_name(untrusted_name: str, number: int) -> bool:
    """Tell whether a member name is one that `sanitise_file_name` made."""
    match = _NUMBERED.fullmatch(untrusted_name)
    return match is not None and untrusted_name == sanitise_file_name(match[2], number)


def _is_known(character: str) -> bool:
    # Controls, direction marks, surrogates, private and unassigned characters
    # are category C.  Two machines with different versions of Unicode must agree
    # about a name, so a character has to be known to Unicode 3.2 as well, which
    # never changes: a younger emoji is lost rather than a whole report refused.
    return not (
        unicodedata.category(character).startswith("C")
        or unicodedata.ucd_3_2_0.category(character).startswith("C")
    )


def _trimmed(name: str) -> str:
    # A leading dot hides a file, a leading dash is an option to some program,
    # and Windows drops dots and spaces at the end.
    # Neither may stand before a dot, or cutting would lay new ends open.
    name = _BEFORE_DOT.sub(".", " ".join(name.split()))
    return name.lstrip(".- ").rstrip(". ") or NAMELESS


def _shortened(name: str, limit_bytes: int) -> str:
    stem, dot, extension = name.rpartition(".")
    if not stem or len(f".{extension}".encode()) > EXTENSION_BYTES:
        stem, dot, extension = name, "", ""
    room = limit_bytes - len(f"{dot}{extension}".encode())
    # Cutting bytes may halve a character; what is left of it is dropped.
    cut = stem.encode()[:room].decode(errors="ignore").rstrip(". ")
    return f"{cut}{dot}{extension}"
