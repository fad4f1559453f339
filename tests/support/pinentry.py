"""
A pinentry without a window: the Assuan protocol, and a passphrase from a file.

    agent: SETDESC ...        pinentry: OK
    agent: GETPIN                       D passphrase
                                        OK

It writes down what it was asked for, so that a test can count.  The protocol is
described in the manual of pinentry, "Assuan protocol".
"""

import sys
from pathlib import Path

_PROGRAM = """\
#!{python}
import pathlib, sys
folder = pathlib.Path({folder!r})
def say(line):
    sys.stdout.write(line + "\\n")
    sys.stdout.flush()
say("OK ready")
for line in sys.stdin:
    command, _, rest = line.strip().partition(" ")
    if command == "GETPIN":
        with (folder / "asked").open("a") as asked:
            asked.write("GETPIN\\n")
        say("D " + (folder / "answer").read_text())
    say("OK")
    if command == "BYE":
        break
"""


class Pinentry:
    """A program for `pinentry-program`, and its answers."""

    def __init__(
        self,
        folder: Path,
        answer: str,
        *,
        inside: str | None = None,
        python: str = sys.executable,
    ) -> None:
        """
        Args:
            folder: Made for it.

            answer: To every question, until another one is set.

            inside: Where the program that asks sees that folder, if elsewhere.

            python: As it is called there.
        """
        folder.mkdir()
        self._folder = folder
        self.program = folder / "pinentry"
        self.program.write_text(
            _PROGRAM.format(python=python, folder=inside or str(folder))
        )
        self.program.chmod(0o700)
        self.answer(answer)

    def answer(self, passphrase: str) -> None:
        """Set what it answers from now on."""
        (self._folder / "answer").write_text(passphrase)

    def asked(self) -> int:
        """Return how often it was asked for a passphrase."""
        try:
            return len((self._folder / "asked").read_text().splitlines())
        except FileNotFoundError:
            return 0
