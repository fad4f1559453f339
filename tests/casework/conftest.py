"""Vectors, archives and sample records for the tests of `casework`."""

import io
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from casework.item import ItemHeader, ItemKind
from crypto.container import ContainerWriter

VECTORS = Path(__file__).parent.parent / "vectors"
DAY = date(2027, 3, 5)

Vectors = Callable[[str], dict[str, Any]]
Archive = Callable[[Iterable[Mapping[str, Any]]], io.BytesIO]


@pytest.fixture(scope="session")
def vectors() -> Vectors:
    """Read a file of tests/vectors."""

    def read(name: str) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((VECTORS / name).read_bytes())
        return loaded

    return read


@pytest.fixture(scope="session")
def archive() -> Archive:
    """
    Make a container from the members of a vector.

    A member has a name and its content as `text`, as `hex`, or as `document`
    (JSON); `times` repeats the content.
    """

    def make(members: Iterable[Mapping[str, Any]]) -> io.BytesIO:
        stream = io.BytesIO()
        writer = ContainerWriter(stream.write, day=DAY)
        for member in members:
            writer.add(member["name"], content_of(member))
        writer.finish()
        stream.seek(0)
        return stream

    return make


def content_of(member: Mapping[str, Any]) -> bytes:
    """Return the bytes that a vector's member stands for."""
    if "hex" in member:
        content = bytes.fromhex(member["hex"])
    elif "document" in member:
        content = json.dumps(member["document"]).encode()
    else:
        content = member["text"].encode()
    return content * int(member.get("times", 1))


@pytest.fixture
def header() -> Callable[..., ItemHeader]:
    """Make an item's header; only what a test is about need be said."""

    def make(kind: ItemKind = ItemKind.REPORT, *, sequence: int = 0) -> ItemHeader:
        return ItemHeader(
            kind=kind,
            case_id="00" * 16,
            mailbox_key="11" * 32,
            reply_public_key="22" * 1216,
            day=DAY,
            sequence=sequence,
            language="id",
        )

    return make
