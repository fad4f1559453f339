"""
An office: several desks, one real dead drop between them, and the stick in between.

Names are test data.
"""

import hashlib
import io
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from sqlalchemy import select
from support.deaddrop_samples import seeded
from support.reporters import DAY

from casework.enrolment import Enrolment
from casework.exposure_check import mark_of
from crypto.admission import fingerprint_in
from crypto.certificates import certify, generate_organisation_key
from crypto.openpgp import Keyring
from deaddrop import DeadDrop, KnownDummies, SealedItem, migrate, open_deaddrop
from journalist_app.courier.bundles import announce, write_announced
from journalist_app.courier.outboxes import Delivery, apply_outbox
from journalist_app.workstation import casebook
from journalist_app.workstation.acting import decide_exposure
from journalist_app.workstation.backing_up import restore_backup, write_backup
from journalist_app.workstation.cases import find_case
from journalist_app.workstation.colleagues import trust_organisation
from journalist_app.workstation.desk import (
    Desk,
    Institution,
    create_desk,
    open_desk,
)
from journalist_app.workstation.errors import NothingToExport
from journalist_app.workstation.exporting import prepare_outbox, write_again
from journalist_app.workstation.import_report import ImportReport
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.recovery_code import RecoveryCode
from journalist_app.workstation.sharing import to_check

DATABASE = "deaddrop.sqlite"
NAMES = ("Petugas Ani", "Petugas Budi", "Petugas Citra")


@dataclass(frozen=True)
class Backed:
    """A desk's backup, and what opens it."""

    path: Path
    code: RecoveryCode


@dataclass(frozen=True)
class OfficeTemplate:
    """Desks and keys that were made once, to be copied for every test."""

    path: Path
    enrolments: Mapping[str, Enrolment] = field(repr=False)
    organisation_key: bytes = field(repr=False)


def make_office_template(
    path: Path,
    institution: Institution,
    names: Sequence[str] = NAMES,
    *,
    pinentry_program: Path | None = None,
) -> OfficeTemplate:
    """
    Make an organisation's key and a certified desk for everybody.

    Args:
        path: Made for it.

        institution: Of the desks.

        names: Of the officers.

        pinentry_program: Asks for a passphrase of each desk; without it there is none.
    """
    organisation = generate_organisation_key(
        path / "organisation",
        name="Organisasi Uji",
        email="organisasi@example.test",
        expires_days=3650,
        passphrase=None,
        today=DAY,
    )
    enrolments = {}
    for seed, name in enumerate(names, start=20):
        enrolment = create_desk(
            path / "desks" / name,
            name=name,
            email=None,
            passphrase=None,
            institution=institution,
            today=DAY,
            entropy=seeded(seed),
            pinentry=pinentry_program is not None,
            pinentry_program=pinentry_program,
        )
        certified = certify(
            path / "organisation",
            organisation=organisation,
            officer_key=enrolment.certificate.encode("ascii"),
            passphrase=None,
            today=DAY,
        )
        enrolments[name] = enrolment.certified(certified)
    return OfficeTemplate(
        path, enrolments, Keyring(path / "organisation").export(organisation)
    )


class Office:
    """The desks of one test, and what lies between them."""

    def __init__(
        self,
        path: Path,
        template: OfficeTemplate,
        drop: DeadDrop,
        keyring: Keyring,
        stack: ExitStack,
    ) -> None:
        self.path = path
        self.template = template
        self.drop = drop
        self.keyring = keyring
        self._stack = stack
        self._open: dict[str, ExitStack] = {}
        self.desks: dict[str, Desk] = {}

    def open(self, name: str) -> Desk:
        """Open a desk, and let it trust the organisation."""
        source = self.template.path / "desks" / name
        target = self.path / "desks" / name
        if not target.exists():
            shutil.copytree(source, target)
        self._open[name] = self._stack.enter_context(ExitStack())
        desk = self._open[name].enter_context(
            open_desk(target, passphrase=None, entropy=os.urandom)
        )
        trust_organisation(desk, self.template.organisation_key)
        self.desks[name] = desk
        return desk

    def close(self, name: str) -> None:
        """Close one desk."""
        self._open.pop(name).close()
        self.desks.pop(name, None)

    def back_up(self, name: str) -> Backed:
        """Back a desk up."""
        path = self.path / f"backup-{os.urandom(4).hex()}"
        return Backed(path, write_backup(self.desks[name], path, today=DAY).code)

    def restore(self, name: str, backed: Backed) -> Desk:
        """Lose a desk, and restore it from a backup."""
        self.close(name)
        shutil.rmtree(self.folder_of(name))
        restore_backup(backed.path, self.folder_of(name), backed.code)
        return self.open(name)

    def copy_of(self, name: str) -> Path:
        """Copy a desk's folder as it is, as somebody may do who knows no better."""
        path = self.path / f"copy-{os.urandom(4).hex()}"
        with self.desks[name].casebook.transaction():
            shutil.copytree(self.folder_of(name), path, ignore=_sockets)
        return path

    def replace(self, name: str, copy: Path) -> Desk:
        """Put a copy in the place of a desk's folder."""
        self.close(name)
        shutil.rmtree(self.folder_of(name))
        shutil.copytree(copy, self.folder_of(name))
        return self.open(name)

    def back_up_server(self) -> Path:
        """Copy the server's database."""
        path = self.path / f"server-{os.urandom(4).hex()}.sqlite"
        with closing(sqlite3.connect(self.path / DATABASE)) as source:
            source.execute("VACUUM INTO ?", (str(path),))
        return path

    def restore_server(self, backup: Path) -> None:
        """Put an older database in the place of the server's."""
        self.drop.close()
        for file in self.path.glob(f"{DATABASE}*"):
            file.unlink()
        shutil.copy(backup, self.path / DATABASE)
        self.drop = self._stack.enter_context(closing(open_drop(self.path)))

    def replace_server(self, *, seed: int = 5) -> Path:
        """
        Put an empty server in the place of the old one, and enrol everybody anew.

        Returns:
            The old one's database, for `restore_server`.
        """
        old = self.back_up_server()
        self.drop.close()
        for file in (*self.path.glob(f"{DATABASE}*"), self.path / "known-dummies"):
            file.unlink(missing_ok=True)
        migrate(f"sqlite:///{self.path / DATABASE}")
        self.drop = self._stack.enter_context(closing(open_drop(self.path)))
        self.drop.create_installation(seeded(seed), day=DAY)
        for name in self.desks:
            self.enrol(name)
        return old

    @property
    def installation(self) -> bytes:
        """Tells this server from every other one."""
        return self.drop.installation.installation_id

    def close_desks(self) -> None:
        """Close all desks, so that another program can open them."""
        for name in list(self.desks):
            self.close(name)

    def folder_of(self, name: str) -> Path:
        """Return the folder of a desk."""
        return self.path / "desks" / name

    def enrol(self, name: str) -> None:
        """Make somebody an officer on the server."""
        enrolment = self.template.enrolments[name]
        certificate = enrolment.certificate.encode("ascii")
        self.keyring.admit(certificate, today=DAY)
        self.drop.officers.add(
            fingerprint=fingerprint_in(certificate),
            name=name,
            certificate=certificate,
            desk_id=bytes.fromhex(enrolment.desk_id),
        )

    def receiving(self) -> tuple[str, ...]:
        """Return to whom the site seals now, as the server's officers say."""
        return tuple(one.name for one in self.drop.officers.list() if one.receives)

    def send(
        self, plaintext: bytes, *, to: Sequence[str] = NAMES, day: date = DAY
    ) -> int:
        """Let a reporter's item arrive, sealed to some officers."""
        pieces: list[bytes] = []
        keys = [
            fingerprint_in(self.template.enrolments[name].certificate.encode("ascii"))
            for name in to
        ]
        with self.keyring.sealing(keys, sink=pieces.append, day=day) as sealing:
            sealing.write(plaintext)
        return self.accept(b"".join(pieces), day=day)

    def accept(self, sealed: bytes, *, day: date = DAY) -> int:
        """Let sealed bytes arrive as they are."""
        item = SealedItem(
            len(sealed), hashlib.sha256(sealed).digest(), lambda: [sealed]
        )
        return self.drop.intake.accept(item, day=day, writes=[])

    def bundle_for(self, name: str, *, since: int | None = None) -> bytes:
        """Fetch a bundle for a desk."""
        desk_id = bytes.fromhex(self.template.enrolments[name].desk_id)
        after = self.drop.desks.held_through(desk_id) if since is None else since
        stream = io.BytesIO()
        write_announced(
            self.drop,
            announce(self.drop, after=after, desk_id=desk_id),
            stream.write,
            today=DAY,
        )
        return stream.getvalue()

    def fetch(self, name: str, *, today: date = DAY) -> ImportReport:
        """Carry a bundle to a desk."""
        bundle = self.bundle_for(name)
        return import_bundle(self.desks[name], io.BytesIO(bundle), today=today)

    def outbox_of(self, name: str, *, today: date = DAY) -> bytes | None:
        """Return a desk's next outbox, if there is anything in it."""
        try:
            prepared = prepare_outbox(self.desks[name], today=today)
        except NothingToExport:
            return None
        stream = io.BytesIO()
        write_again(self.desks[name], prepared.number, stream.write)
        return stream.getvalue()

    def outbox_again(self, name: str, number: int) -> bytes:
        """Return an earlier outbox of a desk."""
        stream = io.BytesIO()
        write_again(self.desks[name], number, stream.write)
        return stream.getvalue()

    def apply(self, outbox: bytes, *, today: date = DAY) -> Delivery:
        """Let the courier apply an outbox."""
        return apply_outbox(
            self.drop, self.keyring, io.BytesIO(outbox), today=today, release_day=None
        )

    def bring(self, name: str, *, today: date = DAY) -> Delivery | None:
        """Carry a desk's outbox to the server."""
        outbox = self.outbox_of(name, today=today)
        return None if outbox is None else self.apply(outbox, today=today)

    def exchange(self, *, today: date = DAY) -> None:
        """Carry sticks until every desk knows what is meant for it."""
        for _round in range(3):
            for name in self.desks:
                self.fetch(name, today=today)
            for name in self.desks:
                self.bring(name, today=today)


@contextmanager
def running_office(
    path: Path, template: OfficeTemplate, *names: str, url: str | None = None
) -> Iterator[Office]:
    """Open desks around an empty dead drop, on SQLite or at *url*."""
    migrate(url or f"sqlite:///{path / DATABASE}")
    keyring = Keyring(path / "keyring")
    keyring.trust_organisation(template.organisation_key)
    drop = open_drop(path, url)
    with closing(drop), ExitStack() as stack:
        drop.create_installation(seeded(4), day=DAY)
        office = Office(path, template, drop, keyring, stack)
        for name in names:
            office.open(name)
            office.enrol(name)
        yield office


def texts_on(desk: Desk) -> str:
    """Return everything readable in a casebook."""
    with desk.casebook.transaction() as connection:
        return "\n".join(
            repr(tuple(row))
            for table in casebook.metadata.sorted_tables
            for row in connection.execute(select(table))
        )


def open_drop(path: Path, url: str | None = None) -> DeadDrop:
    """Open the dead drop of a folder, whose database may be elsewhere."""
    return open_deaddrop(
        url or f"sqlite:///{path / DATABASE}",
        known_dummies=KnownDummies(path / "known-dummies", entropy=seeded(2)),
        entropy=os.urandom,
    )


def _sockets(folder: str, names: list[str]) -> list[str]:
    return [
        name for name in names if stat.S_ISSOCK((Path(folder) / name).lstat().st_mode)
    ]


def shown_on(desk: Desk, name: str) -> str:
    """Return the mark of what the exposure check of a case shows on a desk."""
    with desk.casebook.transaction() as connection:
        return mark_of(to_check(connection, find_case(connection, name).case_id))


def decide(desk: Desk, name: str, decision: str) -> None:
    """Decide about all that the desk has of a case."""
    decide_exposure(
        desk,
        name,
        shown=shown_on(desk, name),
        findings=0,
        decision=decision,
        reason="",
        today=DAY,
    )
