"""
Signing in: user name, passphrase and one-time password, and one answer to all mistakes.

    name --wait?--> counted as a failure --> Argon2id, always once
                                               --> one-time password or recovery code,
                                                   each taken once --> forgotten

Whether a name exists, which part was wrong and how long it took tell nothing.  After
failures a name has to wait, twice as long each time, a quarter of an hour at most:
whoever guesses gets nowhere, and the officer is never locked out for good.  An attempt
is counted before anything is looked at, so that many at once are as many failures.

One-time passwords are TOTP (RFC 6238) as `pyotp` makes them: six digits, 30 seconds;
the step before and the one after count as well, since clocks differ.
"""

import hashlib
import hmac
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pyotp
from cryptography.exceptions import InvalidKey, InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from crypto.keys import LANES, RFC_9106_LOW_MEMORY, StretchingCost, expand
from deaddrop import DeadDrop
from deaddrop.accounts import Account, CourierSession
from journalist_app.courier.errors import SignInRefused

STEP_SECONDS = 30
STEPS_AROUND = 1
FREE_FAILURES = 3
FIRST_WAIT_SECONDS = 5
LONGEST_WAIT_SECONDS = 15 * 60
IDLE_SECONDS = 30 * 60
LONGEST_SESSION_SECONDS = 12 * 60 * 60
SEEN_EVERY_SECONDS = 60
PASSPHRASE_CHARACTERS = 15  # At least; NIST SP 800-63B-4, section 3.1.1.2.
LONGEST_PASSPHRASE_CHARACTERS = 255
CODES = 8
CODE_BYTES = 10
TOKEN_BYTES = 32
KEY_BYTES = 32
_NONCE_BYTES = 12


@dataclass(frozen=True)
class NewAccount:
    """What an officer is given once, on paper or read out."""

    user_name: str
    passphrase: str = field(repr=False)
    totp_secret: str = field(repr=False)
    codes: tuple[str, ...] = field(repr=False)

    def provisioning_uri(self, issuer: str) -> str:
        """Return what an authenticator reads from a QR code."""
        return pyotp.TOTP(self.totp_secret).provisioning_uri(
            name=self.user_name, issuer_name=issuer
        )


class SignIn:
    """Lets officers in, and knows who is in."""

    def __init__(
        self,
        drop: DeadDrop,
        *,
        key: bytes,
        now: Callable[[], float],
        entropy: Callable[[int], bytes],
        cost: StretchingCost = RFC_9106_LOW_MEMORY,
        at_once: int = 2,
    ) -> None:
        """
        Args:
            drop: Has the accounts.

            key: 32 bytes that are not in the database.

            now: Seconds since the epoch.

            entropy: Gives random bytes.

            cost: Of a passphrase.

            at_once: How many passphrases are stretched at a time; 64 MiB each.
        """
        self._accounts = drop.accounts
        self._cipher = ChaCha20Poly1305(expand(key, "bisik/v1/courier/totp", KEY_BYTES))
        self._name_key = expand(key, "bisik/v1/courier/throttle", KEY_BYTES)
        self._now = now
        self._entropy = entropy
        self._cost = cost
        self._places = threading.BoundedSemaphore(at_once)
        # For names that do not exist: the same work as for those that do.
        self._nobody = self._hash(entropy(KEY_BYTES))

    def make_account(
        self, fingerprint: str, user_name: str, passphrase: str
    ) -> NewAccount:
        """
        Make an officer's account anew.

        Raises:
            UnknownOfficer: If no active officer has this key.
        """
        made = NewAccount(
            user_name=user_name,
            passphrase=passphrase,
            totp_secret=pyotp.random_base32(),
            codes=tuple(self._entropy(CODE_BYTES).hex() for _ in range(CODES)),
        )
        self._accounts.put(
            Account(
                fingerprint=fingerprint,
                user_name=user_name,
                passphrase_phc=self._hash(passphrase.encode()),
                totp_sealed=self._seal(made.totp_secret, fingerprint),
                last_step=0,
            ),
            code_digests=[_digest(code) for code in made.codes],
        )
        return made

    def sign_in(self, user_name: str, passphrase: str, code: str) -> str:
        """
        Let an officer in.

        Args:
            user_name: As the operator gave it; capital letters do not matter.

            passphrase: As it is.

            code: Six digits of the authenticator, or a recovery code.

        Raises:
            SignInRefused: Whatever is wrong; `wait_seconds` says until when
                nothing is even looked at.

        Returns:
            The session's name, for the cookie.
        """
        name = user_name.strip().casefold()
        name_hmac = hmac.digest(self._name_key, name.encode(), "sha256")
        second = int(self._now())
        wait = self._begin_attempt(name_hmac, second)
        account = self._accounts.find(name)
        right = self._verify(
            account.passphrase_phc if account else self._nobody, passphrase
        )
        if account is None or not right or not self._accept(account, code):
            raise SignInRefused(wait_seconds=wait)
        self._accounts.forget_failures(name_hmac)
        token = self._entropy(TOKEN_BYTES).hex()
        self._accounts.forget_sessions(
            begun_before=second - LONGEST_SESSION_SECONDS,
            seen_before=second - IDLE_SECONDS,
        )
        self._accounts.start_session(
            _digest(token), CourierSession(account.fingerprint, second, second)
        )
        return token

    def officer_of(self, untrusted_token: str) -> str | None:
        """Return the fingerprint of whoever has this session, if it has not ended."""
        digest = _digest(untrusted_token)
        session = self._accounts.session(digest)
        second = int(self._now())
        if (
            session is None
            or second - session.begun_second > LONGEST_SESSION_SECONDS
            or second - session.seen_second > IDLE_SECONDS
        ):
            return None
        if second - session.seen_second >= SEEN_EVERY_SECONDS:
            self._accounts.touch_session(digest, second)
        return session.fingerprint

    def sign_out(self, untrusted_token: str) -> None:
        """End a session."""
        self._accounts.end_session(_digest(untrusted_token))

    def change_passphrase(self, user_name: str, old: str, new: str) -> None:
        """
        Give an account another passphrase; its sessions end.

        Raises:
            SignInRefused: If the old one is wrong, or too often was.
        """
        name_hmac = hmac.digest(self._name_key, user_name.encode(), "sha256")
        second = int(self._now())
        wait = self._begin_attempt(name_hmac, second)
        account = self._accounts.find(user_name)
        if account is None or not self._verify(account.passphrase_phc, old):
            raise SignInRefused(wait_seconds=wait)
        self._accounts.forget_failures(name_hmac)
        self._accounts.set_passphrase(account.fingerprint, self._hash(new.encode()))

    def _accept(self, account: Account, untrusted_code: str) -> bool:
        code = "".join(untrusted_code.split()).lower()
        if len(code) == 2 * CODE_BYTES:
            return self._accounts.accept_code(account.fingerprint, _digest(code))
        try:
            secret = self._open(account)
        except InvalidTag:
            return False
        totp = pyotp.TOTP(secret)
        current = int(self._now()) // STEP_SECONDS
        matching = [
            step
            for step in range(current - STEPS_AROUND, current + STEPS_AROUND + 1)
            if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())
        ]
        return any(
            self._accounts.accept_step(account.fingerprint, step) for step in matching
        )

    def _begin_attempt(self, name_hmac: bytes, second: int) -> int:
        """Count an attempt as failed; return how long to wait if it turns out so."""
        attempt = self._accounts.begin_attempt(
            name_hmac, second, wait_seconds=_wait_seconds
        )
        if not attempt.counted:
            raise SignInRefused(wait_seconds=attempt.throttle.until_second - second)
        return attempt.throttle.until_second - second

    def _hash(self, passphrase: bytes) -> str:
        with self._places:
            return Argon2id(
                salt=self._entropy(16),
                length=KEY_BYTES,
                iterations=self._cost.passes,
                lanes=LANES,
                memory_cost=self._cost.memory_kib,
            ).derive_phc_encoded(passphrase)

    def _verify(self, phc: str, passphrase: str) -> bool:
        with self._places:
            try:
                Argon2id.verify_phc_encoded(passphrase.encode(), phc)
            except InvalidKey:
                return False
        return True

    def _seal(self, secret: str, fingerprint: str) -> bytes:
        nonce = self._entropy(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, secret.encode(), fingerprint.encode())
        return nonce + sealed

    def _open(self, account: Account) -> str:
        nonce, sealed = (
            account.totp_sealed[:_NONCE_BYTES],
            account.totp_sealed[_NONCE_BYTES:],
        )
        opened = self._cipher.decrypt(nonce, sealed, account.fingerprint.encode())
        return opened.decode()


def _wait_seconds(failures: int) -> int:
    if failures < FREE_FAILURES:
        return 0
    doublings = min(failures - FREE_FAILURES, 20)
    return min(FIRST_WAIT_SECONDS << doublings, LONGEST_WAIT_SECONDS)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
