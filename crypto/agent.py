"""
The agent: the process that holds private keys, on machines that have any.

gpg starts a gpg-agent by itself and leaves it running.  Here it lives no longer
than the work: what we caused to start, we end, and what a killed program has left
ends when the next one comes.

This is for the desk, for the keeper of the organisation's key, and for nobody
else: the server never imports it.
"""

import contextlib
import fcntl
import os
import select
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote_to_bytes

from crypto.errors import CryptoError
from crypto.gpg import CALL_SECONDS, GpgMissing
from crypto.home import ShortPath, leaves_room

# Bytes hashed for each guess at a passphrase, and for each use of a key: an agent
# stretches anew every time, also when it remembers the passphrase.  GnuPG measures
# the machine and takes a tenth of a second of it, which makes an import of a thousand
# items take minutes.  A passphrase of six words drawn at random needs no stretching.
# Measured in docs/performance.md.
DESK_S2K_COUNT = 1024 * 1024
# As the Assuan protocol writes spaces.
_QUESTION = "Bisik:+frasa+sandi+meja+kerja+(the+desk's+passphrase)"
_SETTINGS = "gpg-agent.conf"
# struct ucred of unix(7): process, user, group.
_CREDENTIALS = struct.Struct("3i")
_DESK_SETTINGS = f"""\
# How often a passphrase is hashed when a key is used (docs/spec/desk-directory.md).
s2k-count {DESK_S2K_COUNT}
# No other program may keep the passphrase.
no-allow-external-cache
# An agent lives no longer than the desk is open; within that, a working day.
default-cache-ttl 36000
max-cache-ttl 36000
"""


def write_desk_settings(home: Path, *, pinentry_program: Path | None = None) -> None:
    """
    Write the agent's settings for a desk, before there are any keys.

    Args:
        home: The GNUPGHOME; created with mode 0700 if it is missing.

        pinentry_program: Which asks for passphrases; None for the machine's own.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = _DESK_SETTINGS
    if pinentry_program is not None:
        settings += f"pinentry-program {pinentry_program}\n"
    path = home / _SETTINGS
    path.write_text(settings, encoding="utf-8")
    path.chmod(0o600)


class NotAnswered(CryptoError):
    """Nobody typed a passphrase."""


class AgentHome:
    """A home with private keys, usable until it is closed; a context manager."""

    def __init__(self, home: Path, *, gpgconf_binary: str = "gpgconf") -> None:
        """
        Args:
            home: The GNUPGHOME; created with mode 0700 if it is missing.

            gpgconf_binary: Name or path of gpgconf.

        Raises:
            GpgMissing: If gpgconf cannot be run.
        """
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._gpgconf_binary = gpgconf_binary
        self._short: ShortPath | None = None
        self.path = home.absolute()
        # The folder may also be below /run/user, where gpgconf says so.
        self._socket = self._find_socket()
        if not leaves_room(self._socket.parent):
            self._short = ShortPath(self.path)
            self.path = self._short.path
            self._socket = self._find_socket()
        with ExitStack() as lock:
            self._found = self._find_agent(lock)
            self._lock = lock.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the agent, unless somebody has it since before.  May be called twice."""
        if self.path.exists() and (self._found is None or self.has_lost_it()):
            self._end_agent()
        self._lock.close()
        if self._short is not None:
            self._short.close()

    def start(self) -> None:
        """
        Start the agent now, unless one is running.

        Whoever opens the same home meanwhile finds it running, and leaves it.

        Raises:
            GpgMissing: If it cannot be started.
        """
        self._gpgconf("--launch", "gpg-agent")

    def has_lost_it(self) -> bool:
        """
        Tell whether an agent ran before we came, and has ended since.

        Whoever is killed while they end theirs leaves a gpgconf on its way, which
        ends it only when the next one has found it.  What gpg starts then is ours.
        """
        return self._found is not None and self._running() != self._found

    def ask(self, command: str, *, limit_seconds: float | None = CALL_SECONDS) -> bytes:
        """
        Say one line to the agent, and return what it answers.

        Args:
            command: One of the Assuan protocol (GnuPG's manual, "Agent Commands").

            limit_seconds: When to stop waiting; None if a person has to answer.

        Raises:
            GpgMissing: If the agent cannot be spoken to.
        """
        try:
            return subprocess.run(
                ["gpg-connect-agent", "--homedir", str(self.path), command, "/bye"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
                timeout=limit_seconds,
            ).stdout
        except (OSError, subprocess.SubprocessError) as error:
            raise GpgMissing("gpg-connect-agent cannot be run") from error

    def ask_passphrase(self, *, new: bool) -> bytes:
        """
        Let the agent's own pinentry ask for a passphrase, and return it.

        For making keys: gpg would ask anew for every subkey.  Whoever only uses
        keys lets the agent keep the passphrase to itself.

        Args:
            new: Whether it is chosen now, and so is asked for twice.

        Raises:
            NotAnswered: If nobody typed one.
        """
        command = "GET_PASSPHRASE --data"
        if new:
            command += " --repeat=1"
        # No cache, no error to show, the pinentry's own prompt (GnuPG's manual,
        # "Asking for a passphrase").
        command += f" X X X {_QUESTION}"
        said = self.ask(command, limit_seconds=None)
        # Data lines of the Assuan protocol, where %, CR and LF are escaped.
        lines = [line[2:] for line in said.splitlines() if line.startswith(b"D ")]
        passphrase = unquote_to_bytes(b"".join(lines))
        if not passphrase:
            raise NotAnswered(NotAnswered.__doc__)
        return passphrase

    def _find_agent(self, lock: ExitStack) -> int | None:
        """
        Return the agent that ran before we came, and end it if nobody uses it.

        Then it is of a program that was killed, and may still know the passphrase.
        Users hold a lock on the folder (flock(2)), which the kernel lifts however they
        end; *lock* is ours.
        """
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        lock.callback(os.close, folder)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(folder, fcntl.LOCK_SH)
            return self._running()
        found = self._running()
        if found is not None:
            self._end_agent()
        fcntl.flock(folder, fcntl.LOCK_SH)
        return found

    def _end_agent(self) -> None:
        """
        End the agent and wait until it is gone.

        gpgconf returns while the agent is still on its way out.  Whoever came next
        would take it for one that stays, or lose their own agent's socket to it.
        The kernel closes its end of a connection when it really is gone.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(CALL_SECONDS)
            running = self._connect(connection)
            with self._card_program_gone() if running else contextlib.nullcontext():
                self._gpgconf("--kill", "gpg-agent")
                with contextlib.suppress(OSError):
                    while running and connection.recv(1024):
                        continue

    @contextmanager
    def _card_program_gone(self) -> Iterator[None]:
        """
        Wait until the agent's scdaemon is gone, too, if it has one.

        It ends with the agent, a little later, and has a card for itself until then:
        whoever came next would be told that there is none.
        """
        process = None
        if self.ask("GETINFO scd_running").strip() == b"OK":
            said = self.ask("SCD GETINFO pid").split()
            if said[:1] == [b"D"]:
                with contextlib.suppress(ProcessLookupError):
                    process = os.pidfd_open(int(said[1]))
        try:
            yield
            if process is not None:
                # pidfd_open(2): readable when the process has ended.
                select.select([process], [], [], CALL_SECONDS)
        finally:
            if process is not None:
                os.close(process)

    def _running(self) -> int | None:
        """Tell the agent that runs now from every other one; None if there is none."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(CALL_SECONDS)
            if not self._connect(probe):
                return None
            # unix(7): of the process that called listen.
            credentials = probe.getsockopt(
                socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
            )
        process: int = _CREDENTIALS.unpack(credentials)[0]
        return process

    def _connect(self, connection: socket.socket) -> bool:
        try:
            connection.connect(str(self._socket))
            # An agent that is ending greets nobody any more.
            return bool(connection.recv(1024))
        except OSError:
            # No socket, or one that an agent left behind when it was killed.
            return False

    def _find_socket(self) -> Path:
        return Path(self._gpgconf("--list-dirs", "agent-socket").strip())

    def _gpgconf(self, *arguments: str) -> str:
        # gpgconf is the one program that python-gnupg does not wrap.
        try:
            return subprocess.run(
                [self._gpgconf_binary, "--homedir", str(self.path), *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
                timeout=CALL_SECONDS,
                text=True,
            ).stdout
        except (OSError, subprocess.SubprocessError) as error:
            raise GpgMissing(f"{self._gpgconf_binary} cannot be run") from error
