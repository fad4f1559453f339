"""
The machine that an upgrade works on: what systemd, dpkg and the releases do for it.

Every program that an upgrade starts is started here, with an environment of its own.
Tests bring programs of their own for systemctl and dpkg; nothing else of it is theirs.
"""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from ops.errors import OpsError

SERVICES = (
    "bisik-site.service",
    "bisik-courier.service",
    "bisik-tidy.service",
    "bisik-notify-seal.service",
    "bisik-counters.service",
    "bisik-backup.service",
    "bisik-doctor.service",
)
"""All that open the dead drop.  The sockets are none: there visitors wait."""
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# Uploads that are under way have 30 seconds (GRACEFUL_SECONDS), a backup some more.
_SERVICE_SECONDS = 300
_PACKAGE_SECONDS = 300


class ProgramFailed(OpsError):
    """A program that an upgrade needs did not do its work."""


class AlteredRelease(OpsError):
    """The files of a release are not as they were packaged."""


@dataclass(frozen=True)
class Host:
    """
    The programs.

    Attributes:
        systemctl: systemctl(1).

        dpkg: dpkg(1).
    """

    systemctl: str = "systemctl"
    dpkg: str = "dpkg"

    def verify(self, version: str) -> None:
        """
        Compare the files of a release with what was packaged.

        Raises:
            AlteredRelease: If one differs, or the package is not installed.
        """
        package = f"bisik-server-{version}"
        done = self._run([self.dpkg, "--verify", package], _PACKAGE_SECONDS)
        if done.returncode != 0 or done.stdout or done.stderr:
            said = (done.stdout or done.stderr).strip().splitlines()
            detail = said[0] if said else "dpkg does not say why"
            raise AlteredRelease(f"{package} is not as it was packaged: {detail}")

    def running(self) -> list[str]:
        """Return which services run at this moment, or are about to."""
        return [
            unit
            for unit in SERVICES
            if self._run(
                [self.systemctl, "show", "--property=ActiveState", "--value", unit],
                _SERVICE_SECONDS,
            ).stdout.strip()
            in {"active", "activating", "reloading", "deactivating"}
        ]

    def stop(self, units: Sequence[str]) -> None:
        """
        Stop services, and wait until they have.

        Raises:
            ProgramFailed: If one does not.
        """
        if units:
            self._systemctl("stop", units)

    def start(self, units: Sequence[str]) -> None:
        """
        Start services, and wait until they are ready.

        Raises:
            ProgramFailed: If one is not.
        """
        if not units:
            return
        # A release brings its units; and a service may have failed in the meantime.
        self._systemctl("daemon-reload", ())
        self._systemctl("reset-failed", units)
        self._systemctl("start", units)

    def release(self, program: Path, *arguments: str, lock: int, seconds: float) -> str:
        """
        Let the command of a release do something; root acts as the directory's owner.

        Args:
            program: The command.

            arguments: Of the command.

            lock: Descriptor of the upgrade's lock.  The program keeps it for as long
                as it runs, so that nobody mends what it may still be changing.

            seconds: How long it may take.

        Raises:
            ProgramFailed: With what it complained of.
        """
        done = self._run([str(program), *arguments], seconds, pass_fds=(lock,))
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()
            reason = said[0].removeprefix("bisik: error: ") if said else "no reason"
            words = takewhile(lambda word: not word.startswith("-"), arguments)
            raise ProgramFailed(f"bisik {' '.join(words)} failed: {reason}")
        return done.stdout

    def _systemctl(self, verb: str, units: Sequence[str]) -> None:
        done = self._run([self.systemctl, verb, *units], _SERVICE_SECONDS)
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()
            reason = said[0] if said else "no reason"
            raise ProgramFailed(f"systemctl {verb} failed: {reason}")

    def _run(
        self, command: Sequence[str], seconds: float, pass_fds: Sequence[int] = ()
    ) -> "subprocess.CompletedProcess[str]":
        environment = {"PATH": _PATH, "LANG": "C.UTF-8"}
        if terminal := os.environ.get("TERM"):
            environment["TERM"] = terminal
        try:
            return subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                check=False,
                pass_fds=pass_fds,
            )
        except subprocess.TimeoutExpired:
            name = Path(command[0]).name
            raise ProgramFailed(f"{name} took more than {seconds:.0f} s") from None
        except OSError as error:
            raise ProgramFailed(f"{command[0]}: {error.strerror}") from None
