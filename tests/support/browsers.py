"""Debian's Chromium, driven through its own protocol; nothing is downloaded."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import (
    Browser,
    Page,
    Playwright,
    ViewportSize,
)

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",  # The tests run as root in CI.
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PHONE = ViewportSize(width=360, height=740)
DESKTOP = ViewportSize(width=1280, height=900)
USUAL_FONT_PIXELS = 16


@dataclass(frozen=True)
class ChromiumDriver:
    """Chromium's hands and eyes for `support.walk`."""

    page: Page
    base: str

    def goto(self, path: str) -> None:
        """Open a page of the site."""
        self.page.goto(self.base + path)

    def fill(self, css: str, text: str) -> None:
        """Type into a field."""
        self.page.fill(css, text)

    def click(self, css: str) -> None:
        """Press a button, or follow a link."""
        self.page.click(css)

    def text(self, css: str) -> str:
        """Read what stands in the first such element."""
        return self.page.inner_text(css)

    def choose_files(self, css: str, paths: Sequence[Path]) -> None:
        """Choose files from the disk."""
        self.page.set_input_files(css, paths)


@contextmanager
def running_chromium(playwright: Playwright) -> Iterator[Browser]:
    """Start Chromium, and end it."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    try:
        yield browser
    finally:
        browser.close()


@contextmanager
def chromium_with_large_text(
    playwright: Playwright, percent: int, size: ViewportSize
) -> Iterator[Page]:
    """Start a Chromium whose reader has set a larger text, without scripts."""
    with tempfile.TemporaryDirectory(prefix="bisik-chromium-") as profile:
        preferences = Path(profile) / "Default/Preferences"
        preferences.parent.mkdir()
        pixels = USUAL_FONT_PIXELS * percent // 100
        preferences.write_text(
            json.dumps({"webkit": {"webprefs": {"default_font_size": pixels}}})
        )
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=CHROMIUM,
            args=ARGUMENTS,
            java_script_enabled=False,
            viewport=size,
        )
        try:
            yield context.pages[0]
        finally:
            context.close()


def fits(page: Page) -> bool:
    """Tell whether nothing sticks out of the screen sideways."""
    # Scripts of the page are off; the browser's own protocol still measures.
    session = page.context.new_cdp_session(page)
    metrics = session.send("Page.getLayoutMetrics")
    session.detach()
    width: float = metrics["cssContentSize"]["width"]
    shown: float = metrics["cssLayoutViewport"]["clientWidth"]
    return width <= shown
