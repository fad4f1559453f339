"""The page of the case file in a real browser: good for everybody, on any desk."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright
from support.accessibility import violations
from support.browsers import fits, running_chromium
from support.case_files import blacken_secrets, decide, telling_case
from support.office import NAMES, Office
from support.screens import Screen
from werkzeug.serving import make_server

ANI = NAMES[0]


@contextmanager
def served(screen: Screen) -> Iterator[str]:
    """Serve a desk's screens on the loopback address that its pages know."""
    host, _, port = screen.base.removeprefix("http://").partition(":")
    server = make_server(host, int(port), screen.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield screen.base
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def look(page: Page) -> None:
    """Make sure that nothing is wrong with a page in either width."""
    assert [] == violations(page), page.url
    for width in (1024, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert fits(page), (page.url, width)


@pytest.mark.browser
@pytest.mark.slow
def test_the_page_is_good_for_everybody(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Before the decision, with the form, with the preview, and after it was written.
    """
    ani = office.desks[ANI]
    name = telling_case(office, monkeypatch)
    blacken_secrets(ani, name)
    screen = Screen(ani, stick=tmp_path, let_in=False)
    with (
        served(screen) as base,
        sync_playwright() as playwright,
        running_chromium(playwright) as browser,
    ):
        page = browser.new_page()
        page.goto(f"{base}/open/{screen.access.new_link()}")
        page.goto(f"{base}/cases/{name}/case-file/")
        look(page)
        decide(ani, name, "share")
        page.goto(f"{base}/cases/{name}/")
        page.click("main >> text=Berkas kasus")
        look(page)
        page.fill("#penerima", "Tim pemeriksa")
        page.click("label:has-text('foto.png')")
        page.click("text=Lihat dahulu isinya")
        page.wait_for_selector("text=Yang akan keluar")
        look(page)
        page.click("text=Tandatangani, tulis, dan catat")
        page.wait_for_selector("text=membuat berkas kasus")
        look(page)
    assert [] != list(tmp_path.glob(f"case-file-{name}-redacted-*.tar"))
