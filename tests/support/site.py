"""A whole site in one process, on real keys and a real database."""

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from flask import Flask
from support.opening import opened
from support.visitor import Visitor

from casework.deadlines import indonesian_calendar
from casework.item import ItemHeader, ItemKind, read_item
from casework.profile import Profile, shipped_profile
from casework.release import ReleaseHour
from casework.report import Report
from crypto.certificates import (
    certify,
    generate_officer_key,
    generate_organisation_key,
)
from crypto.fingerprint import Fingerprint
from crypto.keys import CHEAPEST, Stretcher
from crypto.opening import SecretKeyring
from crypto.openpgp import Keyring
from crypto.wordlist import load_wordlist
from deaddrop import DeadDrop, KnownDummies, migrate, open_deaddrop
from fairness.circuits import KEY_BYTES
from source_app.app import create_app
from source_app.crowd import Crowd, Generosity
from source_app.reporting import Cases
from source_app.services import Services

TODAY = date(2026, 11, 24)


@dataclass(frozen=True)
class Keys:
    """An organisation and two officers: test data, made once per run."""

    workshop: Path
    organisation: bytes
    officers: tuple[Fingerprint, ...]
    certificates: tuple[bytes, ...]

    @classmethod
    def make(cls, directory: Path, *, today: date = TODAY, days: int = 365) -> "Keys":
        """Make real keys with the real gpg."""
        organisation_home = directory / "organisation"
        workshop = directory / "desk"
        organisation = generate_organisation_key(
            organisation_home,
            name="Organisasi Uji",
            email="organisasi@example.test",
            expires_days=3 * 365,
            passphrase=None,
            today=today,
        )
        officers = tuple(
            generate_officer_key(
                workshop,
                name=f"Petugas Uji {number}",
                email=f"petugas{number}@example.test",
                expires_days=days,
                passphrase=None,
                today=today,
            )
            for number in (1, 2)
        )
        certificates = tuple(
            certify(
                organisation_home,
                organisation=organisation,
                officer_key=Keyring(workshop).export(officer),
                passphrase=None,
                today=today,
            )
            for officer in officers
        )
        return cls(
            workshop,
            Keyring(organisation_home).export(organisation),
            officers,
            certificates,
        )


@dataclass(frozen=True)
class OpenedItem:
    """An item as an officer sees it."""

    header: ItemHeader
    report: Report | None
    message: str | None
    files: tuple[tuple[str, bytes], ...]

    @property
    def kind(self) -> ItemKind:
        """What the item is for."""
        return self.header.kind


@dataclass
class Site:
    """A running site and the hands to move its clock and look into it."""

    directory: Path
    drop: DeadDrop
    keyring: Keyring
    cases: Cases
    app: Flask
    keys: Keys
    today: date = TODAY
    seconds: float = field(default=datetime(2026, 11, 24, 3, 0, tzinfo=UTC).timestamp())

    def visitor(self) -> Visitor:
        """Open a browser window."""
        return Visitor.of(self.app)

    @property
    def crowd(self) -> Crowd:
        """Who is at its door."""
        parts: Services = self.app.extensions["bisik"]
        return parts.crowd

    def sealed_items(self) -> list[bytes]:
        """Return what lies in intake."""
        return [
            b"".join(self.drop.intake.read(entry.number))
            for entry in self.drop.intake.entries()
        ]

    def opened_items(self) -> list[OpenedItem]:
        """Open intake with the officers' keys."""
        with SecretKeyring(self.keys.workshop, passphrase=None) as officer:
            return [open_item(officer, sealed) for sealed in self.sealed_items()]


def open_item(officer: SecretKeyring, sealed: bytes) -> OpenedItem:
    """Open one sealed item and read it whole."""
    item = read_item(io.BytesIO(opened(officer, sealed)))
    files = tuple((file.name, b"".join(file.chunks())) for file in item.files())
    return OpenedItem(item.header, item.report, item.message, files)


@contextmanager
def running_site(
    directory: Path,
    keys: Keys,
    *,
    officers: int = 1,
    profile: Profile | None = None,
    url: str | None = None,
    hosts: tuple[str, ...] = (),
    release_hour: ReleaseHour | None = None,
    generosity: Generosity | None = None,
) -> Iterator[Site]:
    """Build a site in *directory* with the first *officers* officers enrolled."""
    url = url or f"sqlite:///{directory}/deaddrop.db"
    migrate(url)
    # Memory-backed, as in production; its name is this test's own.
    dummies = Path(f"/dev/shm/bisik-test-{os.getpid()}-{directory.name}")  # noqa: S108
    drop = open_deaddrop(url, known_dummies=KnownDummies(dummies), entropy=os.urandom)
    keyring = Keyring(directory / "keyring")
    keyring.trust_organisation(keys.organisation)
    spool = directory / "spool"
    spool.mkdir()
    try:
        installation = drop.create_installation(os.urandom, day=TODAY)
        for number in range(officers):
            keyring.admit(keys.certificates[number], today=TODAY)
            drop.officers.add(
                fingerprint=keys.officers[number],
                name=f"Petugas Uji {number + 1}",
                certificate=keys.certificates[number],
                desk_id=os.urandom(16),
            )
        profile = profile or Profile.parse(shipped_profile())
        cases = Cases(
            drop=drop,
            keyring=keyring,
            profile=profile,
            calendar=indonesian_calendar(),
            spool_directory=spool,
            follow=lambda: None,
        )
        site = Site(directory, drop, keyring, cases, Flask("unset"), keys)
        site.app = create_app(
            Services(
                drop=drop,
                cases=cases,
                profile=profile,
                stretcher=Stretcher(installation.salt, cost=CHEAPEST),
                wordlists=(load_wordlist("id"), load_wordlist("en")),
                secret_key=installation.secret_key,
                hosts=hosts,
                today=lambda: site.today,
                now=lambda: site.seconds,
                release_hour=release_hour,
                crowd=Crowd(
                    generosity or Generosity(), pseudonym_key=os.urandom(KEY_BYTES)
                ),
            )
        )
        yield site
    finally:
        drop.close()
        dummies.unlink(missing_ok=True)
        shutil.rmtree(directory / "keyring", ignore_errors=True)
