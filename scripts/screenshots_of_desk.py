"""
Take pictures of every page and state of the desk.

    PYTHONPATH=.:tests .venv/bin/python scripts/screenshots_of_desk.py FOLDER

An office of three desks is filled with three weeks of reports, good and hostile, and an
officer looks at all of it in Debian's Chromium: on small, usual and wide screens, light
and dark, in Indonesian and English:

    desk-light-id/07-case-1280.png
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from support.browsers import running_chromium
from support.busy_desk import ANI, TODAY, BusyDesk, fill
from support.camera import Camera
from support.office import NAMES, make_office_template, running_office
from support.screens import Screen, serving_desk

from casework.profile import shipped_profile
from journalist_app.workstation.desk import Institution

WIDTHS = (1024, 1280, 1920)
HEIGHT = 900
SCHEMES = ("light", "dark")
LANGUAGES = ("id", "en")


def walk(base: str, link: str, camera: Camera, seen: BusyDesk, language: str) -> None:
    """Look at all pages as one officer."""
    page = camera.page
    page.goto(base)
    camera.take("closed")
    page.goto(f"{base}/open/{link}")
    if language == "en":
        page.click("button[lang=en]")
    camera.take("queue")
    page.goto(f"{base}/?view=mine")
    page.keyboard.press("j")
    camera.take("queue-chosen")
    page.goto(f"{base}/?view=all&page=2")
    camera.take("queue-all")
    page.goto(f"{base}/?view=today&label=panti")
    camera.take("queue-none")
    page.goto(f"{base}/search?q=bantuan")
    camera.take("search")
    page.goto(f"{base}/search?q=kapibara")
    camera.take("search-none")
    _case(base, camera, seen)
    _files(base, camera, seen)
    page.goto(f"{base}/statistics/")
    camera.take("statistics")
    page.goto(f"{base}/officers")
    camera.take("officers")
    page.goto(f"{base}/help")
    camera.take("help")
    page.goto(f"{base}/cases/tidak-ada/")
    camera.take("unknown")


def _case(base: str, camera: Camera, seen: BusyDesk) -> None:
    page, case = camera.page, f"{base}/cases/{seen.rich}"
    page.goto(f"{case}/")
    camera.take("case")
    _open_all(page)
    camera.take("case-unfolded")
    page.goto(f"{base}/cases/{seen.proposed}/")
    camera.take("case-proposed")
    page.goto(f"{base}/cases/{seen.hostile}/")
    camera.take("case-hostile")
    page.goto(f"{base}/cases/{seen.contact}/")
    camera.take("case-contact")
    page.goto(f"{case}/")
    page.fill("#labelbaru", "ditinjau")
    page.click("section[aria-labelledby=label] form:last-of-type button")
    camera.take("case-noticed")
    page.click(".notice button")
    page.goto(f"{case}/answer/?draft=needs-completion")
    camera.take("answer")
    page.click("button[value=preview]")
    camera.take("answer-preview")
    page.goto(f"{case}/exposure/")
    camera.take("exposure")
    page.goto(f"{base}/cases/{seen.hostile}/exposure/")
    camera.take("exposure-hostile")


def _files(base: str, camera: Camera, seen: BusyDesk) -> None:
    page = camera.page
    page.goto(f"{base}/cases/{seen.rich}/")
    links = page.locator(".files a[href*='/files/']")
    paths = [links.nth(at).get_attribute("href") for at in range(links.count())]
    for number, path in enumerate(paths, start=1):
        page.goto(f"{base}{path}")
        page.wait_for_load_state("networkidle")
        camera.take(f"file-{number}")
    for form in ("original", "cleaned"):
        page.goto(f"{base}{paths[0]}{form}")
        camera.take(f"file-taken-{form}")


def _carrying(base: str, camera: Camera, stick: Path) -> None:
    page = camera.page
    page.goto(f"{base}/carrying/")
    camera.take("carrying")
    page.check("input[name=path] >> nth=-1")
    page.click("#ambil ~ form button")
    page.wait_for_selector("#hasil")
    page.locator("main details").last.evaluate("one => one.open = true")
    camera.take("imported")
    page.fill("#folder", str(stick / "none"))
    page.click("#antar ~ form button")
    camera.take("carrying-wrong")


def _open_all(page: Page) -> None:
    page.evaluate(
        "document.querySelectorAll('details').forEach(one => one.open = true)"
    )


def _take_all(browser: Browser, screen: Screen, folder: Path, seen: BusyDesk) -> None:
    stick = next(iter(screen.services.sticks()))
    with serving_desk(screen) as base:
        for scheme in SCHEMES:
            for language in LANGUAGES:
                context = browser.new_context(
                    color_scheme="dark" if scheme == "dark" else "light"
                )
                there = folder / f"desk-{scheme}-{language}"
                there.mkdir(parents=True, exist_ok=True)
                camera = Camera(context.new_page(), there, WIDTHS, HEIGHT)
                walk(base, screen.access.new_link(), camera, seen, language)
                _carrying(base, camera, stick)
                context.close()


def main(arguments: Sequence[str]) -> None:
    """Take all pictures into the folder that is named."""
    folder = Path(arguments[0])
    calendar = resources.files("casework").joinpath("calendars/indonesia.csv")
    institution = Institution(shipped_profile(), calendar.read_text("utf-8"))
    with tempfile.TemporaryDirectory(prefix="bisik-screenshots-") as name:
        base = Path(name)
        stick = base / "STICK"
        stick.mkdir()
        template = make_office_template(base / "template", institution)
        with running_office(base, template, *NAMES) as office:
            seen = fill(office)
            (stick / "bundle-1-58.tar").write_bytes(office.bundle_for(ANI, since=0))
            broken = bytearray(office.bundle_for(ANI, since=0))
            broken[len(broken) // 2 : len(broken) // 2 + 9] = os.urandom(9)
            (stick / "bundle-1-58 (1).tar").write_bytes(broken)
            screen = Screen(office.desks[ANI], stick=stick, today=TODAY, let_in=False)
            with (
                sync_playwright() as playwright,
                running_chromium(playwright) as browser,
            ):
                _take_all(browser, screen, folder, seen)
    sys.stdout.write(f"The pictures are in {folder}.\n")


if __name__ == "__main__":
    main(sys.argv[1:])
