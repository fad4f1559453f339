"""
A pinentry without a window: the Assuan protocol, and a passphrase from a file.

    agent: SETDESC ...        pinentry: OK
    agent: GETPIN                       D passphrase
                                        OK

It writes down what it was asked for, so that a test can count.  A question about a card
(its PIN, its admin PIN, to put it in) is told by what the agent says it is about.  The
protocol is described in the manual of pinentry, "Assuan protocol".
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
about = ""
say("OK ready")
for line in sys.stdin:
    command, _, rest = line.strip().partition(" ")
    if command == "SETDESC":
        about = rest
    if command == "CONFIRM" and "insert the card" in about:
        with (folder / "asked-for-card").open("a") as asked:
            asked.write(about + "\\n")
        # GPG_ERR_CANCELED, from a pinentry.
        say("ERR 83886179 Operation cancelled")
        continue
    if command == "GETPIN":
        kind = "answer"
        for words, other in {others!r}:
            if words in about:
                kind = other
        with (folder / "asked").open("a") as asked:
            asked.write(kind + "\\n")
        say("D " + (folder / kind).read_text())
    say("OK")
    if command == "BYE":
        break
"""


# What gpg-agent and scdaemon say when they ask for something of a card.
_ABOUT_CARDS = (("unlock the card", "pin"), ("Admin PIN", "admin-pin"))


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
            _PROGRAM.format(
                python=python, folder=inside or str(folder), others=_ABOUT_CARDS
            )
        )
        self.program.chmod(0o700)
        self.answer(answer)

    def answer(self, passphrase: str) -> None:
        """Set what it answers from now on."""
        (self._folder / "answer").write_text(passphrase)

    def answer_for_card(self, *, pin: str, admin_pin: str) -> None:
        """Set what it answers for a card from now on."""
        (self._folder / "pin").write_text(pin)
        (self._folder / "admin-pin").write_text(admin_pin)

    def asked(self) -> int:
        """Return how often it was asked for something secret."""
        return len(self._lines("asked"))

    def asked_for_pin(self) -> int:
        """Return how often it was asked for the PIN of a card."""
        return self._lines("asked").count("pin")

    def asked_for_card(self) -> list[str]:
        """Return what was said whenever a card was wanted that was not there."""
        return self._lines("asked-for-card")

    def _lines(self, name: str) -> list[str]:
        try:
            return (self._folder / name).read_text().splitlines()
        except FileNotFoundError:
            return []
