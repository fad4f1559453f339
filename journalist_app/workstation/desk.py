"""
The desk: a folder with an officer's keys, sealed items and casebook.

    desk.json          who it is; never changed
    enrolment.json     for the keeper of the organisation's key; public
    profile.toml, calendar.csv       of the institution
    gnupg/             the officer's key pair
    colleagues/        public keys: the organisation's and the officers'
    casebook.key.pgp   the casebook's key, sealed to the officer
    casebook.db        SQLCipher
    store/             what reporters sent, encrypted with keys in the casebook
    items/             sealed items that this desk could not open
    incoming/, outgoing/   sealed messages on their way
    stick/             of a desk for training only: a second bundle
    restored.json      only until a desk is opened that comes from a backup

Without the officer's private key the folder shows how many items of which size
were collected, and nothing more.  Specified in docs/spec/desk-directory.md.
"""

import contextlib
import fcntl
import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from operator import not_
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from casework import strict
from casework.deadlines import BeyondCalendar, Calendar, due_day
from casework.enrolment import Enrolment, OfficerName
from casework.errors import CaseworkError
from casework.profile import Profile
from casework.strict import Identity, StrictModel
from casework.training import is_training
from crypto.agent import AgentHome, write_desk_settings
from crypto.certificates import LONGEST_EXPIRY_DAYS, generate_officer_key
from crypto.fingerprint import Fingerprint, parse_fingerprint
from crypto.opening import CannotOpen, CardCannotOpen, SecretKeyring
from crypto.openpgp import Keyring
from crypto.packets import read_envelope
from crypto.slots import DESK_ID_BYTES
from journalist_app.durable import new_directory, new_file, sync_directory
from journalist_app.workstation.casebook import (
    KEY_BYTES,
    Casebook,
    create_casebook,
    installation_of,
    open_casebook,
)
from journalist_app.workstation.continuity import note_restored
from journalist_app.workstation.errors import (
    CardNeeded,
    DeskInUse,
    DeskLocked,
    NoDesk,
    TrainingMixedUp,
)
from journalist_app.workstation.storing import ItemStore

EXPIRES_DAYS = 730
RECORD_BYTES = 16 * 1024
LOCK_ATTEMPTS = 20
LOCK_PAUSE_SECONDS = 0.05

_RECORD = "desk.json"
_CASEBOOK = "casebook.db"
_CASEBOOK_KEY = "casebook.key.pgp"
_KEYS = "gnupg"
_COLLEAGUES = "colleagues"
_PROFILE = "profile.toml"
CALENDAR = "calendar.csv"
ITEMS = "items"
INCOMING = "incoming"
OUTGOING = "outgoing"
STORE = "store"
ENROLMENT = "enrolment.json"
TRAINING_STICK = "stick"
RESTORED = "restored.json"


class MalformedDesk(CaseworkError):
    """The file desk.json is not one that this software wrote."""


class DeskRecord(StrictModel):
    """
    Who a desk is (desk.json).

    Attributes:
        fingerprint: Of the officer's key.

        protected: Whether the key has a passphrase, so that one is asked for.

        pinentry: Whether gpg-agent's own pinentry asks for it, and not this program.

        expires_days: For how long the key is extended; two years if absent.

        training: Whether nothing on it is real.  The casebook must say the same, by
            its installation (`casework.training`).
    """

    version: Literal[1] = 1
    name: OfficerName
    desk_id: Identity
    fingerprint: Annotated[str, Field(pattern=r"^[0-9A-F]{40}$")]
    protected: bool
    pinentry: Annotated[bool, Field(exclude_if=not_)] = False
    expires_days: Annotated[
        int | None, Field(exclude_if=strict.is_absent, ge=1, le=LONGEST_EXPIRY_DAYS)
    ] = None
    training: Annotated[bool, Field(exclude_if=not_)] = False


@dataclass(frozen=True)
class Institution:
    """The texts of a profile and a calendar of working days."""

    profile: str
    calendar: str


@dataclass(frozen=True)
class Desk:
    """
    An open desk; made by `open_desk`.

    Attributes:
        renewing: Held while the officer's keys are renewed, so that two exports at once
            do not make the same months twice.
    """

    path: Path
    record: DeskRecord
    keys: SecretKeyring = field(repr=False)
    colleagues: Keyring = field(repr=False)
    casebook: Casebook = field(repr=False)
    store: ItemStore = field(repr=False)
    profile: Profile = field(repr=False)
    calendar: Calendar = field(repr=False)
    entropy: Callable[[int], bytes] = field(repr=False)
    renewing: threading.Lock = field(
        default_factory=threading.Lock, repr=False, compare=False
    )

    @property
    def desk_id(self) -> bytes:
        """Names the desk's reply slots, 16 bytes."""
        return bytes.fromhex(self.record.desk_id)

    @property
    def fingerprint(self) -> Fingerprint:
        """Of the officer's key."""
        return parse_fingerprint(self.record.fingerprint)

    def certificate(self) -> bytes:
        """Return the officer's public key as it is now, armored."""
        return Keyring(self.path / _KEYS).export(self.fingerprint)

    def reseal_casebook_key(self, doomed: Set[str], *, today: date) -> None:
        """
        Seal the casebook's key to the newest subkey, before others are destroyed.

        Args:
            doomed: Ids of the subkeys that are going to be destroyed.

            today: The day the newest one must be good on.

        Raises:
            DeskLocked: If the casebook could not be opened with it afterwards; the
                old one stays.
        """
        path = self.path / _CASEBOOK_KEY
        with path.open("rb") as file:
            if doomed.isdisjoint(read_envelope(file).recipient_key_ids):
                return
        key = _open_key(self.keys, path)
        sealed = _seal_to_oneself(key, self.fingerprint, self.certificate(), today)
        with tempfile.TemporaryDirectory(prefix="bisik-keys-") as name:
            trial = Path(name) / _CASEBOOK_KEY
            trial.write_bytes(sealed)
            with trial.open("rb") as file:
                fresh = doomed.isdisjoint(read_envelope(file).recipient_key_ids)
            if not fresh or _open_key(self.keys, trial) != key:
                raise DeskLocked("the casebook's key could not be sealed anew")
        with new_file(path, replace=True) as target:
            target.write(sealed)

    def sealed_item(self, sha256: bytes) -> Path:
        """Return where the sealed item with this digest lies."""
        return self.path / ITEMS / f"{sha256.hex()}.pgp"

    def incoming(self, sha256: bytes) -> Path:
        """Return where a sealed message lies while it is being opened."""
        return self.path / INCOMING / f"{sha256.hex()}.pgp"

    def outgoing(self, sha256: bytes) -> Path:
        """Return where a parcel lies that waits for its outbox, or went with one."""
        return self.path / OUTGOING / f"{sha256.hex()}.pgp"

    def due_day(self, received: date) -> date | None:
        """Return the day verification is due; None beyond the calendar."""
        working_days = self.profile.deadline_working_days
        try:
            return due_day(received, working_days, self.calendar).due
        except BeyondCalendar:
            return None


def create_desk(
    path: Path,
    *,
    name: str,
    email: str | None,
    passphrase: bytes | None,
    institution: Institution,
    today: date,
    entropy: Callable[[int], bytes],
    expires_days: int = EXPIRES_DAYS,
    pinentry: bool = False,
    pinentry_program: Path | None = None,
    training: bytes | None = None,
) -> Enrolment:
    """
    Make a desk, everything or nothing.

    Args:
        path: A folder that does not exist yet.

        name: The officer's, as the others know them.

        email: For the key; by default one that is no address of anybody.

        passphrase: Protects the key pair; None where the disk is encrypted.

        institution: Whose rules and holidays the deadlines follow.

        today: The day in the key.

        entropy: Gives random bytes, as `os.urandom` does.

        expires_days: After how many days the key ends, if it is not extended.

        pinentry: Whether gpg-agent's own pinentry asks for a passphrase, now and
            whenever the desk is opened; *passphrase* is None then.

        pinentry_program: Which one; None for the machine's own.

        training: The installation it is for, if that is one for training.

    Raises:
        FileExistsError: If there is something of that name.

        CryptoError: If the key pair cannot be made.

        CaseworkError: If profile or calendar are malformed.

    Returns:
        The enrolment, which is also in the folder.
    """
    Profile.parse(institution.profile)
    Calendar.parse(institution.calendar)
    desk_id = entropy(DESK_ID_BYTES)
    with new_directory(path) as partial:
        for file_name, text in (
            (_PROFILE, institution.profile),
            (CALENDAR, institution.calendar),
        ):
            _write(partial / file_name, text.encode())
        write_desk_settings(partial / _KEYS, pinentry_program=pinentry_program)
        fingerprint = generate_officer_key(
            partial / _KEYS,
            name=name,
            # RFC 2606: nobody can ever have a name below "invalid".
            email=email or f"{desk_id.hex()}@desk.invalid",
            expires_days=expires_days,
            passphrase=passphrase,
            today=today,
            asks=pinentry,
        )
        certificate = Keyring(partial / _KEYS).export(fingerprint)
        key = entropy(KEY_BYTES)
        sealed_key = _seal_to_oneself(key, fingerprint, certificate, today)
        _write(partial / _CASEBOOK_KEY, sealed_key)
        create_casebook(
            partial / _CASEBOOK,
            key,
            # The enrolment takes it to the server.
            certificate_sent=hashlib.sha256(certificate).digest(),
            installation=training,
        )
        for folder in (ITEMS, INCOMING, OUTGOING, STORE):
            (partial / folder).mkdir(mode=0o700)
        record = DeskRecord(
            name=name,
            desk_id=desk_id.hex(),
            fingerprint=fingerprint,
            protected=passphrase is not None or pinentry,
            pinentry=pinentry,
            expires_days=expires_days if expires_days != EXPIRES_DAYS else None,
            training=is_training(training),
        )
        _write(partial / _RECORD, strict.render(record))
        enrolment = Enrolment(
            name=name, desk_id=desk_id.hex(), certificate=certificate.decode("ascii")
        )
        _write(partial / ENROLMENT, enrolment.to_json())
    return enrolment


@contextmanager
def unlocked_once(path: Path) -> Iterator[None]:
    """
    Keep one agent while a desk is opened several times, so that it asks once.

    Args:
        path: The desk's folder.
    """
    with AgentHome(path / _KEYS) as agent:
        agent.start()
        yield


def read_record(path: Path) -> DeskRecord:
    """
    Read who the desk in a folder is; needs no key.

    Raises:
        NoDesk: If there is none.
    """
    try:
        content = (path / _RECORD).read_bytes()
        return strict.parse(
            DeskRecord, content, limit_bytes=RECORD_BYTES, malformed=MalformedDesk
        )
    except (OSError, MalformedDesk):
        raise NoDesk(f"there is no desk in {path}") from None


@contextmanager
def open_desk(
    path: Path, *, passphrase: bytes | None, entropy: Callable[[int], bytes]
) -> Iterator[Desk]:
    """
    Open a desk, for one program at a time.

    Args:
        path: The desk's folder.

        passphrase: Of the officer's key; None if it has none, or the agent asks.

        entropy: Gives random bytes, as `os.urandom` does.

    Raises:
        NoDesk: If there is none.

        DeskInUse: If another program has it open.

        DeskLocked: If the officer's key does not open the casebook's.

        CardNeeded: If that is for want of the smartcard which has the key.

        CasebookUnreadable: If the casebook is damaged.

        TrainingMixedUp: If it says that it is for training and is not, or the
            other way round.

        CaseworkError: If profile or calendar are malformed.
    """
    record = read_record(path)
    with _locked(path):
        profile = Profile.parse(_text(path / _PROFILE))
        calendar = Calendar.parse(_text(path / CALENDAR))
        with SecretKeyring(
            path / _KEYS, passphrase=passphrase, asks=record.pinentry
        ) as keys:
            key = _open_key(keys, path / _CASEBOOK_KEY)
            casebook = open_casebook(path / _CASEBOOK, key)
            try:
                if is_training(installation_of(casebook)) != record.training:
                    raise TrainingMixedUp(TrainingMixedUp.__doc__)
                _notice_restoration(path, casebook)
                yield Desk(
                    path=path,
                    record=record,
                    keys=keys,
                    colleagues=Keyring(path / _COLLEAGUES),
                    casebook=casebook,
                    store=ItemStore(path / STORE, entropy=entropy),
                    profile=profile,
                    calendar=calendar,
                    entropy=entropy,
                )
            finally:
                casebook.close()


def _notice_restoration(path: Path, casebook: Casebook) -> None:
    """Let a casebook know that it comes from a backup, before anything is done."""
    record = path / RESTORED
    if record.exists():
        with casebook.transaction() as connection:
            note_restored(connection)
        record.unlink()
        sync_directory(path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)  # Gives up the lock.


def _lock(descriptor: int) -> None:
    # A program that was killed may leave a child that has the folder open until it
    # has become another program.
    for _ in range(LOCK_ATTEMPTS):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(LOCK_PAUSE_SECONDS)
    raise DeskInUse(DeskInUse.__doc__)


def _open_key(keys: SecretKeyring, sealed: Path) -> bytes:
    try:
        return _opened(keys, sealed)
    except (CannotOpen, OSError) as error:
        if not keys.has_lost_its_agent():
            raise _locked_by(error) from None
    # Whoever had the desk open before was killed while they ended the agent, which so
    # ended under our hands.  gpg starts another one.
    try:
        return _opened(keys, sealed)
    except (CannotOpen, OSError) as error:
        raise _locked_by(error) from None


def _locked_by(error: Exception) -> DeskLocked:
    if isinstance(error, CardCannotOpen):
        return CardNeeded(str(error))
    return DeskLocked(DeskLocked.__doc__)


def _opened(keys: SecretKeyring, sealed: Path) -> bytes:
    return keys.open(sealed, reader=lambda plaintext: plaintext.read())


def _seal_to_oneself(
    content: bytes, fingerprint: Fingerprint, certificate: bytes, today: date
) -> bytes:
    # Nobody has certified the key yet.  In a keyring that is thrown away
    # afterwards the officer may vouch for themselves.
    pieces: list[bytes] = []
    with tempfile.TemporaryDirectory(prefix="bisik-keys-") as name:
        keyring = Keyring(Path(name))
        keyring.trust_organisation(certificate)
        with keyring.sealing([fingerprint], sink=pieces.append, day=today) as sealing:
            sealing.write(content)
    return b"".join(pieces)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise NoDesk(f"{path} is not UTF-8") from None


def _write(path: Path, content: bytes) -> None:
    with new_file(path) as file:
        file.write(content)
