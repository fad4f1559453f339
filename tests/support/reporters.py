"""Reporters and courier's bundles, made as the site and the courier make them."""

import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from casework.bundle import BundleEntry, BundleManifest, write_bundle
from casework.item import ItemHeader, ItemKind, ItemWriter, ReadMarks
from casework.reply import Reply, parse_reply
from casework.report import Report
from crypto.fingerprint import Fingerprint
from crypto.keys import ReporterKeys, RootKey
from crypto.openpgp import Keyring
from crypto.replies import ReplyPrivateKey, join_reply_parts, open_reply_part
from crypto.slots import Part, reply_slot

DAY = date(2026, 11, 24)
INSTALLATION = bytes(range(16))

REPORT = Report(
    title="Bantuan beras berkurang, Desa Contoh, Maret 2026",
    what="Sebagian bantuan tidak sampai.",
    where="Desa Contoh",
    when="Maret 2026",
    who="Panitia penyaluran",
    how_much="Dua puluh karung",
    first_hand="first-hand",
)


class Reporter:
    """Somebody with a codename, who seals what they send."""

    def __init__(self, name: str, *, day: date = DAY) -> None:
        root = RootKey(hashlib.sha512(name.encode()).digest())
        self.keys = ReporterKeys.from_root(root)
        self.private_key = ReplyPrivateKey.from_seed(self.keys.reply_seed)
        self.day = day
        self.sequence = 0

    def header(self, kind: ItemKind, **changes: object) -> ItemHeader:
        """Return the header of the next item, with *changes*."""
        fields: dict[str, object] = {
            "kind": kind,
            "case_id": self.keys.case_id.hex(),
            "mailbox_key": self.keys.mailbox_key.hex(),
            "reply_public_key": self.private_key.public_bytes().hex(),
            "day": self.day,
            "sequence": self.sequence,
            "language": "id",
        }
        self.sequence += 1
        return ItemHeader.model_validate({**fields, **changes})

    def write(
        self,
        kind: ItemKind = ItemKind.REPORT,
        *,
        report: Report | None = None,
        message: str | None = None,
        files: Sequence[tuple[str, bytes]] = (),
        read: Mapping[str, int] | None = None,
        **header: object,
    ) -> bytes:
        """Write the next item, unsealed."""
        pieces: list[bytes] = []
        writer = ItemWriter(pieces.append, header=self.header(kind, **header))
        if kind is ItemKind.REPORT:
            writer.add_report(report or REPORT)
        if message is not None:
            writer.add_message(message)
        if read is not None:
            writer.add_read_marks(ReadMarks(read=dict(read)))
        for name, content in files:
            writer.add_file(name, content)
        writer.finish()
        return b"".join(pieces)

    def open_reply(
        self, slots: Mapping[bytes, bytes], desk_id: bytes, first: int = 0
    ) -> Reply:
        """Open the reply that begins in slot *first*; `KeyError` if it is not there."""
        parts: list[Part] = []
        count = 1
        while len(parts) < count:
            name = reply_slot(self.keys.mailbox_key, desk_id, first + len(parts))
            part = open_reply_part(
                slots[name],
                slot=name,
                private_key=self.private_key,
                mailbox_key=self.keys.mailbox_key,
            )
            count = part.count
            parts.append(part)
        return parse_reply(join_reply_parts(parts))

    def first_slots(self, desk_id: bytes, count: int = 4) -> list[bytes]:
        """Return the names under which a desk's first replies are."""
        return [
            reply_slot(self.keys.mailbox_key, desk_id, number)
            for number in range(count)
        ]


@dataclass(frozen=True)
class Sealer:
    """Seals to one officer as the server does."""

    keyring: Keyring
    officer: Fingerprint
    home: Path

    @classmethod
    def to(cls, home: Path, certificate: bytes) -> "Sealer":
        """Seal to an officer whom this keyring believes without more ado."""
        keyring = Keyring(home)
        return cls(keyring, keyring.trust_organisation(certificate), home)

    def seal(self, plaintext: bytes, day: date = DAY) -> bytes:
        """Return the sealed item."""
        pieces: list[bytes] = []
        with self.keyring.sealing(
            [self.officer], sink=pieces.append, day=day
        ) as sealing:
            sealing.write(plaintext)
        return b"".join(pieces)


def entry_of(number: int, sealed: bytes) -> BundleEntry:
    """Announce a sealed item."""
    return BundleEntry(
        number=number,
        day=DAY,
        size_bytes=len(sealed),
        sha256=hashlib.sha256(sealed).hexdigest(),
    )


def make_bundle(
    items: Mapping[int, bytes],
    *,
    after: int = 0,
    installation: bytes = INSTALLATION,
    announced: Iterable[BundleEntry] | None = None,
) -> io.BytesIO:
    """Make a bundle of sealed items by number."""
    entries = tuple(
        announced or (entry_of(number, sealed) for number, sealed in items.items())
    )
    manifest = BundleManifest(
        installation=installation.hex(),
        after=after,
        through=max((entry.number for entry in entries), default=after),
        items=entries,
    )
    stream = io.BytesIO()
    write_bundle(stream.write, manifest, lambda number: [items[number]], DAY)
    stream.seek(0)
    return stream
