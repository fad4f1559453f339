"""
The tor program: let it read a configuration, and start it.

Tor is started with its torrc and nothing else: neither /etc/tor/torrc nor the file of
defaults counts.  It ends when the process that started it ends, however that was:
setpriv (util-linux) lets the kernel see to it.  A Ctrl-C at the terminal is for that
process alone, which then ends tor in its turn.
"""

import shutil
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tor.errors import TorMissing, TorRefused

VERIFY_SECONDS: Final = 30
STOP_SECONDS: Final = 10
_NO_DEFAULTS = ("--defaults-torrc", "/dev/null")
# prctl(2), PR_SET_PDEATHSIG.
WITH_PARENT: Final = ("setpriv", "--pdeathsig", "TERM", "--")


def find_tor(name: str = "tor") -> Path:
    """
    Return where the program is.

    Raises:
        TorMissing: If it is not on this machine.
    """
    found = shutil.which(name)
    if found is None:
        raise TorMissing(f"the program {name} is not on this machine")
    return Path(found)


def verify(torrc: Path, *, program: Path) -> None:
    """
    Let tor itself read a torrc, without starting.

    Raises:
        TorRefused: With what tor says is wrong.
    """
    said = subprocess.run(
        [program, "--verify-config", "-f", torrc, *_NO_DEFAULTS],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=VERIFY_SECONDS,
        check=False,
    )
    if said.returncode != 0:
        raise TorRefused(f"tor does not accept {torrc}: {_complaint(said.stdout)}")


class TorProcess:
    """A tor that runs as long as it is wanted; a context manager."""

    def __init__(self, torrc: Path, *, log: Path, program: Path) -> None:
        """
        Start tor.

        Args:
            torrc: Its whole configuration.

            log: Where what it says is added.

            program: As `find_tor` returns it.
        """
        self._torrc = torrc
        self._log = log
        self._program = program
        self._process = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def log(self) -> Path:
        """Where what it says is added."""
        return self._log

    @property
    def process_id(self) -> int:
        """The number of its process."""
        return self._process.pid

    def last_words(self) -> str:
        """Return the end of what it has said."""
        return _complaint(self._log.read_text("utf-8", "replace"))

    def reload(self) -> None:
        """Let tor read its torrc and its clients' keys again."""
        self._process.send_signal(signal.SIGHUP)

    def restart(self) -> None:
        """End it and start it again: circuits and descriptors are made anew."""
        self.stop()
        self._process = self._start()

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it.  May be called twice."""
        if not self.running:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [
                    *WITH_PARENT,
                    *(self._program, "-f", self._torrc, *_NO_DEFAULTS, "--quiet"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def _complaint(said: str) -> str:
    """Return the last warnings and errors of what tor said, without their times."""
    wrong = [
        line.partition("] ")[2]
        for line in said.splitlines()
        if "[warn]" in line or "[err]" in line
    ]
    return " ".join(wrong[-3:]) or "it does not say why"
