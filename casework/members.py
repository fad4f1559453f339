"""
Members: reading a container of ours with the errors of its own format.

A container (crypto/container.py) says `MalformedContainer`; an item says
`MalformedItem`, a bundle `MalformedBundle`.  These few lines turn the one into
the other at every place where bytes are read, so that a parser of `casework`
lets no error escape but its own.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

from casework.errors import CaseworkError
from crypto.container import Entry, MalformedContainer

T = TypeVar("T")
Malformed = Callable[[str], CaseworkError]


def translated(pieces: Iterator[T], malformed: Malformed) -> Iterator[T]:
    """Yield *pieces*, raising what *malformed* makes of a broken container."""
    try:
        yield from pieces
    except MalformedContainer as error:
        raise malformed(str(error)) from None


def content_of(
    entry: Entry | None, name: str, limit_bytes: int, malformed: Malformed
) -> bytes:
    """
    Return the content of *entry*, which must be the member *name*.

    Raises:
        CaseworkError: As made by *malformed*, if it is another member or none,
            or larger than *limit_bytes*, or cut off.
    """
    if entry is None or entry.untrusted_name != name:
        raise malformed(f"there is no {name} where it must be")
    try:
        return entry.read(limit_bytes)
    except MalformedContainer:
        raise malformed(f"{name} is too large or cut off") from None
