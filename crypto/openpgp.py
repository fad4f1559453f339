"""
OpenPGP with public keys: who may read, sealing, and checking signatures.

    organisation key  --certifies-->  officer keys
    (ultimate trust)                  (valid, therefore sealed to)

A keyring is one GNUPGHOME.  On the server it holds public keys only.  Exactly
one key in it is trusted ultimately, the organisation's; an officer's key is good
when gpg's own trust model finds it certified by that one.  We never tell gpg to
trust a key in another way, so that a key that slipped into the keyring is of no
use to whoever slipped it in.

What this module does not do: it opens nothing (`crypto.opening`) and makes no
keys (`crypto.certificates`), and the server imports neither.

Specified in docs/spec/sealed-item-openpgp.md.  OpenPGP is RFC 9580 and RFC 4880.
"""

import shutil
import tempfile
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from crypto.admission import (
    AdmittedKey,
    KeyNotAdmitted,
    SecretKeyRefused,
    UsableKeys,
    encryption_subkeys,
    expiry,
    read_key_file,
    unfit_because,
)
from crypto.errors import CryptoError
from crypto.fingerprint import Fingerprint, MalformedFingerprint, parse_fingerprint
from crypto.gpg import (
    GpgCall,
    GpgMissing,
    GpgUnusable,
    SealingFailed,
    end_of_day,
    readable_text,
)
from crypto.home import ShortPath, leaves_room
from crypto.sealing import (
    GpgDied,
    RecipientRefused,
    Sealing,
    SealingStalled,
    SinkFailed,
)
from crypto.signatures import SignatureRefused, verify_detached

__all__ = [
    "AdmittedKey",
    "Fingerprint",
    "GpgDied",
    "GpgMissing",
    "GpgUnusable",
    "KeyNotAdmitted",
    "Keyring",
    "KeyringUnsound",
    "MalformedFingerprint",
    "OrganisationRefused",
    "PrivateKeyFound",
    "RecipientRefused",
    "Sealing",
    "SealingFailed",
    "SealingStalled",
    "SecretKeyRefused",
    "SignatureRefused",
    "SinkFailed",
    "UnknownKey",
    "UsableKeys",
    "parse_fingerprint",
]

# The only files a public keyring consists of.
_PUBLIC_FILES = ("pubring.kbx", "trustdb.gpg")


class OrganisationRefused(CryptoError):
    """This key cannot be the organisation's."""


class UnknownKey(CryptoError):
    """There is no such key in the keyring."""


class KeyringUnsound(CryptoError):
    """The keyring is not in a state that can be relied on."""


class PrivateKeyFound(KeyringUnsound):
    """A private key is on this machine, where none may ever be."""


class Keyring:
    """
    Public keys, and what can be done with them.

    All methods may be called from several threads at once, and several
    processes may share one home.
    """

    def __init__(self, home: Path, *, gpg_binary: str = "gpg") -> None:
        """
        Open a keyring, and create it if there is none.

        Args:
            home: The GNUPGHOME; created with mode 0700.

            gpg_binary: Name or path of gpg 2.2 or newer.

        Raises:
            GpgMissing: If gpg cannot be started.
        """
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._home = home
        self._gpg_binary = gpg_binary
        absolute = home.absolute()
        self._short = None if leaves_room(absolute) else ShortPath(absolute)
        path = self._short.path if self._short else home
        self._gpg = GpgCall(path, gpg_binary, autostart=False)
        self._changing = threading.Lock()
        # Days on which gpg was made to judge anew because it refused a key.
        self._trust_settled: set[date] = set()

    def trust_organisation(self, armored: bytes) -> Fingerprint:
        """
        Make a key the only one with ultimate trust.

        The same key may come again, with a later expiry for instance.

        Raises:
            OrganisationRefused: If another key has that trust already.

            KeyNotAdmitted: If the file is not exactly one public key.

        Returns:
            Its fingerprint, to be compared with the one on paper.
        """
        key = read_key_file(armored)
        with self._changing:
            fingerprint = self._fingerprint_in(key)
            present = self.organisation()
            if present not in (None, fingerprint):
                raise OrganisationRefused(
                    f"the organisation's key is {present}; remove it before "
                    f"trusting {fingerprint}"
                )
            self._import(self._gpg, key, fingerprint)
            self._set_ownertrust(fingerprint, "TRUST_ULTIMATE")
        return fingerprint

    def organisation(self) -> Fingerprint | None:
        """
        Return the only key with ultimate trust, if there is one.

        Raises:
            KeyringUnsound: If there are several: each of them could certify.
        """
        ultimate = [
            Fingerprint(key["fingerprint"])
            for key in self._call().listed_keys()
            if key["ownertrust"] == "u"
        ]
        if len(ultimate) > 1:
            raise KeyringUnsound(
                f"several keys are trusted ultimately: {', '.join(ultimate)}"
            )
        return ultimate[0] if ultimate else None

    def admit(self, armored: bytes, *, today: date) -> AdmittedKey:
        """
        Let an officer's key in, or replace it by a newer copy of itself.

        It is tried in a copy of the keyring first: a key that is refused has
        changed nothing.

        Raises:
            KeyNotAdmitted: With the reason and the fingerprint.  A key that is
                in the keyring already stays there as it was: if it was revoked,
                `remove` it.
        """
        key = read_key_file(armored)
        now = end_of_day(today)
        with self._changing:
            fingerprint = self._fingerprint_in(key)
            with self._scratch_home(copied=True) as scratch:
                trial = GpgCall(scratch, self._gpg_binary, autostart=False)
                self._import(trial, key, fingerprint)
                # A later end is signed by the key itself, and gpg would not judge
                # anew because of that whether it is certified.
                trial.new_call(at=now).records("--yes", "--check-trustdb")
                listed = _listing(trial, [fingerprint], now)
                reason = self._reason(trial, listed[fingerprint], now)
            if reason is not None:
                raise KeyNotAdmitted(f"the key {fingerprint} is refused: {reason}")
            self._import(self._gpg, key, fingerprint)
            # Settles the trust database now, and not while a reporter waits.
            self._call(now).records("--yes", "--check-trustdb")
            admitted = _listing(self._gpg, [fingerprint], now)[fingerprint]
        return AdmittedKey(
            fingerprint=fingerprint,
            user_id=readable_text(admitted["uids"][0]),
            expires=expiry(admitted),
            encryption_subkeys=encryption_subkeys(admitted),
        )

    def usable(self, wanted: Iterable[Fingerprint], *, today: date) -> UsableKeys:
        """
        Sort keys into those that are fit for sealing today and those that are not.

        Cheap: one call of gpg while all is well.
        """
        asked = [parse_fingerprint(key) for key in dict.fromkeys(wanted)]
        reasons = self._reasons(asked, today)
        if any(reasons.values()) and today not in self._trust_settled:
            # gpg keeps its verdicts until the next expiry that it knows of.  If
            # the clock once ran ahead, they are from a future that has not come.
            self._trust_settled.add(today)
            with self._changing:
                self._call(end_of_day(today)).records("--yes", "--check-trustdb")
            reasons = self._reasons(asked, today)
        return UsableKeys(
            usable=tuple(key for key, reason in reasons.items() if reason is None),
            refused={key: reason for key, reason in reasons.items() if reason},
        )

    def remove(self, fingerprint: Fingerprint) -> None:
        """
        Take a key out, with whatever trust it had.

        Raises:
            UnknownKey: If it is not in the keyring.

            KeyringUnsound: If gpg would not, because it is a key pair.
        """
        with self._changing:
            listed = self._known(fingerprint)
            if listed["ownertrust"] == "u":
                # gpg remembers the trust of keys it does not have: the same key
                # would come back trusted.
                self._set_ownertrust(fingerprint, "TRUST_UNDEFINED")
            outcome = self._call().delete_keys(fingerprint)
            if str(outcome) != "ok":
                raise KeyringUnsound(f"the key {fingerprint} could not be removed")

    def export(self, fingerprint: Fingerprint) -> bytes:
        """
        Return a public key, armored.

        Raises:
            UnknownKey: If it is not in the keyring.
        """
        self._known(fingerprint)
        armored: str = self._call().export_keys(fingerprint)
        return armored.encode("ascii")

    def sealing(
        self,
        recipients: Sequence[Fingerprint],
        *,
        sink: Callable[[bytes], object],
        day: date,
    ) -> Sealing:
        """
        Start sealing; use as `with keyring.sealing(...) as sealing`.

        Args:
            recipients: Every one of them must be fit; ask `usable` first.

            sink: Takes the ciphertext in pieces, called from another thread.

            day: The only date in the message, and the day the keys must be
                good on.

        Returns:
            A context manager with `write`.  See `Sealing` for how it fails.
        """
        return Sealing(
            self._gpg.new_call(at=end_of_day(day), limit_seconds=None),
            [parse_fingerprint(recipient) for recipient in recipients],
            sink=sink,
            explain=lambda keys: self._explain(keys, day),
        )

    def verify_detached(
        self,
        content: bytes,
        signature: bytes,
        *,
        allowed: Collection[Fingerprint],
        today: date,
    ) -> Fingerprint:
        """
        Check that an allowed, certified key signed *content*, just so.

        Args:
            content: What was signed, byte for byte.

            signature: Binary, and one signature only.

            allowed: Primary fingerprints of the keys that count.

            today: The day on which the key must be good.

        Raises:
            SignatureRefused: With the reason.

        Returns:
            The primary fingerprint of the key that signed.
        """
        return verify_detached(
            self._call(end_of_day(today)), content, signature, allowed=allowed
        )

    def key_ids(self) -> dict[Fingerprint, tuple[str, ...]]:
        """
        Return the ids of all keys and their subkeys, by primary fingerprint.

        As gpg lists them: a subkey that its primary key has not bound (RFC 9580,
        section 5.2.1.8) is not in the keyring, whatever a certificate had with it.

        Returns:
            Sixteen upper-case hexadecimal digits each, the primary key's first.
        """
        return {
            Fingerprint(key["fingerprint"]): (
                key["keyid"],
                *(subkey[0] for subkey in key["subkeys"]),
            )
            for key in self._call().listed_keys()
        }

    def listed(self, fingerprint: Fingerprint, *, today: date) -> Any:
        """
        Return a key as gpg lists it on a day, for `crypto.lifetimes`.

        Raises:
            UnknownKey: If it is not in the keyring.
        """
        key = parse_fingerprint(fingerprint)
        listed = _listing(self._gpg, [key], end_of_day(today))
        if key not in listed:
            raise UnknownKey(f"the key {key} is not in the keyring")
        return listed[key]

    def assert_public_only(self) -> None:
        """
        Make sure that there is no private key in this home.

        Raises:
            PrivateKeyFound: If there is, even one that gpg does not list.
        """
        # Since 2.1 private keys are files in this folder, with or without an
        # agent; before that they were in secring.gpg.
        folder = self._home / "private-keys-v1.d"
        old_ring = self._home / "secring.gpg"
        if (folder.is_dir() and any(folder.iterdir())) or (
            old_ring.exists() and old_ring.stat().st_size
        ):
            raise PrivateKeyFound(PrivateKeyFound.__doc__)
        if self._call().listed_keys(secret=True):
            raise PrivateKeyFound(PrivateKeyFound.__doc__)

    def _call(self, at: datetime | None = None) -> GpgCall:
        return self._gpg.new_call(at=at)

    def _known(self, fingerprint: Fingerprint) -> Any:
        key = parse_fingerprint(fingerprint)
        listed = _listing(self._gpg, [key], None)
        if key not in listed:
            raise UnknownKey(f"the key {key} is not in the keyring")
        return listed[key]

    def _explain(self, keys: Sequence[Fingerprint], day: date) -> str:
        refused = self.usable(keys, today=day).refused
        return "; ".join(
            f"the key {key} is refused: {refused.get(key, 'unfit for sealing')}"
            for key in keys
        )

    def _reasons(
        self, keys: Sequence[Fingerprint], today: date
    ) -> dict[Fingerprint, str | None]:
        now = end_of_day(today)
        listed = _listing(self._gpg, keys, now) if keys else {}
        return {
            key: (
                self._reason(self._gpg, listed[key], now)
                if key in listed
                else "not in the keyring"
            )
            for key in keys
        }

    def _reason(self, gpg: GpgCall, listed: Any, now: datetime) -> str | None:
        reason = unfit_because(listed, now=now)
        if reason is None or listed["trust"] in ("e", "r"):
            return reason
        if not reason.startswith("not certified"):
            return reason
        return _why_not_certified(gpg, listed["fingerprint"], now) or reason

    def _fingerprint_in(self, key: bytes) -> Fingerprint:
        with self._scratch_home(copied=False) as scratch:
            gpg = GpgCall(scratch, self._gpg_binary, autostart=False)
            found = gpg.new_call(at=None).scan_keys_mem(key)
        if len(found) != 1:
            raise KeyNotAdmitted("the file is not an OpenPGP key")
        if found[0]["type"] != "pub":
            raise SecretKeyRefused(SecretKeyRefused.__doc__)
        try:
            return parse_fingerprint(found[0]["fingerprint"])
        except MalformedFingerprint as error:
            raise KeyNotAdmitted("the key is of a version not used here") from error

    def _import(self, gpg: GpgCall, key: bytes, fingerprint: Fingerprint) -> None:
        # Without a time: a key from tomorrow is to be refused for that, and not
        # because gpg cannot make sense of it.
        call = gpg.new_call(at=None)
        try:
            result = call.import_keys(key)
        except OSError as error:
            raise KeyNotAdmitted(f"the key {fingerprint} cannot be read") from error
        finally:
            call.clean_up()
        if set(result.fingerprints) != {fingerprint} or result.returncode != 0:
            raise KeyNotAdmitted(f"the key {fingerprint} cannot be read")

    def _set_ownertrust(self, fingerprint: Fingerprint, level: str) -> None:
        result = self._call().trust_keys(fingerprint, level)
        if result.returncode != 0:
            raise KeyringUnsound("the trust database cannot be written")

    @contextmanager
    def _scratch_home(self, *, copied: bool) -> Iterator[Path]:
        """Lend a private folder; public keys are all that is ever in it."""
        with tempfile.TemporaryDirectory(prefix="bisik-keys-") as name:
            scratch = Path(name)  # Made with mode 0700.
            for file in _PUBLIC_FILES if copied else ():
                if (self._home / file).exists():
                    shutil.copy2(self._home / file, scratch / file)
            yield scratch


def _listing(
    gpg: GpgCall, fingerprints: Sequence[Fingerprint], at: datetime | None
) -> dict[Fingerprint, Any]:
    """List keys as they are at a time, by primary fingerprint."""
    listed = gpg.new_call(at=at).listed_keys(fingerprints)
    return {Fingerprint(key["fingerprint"]): key for key in listed}


def _why_not_certified(
    gpg: GpgCall, fingerprint: Fingerprint, now: datetime
) -> str | None:
    """Look closer at a key that gpg's trust model does not find certified."""
    ultimate = [
        key for key in gpg.new_call(at=now).listed_keys() if key["ownertrust"] == "u"
    ]
    if not ultimate:
        return "not certified: there is no organisation key in the keyring"
    organisation = ultimate[0]
    if organisation["trust"] in ("e", "r"):
        return (
            "not certified: the organisation's key "
            f"{organisation['fingerprint']} is {unfit_because(organisation, now=now)}"
        )
    # In gpg's listing with checked signatures, field 1 is the kind, field 2 is
    # "!" for a good one, and field 13 is the issuer's fingerprint.
    revoked = any(
        record[:2] == ["rev", "!"] and record[12:13] == [organisation["fingerprint"]]
        for record in gpg.new_call(at=now).records("--check-sigs", fingerprint)
    )
    return "certification revoked by the organisation" if revoked else None
