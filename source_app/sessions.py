"""
Sessions: sealed on the server under a key that only the cookie holds.

    cookie = 32 random bytes --HKDF--> id     names the row
                             --HKDF--> key    seals the row
                             --HKDF--> csrf   ties forms to this browser

The row without the cookie is noise, and the cookie without the row opens
nothing.  A visitor who only reads pages has a cookie at most and no row: the
protection of forms needs none, because its value follows from the cookie.

A session ends 30 minutes after its last use.  The exact minute is inside the
sealed row; outside, the row tells only which half hour modulo five it was, which
is enough to sweep it away (docs/spec/session.md).
"""

import base64
import binascii
import hmac
import json
import os
import time
from collections.abc import Callable
from typing import Any, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin

from crypto.keys import expand
from deaddrop import DeadDrop, DeadDropUnavailable

COOKIE_NAME = "bisik"
SECRET_BYTES = 32
SESSION_BYTES = 4096  # A sealed row; every row is exactly this long.
NONCE_BYTES = 12
TAG_BYTES = 16
IDLE_SECONDS = 30 * 60
TICK_SECONDS = 30 * 60
# Rewriting the row at every click would wear the disk for nothing.
TOUCH_SECONDS = 60

_CSRF_FIELD = "csrf_token"  # Flask-WTF's name for it.


class SealedSession(dict[str, Any], SessionMixin):
    """
    What a visitor's browser and this server know together.

    Attributes:
        secret: The cookie's value.

        stored: Whether a row of it is in the dead drop.

        touched: When it was last written, in seconds since the epoch.

        trouble: Why it could not be opened; it then holds nothing.
    """

    def __init__(
        self,
        secret: bytes,
        content: dict[str, Any] | None = None,
        *,
        touched: int = 0,
        new: bool = False,
        trouble: DeadDropUnavailable | None = None,
    ) -> None:
        super().__init__(content or {})
        self.secret = secret
        self.stored = content is not None
        self.touched = touched
        self.trouble = trouble
        self.new = new
        self.modified = False
        self.retired: list[bytes] = []
        self._tie_forms()

    def __repr__(self) -> str:
        return "<SealedSession>"

    def __setitem__(self, key: str, value: Any) -> None:
        self.modified = True
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self.modified = True
        super().__delitem__(key)

    def pop(self, key: str, *default: Any) -> Any:
        """Take a value out."""
        self.modified = self.modified or key in self
        return super().pop(key, *default)

    def begin(self, **content: Any) -> None:
        """
        Start a new session under a new secret.

        Whoever knew the cookie before the sign-in knows nothing after it.
        """
        self.end()
        self.update(content)
        self._tie_forms()

    def end(self) -> None:
        """Forget everything; the old row goes, the old cookie opens nothing."""
        self.retired.append(self.secret)
        self.secret = os.urandom(SECRET_BYTES)
        self.stored = False
        self.new = True
        self.modified = True
        self.clear()
        self._tie_forms()

    @property
    def content(self) -> dict[str, Any]:
        """What has to be kept in a row; empty means that no row is needed."""
        return {key: value for key, value in self.items() if key != _CSRF_FIELD}

    def _tie_forms(self) -> None:
        # Not through __setitem__: this value is derived and is not a change.
        super().__setitem__(_CSRF_FIELD, expand(self.secret, "bisik/v1/csrf", 20).hex())


class SealedSessions(SessionInterface):
    """Flask's door to the sealed sessions."""

    def __init__(self, drop: DeadDrop, *, now: Callable[[], float] = time.time) -> None:
        self._drop = drop
        self._now = now

    def open_session(self, app: Flask, request: Request) -> SealedSession:
        """Open the visitor's session, or give a new one that holds nothing."""
        secret = _parse_cookie(request.cookies.get(COOKIE_NAME, ""))
        if secret is None:
            return SealedSession(os.urandom(SECRET_BYTES), new=True)
        try:
            return self._load(secret)
        except DeadDropUnavailable as error:
            # Flask opens sessions before anything of ours could answer: the page
            # that says so needs a session, too.
            return SealedSession(secret, trouble=error)

    def _load(self, secret: bytes) -> SealedSession:
        row = self._drop.sessions.load(_session_id(secret))
        if row is None:
            return SealedSession(secret)
        now = int(self._now())
        opened = _open(row.sealed, secret)
        if opened is None or not 0 <= now - opened["touched"] <= IDLE_SECONDS:
            self._drop.sessions.delete(_session_id(secret))
            return SealedSession(secret)
        return SealedSession(secret, opened["content"], touched=opened["touched"])

    def save_session(
        self, app: Flask, session: SessionMixin, response: Response
    ) -> None:
        """Seal and store the session if it has changed or grown old."""
        session = cast(SealedSession, session)
        for secret in session.retired:
            self._drop.sessions.delete(_session_id(secret))
        now = int(self._now())
        if session.content:
            if session.modified or now - session.touched >= TOUCH_SECONDS:
                sealed = _seal(session.content, session.secret, touched=now)
                tick = now // TICK_SECONDS
                self._drop.sessions.save(_session_id(session.secret), sealed, tick)
                self._drop.sessions.purge(tick)
        elif session.stored and session.modified:
            self._drop.sessions.delete(_session_id(session.secret))
        if session.new:
            response.set_cookie(
                COOKIE_NAME,
                base64.urlsafe_b64encode(session.secret).decode("ascii"),
                path="/",
                httponly=True,
                samesite="Strict",
                # No `secure`: onion services speak http inside Tor's own
                # encryption, and not every browser counts them as secure.
            )


def _parse_cookie(untrusted_cookie: str) -> bytes | None:
    try:
        secret = base64.b64decode(untrusted_cookie, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return secret if len(secret) == SECRET_BYTES else None


def _session_id(secret: bytes) -> bytes:
    return hmac.digest(secret, b"bisik/v1/session-id", "sha256")


def _cipher(secret: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(expand(secret, "bisik/v1/session", 32))


def _seal(content: dict[str, Any], secret: bytes, *, touched: int) -> bytes:
    room = SESSION_BYTES - NONCE_BYTES - TAG_BYTES
    plain = json.dumps({"touched": touched, "content": content}).encode("ascii")
    if len(plain) > room:
        raise ValueError("the session is too large to be sealed")
    nonce = os.urandom(NONCE_BYTES)
    # JSON may end in white space, so spaces are its natural padding.
    return nonce + _cipher(secret).encrypt(
        nonce, plain.ljust(room), _session_id(secret)
    )


def _open(sealed: bytes, secret: bytes) -> dict[str, Any] | None:
    nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        plain = _cipher(secret).decrypt(nonce, ciphertext, _session_id(secret))
    except InvalidTag:
        return None
    # What the seal vouches for was written by `_seal`.
    return cast(dict[str, Any], json.loads(plain))
