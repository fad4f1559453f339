"""
A person with a keyboard and no mouse, in Chromium.

Only keys are sent.  What has the focus is asked through the browser's own protocol,
which works although scripts of the page are off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

MOST_STEPS = 80

_FOCUS = """() => {
  const one = document.activeElement;
  const style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  return {
    outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    shown: box.width > 0 && box.bottom > 0 && box.top < innerHeight,
  };
}"""


class NotReachable(Exception):
    """No number of Tab keys leads to the element."""


@dataclass(frozen=True)
class KeyboardDriver:
    """Keys and eyes for `support.walk`; a click is the Enter key."""

    page: Page
    base: str

    def goto(self, path: str) -> None:
        """Open a page of the site by its address."""
        self.page.goto(self.base + path)

    def fill(self, css: str, text: str) -> None:
        """Go to a field, and type over what is in it."""
        self.go_to(css)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def click(self, css: str) -> None:
        """Go to a button or link, and press Enter."""
        self.go_to(css)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def text(self, css: str) -> str:
        """Read what stands in the first such element."""
        return self.page.inner_text(css)

    def choose_files(self, css: str, paths: Sequence[Path]) -> None:
        """Go to the button for files, and press it: the system's dialog opens."""
        self.go_to(css)
        with self.page.expect_file_chooser() as chooser:
            self.page.keyboard.press("Space")
        chooser.value.set_files(paths)

    def go_to(self, css: str) -> None:
        """
        Press Tab until the first such element has the focus, and see that it shows.

        Raises:
            NotReachable: If it never has.
        """
        for _ in range(MOST_STEPS):
            self.page.keyboard.press("Tab")
            if self._is_focused(css):
                focus: dict[str, Any] = self.page.evaluate(_FOCUS)
                assert focus["outlined"], f"the focus on {css} cannot be seen"
                assert focus["shown"], f"{css} has the focus out of sight"
                return
        raise NotReachable(f"Tab never leads to {css}")

    def _is_focused(self, css: str) -> bool:
        focused: bool = self.page.evaluate(
            "css => document.activeElement === document.querySelector(css)", css
        )
        return focused
