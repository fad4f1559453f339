"""The courier as one officer with an account meets it, with a clock that moves on."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pyotp
from playwright.sync_api import Page
from support.office import Office
from support.reporters import DAY
from support.serving import serving

from casework.profile import Profile, shipped_profile
from crypto.keys import CHEAPEST
from fairness.allowances import Allowances, Use
from fairness.circuits import KEY_BYTES, Pseudonyms
from journalist_app.courier.app import create_app
from journalist_app.courier.services import Services
from journalist_app.courier.signing_in import NewAccount, SignIn

RELEASE_DAY = DAY + timedelta(days=1)
PASSPHRASE = "kuda besi baterai staples"


class Clock:
    """The time at the courier: it moves on, so that no code is used twice."""

    def __init__(self) -> None:
        self.now = time.time()

    def code(self, account: NewAccount) -> str:
        """Let a minute pass, and read the authenticator."""
        self.now += 60
        return pyotp.TOTP(account.totp_secret).generate_otp(int(self.now) // 30)


@dataclass(frozen=True)
class ServedCourier:
    """A courier that answers, and an officer's account."""

    base: str
    account: NewAccount
    clock: Clock

    def enter(self, page: Page, passphrase: str = PASSPHRASE) -> None:
        """Fill in the form of the page, and send it."""
        page.fill("#user", self.account.user_name)
        page.fill("#passphrase", passphrase)
        page.fill("#code", self.clock.code(self.account))
        page.click("main button")


@contextmanager
def serving_courier(office: Office, name: str) -> Iterator[ServedCourier]:
    """Serve an office's courier on this machine, with an account for somebody."""
    clock = Clock()
    signing = SignIn(
        office.drop,
        key=os.urandom(32),
        now=lambda: clock.now,
        entropy=os.urandom,
        cost=CHEAPEST,
    )
    officer = next(one for one in office.drop.officers.list() if one.name == name)
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
            allowances=Allowances({Use.REQUESTS: 1}),
            pseudonyms=Pseudonyms(os.urandom(KEY_BYTES)),
        )
    )
    with serving(app) as host:
        yield ServedCourier(f"http://{host}", account, clock)
