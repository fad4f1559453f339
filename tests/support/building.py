"""Building what is carried to other machines, from this repository or from a copy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from support.pages import ROOT

EPOCH = "1798700000"
"""The moment of the commit, as the tests have it."""

ELSEWHERE = {
    "LC_ALL": "POSIX",
    "PYTHONHASHSEED": "7",
    "TZ": "Asia/Jayapura",
    "USER": "somebody",
}
"""What is different on somebody else's machine."""


def build(
    module: str, source: Path, *arguments: str | Path, env: dict[str, str] | None = None
) -> Path:
    """Build with a module of scripts/ from some folder; return what it made."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=source,
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return Path(done.stdout.splitlines()[0])


def build_elsewhere(module: str, folder: Path, *arguments: str) -> Path:
    """Build from a copy: another folder, umask, language, time zone and home."""
    source = copied_source(folder / "elsewhere")
    before = os.umask(0o077)
    try:
        return build(
            module, source, folder, *arguments, env={**ELSEWHERE, "HOME": str(folder)}
        )
    finally:
        os.umask(before)


def copied_source(path: Path) -> Path:
    """Copy what belongs to the repository to a folder, with other modes."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in reversed(listed.rstrip("\0").split("\0")):
        if (ROOT / name).is_file():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, path / name)
            (path / name).chmod(0o600)
    return path
