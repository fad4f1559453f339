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
import time
from collections.abc import Sequence
from datetime import timedelta
from importlib import resources
from pathlib import Path

import pyotp
from playwright.sync_api import Browser, sync_playwright
from support.browsers import running_chromium
from support.camera import Camera
from support.office import NAMES, Office, make_office_template, running_office
from support.reporters import DAY, Reporter
from support.serving import serving

from casework.item import ItemKind
from casework.profile import Profile, shipped_profile
from crypto.keys import CHEAPEST
from journalist_app.courier.app import create_app
from journalist_app.courier.services import Services
from journalist_app.courier.signing_in import NewAccount, SignIn
from journalist_app.workstation.desk import Institution

WIDTHS = (360, 768, 1280)
SCHEMES = ("light", "dark")
LANGUAGES = ("id", "en")
ANI, BUDI, _CITRA = NAMES
BOTH = (ANI, BUDI)
PASSPHRASE = "kuda besi baterai staples"  # noqa: S105 - Of a courier of one minute.
RELEASE_DAY = DAY + timedelta(days=1)


class Clock:
    """The time at the courier: it moves on, so that no code is used twice."""

    def __init__(self) -> None:
        self.now = time.time()

    def code(self, account: NewAccount) -> str:
        """Let a minute pass, and read the authenticator."""
        self.now += 60
        return pyotp.TOTP(account.totp_secret).generate_otp(int(self.now) // 30)


def walk(
    base: str, camera: Camera, account: NewAccount, clock: Clock, office: Office
) -> None:
    """Look at all pages as one officer."""
    page, folder = camera.page, office.path
    camera.take("enter")
    for typed, name in (("salah", "refused"), (account.passphrase, "carrying")):
        page.fill("#user", account.user_name)
        page.fill("#passphrase", typed)
        page.fill("#code", clock.code(account))
        page.click("main button")
        camera.take(name)
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


def _take_all(office: Office, browser: Browser, folder: Path) -> None:
    clock = Clock()
    signing = SignIn(
        office.drop,
        key=os.urandom(32),
        now=lambda: clock.now,
        entropy=os.urandom,
        cost=CHEAPEST,
    )
    officer = next(one for one in office.drop.officers.list() if one.name == ANI)
    account = signing.make_account(officer.fingerprint, "ani", PASSPHRASE)
    spool = office.path / "spool"
    spool.mkdir()
    app = create_app(
        Services(
            drop=office.drop,
            keyring=office.keyring,
            sign_in=signing,
            profile=Profile.parse(shipped_profile()),
            spool_directory=spool,
            secret_key=os.urandom(32),
            hosts=("127.0.0.1",),
            today=lambda: DAY,
            release_day=lambda: RELEASE_DAY,
        )
    )
    with serving(app) as host:
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
                page.goto(f"http://{host}")
                if language == "en":
                    page.click("button[lang=en]")
                camera = Camera(page, there, WIDTHS)
                walk(f"http://{host}", camera, account, clock, office)
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
        ):
            _take_all(office, browser, folder)
    sys.stdout.write(f"The pictures are in {folder}.\n")


if __name__ == "__main__":
    main(sys.argv[1:])
