"""
OpenPGP with private keys: opening what was sealed, and signing.

For the desk only.  The server holds no private key and imports nothing from
here; `tests/test_architecture.py` sees to that.

Specified in docs/spec/sealed-item-openpgp.md.  OpenPGP is RFC 9580 and RFC 4880.
"""

import io
import time
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Generic, Self, TypedDict, TypeVar

from crypto.agent import AgentHome
from crypto.errors import CryptoError
from crypto.fingerprint import Fingerprint, parse_fingerprint
from crypto.gpg import CALL_SECONDS, GpgCall, GpgMissing, end_of_day
from crypto.packets import Envelope, IncompleteMessage, read_envelope
from crypto.passphrase import as_passphrase
from crypto.smartcard import wait_for_card, why_card_failed
from crypto.subkeys import (
    EncryptionSubkey,
    NoKeyPair,
    OfficerKeys,
    destroy,
    extend,
    has_card_key,
    list_officer_keys,
    make_subkeys,
)

T = TypeVar("T")


class CannotOpen(CryptoError):
    """The sealed item cannot be opened, or it is not whole."""


class CannotSign(CryptoError):
    """The signature could not be made."""


class CardCannotOpen(CannotOpen):
    """The smartcard with the key did not open it."""


class CardCannotSign(CannotSign):
    """The smartcard with the key did not sign."""


class SecretKeyring:
    """
    An officer's private keys; a context manager, and not for two threads.

    `close` ends the gpg-agent that this keyring caused to start.
    """

    def __init__(
        self,
        home: Path,
        *,
        passphrase: bytes | None = None,
        asks: bool = False,
        gpg_binary: str = "gpg",
    ) -> None:
        """
        Args:
            home: The GNUPGHOME.

            passphrase: Of the keys, given to gpg through a file descriptor.
                None if they have none, or if the agent asks.

            asks: Whether the agent's own pinentry asks for it, or for the PIN of
                a smartcard, however long that takes.

            gpg_binary: Name or path of gpg 2.2 or newer.

        Raises:
            GpgMissing: If gpg cannot be started.

            UnusablePassphrase: If gpg could not take it as it is.
        """
        self._passphrase = as_passphrase(passphrase)
        self._unlocking: _Unlocking = {"passphrase": passphrase, "asks": asks}
        self._home = home
        self._card_awaited = False
        self._agent = AgentHome(home)
        try:
            self._gpg = GpgCall(self._agent.path, gpg_binary, autostart=True)
        except GpgMissing:
            self._agent.close()
            raise

    def __repr__(self) -> str:
        return f"SecretKeyring({str(self._agent.path)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the agent if we started it.  May be called twice."""
        self._agent.close()

    def has_lost_its_agent(self) -> bool:
        """
        Tell whether the agent that was found has ended since.

        What failed because of that goes well when it is done again.
        """
        return self._agent.has_lost_it()

    def fingerprints(self) -> tuple[Fingerprint, ...]:
        """Return the primary fingerprints of the key pairs in this home."""
        listed = self._gpg.new_call(at=None).listed_keys(secret=True)
        return tuple(Fingerprint(key["fingerprint"]) for key in listed)

    def open(self, sealed: Path, *, reader: Callable[[BinaryIO], T]) -> T:
        """
        Open one sealed item, and read what is in it.

        The plaintext reaches *reader* before it is known whether the item is whole
        and unchanged: gpg streams, and only its last words tell.  **The caller
        must hold back everything that was read, and throw it away if this raises.**
        A reader that raises ends gpg at once.

        Args:
            sealed: The item's file.

            reader: Reads the plaintext to its end, called from another thread.

        Raises:
            CannotOpen: Unless the file could be read to its end, and was exactly
                one complete message, and gpg said that decryption went well, and
                left with exit code 0, and all was read.

            CardCannotOpen: If the key that it is sealed to is on a smartcard that
                was not there, or not unlocked.

            Exception: What *reader* raised, if gpg was not at its end before.

        Returns:
            What *reader* returned.
        """
        envelope = _check_framing(sealed)
        self._await_card()
        call = self._gpg.new_call(at=None, limit_seconds=None)
        call.reader = reading = _Reading(reader, call.stop)
        broken: OSError | None = None
        try:
            # gpg reads the file itself: one copy less than through a pipe.
            call.decrypt_file(
                io.BytesIO(),
                passphrase=self._passphrase,
                extra_args=[str(sealed.absolute())],
            )
        except OSError as error:
            broken = error
        finally:
            call.clean_up()
        if not reading.has_stopped_gpg:
            outcome = call.outcome
            if broken is not None or not outcome.ok or outcome.returncode != 0:
                card = self._card_that_opens(envelope.recipient_key_ids)
                if broken is None and card is not None:
                    raise CardCannotOpen(why_card_failed(self._agent.ask, card))
                status = getattr(outcome, "status", "") or "decryption failed"
                raise CannotOpen(f"the item cannot be opened: {status}") from broken
        return reading.result()

    def sign_detached(
        self, content: bytes, *, signer: Fingerprint, day: date | None = None
    ) -> bytes:
        """
        Sign bytes; the signature is binary and apart from them.

        Args:
            content: What to sign, byte for byte.

            signer: Primary fingerprint of one of our key pairs.

            day: The only time in the signature.  Today (UTC) by default.

        Raises:
            CannotSign: If there is no such key, or it is expired or revoked, or
                the passphrase is wrong.

            CardCannotSign: If it is on a smartcard that was not there, or not
                unlocked.
        """
        key = parse_fingerprint(signer)
        self._await_card()
        at = end_of_day(day or datetime.now(UTC).date())
        limit_seconds = None if self._unlocking["asks"] else CALL_SECONDS
        call = self._gpg.new_call(at=at, limit_seconds=limit_seconds)
        broken: OSError | None = None
        try:
            call.sign_file(
                io.BytesIO(content),
                # Not python-gnupg's keyid, which becomes --default-key: when that
                # key is expired or missing, gpg signs with another one instead.
                extra_args=["--local-user", key],
                passphrase=self._passphrase,
                clearsign=False,
                detach=True,
                binary=True,
            )
        except OSError as error:
            broken = error
        finally:
            call.clean_up()
        outcome = call.outcome
        if broken is not None or not outcome or outcome.returncode != 0:
            card = self._card_that_signs(key)
            if broken is None and card is not None:
                raise CardCannotSign(why_card_failed(self._agent.ask, card))
            raise CannotSign(f"the key {key} cannot sign") from broken
        signature: bytes = outcome.data
        return signature

    def officer_keys(self, officer: Fingerprint) -> OfficerKeys:
        """
        List one of our key pairs with its encryption subkeys.

        Raises:
            NoKeyPair: If it is not here.
        """
        return list_officer_keys(self._gpg, officer)

    def make_subkeys(self, officer: Fingerprint, *, today: date) -> int:
        """
        Make the subkeys that are missing from now on; return how many.

        Raises:
            SubkeyNotMade: If one could not be made.
        """
        unlocking = self._for_making(officer)
        return make_subkeys(self._gpg, officer, today=today, **unlocking)

    def extend(self, officer: Fingerprint, *, ends: date, today: date) -> None:
        """
        Give one of our primary keys another end.

        Raises:
            NotExtended: If it keeps the one it has.
        """
        unlocking = self._for_making(officer)
        extend(self._gpg, officer, ends=ends, today=today, **unlocking)

    def destroy(
        self, officer: Fingerprint, doomed: Collection[EncryptionSubkey]
    ) -> None:
        """
        Destroy private subkeys: what was sealed to them is opened by nobody again.

        Raises:
            NotDestroyed: If one of them is still there.
        """
        destroy(self._gpg, self._home, officer, doomed)

    def _await_card(self) -> None:
        """Before the first use: the card may be busy with whoever had it before us."""
        if not self._card_awaited:
            self._card_awaited = True
            if has_card_key(self._home):
                wait_for_card(self._agent.ask, pause=time.sleep)

    def _card_that_opens(self, key_ids: Collection[str]) -> str | None:
        """Return the serial number of the smartcard that opens, if one does."""
        # A bundle may have thousands that do not open, and gpg lists keys slowly.
        if not has_card_key(self._home):
            return None
        for officer in self.fingerprints():
            for subkey in self.officer_keys(officer).subkeys:
                if subkey.card is not None and subkey.key_id in key_ids:
                    return subkey.card
        return None

    def _card_that_signs(self, signer: Fingerprint) -> str | None:
        """Return the serial number of the smartcard that signs, if one does."""
        try:
            return self.officer_keys(signer).card
        except NoKeyPair:
            return None

    def _for_making(self, officer: Fingerprint) -> "_Unlocking":
        """Return how to unlock what makes keys, asking once if the agent asks."""
        self._await_card()
        if not self._unlocking["asks"] or not self.officer_keys(officer).on_disk:
            return self._unlocking
        # A card's PIN is remembered by the card; a passphrase is asked for each
        # time that gpg makes a subkey.
        return {"passphrase": self._agent.ask_passphrase(new=False), "asks": False}


class _Unlocking(TypedDict):
    """How a key pair is unlocked."""

    passphrase: bytes | None
    asks: bool


class _Reading(Generic[T]):
    """A reader of gpg's output, and what became of it in another thread."""

    def __init__(
        self, reader: Callable[[BinaryIO], T], stop: Callable[[], object]
    ) -> None:
        self._reader = reader
        self._stop = stop
        self._results: list[T] = []
        self._failure: BaseException | None = None
        self._stopped = False

    def __call__(self, stream: BinaryIO) -> None:
        """Read; python-gnupg calls this from a thread of its own."""
        try:
            self._results.append(self._reader(stream))
        except BaseException as error:  # noqa: BLE001 - `result` raises it.
            self._failure = error
        if stream.read(1):
            self._stopped = True
            self._stop()

    def result(self) -> T:
        """Return what was read, or raise what the reader raised."""
        if self._failure is not None:
            raise self._failure
        if self._stopped:
            raise CannotOpen("more was sealed than was read")
        return self._results[0]

    @property
    def has_stopped_gpg(self) -> bool:
        """Whether gpg had more to say, so that its last words mean nothing."""
        return self._stopped


def _check_framing(sealed: Path) -> Envelope:
    """Refuse what is not exactly one message; gpg reads over what follows it."""
    try:
        with sealed.open("rb") as file:
            return read_envelope(file)
    except (OSError, IncompleteMessage) as error:
        raise CannotOpen(str(error)) from error
