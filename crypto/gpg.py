"""
GnuPG: how we call it, and how a call ends.

Everything goes through python-gnupg, which starts one gpg process per call and
moves bytes between it and us in threads.  What this module adds:

* the options that every call gets, whatever a configuration file says;
* a date in place of the time, so that nothing made here tells an hour;
* one object per call, because python-gnupg keeps the callback for output on
  the object that all threads would otherwise share;
* an end: a call can be stopped from outside, and none lasts for ever.

Nothing but options, fingerprints and the names of sealed files is ever on a command
line: content goes through standard input, passphrases through a file descriptor.

Three methods of python-gnupg 0.5 that are not public are extended here and
nowhere else, `_open_subprocess`, `_collect_output` and `_read_data`; the tests of this
package fail if a new version no longer calls them.
"""

import copy
import logging
import subprocess
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, BinaryIO

import gnupg  # type: ignore[import-untyped]  # It ships no type hints.

from crypto.errors import CryptoError

# Commands that move no reports take milliseconds; half a minute means a fault.
CALL_SECONDS = 30.0
PIPE_BYTES = 64 * 1024
COMPLAINT_LINES = 4

_OPTIONS = (
    # Neither the home's gpg.conf nor the machine's may change what we do.
    "--no-options",
    # The only model in which the organisation's certification is what counts.
    # Never "always", which would seal to any key in the keyring.
    "--trust-model",
    "pgp",
    # Two threads would wait for seconds for the lock on this file, and the
    # kernel's generator needs no help.
    "--no-random-seed-file",
    # Nothing here may reach for a network.
    "--no-auto-key-locate",
    "--disable-dirmngr",
)

# The library logs the beginnings of what it is given when the level is DEBUG,
# and a broken pipe with a traceback at ERROR.  Outcomes are ours to report.
logging.getLogger("gnupg").setLevel(logging.CRITICAL)


class SealingFailed(CryptoError):
    """The report could not be sealed, and nothing of it may be kept."""


class GpgMissing(SealingFailed):
    """GnuPG cannot be started on this machine."""


class GpgUnusable(CryptoError):
    """GnuPG did not do what was asked of it."""


def start_of_day(day: date) -> datetime:
    """Return the first second of *day*."""
    return datetime.combine(day, time(), UTC)


def end_of_day(day: date) -> datetime:
    """
    Return the last second of *day*.

    GnuPG refuses keys that are younger than the time it believes in, so what is
    done on a day is done at its end: a key made that morning is good already.
    """
    return datetime.combine(day, time(23, 59, 59), UTC)


class GpgCall(gnupg.GPG):  # type: ignore[misc]  # The base class is untyped.
    """One call of gpg.  Make one with `new_call`, and never use it twice."""

    # Names, status lines and passphrases pass through as they are: every byte
    # is a character of Latin-1.  With UTF-8 a hostile user ID would end the
    # thread that reads gpg's messages, and gpg would wait for it for ever.
    ENCODING = "latin-1"

    buffer_size = PIPE_BYTES

    def __init__(self, home: Path, gpg_binary: str, *, autostart: bool) -> None:
        """Look whether gpg works, and make the pattern for calls."""
        self.process: subprocess.Popen[bytes] | None = None
        self.outcome: Any = None
        self.reader: Callable[[BinaryIO], object] | None = None
        self.limit_seconds: float | None = CALL_SECONDS
        self._stopped = False
        self._guard = threading.Lock()
        options = list(_OPTIONS)
        if not autostart:
            # A machine without private keys has no use for an agent.
            options.append("--no-autostart")
        try:
            super().__init__(
                gpgbinary=gpg_binary,
                gnupghome=str(home),
                options=options,
                encoding=self.ENCODING,
            )
        except (OSError, ValueError) as error:
            raise GpgMissing(f"{gpg_binary} cannot be started") from error

    def new_call(
        self, *, at: datetime | None, limit_seconds: float | None = CALL_SECONDS
    ) -> "GpgCall":
        """
        Prepare a call.

        Args:
            at: The time gpg is to believe in, and to write into what it makes;
                None for calls in which time plays no part.

            limit_seconds: When to kill it; None if the caller sees to that.
        """
        # A shallow copy, because the constructor starts a gpg each time.
        call = copy.copy(self)
        call.process = None
        call.outcome = None
        call.on_data = None
        call.reader = None
        call.limit_seconds = limit_seconds
        call._stopped = False
        call._guard = threading.Lock()
        if at is None:
            # What is good at which time is settled by calls that have a time.
            clock = ["--ignore-time-conflict", "--no-auto-check-trustdb"]
        else:
            # The exclamation mark stops the clock.
            clock = ["--faked-system-time", f"{at:%Y%m%dT%H%M%S}!"]
        call.options = [*self.options, *clock]
        return call

    def stop(self) -> None:
        """End the call now, or as soon as it begins.  May be called twice."""
        with self._guard:
            self._stopped = True
            if self.process is not None:
                self.process.kill()

    def clean_up(self) -> None:
        """Leave no process and no pipe behind, however the call ended."""
        self.stop()
        with self._guard:
            if self.process is None:
                return
            self.process.wait(CALL_SECONDS)
            for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                if pipe is not None:
                    try:
                        pipe.close()
                    except OSError:
                        # What was left in the buffer has nowhere to go, and the
                        # descriptor is closed all the same.
                        continue

    def listed_keys(
        self, fingerprints: Sequence[str] = (), *, secret: bool = False
    ) -> list[Any]:
        """
        List keys: all of them, or those of *fingerprints* that are there.

        Raises:
            GpgMissing: If gpg cannot be started.

            GpgUnusable: If gpg did not get to the end.  A list that is empty by
                accident must not pass for an empty keyring.
        """
        try:
            listed = self.list_keys(secret=secret, keys=list(fingerprints) or None)
        except OSError as error:
            raise GpgMissing(GpgMissing.__doc__) from error
        # Exit code 2 also means that one of several keys is not there.
        if self.outcome.returncode not in ((0, 2) if fingerprints else (0,)):
            raise GpgUnusable("the keys in the keyring cannot be listed")
        return list(listed)

    def records(self, *arguments: str) -> list[list[str]]:
        """
        Run a command and return the fields of the lines it prints.

        Raises:
            GpgMissing: If gpg cannot be started.
        """
        result = self.result_map["list"](self)
        try:
            process = self._open_subprocess(list(arguments))
        except OSError as error:
            raise GpgMissing(GpgMissing.__doc__) from error
        self._collect_output(process, result, stdin=process.stdin)
        lines = result.data.decode(self.ENCODING).splitlines()
        return [line.split(":") for line in lines]

    def refused_recipients(self) -> list[str]:
        """Return the fingerprints that gpg named as unfit (INV_RECP)."""
        status = [line.split() for line in self._status_lines()]
        return [
            words[3]
            for words in status
            if len(words) > 3 and words[:2] == ["[GNUPG:]", "INV_RECP"]
        ]

    def complaint(self) -> str:
        """
        Return what gpg said to people, for those who must mend it.

        It never holds a passphrase or content.  "" if gpg said nothing.
        """
        said = [line for line in self._status_lines() if line.startswith("gpg: ")]
        return "; ".join(map(readable_text, said[-COMPLAINT_LINES:]))

    def _status_lines(self) -> list[str]:
        return str(getattr(self.outcome, "stderr", "")).splitlines()

    def _open_subprocess(
        self, args: list[str], passphrase: bool = False
    ) -> "subprocess.Popen[bytes]":
        process: subprocess.Popen[bytes] = super()._open_subprocess(args, passphrase)
        with self._guard:
            self.process = process
            if self._stopped:
                process.kill()
        return process

    def _read_data(self, stream: BinaryIO, *arguments: Any, **options: Any) -> None:
        # Whoever reads gpg's output where it is needed saves a thread and a copy.
        if self.reader is None:
            super()._read_data(stream, *arguments, **options)
        else:
            self.reader(stream)

    def _collect_output(
        self,
        process: "subprocess.Popen[bytes]",
        result: Any,
        writer: threading.Thread | None = None,
        stdin: Any = None,
    ) -> None:
        # Kept because python-gnupg drops it when the pipe to gpg broke, and
        # the reason why gpg hung up is in it.
        self.outcome = result
        if self.limit_seconds is None:
            super()._collect_output(process, result, writer, stdin)
            return
        alarm = threading.Timer(self.limit_seconds, process.kill)
        alarm.daemon = True
        alarm.start()
        try:
            super()._collect_output(process, result, writer, stdin)
        finally:
            alarm.cancel()
            alarm.join()


def readable_text(untrusted_text: str) -> str:
    """Return what gpg printed as text: it came as bytes, and may be anything."""
    text = untrusted_text.encode(GpgCall.ENCODING, "replace").decode("utf-8", "replace")
    return "".join(character for character in text if character.isprintable())
