"""
Passphrases of keys, as gpg takes them: through a file descriptor, byte for byte.
"""

from crypto.errors import CryptoError
from crypto.gpg import GpgCall

# Given a longer one, gpg-agent 2.2 answers "Too much data for IPC layer".
PASSPHRASE_BYTES = 255


class UnusablePassphrase(CryptoError):
    """A passphrase must be 1 to 255 bytes on one line."""


def as_passphrase(passphrase: bytes | None) -> str | None:
    """
    Make a passphrase what python-gnupg takes, byte for byte.

    Raises:
        UnusablePassphrase: If it is empty, too long, or has a line end or a zero.
    """
    if passphrase is None:
        return None
    if not 0 < len(passphrase) <= PASSPHRASE_BYTES or set(passphrase) & set(b"\0\r\n"):
        raise UnusablePassphrase(UnusablePassphrase.__doc__)
    return passphrase.decode(GpgCall.ENCODING)
