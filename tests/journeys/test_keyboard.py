"""The reporter's journey with the keyboard alone."""

from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from support import walk
from support.browsers import PHONE, running_chromium
from support.keyboard import KeyboardDriver
from support.server import Service

pytestmark = [pytest.mark.browser, pytest.mark.journey, pytest.mark.slow]


def test_whole_journey_by_keys(service: Service, tmp_path: Path) -> None:
    """
    Tab, Enter and letters are enough to report, send a file, leave and come back.

    Wherever the focus goes, it can be seen.
    """
    note = tmp_path / "catatan.txt"
    note.write_bytes(b"Catatan uji")
    with sync_playwright() as playwright, running_chromium(playwright) as chromium:
        page = chromium.new_page(java_script_enabled=False, viewport=PHONE)
        keys = KeyboardDriver(page, f"http://127.0.0.1:{service.port}")

        words = walk.draw_codename(keys)
        walk.write_report(keys, title="Judul dari papan ketik", what="Peristiwa")
        walk.send_report(keys)
        assert "sudah kami terima" in keys.text("h1")
        walk.rehearse(keys, words)
        walk.send_files(keys, [note])
        assert "sudah disegel" in keys.text(".notice")
        keys.click("aside.side form[action='/case/sign-out'] button")
        walk.sign_in(keys, words)
        assert "catatan.txt" in keys.text("main")

    report, files = service.opened_items()
    assert report.report is not None
    assert "Judul dari papan ketik" == report.report.title
    assert (("catatan.txt", b"Catatan uji"),) == files.files


def test_first_key_leads_past_the_menu(service: Service) -> None:
    """
    The first Tab shows a link to the content, and Enter goes there.
    """
    with sync_playwright() as playwright, running_chromium(playwright) as chromium:
        page = chromium.new_page(java_script_enabled=False)
        keys = KeyboardDriver(page, f"http://127.0.0.1:{service.port}")
        keys.goto("/")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")

        page.wait_for_url("**/#isi")
        keys.go_to("a.choice.first")
