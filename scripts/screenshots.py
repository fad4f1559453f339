"""
Take pictures of every page and state of the reporters' site.

    make screenshots            all of them, below var/screenshots
    PYTHONPATH=.:tests .venv/bin/python scripts/screenshots.py FOLDER

A whole Bisik is made in a temporary folder, and a reporter walks through its site in
Debian's Chromium without JavaScript; officers answer on the way.  Each state is taken
in phone, tablet and desktop width, light and dark, Indonesian and English:

    light-id/07-check-360.png
"""

import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from support.answering import leave_answer
from support.browsers import running_chromium
from support.camera import Camera
from support.server import Service, made_service

from casework.notice import Notice
from casework.reply import CaseStatus, Letter, ReplyKind
from ops.noticing import remove_notice, write_notice

WIDTHS = (360, 768, 1280)
ROLES = ("verifikator", "penelaah")
SCHEMES = ("light", "dark")
LANGUAGES = ("id", "en")
PUBLIC = ("faq", "safety", "information", "rights", "lpsk", "aid", "nothing-here")

TITLE = "Bantuan tunai dipotong di Desa Contoh, Maret 2026"
# Test data: it holds what the check is meant to find.
WHAT = (
    "Setiap penerima hanya menerima Rp400.000 dari Rp600.000.\n"
    "Saya bekerja sebagai bendahara di Bagian Keuangan, dan hanya saya yang tahu. "
    "Telepon saya 0812-3456-7890."
)


def walk(service: Service, camera: Camera, language: str) -> None:
    """Go through the whole site as one reporter."""
    page, base = camera.page, f"http://127.0.0.1:{service.port}"
    page.goto(f"{base}/language/{language}?next=/")
    camera.take("home")
    page.click("a.choice.first")
    camera.take("start")
    _with_notice(service, camera, base)
    page.goto(f"{base}/report/start")
    page.click("main form button")
    camera.take("codename")
    words = page.inner_text("code.line").split()
    page.click("main a.button")
    asked = [int(number) for number in re.findall(r"\d", page.inner_text("p.lead"))]
    page.fill("#first_word", words[asked[0] - 1])
    page.fill("#second_word", "salah")
    page.click("main form button")
    camera.take("retype")
    page.fill("#second_word", words[asked[1] - 1])
    page.click("main form button")
    page.click("main form button")
    camera.take("event-wrong")
    page.fill("#title", TITLE)
    page.fill("#what", WHAT)
    camera.take("event")
    for step in ("details", "care", "check"):
        page.click(f"main form button[value={step}]")
        camera.take(step)
    page.click(".last button[value=send]")
    camera.take("acknowledged")
    page.goto(f"{base}/case/")
    camera.take("case-waiting")
    _answer(service)
    page.goto(f"{base}/case/")
    camera.take("case-answered")
    page.fill("#text", WHAT)
    page.click("section[aria-labelledby=pesan] button")
    camera.take("message")
    page.click("button.second")
    page.click(".unread button")
    camera.take("case-read")
    page.goto(f"{base}/case/withdraw")
    camera.take("withdraw")
    page.click("main button.danger")
    camera.take("case-withdrawn")
    page.click("aside form button")
    camera.take("signed-out")
    page.goto(f"{base}/case/sign-in?refused=1")
    camera.take("sign-in")
    for path in PUBLIC:
        page.goto(f"{base}/{path}")
        camera.take(path)


def _with_notice(service: Service, camera: Camera, base: str) -> None:
    """Show the first page and a form with an operator's notice."""
    text = {
        "id": "Pada hari Senin situs ini tutup karena kami pindah ke mesin lain. "
        "Tidak ada yang hilang: kembalilah pada hari Selasa.",
        "en": "On Monday this site is closed while we move to another machine. "
        "Nothing is lost: come back on Tuesday.",
    }
    write_notice(service.directory, Notice.of(text["id"], text["en"], service.today))
    for name, path in (("home", "/"), ("sign-in", "/case/sign-in")):
        camera.page.goto(f"{base}{path}")
        camera.take(f"{name}-notice")
    remove_notice(service.directory)


def _answer(service: Service) -> None:
    letter = Letter(
        kind=ReplyKind.CONTACT_REQUEST,
        day=service.today,
        language="id",
        text="Laporan Anda lengkap.\nBolehkah kami menghubungi Anda?",
        status=CaseStatus.REGISTERED,
        registration_number="UJI-001",
    )
    item = service.opened_items()[-1]
    with service.opened() as server:
        leave_answer(
            server.drop,
            item,
            letter,
            desk_id=server.drop.officers.list()[0].desk_id,
            files=[("surat.pdf", bytes(4000))],
        )


def _take_all(service: Service, browser: Browser, folder: Path) -> None:
    for scheme in SCHEMES:
        for language in LANGUAGES:
            context = browser.new_context(
                java_script_enabled=False,
                color_scheme="dark" if scheme == "dark" else "light",
            )
            there = folder / f"{scheme}-{language}"
            there.mkdir(parents=True, exist_ok=True)
            walk(service, Camera(context.new_page(), there, WIDTHS), language)
            context.close()


def main(arguments: Sequence[str]) -> None:
    """Take all pictures into the folder that is named."""
    folder = Path(arguments[0])
    with (
        tempfile.TemporaryDirectory(prefix="bisik-screenshots-") as base,
        made_service(Path(base), officers=len(ROLES)) as service,
        sync_playwright() as playwright,
    ):
        with service.opened() as server:
            officers = server.drop.officers.list()
            for officer, role in zip(officers, ROLES, strict=True):
                server.drop.officers.set_role(officer.fingerprint, role)
        service.start()
        with running_chromium(playwright) as browser:
            _take_all(service, browser, folder)
    sys.stdout.write(f"The pictures are in {folder}.\n")


if __name__ == "__main__":
    main(sys.argv[1:])
