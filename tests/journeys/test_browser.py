"""The reporter's journey in Debian's Chromium with JavaScript off."""

from pathlib import Path

import pytest
from playwright.sync_api import ViewportSize, sync_playwright
from support import walk
from support.browsers import DESKTOP, PHONE, ChromiumDriver, fits, running_chromium
from support.server import Service

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) * 40 + b"\xff\xd9"

pytestmark = [pytest.mark.browser, pytest.mark.journey, pytest.mark.slow]


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_report_with_documents_reaches_the_desk(
    service: Service, tmp_path: Path, size: ViewportSize
) -> None:
    """
    Without scripts, a person gets a codename, reports, and sends three documents.

    On the way nothing is wider than the screen, the first page is one request, no
    other host is asked for anything, and the browser has no complaint about the
    content security policy.
    """
    requests: list[str] = []
    complaints: list[str] = []
    files = {"bukti.pdf": PDF, "foto.jpg": JPEG, "catatan.txt": b"Catatan uji\n"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with sync_playwright() as playwright, running_chromium(playwright) as chromium:
        page = chromium.new_page(java_script_enabled=False, viewport=size)
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        driver = ChromiumDriver(page, f"http://127.0.0.1:{service.port}")

        driver.goto("/")
        assert 1 == len(requests)
        words = walk.draw_codename(driver)
        walk.write_report(
            driver, title="Judul dari peramban", what="Peristiwa <b>dari</b> peramban"
        )
        assert fits(page)
        walk.send_report(driver)
        assert "sudah kami terima" in driver.text("h1")
        walk.rehearse(driver, words)
        assert "Kedua kata benar" in driver.text("main")
        walk.send_files(driver, [tmp_path / name for name in files])
        assert "sudah disegel" in driver.text(".notice")
        assert fits(page)

    report, attachments = service.opened_items()
    assert report.report is not None
    assert "Peristiwa <b>dari</b> peramban" == report.report.what
    assert tuple(files.items()) == attachments.files
    assert {f"127.0.0.1:{service.port}"} == {url.split("/")[2] for url in requests}
    assert [] == complaints
