"""
Upgrades: one release takes over from another, and no acknowledged report is lost.

    verify      the new release is as it was packaged
    back up     sealed, while everything runs
    stop        both sites; their sockets stay, and visitors wait
    copy        the database, if it is SQLite       -- `recover` undoes from here on --
    migrate     by the new release
    try         the new release, where nobody else can reach it
    open        the link leads to the new release   -- `recover` finishes from here --
    start       both sites
    look        at both, through their own sockets

Nobody but this has the dead drop open from `stop` to `open`, so that what is undone was
acknowledged to nobody.  After `open` no database is ever put back: the release before
may take over again, if it can work with the database as it is then.

Power may be cut anywhere.  Whatever starts a site lets `recover` run first, which waits
for an upgrade that is under way, and brings one that was cut short to one of its ends.

Specified in docs/spec/release.md; why so, in docs/adr/0025.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deaddrop import DeadDropError, Steps
from ops.acting import told_by_owner
from ops.database_copy import copy_database, forget_copy, put_back
from ops.errors import OpsError
from ops.in_use import LOCK, alone, open_lock
from ops.looking import COURIERS_PAGE, fetch_front_page
from ops.onion import NoAddress, Onion
from ops.releases import Releases
from ops.server import DATABASE, SETTINGS, read_settings
from ops.settings import Settings
from ops.upgrade_record import Phase, UpgradeRecord, forget_record

SITE, COURIER = "bisik-site.service", "bisik-courier.service"
_LOCK = ".upgrade.lock"
_OTHER_UPGRADES_SECONDS = 2.0
_COMMANDS_SECONDS = 60.0  # One at somebody's terminal, such as the making of a bundle.
_BACKUP_SECONDS = 4 * 60 * 60.0
_MIGRATION_SECONDS = 60 * 60.0
_TRIAL_SECONDS = 5 * 60.0
_QUESTION_SECONDS = 60.0
_ANSWER_SECONDS = 60.0
# Whoever mends waits for an upgrade that is under way.
_MENDING_SECONDS = _MIGRATION_SECONDS + _TRIAL_SECONDS
_ANYBODY = "localhost"


class UpgradeUndone(OpsError):
    """The upgrade failed, and the release before goes on."""


class UpgradeTakenBack(OpsError):
    """The new release did not answer, and the release before serves again."""


class UpgradeFailed(OpsError):
    """The upgrade failed, and the release before cannot take over again."""


class OneWayOnly(OpsError):
    """The release before could not take over again after this upgrade."""


class UnknownTables(OpsError):
    """A release does not say which tables it can work with."""


class DatabaseNotCopied(OpsError):
    """The copy of the database was not made, or not put back."""


class Machine(Protocol):
    """What an upgrade needs of a machine; `ops.host` is the real one."""

    def verify(self, version: str) -> None:
        """Compare the files of a release with what was packaged."""

    def running(self) -> list[str]:
        """Return the services that may have the dead drop open."""

    def stop(self, units: list[str]) -> None:
        """Stop services, and wait until they have."""

    def start(self, units: list[str]) -> None:
        """Start services, and wait until they are ready."""

    def release(self, program: Path, *arguments: str, lock: int, seconds: float) -> str:
        """Let the command of a release do something, and return what it said."""


@dataclass(frozen=True)
class Upgrade:
    """
    How one release takes over from another.

    Attributes:
        releases: What is installed.

        directory: The server directory; it may not be there yet.

        machine: The programs of this machine.

        tell: Told of each step before it is taken.

        backup: The words of the command that makes a sealed backup; empty for none.

        one_way: Whether it is all right if the release before cannot take over.
    """

    releases: Releases
    directory: Path
    machine: Machine
    tell: Callable[[str], object]
    backup: tuple[str, ...] = ()
    one_way: bool = False

    def activate(self, version: str) -> bool:
        """
        Let a release take over.

        What an upgrade that was cut short has left is mended first.

        Args:
            version: The release.

        Raises:
            UnknownRelease, AlteredRelease, ProgramFailed, OneWayOnly, StillInUse:
                Before anything has changed.

            UpgradeUndone, UpgradeTakenBack, UpgradeFailed: As their sentences say.

        Returns:
            Whether it has; otherwise it counted already.
        """
        with _locked(self.releases, _OTHER_UPGRADES_SECONDS) as lock:
            _mend(self.releases)
            if self.releases.current() == version:
                return False
            change = self._prepared(version, lock)
            change.record.write(self.releases.root)
            running = self.machine.running()
            failure = change.take(running, lock)
        sites = [unit for unit in (SITE, COURIER) if unit in running]
        if failure is not None:
            self._start_again(failure, change.record.before, sites)
        else:
            self._open(change, sites)
        return True

    def _prepared(self, version: str, lock: int) -> "_Change":
        """Do what can be done while everything runs."""
        self.tell("verify")
        program = self.releases.program(version)
        self.machine.verify(version)
        settings = None
        if (self.directory / SETTINGS).exists():
            settings = read_settings(self.directory)
        before = self.releases.current()
        change = _Change(
            upgrade=self,
            record=UpgradeRecord(
                phase=Phase.STOPPING,
                before=before,
                after=version,
                directory=str(self.directory) if settings else None,
            ),
            program=program,
            settings=settings,
            before_can_read=before is None or self._can_read(before, version, lock),
        )
        if not change.can_be_undone and not self.one_way:
            raise OneWayOnly(
                f"{before} cannot work with the tables of {version}, and a database on "
                "PostgreSQL is not copied"
            )
        if before is not None and settings is not None and self.backup:
            self.tell("back up")
            self.machine.release(
                self.releases.program(before),
                *self.backup,
                *("--directory", str(self.directory)),
                lock=lock,
                seconds=_BACKUP_SECONDS,
            )
        return change

    def _can_read(self, before: str, after: str, lock: int) -> bool:
        """Whether one release can work with the tables of another."""

        def steps(version: str) -> Steps:
            told = self.machine.release(
                self.releases.program(version),
                *("release", "tables"),
                lock=lock,
                seconds=_QUESTION_SECONDS,
            )
            try:
                return Steps.parse(told)
            except ValueError:
                raise UnknownTables(
                    f"the release {version} does not say which tables it can work with"
                ) from None

        return steps(after).oldest_reader in steps(before).known

    def _start_again(
        self, failure: OpsError, before: str | None, sites: list[str]
    ) -> None:
        """Let the release before go on, and say so."""
        self.tell("start")
        try:
            self.machine.start(sites)
        except OpsError as error:
            raise type(failure)(f"{failure}; and then: {error}") from failure
        raise failure

    def _open(self, change: "_Change", sites: list[str]) -> None:
        try:
            self.tell("start")
            self.machine.start(sites)
            self.tell("look")
            change.look(sites)
        except OpsError as error:
            self._take_back(change, sites, error)

    def _take_back(self, change: "_Change", sites: list[str], why: OpsError) -> None:
        """Let the release before take over once more, with the database as it is."""
        before, after = change.record.before, change.record.after
        if before is None or not change.before_can_read:
            raise UpgradeFailed(
                f"{why}; {after} stays, since there is no release that could take over"
            ) from why
        self.tell("take back")
        with _locked(self.releases, _OTHER_UPGRADES_SECONDS):
            back = change.record.model_copy(
                update={"phase": Phase.OPENING, "before": after, "after": before}
            )
            back.write(self.releases.root)
            self.machine.stop(sites)
            _mend(self.releases)
        failure = UpgradeTakenBack(
            f"{why}; {before} serves again, and nothing that was sent is lost"
        )
        self._start_again(failure, before, sites)


@dataclass(frozen=True)
class _Change:
    """
    One upgrade.

    Attributes:
        upgrade: Of which machine.

        record: What is noted of it.

        program: The command of the new release.

        settings: Of the server; None if there is no server directory yet.

        before_can_read: Whether the release before can work with the tables of the
            new one.
    """

    upgrade: Upgrade
    record: UpgradeRecord
    program: Path
    settings: Settings | None
    before_can_read: bool

    @property
    def has_file(self) -> bool:
        """Whether the dead drop is a file, of which a copy is made."""
        return self.settings is not None and self.settings.database is None

    @property
    def can_be_undone(self) -> bool:
        """Whether the release before could go on if the new one fails its trial."""
        return self.settings is None or self.has_file or self.before_can_read

    def take(self, running: list[str], lock: int) -> OpsError | None:
        """
        Stop, copy, migrate, try and decide.

        Returns:
            None if the new release counts; otherwise why not, and then everything is
            as it was.
        """
        upgrade, root = self.upgrade, self.upgrade.releases.root
        try:
            upgrade.tell("stop")
            upgrade.machine.stop(running)
            with _alone_in(self.record):
                try:
                    self._change(lock)
                    upgrade.tell("open")
                    self.record.at(Phase.OPENING).write(root)
                finally:
                    # Nobody may write before it is clear which database counts.
                    _settle(upgrade.releases)
        except (OpsError, DeadDropError, OSError) as error:
            _mend(upgrade.releases)
            if not self.can_be_undone:
                return UpgradeFailed(f"{error}; the tables may be new ones already")
            before = self.record.before or "no release"
            if self.settings is None or self.has_file:
                end = f"nothing has changed, and {before} counts as before"
            else:
                # Changed or not: there is no copy to put back.
                end = f"{before} counts as before, with the tables as they are"
            return UpgradeUndone(f"{error}; {end}")
        except BaseException:
            _mend(upgrade.releases)
            raise
        return None

    def _change(self, lock: int) -> None:
        upgrade = self.upgrade
        where = ("--directory", str(upgrade.directory))
        if self.settings is None:
            return
        if self.has_file:
            upgrade.tell("copy")
            _as_owner(upgrade.directory, copy_database)
        self.record.at(Phase.CHANGING).write(upgrade.releases.root)
        for step, words, seconds in (
            ("migrate", ("migrate",), _MIGRATION_SECONDS),
            ("try", ("release", "try"), _TRIAL_SECONDS),
        ):
            upgrade.tell(step)
            upgrade.machine.release(
                self.program, *words, *where, lock=lock, seconds=seconds
            )

    def look(self, sites: list[str]) -> None:
        """
        Look at the sites that were started, as tor does.

        Raises:
            TrialFailed: If one does not answer with its front page.
        """
        if self.settings is None:
            return
        onion = Onion.of(self.upgrade.directory, self.settings)
        settings = self.settings
        for unit, path, page, hosts, service in (
            (SITE, settings.socket, "/", settings.hosts, onion.reporters),
            (
                *(COURIER, settings.courier_socket, COURIERS_PAGE),
                *(settings.courier_hosts, onion.officers),
            ),
        ):
            if unit not in sites or path is None:
                continue
            try:
                names = [*hosts, *([] if hosts else onion.names(service))]
            except (NoAddress, OSError):
                names = []
            host = [*names, _ANYBODY][0]
            fetch_front_page(
                Path(path), page=page, host=host, within_seconds=_ANSWER_SECONDS
            )


def recover(releases: Releases) -> UpgradeRecord | None:
    """
    Finish or undo an upgrade that was cut short; wait for one that is under way.

    Raises:
        StillInUse: If it goes on for hours.

        MalformedUpgradeRecord: As its sentence says.

    Returns:
        What had been noted of it; None if there was none.
    """
    with _locked(releases, _MENDING_SECONDS):
        return _mend(releases)


def _mend(releases: Releases) -> UpgradeRecord | None:
    """Bring an upgrade that was cut short to one of its ends."""
    record = UpgradeRecord.read(releases.root)
    if record is None:
        return None
    if record.phase is Phase.STOPPING:
        # Nothing has changed, and those who did not stop need not stop now.
        _settle(releases)
        return record
    with _alone_in(record):
        _settle(releases)
    return record


def _settle(releases: Releases) -> None:
    """Finish what was decided, and undo what was not; may be done again and again."""
    record = UpgradeRecord.read(releases.root)
    if record is None:
        return
    decided = record.phase is Phase.OPENING
    counts = record.after if decided else record.before
    if counts is not None and releases.current() != counts:
        releases.switch(counts)
    if record.directory is not None:
        changed = record.phase is Phase.CHANGING
        _as_owner(Path(record.directory), put_back if changed else forget_copy)
    forget_record(releases.root)


def _as_owner(directory: Path, work: Callable[[Path], object]) -> None:
    """Do something with the database's file as the owner of its folder."""

    def tell() -> str:
        try:
            work(directory / DATABASE)
        except (OpsError, DeadDropError, OSError) as error:
            return str(error) or type(error).__name__
        return ""

    complaint = told_by_owner(directory, tell)
    if complaint:
        raise DatabaseNotCopied(complaint)


@contextmanager
def _locked(releases: Releases, patience_seconds: float) -> Iterator[int]:
    """Let one upgrade at a time have a machine; give the lock's descriptor."""
    descriptor = open_lock(releases.root / _LOCK)
    try:
        with alone(descriptor, patience_seconds=patience_seconds):
            yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _alone_in(record: UpgradeRecord) -> Iterator[None]:
    """Have a server directory to oneself, if there is one."""
    if record.directory is None:
        yield
        return
    directory = Path(record.directory)

    def make() -> str:
        os.close(open_lock(directory / LOCK))
        return ""

    # Root makes nothing in a folder of somebody else's.
    told_by_owner(directory, make)
    descriptor = open_lock(directory / LOCK, make=False)
    try:
        with alone(descriptor, patience_seconds=_COMMANDS_SECONDS):
            yield
    finally:
        os.close(descriptor)
