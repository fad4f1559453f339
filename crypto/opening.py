"""
OpenPGP with private keys: opening what was sealed, and signing.

For the desk only.  The server holds no private key and imports nothing from
here; `tests/test_architecture.py` sees to that.

Specified in docs/spec/sealed-item-openpgp.md.  OpenPGP is RFC 9580 and RFC 4880.
"""

import io
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypedDict

from crypto.agent import AgentHome
from crypto.errors import CryptoError
from crypto.fingerprint import Fingerprint, parse_fingerprint
from crypto.gpg import CALL_SECONDS, GpgCall, GpgMissing, end_of_day
from crypto.packets import EnvelopeReader, IncompleteMessage
from crypto.passphrase import as_passphrase
from crypto.subkeys import (
    EncryptionSubkey,
    OfficerKeys,
    destroy,
    extend,
    list_officer_keys,
    make_subkeys,
)


class CannotOpen(CryptoError):
    """The sealed item cannot be opened, or it is not whole."""


class CannotSign(CryptoError):
    """The signature could not be made."""


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

    def open(self, sealed: BinaryIO, *, sink: Callable[[bytes], object]) -> None:
        """
        Open one sealed item.

        The plaintext reaches *sink* before it is known whether the item is whole
        and unchanged: gpg streams, and only its last words tell.  **The caller
        must hold back everything that reached the sink, and throw it away if
        this raises.**  A sink that raises ends gpg at once, which is how a caller
        limits the size.

        Args:
            sealed: The item, from its first byte to its last.

            sink: Takes the plaintext in pieces, called from another thread.

        Raises:
            CannotOpen: Unless *sealed* could be read to its end, and was exactly
                one complete message, and gpg said that decryption went well, and
                left with exit code 0.
        """
        call = self._gpg.new_call(at=None, limit_seconds=None)
        watched = _Watched(sealed)
        failed = False

        def take(plaintext: bytes) -> bool:
            nonlocal failed
            if failed or not plaintext:
                return False
            try:
                sink(plaintext)
            except BaseException:
                # python-gnupg keeps the exception for us, and would go on.
                failed = True
                call.stop()
                raise
            return False

        call.on_data = take
        broken: Exception | None = None
        try:
            call.decrypt_file(watched, passphrase=self._passphrase)
        except (OSError, IncompleteMessage) as error:
            broken = error
        finally:
            call.clean_up()
        outcome = call.outcome
        if outcome is not None and outcome.on_data_failure is not None:
            raise CannotOpen("the plaintext could not be put away") from (
                outcome.on_data_failure
            )
        if watched.failure is not None:
            raise CannotOpen(str(watched.failure)) from watched.failure
        if broken is not None or not outcome.ok or outcome.returncode != 0:
            status = getattr(outcome, "status", "") or "decryption failed"
            raise CannotOpen(f"the item cannot be opened: {status}") from broken
        try:
            watched.envelope.finish()
        except IncompleteMessage as error:
            raise CannotOpen(str(error)) from error

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
        """
        key = parse_fingerprint(signer)
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

    def _for_making(self, officer: Fingerprint) -> "_Unlocking":
        """Return how to unlock what makes keys, asking once if the agent asks."""
        if not self._unlocking["asks"] or not self.officer_keys(officer).on_disk:
            return self._unlocking
        # A card's PIN is remembered by the card; a passphrase is asked for each
        # time that gpg makes a subkey.
        return {"passphrase": self._agent.ask_passphrase(new=False), "asks": False}


class _Unlocking(TypedDict):
    """How a key pair is unlocked."""

    passphrase: bytes | None
    asks: bool


class _Watched:
    """A stream whose framing is checked while python-gnupg reads it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.envelope = EnvelopeReader()
        self.failure: IncompleteMessage | None = None

    def read(self, size: int, /) -> bytes:
        piece = self._stream.read(size)
        try:
            self.envelope.feed(piece)
        except IncompleteMessage as error:
            # Raised again by python-gnupg in the thread that called it.
            self.failure = error
            raise
        return piece
