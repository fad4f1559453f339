"""The reporter's journey in a real browser with JavaScript off."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from support.server import Service

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PHONE = ViewportSize(width=360, height=740)
DESKTOP = ViewportSize(width=1280, height=900)

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) * 40 + b"\xff\xd9"

pytestmark = [pytest.mark.browser, pytest.mark.journey, pytest.mark.slow]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_report_with_documents_reaches_the_desk(
    service: Service, browser: Browser, tmp_path: Path, size: ViewportSize
) -> None:
    """
    Without scripts, a person gets a codename, reports, and sends three documents.

    On the way nothing is wider than the screen, the first page is one request, no
    other host is asked for anything, and the browser has no complaint about the
    content security policy.
    """
    context = browser.new_context(java_script_enabled=False, viewport=size)
    page = context.new_page()
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    files = {"bukti.pdf": PDF, "foto.jpg": JPEG, "catatan.txt": b"Catatan uji\n"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)

    page.goto(f"http://127.0.0.1:{service.port}/")
    assert 1 == len(requests)
    page.click("a.choice.first")
    page.click("main form button")
    words = page.inner_text("code.line").split()
    page.click("main a.button")
    positions = re.findall(r"nomor (\d)", page.inner_text("p.lead"))
    page.fill("#first_word", words[int(positions[0]) - 1])
    page.fill("#second_word", words[int(positions[1]) - 1])
    page.click("main form button")
    page.fill("#title", "Judul dari peramban")
    page.fill("#what", "Peristiwa <b>dari</b> peramban")
    assert fits(page)
    page.click("main form button")
    assert "sudah kami terima" in page.inner_text("h1")
    page.click("main a.button")
    page.set_input_files("#files", [tmp_path / name for name in files])
    page.click("section[aria-labelledby=lampiran] form button")
    assert "sudah disegel" in page.inner_text(".notice")
    assert fits(page)
    context.close()

    report, attachments = service.opened_items()
    assert report.report is not None
    assert "Peristiwa <b>dari</b> peramban" == report.report.what
    assert tuple(files.items()) == attachments.files
    assert {f"127.0.0.1:{service.port}"} == {url.split("/")[2] for url in requests}
    assert [] == complaints


def fits(page: Page) -> bool:
    """Tell whether nothing sticks out of the screen sideways."""
    # Scripts of the page are off; the browser's own protocol still measures.
    session = page.context.new_cdp_session(page)
    metrics = session.send("Page.getLayoutMetrics")
    width: float = metrics["cssContentSize"]["width"]
    shown: float = metrics["cssLayoutViewport"]["clientWidth"]
    return width <= shown
