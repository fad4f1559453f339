"""
An officer at their desk: Chromium and `bisik desk open`, with nothing but loopback.

    python desk_walk.py first|second DESK STICK BISIK...

DESK and STICK are folders as the program BISIK... sees them.  Run by
`support.offline_case` in a network namespace of its own.  Says what is wrong by
raising; says "done" when all went well.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.accessibility import violations
from support.browsers import fits, running_chromium


def main() -> None:
    """Open the desk and do what the officer does."""
    what, desk, stick, *program = sys.argv[1:]
    devices = Path("/proc/net/dev").read_text("ascii").splitlines()[2:]
    assert ["lo"] == [line.split(":")[0].strip() for line in devices], devices
    process = subprocess.Popen(
        [*program, "desk", "open", "--desk", desk, "--stick", stick],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        link = re.search(r"http://\S+", process.stdout.readline())
        assert link is not None
        with sync_playwright() as playwright, running_chromium(playwright) as browser:
            page = browser.new_page()
            page.set_default_timeout(20_000)
            page.goto(link[0])
            take_in(page)
            (first if what == "first" else second)(page)
            take_out(page)
    finally:
        # As Ctrl-C does: whatever was started in between hears it, too.
        os.killpg(process.pid, signal.SIGINT)
        process.wait(45)
    sys.stdout.write("done\n")


def look(page: Page) -> None:
    """Make sure that a page is good for everybody, on every desk's screen."""
    # A page that is judged before its styles are there has small links.
    page.wait_for_load_state("load")
    found = violations(page)
    assert [] == found, (page.url, found)
    for width in (1024, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        assert fits(page), (page.url, width)


def take_in(page: Page) -> None:
    """Import the bundle that is on the stick."""
    page.click("text=Ambil & antar")
    look(page)
    page.click("button:has-text('Ambil'):not(:has-text('lagi'))")
    page.wait_for_selector("text=Semua yang disebut dalam bundel ada dan utuh.")
    page.click("nav >> text=Antrean")
    look(page)
    page.click("a.title >> nth=0")
    look(page)


def first(page: Page) -> None:
    """Verify, register, tell the reporter, and propose to close."""
    case = page.url
    page.click(".files a >> nth=0")
    page.wait_for_selector("img.sheet")
    look(page)
    page.goto(f"{case}exposure/")
    look(page)
    page.goto(case)
    step(page, "Mulai verifikasi")
    step(page, "Daftarkan dan beri nomor")
    page.click("text=Beri tahu pelapor keadaan sekarang")
    look(page)
    page.click("text=Lihat seperti pelapor")
    page.wait_for_selector(".phone")
    page.click("text=Segel jawaban")
    page.wait_for_selector("text=Jawaban disegel.")
    step(page, "Serahkan ke penelaahan")
    step(page, "Usulkan penutupan", reason="Tidak terbukti.")
    page.wait_for_selector("text=Petugas lain harus menyetujuinya di meja kerjanya.")


def second(page: Page) -> None:
    """Agree to close, and tell the reporter."""
    page.click("button:has-text('Setujui')")
    page.wait_for_selector("text=Penutupan disetujui.")
    look(page)
    page.click("text=Beri tahu pelapor keadaan sekarang")
    page.click("text=Segel jawaban")
    page.wait_for_selector("text=Jawaban disegel.")


def step(page: Page, name: str, *, reason: str = "") -> None:
    """Take a step of the workflow."""
    form = page.locator("details.step", has_text=name)
    if form.get_attribute("open") is None:
        form.locator("summary").click()
    if reason:
        form.locator("textarea").fill(reason)
    form.locator("button").click()
    page.wait_for_selector(".notice")


def take_out(page: Page) -> None:
    """Write the outbox to the stick."""
    page.click("text=Ambil & antar")
    page.click("text=Tulis antaran")
    page.wait_for_selector("text=ditulis:")


if __name__ == "__main__":
    main()
