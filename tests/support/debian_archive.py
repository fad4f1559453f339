"""Where this machine has its Debian packages from: for Debians made by tests."""

import os
import subprocess
from pathlib import Path

SUITE = "bookworm"


def sources(cache: Path) -> str:
    """
    Return where this machine has its packages from, as a sources.list.

    Args:
        cache: A folder for lists of packages.
    """
    lists = cache / "lists"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    own_lists = ["-o", f"Dir::State::lists={lists}", "-o", "APT::Sandbox::User="]
    subprocess.run(["apt-get", "--quiet", "--quiet", *own_lists, "update"], check=True)
    wanted = "deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    asked = ["indextargets", "--format", wanted, "Created-By: Packages"]
    said = subprocess.run(
        ["apt-get", *own_lists, *asked], capture_output=True, text=True, check=True
    ).stdout
    suites = {SUITE, f"{SUITE}-updates", f"{SUITE}-security"}
    lines = sorted({line for line in said.splitlines() if line.split()[2] in suites})
    return "".join(f"{line}\n" for line in lines)


def settings() -> str:
    """Return how this machine reaches them, as an apt.conf."""
    said = subprocess.run(
        ["apt-config", "dump"], capture_output=True, text=True, check=True
    ).stdout
    reaching = ("Acquire::http", "Acquire::Check-", "Acquire::Retries")
    lines = [line for line in said.splitlines() if line.startswith(reaching)]
    lines += [
        f'Acquire::{kind}::Proxy "{os.environ[f"{kind}_proxy"]}";'
        for kind in ("http", "https")
        if os.environ.get(f"{kind}_proxy")
    ]
    return "".join(f"{line}\n" for line in lines)
