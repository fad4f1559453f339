"""
Take pictures of every page and state of the courier.

    PYTHONPATH=.:tests .venv/bin/python scripts/screenshots_of_courier.py FOLDER

Without JavaScript, as in Tor Browser, on a telephone and on a desk, light and dark, in
Indonesian and English:

    courier-light-id/03-carrying-360.png
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from support.browsers import running_chromium
from support.camera import Camera
from support.office import NAMES, Office, make_office_template, running_office
from support.reporters import Reporter
from support.served_courier import ServedCourier, serving_courier

from casework.item import ItemKind
from casework.profile import shipped_profile
from journalist_app.workstation.desk import Institution

WIDTHS = (360, 768, 1280)
SCHEMES = ("light", "dark")
LANGUAGES = ("id", "en")
ANI, BUDI, _CITRA = NAMES
BOTH = (ANI, BUDI)


def walk(courier: ServedCourier, camera: Camera, office: Office) -> None:
    """Look at all pages as one officer."""
    base, page, folder = courier.base, camera.page, office.path
    camera.take("enter")
    courier.enter(page, "salah")
    camera.take("refused")
    courier.enter(page)
    camera.take("carrying")
    wrong = folder / "outbox-wrong.tar"
    wrong.write_bytes(os.urandom(2000))
    page.set_input_files("#outbox", wrong)
    page.click("#antar ~ form button")
    camera.take("outbox-wrong")
    for name in (ANI, BUDI):
        office.fetch(name)
    for name in (ANI, BUDI):
        outbox = folder / "outbox.tar"
        outbox.write_bytes(office.outbox_of(name) or b"")
        page.goto(base)
        page.set_input_files("#outbox", outbox)
        page.click("#antar ~ form button")
        camera.take("brought")
    page.goto(base)
    page.set_input_files("#outbox", folder / "outbox.tar")
    page.click("#antar ~ form button")
    camera.take("brought-again")
    page.goto(base)
    camera.take("carrying-nothing")
    page.goto(f"{base}/account")
    camera.take("account")
    page.fill("#old", "salah")
    page.fill("#new", "kuda besi baterai staples dua")
    page.fill("#again", "lain sekali dari yang tadi")
    page.click("main form button")
    camera.take("account-wrong")
    page.goto(f"{base}/bundle/0-1-740000-{'0' * 64}/bundle.tar")
    camera.take("gone")
    page.goto(f"{base}/nothing")
    camera.take("nothing")


def _send(office: Office, round_: str) -> None:
    for number in range(3):
        reporter = Reporter(f"{round_} {number}")
        office.send(reporter.write(files=[("Surat.pdf", os.urandom(90_000))]), to=BOTH)
    office.send(Reporter(round_).write(ItemKind.MESSAGE, message="Halo."), to=BOTH)


def _take_all(
    office: Office, courier: ServedCourier, browser: Browser, folder: Path
) -> None:
    for scheme in SCHEMES:
        for language in LANGUAGES:
            _send(office, f"{scheme} {language}")
            context = browser.new_context(
                java_script_enabled=False,
                color_scheme="dark" if scheme == "dark" else "light",
            )
            there = folder / f"courier-{scheme}-{language}"
            there.mkdir(parents=True, exist_ok=True)
            page = context.new_page()
            page.goto(courier.base)
            if language == "en":
                page.click("button[lang=en]")
            walk(courier, Camera(page, there, WIDTHS), office)
            context.close()


def main(arguments: Sequence[str]) -> None:
    """Take all pictures into the folder that is named."""
    folder = Path(arguments[0])
    calendar = resources.files("casework").joinpath("calendars/indonesia.csv")
    institution = Institution(shipped_profile(), calendar.read_text("utf-8"))
    with tempfile.TemporaryDirectory(prefix="bisik-screenshots-") as name:
        base = Path(name)
        template = make_office_template(base / "template", institution)
        with (
            running_office(base, template, ANI, BUDI) as office,
            sync_playwright() as playwright,
            running_chromium(playwright) as browser,
            serving_courier(office, ANI) as courier,
        ):
            _take_all(office, courier, browser, folder)
    sys.stdout.write(f"The pictures are in {folder}.\n")


if __name__ == "__main__":
    main(sys.argv[1:])
