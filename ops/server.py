"""
The server directory: one machine of an installation.

    bisik.toml      the settings of this machine
    profile.toml    the institution
    calendar.csv    its working days
    deaddrop.db     the dead drop, unless it is on PostgreSQL
    keyring/        GNUPGHOME, public keys only
    spool/          sealed items on their way into the dead drop
    courier.key     32 bytes: seals what officers' one-time passwords are made from
    upgrade.lock    empty: held by an upgrade, or by whoever has the dead drop open

Specified in docs/spec/server-directory.md.
"""

import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from casework.deadlines import Calendar
from casework.profile import Profile, shipped_profile
from casework.release import ReleaseHour
from crypto.openpgp import Keyring
from deaddrop import (
    DeadDrop,
    Installation,
    KnownDummies,
    migrate,
    open_deaddrop,
)
from journalist_app.durable import new_directory, new_file, sync_directory
from ops.database_copy import refuse_undecided
from ops.edge import Edge
from ops.errors import NoServer, OpsError
from ops.in_use import in_use
from ops.memory import private_memory
from ops.officer_keys import synchronise
from ops.settings import Settings, render_settings
from ops.shipped import shipped_calendar

SETTINGS = "bisik.toml"
PROFILE = "profile.toml"
CALENDAR = "calendar.csv"
DATABASE = "deaddrop.db"
KEYRING = "keyring"
SPOOL = "spool"
COURIER_KEY = "courier.key"
COURIER_KEY_BYTES = 32

log = logging.getLogger("bisik.ops")


class UnusableDatabase(OpsError):
    """The address of a database begins with postgresql:// and is not repeated here."""


@dataclass(frozen=True)
class Server:
    """An open server directory; made by `open_server`."""

    directory: Path
    drop: DeadDrop
    keyring: Keyring
    profile: Profile
    calendar: Calendar
    spool_directory: Path
    installation: Installation
    settings: Settings = field(repr=False)

    def today(self, edge: Edge) -> date:
        """Return the day it is in the institution's zone."""
        return edge.today(self.profile.zone)

    def release_hour(self) -> ReleaseHour | None:
        """Return the hour at which answers appear; None for at once."""
        hour = self.profile.answers_hour
        if hour is None or self.settings.answers_at_once:
            return None
        return ReleaseHour(hour, self.profile.zone)

    def courier_key(self, edge: Edge) -> bytes:
        """
        Return the key that is not in the database; made when it is first asked for.

        Raises:
            NoServer: If the file is not one of ours.
        """
        path = self.directory / COURIER_KEY
        if not path.exists():
            self._make_courier_key(path, edge)
        key = path.read_bytes()
        if len(key) != COURIER_KEY_BYTES:
            raise NoServer(f"{path} is not the courier's key")
        return key

    def _make_courier_key(self, path: Path, edge: Edge) -> None:
        made = path.with_name(f".{path.name}.{edge.entropy(8).hex()}")
        with new_file(made) as file:
            file.write(edge.entropy(COURIER_KEY_BYTES))
        try:
            # Several workers begin at once: the key of the first is that of all, and
            # a rename would put another in its place.
            with suppress(FileExistsError):
                path.hardlink_to(made)
        finally:
            made.unlink()
        sync_directory(self.directory)

    def synchronise(self, edge: Edge) -> None:
        """Bring this machine's keyring to what the database says."""
        refused = synchronise(
            self.keyring,
            self.directory / KEYRING,
            self.drop.officers.list(),
            today=self.today(edge),
        )
        for reason in refused.values():
            log.error("an officer is left out: %s", reason)


def create_server(
    directory: Path,
    edge: Edge,
    *,
    profile: str | None = None,
    organisation_key: bytes | None = None,
    database: str | None = None,
    join: bool = False,
    trial: bool = False,
) -> None:
    """
    Make a server directory and its installation, everything or nothing.

    Args:
        directory: Must not exist.

        edge: Clock and randomness.

        profile: The text of a profile; the shipped one by default.

        organisation_key: The public key that certifies officers.

        database: Of PostgreSQL; by default a file in the folder.

        join: Use the installation that is in the database, to add a machine.

        trial: Write settings with which nobody has to wait for anything.

    Raises:
        FileExistsError: If there is something of that name.

        AlreadyInstalled: If the database has an installation, without *join*.

        NotInstalled: If it has none, with *join*.

        UnusableDatabase: If *database* is no address of PostgreSQL.

        MalformedProfile, KeyNotAdmitted, DeadDropUnavailable, NoPrivateMemory:
            As their sentences say.
    """
    directory = directory.absolute()
    profile_text = shipped_profile() if profile is None else profile
    zone = Profile.parse(profile_text).zone
    with new_directory(directory) as partial:
        texts = {
            SETTINGS: render_settings(database=database, trial=trial),
            PROFILE: profile_text,
            CALENDAR: shipped_calendar(),
        }
        for name, text in texts.items():
            with new_file(partial / name) as file:
                file.write(text.encode())
        (partial / SPOOL).mkdir(mode=0o700)
        keyring = Keyring(partial / KEYRING)
        if organisation_key is not None:
            keyring.trust_organisation(organisation_key)
        _install(partial, directory, edge, edge.today(zone), database, join=join)


def migrate_server(directory: Path) -> None:
    """
    Bring the database of a server directory to the tables of this version.

    Raises:
        NoServer: If there is none.

        MalformedSettings, DeadDropUnavailable: As their sentences say.
    """
    directory = directory.absolute()
    migrate(database_url(directory, read_settings(directory).database))


@contextmanager
def open_server(directory: Path, edge: Edge) -> Iterator[Server]:
    """
    Open a server directory.

    Raises:
        NoServer: If there is none.

        BeingUpgraded, Undecided, MalformedSettings, MalformedProfile,
        MalformedCalendar, NoPrivateMemory, DeadDropError, CryptoError:
            As their sentences say.
    """
    directory = directory.absolute()
    settings = read_settings(directory)
    with nullcontext() if edge.upgrading else in_use(directory):
        if not edge.upgrading:
            refuse_undecided(directory / DATABASE)
        yield from _opened(directory, settings, edge)


def _opened(directory: Path, settings: Settings, edge: Edge) -> Iterator[Server]:
    profile = read_profile(directory)
    calendar = Calendar.parse(_text(directory / CALENDAR))
    url = database_url(directory, settings.database)
    drop = _open_drop(url, directory, settings, edge)
    try:
        server = Server(
            directory=directory,
            drop=drop,
            keyring=Keyring(directory / KEYRING),
            profile=profile,
            calendar=calendar,
            spool_directory=directory / SPOOL,
            installation=drop.installation,
            settings=settings,
        )
        server.synchronise(edge)
        yield server
    finally:
        drop.close()


def _install(
    partial: Path,
    directory: Path,
    edge: Edge,
    today: date,
    database: str | None,
    *,
    join: bool,
) -> None:
    url = database_url(partial, database)
    if not join:
        migrate(url)
    drop = _open_drop(url, directory, Settings(), edge)
    try:
        if join:
            # Raises if there is nothing to join.
            _ = drop.installation
        else:
            drop.create_installation(edge.entropy, day=today)
    finally:
        drop.close()


def memory_of(settings: Settings, edge: Edge) -> Path:
    """
    Return the folder in memory of a server.

    Raises:
        NoPrivateMemory: If it is not in memory, or not this user's alone.
    """
    return private_memory(settings.memory_directory or edge.memory, uid=os.getuid())


def _open_drop(url: str, directory: Path, settings: Settings, edge: Edge) -> DeadDrop:
    memory = memory_of(settings, edge)
    # By the folder's name, so that every command on this machine finds it before
    # the database is open.
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:32]
    known = KnownDummies(memory / f"{name}.dummies", entropy=edge.entropy)
    return open_deaddrop(url, known_dummies=known, entropy=edge.entropy)


def database_url(directory: Path, database: str | None) -> str:
    """
    Return the address of the dead drop, for SQLAlchemy.

    Raises:
        UnusableDatabase: If *database* is no address of PostgreSQL.
    """
    if database is None:
        return f"sqlite:///{directory / DATABASE}"
    try:
        kind = make_url(database).get_backend_name()
    except (ArgumentError, ValueError):
        kind = ""
    if kind != "postgresql":
        # The address may hold a password, so it is not repeated.
        raise UnusableDatabase(UnusableDatabase.__doc__)
    return database


def read_settings(directory: Path) -> Settings:
    """
    Read the bisik.toml of a server directory, and nothing else of it.

    Raises:
        NoServer: If there is none.

        MalformedSettings: As its sentence says.
    """
    try:
        return Settings.parse(_text(directory / SETTINGS))
    except FileNotFoundError:
        raise NoServer(f"there is no server directory at {directory}") from None


def read_profile(directory: Path) -> Profile:
    """
    Read the institution's profile of a server directory.

    Raises:
        MalformedProfile, OSError: As they say.
    """
    return Profile.parse(_text(directory / PROFILE))


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")
