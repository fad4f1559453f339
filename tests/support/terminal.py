"""
A person at a terminal with lynx, a browser of text alone.

Lynx runs in a pseudo-terminal and draws on a screen of 100 by 60 letters, which is
read as a person would read it.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pyte

LYNX = "/usr/bin/lynx"
COLUMNS, LINES = 100, 60
# Nothing more has come for so long: the screen is drawn.
SETTLED_SECONDS = 0.25
PATIENCE_SECONDS = 20.0
MOST_STEPS = 40

DOWN, ENTER, PAGE_DOWN, TOP = "\x1b[B", "\r", " ", "\x01"

_CONFIGURATION = """\
ACCEPT_ALL_COOKIES:TRUE
PERSISTENT_COOKIES:FALSE
CHARACTER_SET:utf-8
NO_PAUSE:TRUE
SHOW_CURSOR:TRUE
USE_MOUSE:FALSE
"""


class NotOnScreen(Exception):
    """What was looked for did not come."""


@dataclass
class Terminal:
    """The screen, the keys, and lynx behind them."""

    process: "pexpect.spawn[bytes]"
    screen: pyte.Screen
    stream: pyte.ByteStream

    def read(self) -> str:
        """Return what is on the screen when it has settled."""
        quiet = time.monotonic() + SETTLED_SECONDS
        while time.monotonic() < quiet:
            with suppress(pexpect.TIMEOUT):
                self.stream.feed(self.process.read_nonblocking(65536, timeout=0.05))
                quiet = time.monotonic() + SETTLED_SECONDS
        return "\n".join(line.rstrip() for line in self.screen.display)

    def press(self, keys: str) -> str:
        """Press keys, and return the screen after them."""
        self.process.send(keys.encode("utf-8"))
        return self.read()

    def wait_for(self, text: str) -> str:
        """
        Wait until *text* is on the screen, and return the screen.

        Raises:
            NotOnScreen: If it does not come, with what is there instead.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            shown = self.read()
            if text in _one_line(shown):
                return shown
        raise NotOnScreen(f"{text!r} is not on the screen:\n{self.read()}")

    def find(self, text: str) -> str:
        """Search forward in the page for *text*, as lynx does, from the top."""
        self.press(TOP)
        return self.press(f"/{text}{ENTER}")

    def follow(self, text: str) -> None:
        """Go to the link or button with *text*, and press Enter."""
        self.find(text)
        self.press(ENTER)

    def fill_next(self, text: str) -> None:
        """Go down to the next field, and type into it."""
        self._down_to("(Textfield", "(Textarea")
        self.press(text)

    def press_next_button(self, *, after: int = 0) -> None:
        """Go down to the next button, or to one of those *after* it, and press it."""
        for _ in range(after + 1):
            self._down_to("submit button")
        self.press(ENTER)

    def _down_to(self, *kinds: str) -> None:
        # At its foot, lynx says on what the cursor is.
        shown = ""
        for _ in range(MOST_STEPS):
            shown = self.press(DOWN)
            if any(kind in shown for kind in kinds):
                return
        raise NotOnScreen(f"no {kinds[0]} below:\n{shown}")


@contextmanager
def lynx_at(url: str, folder: Path) -> Iterator[Terminal]:
    """Open lynx at *url*; *folder* becomes its home."""
    configuration = folder / "lynx.cfg"
    configuration.write_text(_CONFIGURATION, encoding="ascii")
    process = pexpect.spawn(
        LYNX,
        [f"-cfg={configuration}", "-nocolor", "-useragent=Lynx", url],
        env={
            "HOME": str(folder),
            "TERM": "vt100",
            "LANG": "C.UTF-8",
            "PATH": "/usr/bin:/bin",
        },
        dimensions=(LINES, COLUMNS),
    )
    screen = pyte.Screen(COLUMNS, LINES)
    try:
        yield Terminal(process, screen, pyte.ByteStream(screen))
    finally:
        process.close(force=True)


def _one_line(shown: str) -> str:
    return re.sub(r"\s+", " ", shown)
