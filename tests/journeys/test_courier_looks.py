"""The courier as officers see it in Tor Browser: every page, small and large."""

import os
from importlib import resources
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize, sync_playwright
from support.accessibility import violations
from support.browsers import fits, running_chromium
from support.office import NAMES, Office, make_office_template, running_office
from support.reporters import Reporter
from support.served_courier import PASSPHRASE, serving_courier

from casework.profile import shipped_profile
from journalist_app.workstation.desk import Institution

pytestmark = [pytest.mark.browser, pytest.mark.journey, pytest.mark.slow]

ANI = NAMES[0]


def look(page: Page) -> None:
    """Make sure that a page is good for everybody, on a telephone and on a desk."""
    assert [] == violations(page), page.url
    for width in (360, 1280):
        page.set_viewport_size(ViewportSize(width=width, height=800))
        assert fits(page), (page.url, width)


def bring(page: Page, base: str, path: Path) -> None:
    """Bring an outbox from a file."""
    page.goto(base)
    page.set_input_files("#outbox", path)
    page.click("#antar ~ form button")
    page.wait_for_selector(".notice")


def walk(page: Page, base: str, office: Office) -> None:
    """Fetch and bring, rightly and wrongly."""
    look(page)
    wrong, outbox = office.path / "wrong.tar", office.path / "outbox.tar"
    wrong.write_bytes(os.urandom(2000))
    bring(page, base, wrong)
    look(page)
    office.send(Reporter(str(os.urandom(4))).write(), to=(ANI,))
    office.fetch(ANI)
    outbox.write_bytes(office.outbox_of(ANI) or b"")
    for _again in range(2):
        bring(page, base, outbox)
        look(page)
    page.goto(f"{base}/account")
    look(page)
    page.fill("#old", PASSPHRASE)
    page.fill("#new", "kuda besi baterai staples dua")
    page.fill("#again", "lain sekali dari yang tadi")
    page.click("main form button")
    page.wait_for_selector(".notice.wrong")
    look(page)
    for path in (f"/bundle/0-1-740000-{'0' * 64}/bundle.tar", "/nothing"):
        page.goto(base + path)
        look(page)


def test_every_page_is_accessible(tmp_path: Path) -> None:
    """axe-core finds nothing, and nothing sticks out at 360 pixels."""
    calendar = resources.files("casework").joinpath("calendars/indonesia.csv")
    institution = Institution(shipped_profile(), calendar.read_text("utf-8"))
    template = make_office_template(tmp_path / "template", institution)
    with (
        running_office(tmp_path, template, ANI) as office,
        serving_courier(office, ANI) as courier,
        sync_playwright() as playwright,
        running_chromium(playwright) as browser,
    ):
        schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for scheme, language in zip(schemes, ("id", "en"), strict=True):
            page = browser.new_context(color_scheme=scheme).new_page()
            page.goto(courier.base)
            if language == "en":
                page.click("button[lang=en]")
            look(page)
            courier.enter(page, "salah")
            page.wait_for_selector(".notice.wrong")
            look(page)
            courier.enter(page)
            page.wait_for_selector("#ambil")
            walk(page, courier.base, office)
            page.context.close()
