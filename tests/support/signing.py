"""A release that somebody has signed, with the key to verify it."""

import subprocess
import tempfile
from pathlib import Path

from support.building import build
from support.pages import ROOT

SIGNER = "Penanda tangan rilis (uji)"


def signed_release(target: Path) -> Path:
    """
    Build a release and sign it.

    Args:
        target: The folder for it, and for release.asc.

    Returns:
        The folder of the release.
    """
    # A path that leaves room for the socket of gpg's agent.
    with tempfile.TemporaryDirectory(prefix="bisik-", dir="/tmp") as home:
        try:
            _gpg(
                home,
                "--passphrase",
                "",
                "--quick-generate-key",
                SIGNER,
                "ed25519",
                "sign",
            )
            release = build(
                "scripts.release",
                ROOT,
                target,
                "--sign",
                SIGNER,
                env={"GNUPGHOME": home},
            )
            public = _gpg(home, "--armor", "--export", SIGNER)
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
    (target / "release.asc").write_text(public)
    return release


def _gpg(home: str, *arguments: str) -> str:
    return subprocess.run(
        ["gpg", "--homedir", home, "--batch", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
