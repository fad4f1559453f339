"""
Monthly subkeys: made ahead, used by the calendar, and destroyed behind it.

    primary key   |------------------------------------------------------> extended
    November      |====......|            = newest: everybody seals to it
    December           |====......|       . still good, if nothing newer were there
    January                 |====......|
                       1 Dec  1 Jan

A sender takes the newest encryption subkey that has begun (GnuPG's own rule), so a
certificate with the subkeys of the coming months rotates by itself wherever it is,
without a stick.  The private half of a past month can then be destroyed; what was
sealed to it can be opened by nobody any more.

For the desk only.  Subkeys are RFC 9580 section 5.5.1.2.  GnuPG keeps one private
key in one file, `private-keys-v1.d/KEYGRIP.key`.  Specified in
docs/spec/sealed-item-openpgp.md, section 6.
"""

import io
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from crypto.errors import CryptoError
from crypto.fingerprint import Fingerprint
from crypto.gpg import GpgCall, start_of_day
from crypto.packets import KEY_ID_BYTES
from crypto.passphrase import as_passphrase

# The month it is, and a year to come.
MONTHS_AHEAD = 13
# Its own month, and half a year in which an officer may be late with the next ones.
MONTHS_GOOD = 7

_PRIVATE_KEYS = "private-keys-v1.d"
_STUB = b"shadowed-private-key"
# In the field "token" of gpg's listing of secret keys: on disk, or not here.
_ON_DISK, _ABSENT = "+", "#"


class NoKeyPair(CryptoError):
    """This key pair is not in this home."""


class SubkeyNotMade(CryptoError):
    """A subkey could not be made."""


class NotExtended(CryptoError):
    """The key could not be given a later end."""


class NotDestroyed(CryptoError):
    """A private subkey could not be destroyed."""


class Kept(StrEnum):
    """Where the private half of a subkey is."""

    ON_DISK = "on this disk"
    ON_CARD = "on a smartcard"
    NOWHERE = "destroyed"


@dataclass(frozen=True)
class EncryptionSubkey:
    """
    One encryption subkey of an officer.

    Attributes:
        keygrip: GnuPG's name of the private half.

        begins: The first day on which anybody seals to it.

        ends: The day from which nobody does, whatever else there is.

        card: The serial number of the smartcard that has the private half, if one has.
    """

    fingerprint: Fingerprint
    keygrip: str
    begins: date
    ends: date | None
    kept: Kept
    card: str | None = None

    @property
    def key_id(self) -> str:
        """As sealed items name it, 16 upper-case hexadecimal digits."""
        return self.fingerprint[-2 * KEY_ID_BYTES :]


@dataclass(frozen=True)
class OfficerKeys:
    """
    An officer's primary key and its encryption subkeys, oldest first.

    Attributes:
        ends: The day from which the primary key, and all with it, is no good.

        on_disk: Whether the primary private key is in this home, not on a card.

        card: The serial number of the smartcard that has it, if one has.
    """

    fingerprint: Fingerprint
    ends: date | None
    on_disk: bool
    subkeys: tuple[EncryptionSubkey, ...]
    card: str | None = None


def first_of_next_month(day: date, months: int = 1) -> date:
    """Return the first day of the month that is *months* behind that of *day*."""
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def list_officer_keys(gpg: GpgCall, officer: Fingerprint) -> OfficerKeys:
    """
    List an officer's keys, whose private halves are or were in this home.

    Raises:
        NoKeyPair: If there is no such key pair.
    """
    ends: date | None = None
    subkeys: list[EncryptionSubkey] = []
    current: list[str] = []
    fingerprint = ""
    primary: list[str] = []
    # Not python-gnupg's listing, which takes a subkey's fingerprint for the key's.
    for record in gpg.new_call(at=None).records(
        "--with-keygrip", "--list-secret-keys", officer
    ):
        if record[0] == "sec":
            primary = record
            ends = _day(record[6]) if record[6] else None
            current = record
        elif record[0] == "ssb":
            current = record
        elif record[0] == "fpr":
            fingerprint = record[9]
        elif record[0] == "grp" and current[0] == "ssb" and "e" in current[11]:
            subkeys.append(
                EncryptionSubkey(
                    fingerprint=Fingerprint(fingerprint),
                    keygrip=record[9],
                    begins=_day(current[5]),
                    ends=_day(current[6]) if current[6] else None,
                    kept=_kept(current[14]),
                    card=_card(current[14]),
                )
            )
    if primary:
        subkeys.sort(key=lambda subkey: subkey.begins)
        on_disk = _kept(primary[14]) is Kept.ON_DISK
        card = _card(primary[14])
        return OfficerKeys(officer, ends, on_disk, tuple(subkeys), card)
    raise NoKeyPair(f"the key pair {officer} is not in this home")


def make_subkeys(
    gpg: GpgCall,
    officer: Fingerprint,
    *,
    passphrase: bytes | None,
    asks: bool,
    today: date,
    months: int = MONTHS_AHEAD,
) -> int:
    """
    Make the subkeys that are missing, from the month it is on.

    Args:
        gpg: Of the officer's home.

        officer: Primary fingerprint.

        passphrase: Of the key pair.

        asks: Whether the agent's own pinentry asks for it.

        today: The day it is.

        months: For how many months there shall be one, the present one included.

    Raises:
        SubkeyNotMade: If gpg did not make one; those before it stay.

    Returns:
        How many were made.
    """
    keys = list_officer_keys(gpg, officer)
    begun = [subkey.begins for subkey in keys.subkeys]
    made = 0
    for begins in _missing(begun, today, months):
        if keys.ends is not None and begins >= keys.ends:
            break
        ends = first_of_next_month(begins, MONTHS_GOOD)
        if keys.ends is not None:
            ends = min(ends, keys.ends)
        call = _unlocked(gpg, start_of_day(begins), passphrase, asks=asks)
        outcome = call.add_subkey(
            officer,
            master_passphrase=as_passphrase(passphrase),
            algorithm="cv25519",
            usage="encr",
            # With an hour: gpg would take a date for one of local time.
            expire=_iso_time(ends),
        )
        call.clean_up()
        if outcome.returncode != 0:
            raise SubkeyNotMade(f"a subkey could not be made ({call.complaint()})")
        made += 1
    _forget_tofu(gpg)
    return made


def extend(
    gpg: GpgCall,
    officer: Fingerprint,
    *,
    ends: date,
    passphrase: bytes | None,
    asks: bool,
    today: date,
) -> None:
    """
    Give a primary key another end.  Its certifications stay good.

    Args:
        gpg: Of the home with the key pair.

        officer: Primary fingerprint; the organisation's key can be one, too.

        ends: The day from which it is no good.

        passphrase: Of the key pair.

        asks: Whether the agent's own pinentry asks for it.

        today: The day in the new self-signature.

    Raises:
        NotExtended: If gpg did not do it.
    """
    # gpg waits for a second that is later than the last self-signature, and with
    # a clock that was stopped it would wait in vain.
    signed = [
        datetime.fromtimestamp(int(record[5]), UTC)
        for record in gpg.new_call(at=None).records("--list-keys", officer)
        if record[0] == "uid" and record[5]
    ]
    at = max(
        [start_of_day(today), *(moment + timedelta(seconds=1) for moment in signed)]
    )
    call = _unlocked(gpg, at, passphrase, asks=asks)
    result = call.result_map["generate"](call)
    try:
        # python-gnupg has no method for this.
        call._handle_io(
            ["--quick-set-expire", officer, _iso_time(ends)],
            io.BytesIO(),
            result,
            passphrase=as_passphrase(passphrase),
            binary=True,
        )
    finally:
        call.clean_up()
    _forget_tofu(gpg)
    if result.returncode != 0 or _end_of(gpg, officer) != ends:
        raise NotExtended(f"the key {officer} keeps its end ({call.complaint()})")


def destroy(
    gpg: GpgCall, home: Path, officer: Fingerprint, doomed: Collection[EncryptionSubkey]
) -> None:
    """
    Destroy the private halves of subkeys: overwrite each file, then remove it.

    The public halves stay, so that it can be told what a sealed item was for.

    Args:
        gpg: Of the officer's home.

        home: Its folder.

        officer: Primary fingerprint.

        doomed: On this disk; the primary key is never one of them.

    Raises:
        NotDestroyed: If gpg still has one of them afterwards.
    """
    for subkey in doomed:
        if subkey.kept is not Kept.ON_DISK:
            raise NotDestroyed(f"the subkey {subkey.key_id} is {subkey.kept}")
        _shred(home / _PRIVATE_KEYS / f"{subkey.keygrip}.key")
    gone = {subkey.fingerprint for subkey in doomed}
    left = [
        subkey.key_id
        for subkey in list_officer_keys(gpg, officer).subkeys
        if subkey.fingerprint in gone and subkey.kept is not Kept.NOWHERE
    ]
    if left:
        raise NotDestroyed(f"gpg still has the private subkeys {', '.join(left)}")


def has_card_key(home: Path) -> bool:
    """Tell whether a private key of this home is on a card: the stub says so."""
    # GnuPG's agent/keyformat.txt, "Shadowed Private Key Format".
    return any(
        _STUB in path.read_bytes() for path in (home / _PRIVATE_KEYS).glob("*.key")
    )


def _missing(begun: Collection[date], today: date, months: int) -> Iterator[date]:
    """Yield the days on which subkeys have to begin."""
    covered = {(day.year, day.month) for day in begun}
    for month in range(months):
        # Not in the past: until then, everybody has sealed to another one.
        begins = first_of_next_month(today, month) if month else today
        if (begins.year, begins.month) not in covered:
            yield begins


def _unlocked(
    gpg: GpgCall, at: datetime, passphrase: bytes | None, *, asks: bool
) -> GpgCall:
    """Prepare a call that can use the private key and make one like it."""
    call = gpg.new_call(at=at)
    if passphrase is None and not asks:
        # Says that there is none; otherwise the agent would ask for a new one.
        call.options = [*call.options, "--pinentry-mode", "loopback"]
        call.options += ["--passphrase", ""]
    if asks:
        call.limit_seconds = None
    return call


def _forget_tofu(gpg: GpgCall) -> None:
    """
    Remove the database of a trust model that is not used here.

    gpg makes it, empty, whenever a key is changed.
    """
    (Path(gpg.gnupghome) / "tofu.db").unlink(missing_ok=True)


def _end_of(gpg: GpgCall, key: Fingerprint) -> date | None:
    listed = gpg.new_call(at=None).listed_keys([key])
    return _day(listed[0]["expires"]) if listed and listed[0]["expires"] else None


def _shred(path: Path) -> None:
    """
    Overwrite a small file and remove it, durably.

    Where the disk writes a changed block elsewhere (flash, journals, snapshots), the
    old one stays until it is used again: see docs/threat-model.md.
    """
    try:
        with path.open("r+b", buffering=0) as file:
            file.write(bytes(os.fstat(file.fileno()).st_size))
            os.fsync(file.fileno())
        path.unlink()
    except OSError as error:
        raise NotDestroyed(f"{path.name} cannot be destroyed") from error
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _kept(token: str) -> Kept:
    if token == _ABSENT:
        return Kept.NOWHERE
    return Kept.ON_DISK if token == _ON_DISK else Kept.ON_CARD


def _card(token: str) -> str | None:
    # doc/DETAILS, field 15: on a card, its serial number.
    return token if _kept(token) is Kept.ON_CARD else None


def _day(timestamp: str) -> date:
    return datetime.fromtimestamp(int(timestamp), UTC).date()


def _iso_time(day: date) -> str:
    return f"{day:%Y%m%d}T000000"
