"""
The people of the OpenPGP tests: an organisation, good officers and bad keys.

Names and addresses are test data.
"""

import subprocess
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from crypto.openpgp import Fingerprint

MADE = date(2026, 11, 2)
TODAY = date(2026, 11, 24)
YESTERDAY = TODAY - timedelta(days=1)


@dataclass(frozen=True)
class World:
    """
    Everybody's keys.

    `workshop` is the only home with private keys, except for the organisation's.
    `key` and `file` go by name: "ani" and "budi" are officers in good standing,
    the others are named after what is wrong with them.
    """

    workshop: Path
    organisation_home: Path
    organisation: Fingerprint
    organisation_file: bytes
    key: dict[str, Fingerprint]
    file: dict[str, bytes]
    secret_file: bytes
    signed_before_revocation: bytes
    today: date = TODAY

    def gpg(self, *arguments: str, at: str, content: bytes = b"") -> bytes:
        """Run gpg on the workshop."""
        return run_gpg(self.workshop, *arguments, at=at, content=content)


def run_gpg(home: Path, *arguments: str, at: str, content: bytes = b"") -> bytes:
    """Run gpg for what our own code refuses to do."""
    return subprocess.run(
        ["gpg", "--homedir", str(home), "--no-options", "--batch", "--no-tty"]
        + ["--pinentry-mode", "loopback", "--passphrase", "", "--yes"]
        + ["--faked-system-time", f"{at}!", *arguments],
        input=content,
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout
