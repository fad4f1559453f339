"""
A machine under test: switched on and off, cut from its power, and used over ssh.

What kind of machine it is, its subclasses know: `support.lab.container` boots in a
second, `support.lab.virtual` has a kernel of its own.
"""

import contextlib
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from support.lab.network import Network

BOOT_SECONDS = 60.0
END_SECONDS = 60.0
RUN_SECONDS = 300.0
_PAUSE_SECONDS = 0.1
_TRY_SECONDS = 30.0


class MachineFault(Exception):
    """The machine did not do what it was told."""


class Machine(ABC):
    """
    One machine.

    Attributes:
        name: Its host name, and how ssh finds it.

        address: In the lab's network.

        directory: With its disk and its console, on this machine.

        direct: Whether ssh goes to port 22 of its address.
    """

    boot_seconds = BOOT_SECONDS

    def __init__(
        self,
        name: str,
        address: str,
        *,
        directory: Path,
        network: Network,
        ssh: Sequence[str | Path],
    ) -> None:
        self.name = name
        self.address = address
        self.directory = directory
        self.direct = True
        self._network = network
        self._ssh = ssh
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether it has been switched on, and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def console(self) -> Path:
        """What it has written to its console."""
        return self.directory / "console"

    @abstractmethod
    def switch_on(self) -> None:
        """Switch it on, and wait for nothing."""

    @abstractmethod
    def kill(self) -> None:
        """Cut its power: everything is gone at once.  May be called twice."""

    @abstractmethod
    def reboot(self) -> None:
        """Let it boot anew, and wait until ssh answers again."""

    @abstractmethod
    def shut_down(self) -> None:
        """Let it end what it does, and switch itself off."""

    def discard(self) -> None:
        """Cut its power for good."""
        self.kill()

    def boot(self) -> None:
        """
        Switch it on, and wait until it can be used.

        Raises:
            MachineFault: If it cannot, with the end of its console.
        """
        self.switch_on()
        self.wait_until_up()

    def wait_until_up(self, seconds: float | None = None) -> None:
        """
        Wait until ssh lets us in.

        Raises:
            MachineFault: If it does not, with the end of its console.
        """
        until = time.monotonic() + (seconds or self.boot_seconds)
        while not self._answers():
            if not self.running:
                raise MachineFault(f"{self.name} has ended: {self.last_words()}")
            if time.monotonic() > until:
                raise MachineFault(f"{self.name} is not up: {self.last_words()}")
            time.sleep(_PAUSE_SECONDS)

    def run(
        self,
        command: str,
        *,
        stdin: str | bytes = b"",
        seconds: float = RUN_SECONDS,
    ) -> str:
        """
        Run a shell command as root over ssh, and return what it prints.

        Raises:
            MachineFault: If it fails, with all that it says.
        """
        done = self.tried(command, stdin=stdin, seconds=seconds)
        if done.returncode != 0:
            said = done.stdout + done.stderr
            raise MachineFault(f"{self.name}: {command}: {done.returncode}: {said}")
        return done.stdout

    def tried(
        self,
        command: str,
        *,
        stdin: str | bytes = b"",
        seconds: float = RUN_SECONDS,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a shell command as root over ssh, whatever comes of it."""
        return run_text([*self._ssh, self.name, "--", command], stdin, seconds)

    def state(self) -> str:
        """Ask systemd how the machine is, once everything has started."""
        return self.tried("systemctl is-system-running --wait").stdout.strip()

    def last_words(self) -> str:
        """Return the end of its console."""
        text = self.console.read_text("utf-8", "replace")
        return "\n".join(text.splitlines()[-12:])

    def _answers(self) -> bool:
        if not self.direct:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.tried("true", seconds=_TRY_SECONDS).returncode == 0
            return False
        try:
            with self._network.entered():
                connection = socket.create_connection((self.address, 22), timeout=1)
            with connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def _ended(self, what: str) -> int:
        """Wait until it has ended by itself, and return what its process says."""
        assert self._process is not None
        try:
            return self._process.wait(self.boot_seconds)
        except subprocess.TimeoutExpired:
            raise MachineFault(
                f"{self.name} does not {what}: {self.last_words()}"
            ) from None


def run_text(
    command: Sequence[str | Path], stdin: str | bytes, seconds: float
) -> "subprocess.CompletedProcess[str]":
    """Run a command whose output need not be text."""
    raw = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        command, input=raw, capture_output=True, timeout=seconds, check=False
    )
    return subprocess.CompletedProcess(
        done.args,
        done.returncode,
        done.stdout.decode("utf-8", "replace"),
        done.stderr.decode("utf-8", "replace"),
    )
