"""A trainee in front of Chromium: the pages of training and of statistics."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, sync_playwright
from support.browsers import running_chromium
from support.desk_walk import look

from casework.statistics import Quarter
from ops.edge import Edge

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.slow]

BISIK = Path(sys.executable).with_name("bisik")


@contextmanager
def opened_desk(folder: Path) -> Iterator[Page]:
    """Open a desk as a trainee does, in a browser that has used the link."""
    process = subprocess.Popen(
        [BISIK, "desk", "open", "--desk", folder],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        link = re.search(r"http://\S+", process.stdout.readline())
        assert link is not None
        with sync_playwright() as playwright, running_chromium(playwright) as browser:
            page = browser.new_page()
            page.set_default_timeout(20_000)
            page.goto(link[0])
            yield page
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


def test_a_trainee_finds_the_way(tmp_path: Path) -> None:
    """
    The banner leads to the exercises, the second bundle is offered, and is ticked off.

    Every page on the way is good for everybody, in both languages.
    """
    folder = tmp_path / "latihan"
    subprocess.run(
        [BISIK, "desk", "train", folder], check=True, stdout=subprocess.DEVNULL
    )
    quarter = str(Quarter.of(Edge().today(ZoneInfo("Asia/Jakarta"))))
    with opened_desk(folder) as page:
        page.click("text=Lihat tugas")
        assert page.title().startswith("LATIHAN")
        look(page)
        page.click("text=Ambil & antar")
        page.click("button:has-text('Ambil'):not(:has-text('lagi'))")
        page.wait_for_selector("text=Semua yang disebut dalam bundel ada dan utuh.")
        page.click("nav >> text=Latihan")
        assert 1 == page.locator("li.done").count()
        page.click("nav >> text=Statistik")
        page.select_option("#quarter", quarter)
        page.click("text=Tampilkan")
        assert 0 < page.locator("svg[role=img] rect").count()
        look(page)
        page.click("text=English")
        page.click("nav >> text=Training")
        look(page)
        page.click("nav >> text=Statistics")
        look(page)
