"""Vectors, archives and sample records for the tests of `casework`."""

import io
import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from casework.item import ItemHeader, ItemKind
from crypto.container import ContainerWriter

VECTORS = Path(__file__).parent.parent / "vectors"
DAY = date(2027, 3, 5)

Vector = Mapping[str, Any]


def vectors(name: str) -> dict[str, list[Vector]]:
    """Read a file of tests/vectors: its good and its bad cases."""
    loaded: dict[str, list[Vector]] = json.loads((VECTORS / name).read_bytes())
    return loaded


def named(vector: Vector) -> str:
    """Name a test by its vector."""
    return str(vector["name"])


def archive(members: Iterable[Vector]) -> bytes:
    """
    Make a container from the members of a vector.

    A member has a name and its content as `text`, as `hex`, or as `document`
    (JSON); `times` repeats the content.
    """
    stream = io.BytesIO()
    writer = ContainerWriter(stream.write, day=DAY)
    for member in members:
        writer.add(member["name"], content_of(member))
    writer.finish()
    return stream.getvalue()


def content_of(member: Vector) -> bytes:
    """Return the bytes that a vector's member stands for."""
    if "hex" in member:
        content = bytes.fromhex(member["hex"])
    elif "document" in member:
        content = json.dumps(member["document"]).encode()
    else:
        content = member["text"].encode()
    return content * int(member.get("times", 1))


def item_header(kind: ItemKind = ItemKind.REPORT, *, sequence: int = 0) -> ItemHeader:
    """Make an item's header; only what a test is about need be said."""
    return ItemHeader(
        kind=kind,
        case_id="00" * 16,
        mailbox_key="11" * 32,
        reply_public_key="22" * 1216,
        day=DAY,
        sequence=sequence,
        language="id",
    )
