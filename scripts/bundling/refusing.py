"""What the building of a bundle refuses, and how it runs the programs that it needs."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class BundleError(Exception):
    """The bundle was not built."""


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
) -> str:
    """
    Run a program and return what it wrote.

    Raises:
        BundleError: If it is not there or fails, with what it complained of.
    """
    try:
        done = subprocess.run(
            command, env=env, check=False, capture_output=True, text=True
        )
    except OSError as error:
        raise BundleError(f"{command[0]}: {error.strerror}") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise BundleError(f"{Path(command[0]).name} failed: {said}")
    return done.stdout
