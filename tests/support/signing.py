"""
Whoever signs releases, with a key of their own.

    with a_signer() as signer:
        folder = signer.release(target)
        signer.certificate           # what servers know the signer by
"""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.building import EPOCH, build
from support.pages import ROOT

SIGNER = "Penanda tangan rilis (uji)"


@dataclass(frozen=True)
class Signer:
    """
    A signer; made by `a_signer`.

    Attributes:
        home: With the key, for gpg.

        certificate: The file with the public key.
    """

    home: Path
    certificate: Path

    def release(self, target: Path, *, source: Path = ROOT, minutes: int = 0) -> Path:
        """
        Build a release and sign it.

        Args:
            target: The folder for it.

            source: What it is built from.

            minutes: By how much it is later than other releases; its version says so.

        Returns:
            The folder of the release.
        """
        return build(
            *("scripts.release", source, target, "--sign", SIGNER),
            env={
                "GNUPGHOME": str(self.home),
                "SOURCE_DATE_EPOCH": str(int(EPOCH) + 60 * minutes),
            },
        )

    def gpg(self, *arguments: str) -> str:
        """Run gpg with the key at hand."""
        return subprocess.run(
            ["gpg", "--homedir", self.home, "--batch", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout


@contextmanager
def a_signer() -> Iterator[Signer]:
    """Have somebody who signs releases."""
    # A path that leaves room for the socket of gpg's agent.
    with tempfile.TemporaryDirectory(prefix="bisik-", dir="/tmp") as home:
        signer = Signer(Path(home), Path(home) / "release.asc")
        try:
            signer.gpg(
                *("--passphrase", "", "--quick-generate-key", SIGNER),
                *("ed25519", "sign"),
            )
            signer.certificate.write_text(signer.gpg("--armor", "--export", SIGNER))
            yield signer
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
