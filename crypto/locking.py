"""
Locking: a few bytes under a passphrase, for a backup that lies somewhere else.

    gpg --decrypt FILE | tar --extract      opens it without Bisik

One OpenPGP message under a passphrase alone (RFC 9580, sections 3.7.1.3 and 5.3):
AES-256, and the passphrase hashed as long as the format allows.  GnuPG makes it in a
home of its own that is gone afterwards.
"""

import tempfile
from pathlib import Path
from typing import Any, Final

from crypto.agent import AgentHome
from crypto.errors import CryptoError
from crypto.gpg import GpgCall

# The most that GnuPG counts to; some seconds on a slow machine.
S2K_COUNT: Final = 65_011_712
_OPTIONS = (
    "--s2k-cipher-algo",
    "AES256",
    "--s2k-digest-algo",
    "SHA512",
    "--s2k-count",
    str(S2K_COUNT),
    "--compress-algo",
    "none",
)


class CannotLock(CryptoError):
    """GnuPG could not lock it under this passphrase."""


class CannotUnlock(CryptoError):
    """The passphrase is not the right one, or the file is damaged."""


def lock(content: bytes, *, passphrase: bytes, gpg_binary: str = "gpg") -> bytes:
    """
    Lock *content* under a passphrase.

    Raises:
        CannotLock: If GnuPG does not do it.
    """
    with (
        tempfile.TemporaryDirectory(prefix="bisik-") as name,
        AgentHome(Path(name)) as home,
    ):
        call = _call(home, gpg_binary)
        try:
            made: Any = call.encrypt(
                content,
                None,
                symmetric="AES256",
                armor=False,
                passphrase=_text(passphrase),
                extra_args=list(_OPTIONS),
            )
        finally:
            call.clean_up()
    if not made.ok or not made.data:
        raise CannotLock(CannotLock.__doc__)
    return bytes(made.data)


def unlock(untrusted: bytes, *, passphrase: bytes, gpg_binary: str = "gpg") -> bytes:
    """
    Open what `lock` has made.

    Raises:
        CannotUnlock: If the passphrase is wrong, or a bit has changed.
    """
    with (
        tempfile.TemporaryDirectory(prefix="bisik-") as name,
        AgentHome(Path(name)) as home,
    ):
        call = _call(home, gpg_binary)
        try:
            opened: Any = call.decrypt(untrusted, passphrase=_text(passphrase))
        finally:
            call.clean_up()
    if not opened.ok or opened.returncode != 0:
        raise CannotUnlock(CannotUnlock.__doc__)
    return bytes(opened.data)


def _call(home: AgentHome, gpg_binary: str) -> GpgCall:
    return GpgCall(home.path, gpg_binary, autostart=True).new_call(at=None)


def _text(passphrase: bytes) -> str:
    # Every byte is a character of Latin-1, as GpgCall passes them on.
    return passphrase.decode(GpgCall.ENCODING)
