"""People who get notifications: a key of their own, and a program that opens mail."""

import email
import email.policy
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

from support.reporters import DAY

MADE = DAY - timedelta(days=7)


@dataclass(frozen=True)
class Mailbox:
    """
    Somebody with a mail program.

    Attributes:
        home: Their GNUPGHOME; nothing of it is ever on a server.

        address: Of the mailbox.
    """

    home: Path
    address: str

    @classmethod
    def made(cls, home: Path, address: str, *, algorithm: str = "default") -> "Mailbox":
        """Make a key as their own gpg makes it."""
        home.mkdir(mode=0o700)
        mailbox = cls(home, address)
        made = ("--faked-system-time", f"{MADE:%Y%m%d}T000000!")
        mailbox.gpg(
            *(*made, "--quick-generate-key", f"<{address}>", algorithm, "default", "1y")
        )
        if algorithm.startswith("rsa"):
            # Made without a part that can be sealed to.
            add = ("--quick-add-key", mailbox.fingerprint, algorithm, "encr", "1y")
            mailbox.gpg(*made, *add)
        return mailbox

    @property
    def fingerprint(self) -> str:
        """As its owner reads it out."""
        listed = self.gpg("--with-colons", "--list-keys").decode()
        return next(
            line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr")
        )

    @property
    def certificate(self) -> str:
        """The public key."""
        return self.gpg("--armor", "--export").decode()

    def opened(self, message: bytes) -> str:
        """Open a mail as PGP/MIME is opened (RFC 3156), and return its text."""
        parsed = email.message_from_bytes(message, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        assert "multipart/encrypted" == parsed.get_content_type()
        control, sealed = parsed.iter_parts()
        assert "application/pgp-encrypted" == control.get_content_type()
        assert "Version: 1" in control.get_payload()
        payload = sealed.get_payload(decode=True)
        assert isinstance(payload, bytes)
        inner = self.gpg("--decrypt", stdin=payload)
        text = email.message_from_bytes(inner, policy=email.policy.default)
        assert isinstance(text, EmailMessage)
        return str(text.get_content())

    def gpg(self, *words: str, stdin: bytes = b"") -> bytes:
        """Run their gpg."""
        done = subprocess.run(
            [
                *("gpg", "--homedir", self.home, "--batch", "--quiet"),
                *("--pinentry-mode", "loopback", "--passphrase", "", *words),
            ],
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert 0 == done.returncode, done.stderr
        return done.stdout

    def close(self) -> None:
        """End their agent."""
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], check=True)
