"""A camera: one picture of a page for every width, numbered in the order taken."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page

HEIGHT = 800


@dataclass
class Camera:
    """Takes one picture of a page for every width, and counts."""

    page: Page
    folder: Path
    widths: Sequence[int]
    height: int = HEIGHT
    taken: int = field(default=0)

    def take(self, name: str) -> None:
        """Save how the page looks now."""
        self.taken += 1
        for width in self.widths:
            self.page.set_viewport_size({"width": width, "height": self.height})
            path = self.folder / f"{self.taken:02}-{name}-{width}.png"
            self.page.screenshot(path=path, full_page=True)
