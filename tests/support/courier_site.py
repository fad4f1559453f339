"""The courier's site as one officer's browser meets it, within the test's process."""

import io
import os
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pyotp
from flask.testing import FlaskClient
from support.office import NAMES, Office
from support.reporters import DAY
from werkzeug.test import TestResponse

from casework.profile import Profile, shipped_profile
from crypto.keys import CHEAPEST
from deaddrop import Officer
from fairness.allowances import Allowances, Use
from fairness.circuits import KEY_BYTES, Pseudonyms
from journalist_app.courier.app import create_app
from journalist_app.courier.services import Services
from journalist_app.courier.signing_in import NewAccount, SignIn

ANI = NAMES[0]
HOST = "http://kurir.example"
# Of one circuit in a minute.
REQUESTS = 5
PASSPHRASE = "kuda besi baterai staples"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Courier:
    """A running courier, its clock, and one officer's browser."""

    def __init__(self, office: Office, tmp_path: Path) -> None:
        self.now = 1_800_000_000.0
        self.office = office
        self.signing = SignIn(
            office.drop,
            key=b"k" * 32,
            now=lambda: self.now,
            entropy=os.urandom,
            cost=CHEAPEST,
        )
        self.spool = tmp_path / "spool"
        self.spool.mkdir()
        self.app = create_app(
            Services(
                drop=office.drop,
                keyring=office.keyring,
                sign_in=self.signing,
                profile=Profile.parse(shipped_profile()),
                spool_directory=self.spool,
                secret_key=b"s" * 32,
                hosts=("kurir.example",),
                today=lambda: DAY,
                release_day=lambda: date(2026, 11, 25),
                allowances=Allowances({Use.REQUESTS: REQUESTS}),
                pseudonyms=Pseudonyms(bytes(KEY_BYTES)),
            )
        )
        self.client: FlaskClient = self.app.test_client()

    def officer(self, name: str) -> Officer:
        """Return an officer by name."""
        return next(one for one in self.office.drop.officers.list() if one.name == name)

    def account(self, name: str = ANI) -> NewAccount:
        """Make an officer's account."""
        fingerprint = self.officer(name).fingerprint
        return self.signing.make_account(
            fingerprint, name.split()[1].lower(), PASSPHRASE
        )

    def code(self, account: NewAccount, *, steps: int = 0) -> str:
        """Return what the officer's authenticator shows, some steps from now."""
        return pyotp.TOTP(account.totp_secret).generate_otp(int(self.now) // 30 + steps)

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open a page, and read it to its end."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, base_url=HOST, headers=named, buffered=True)

    def post(self, path: str, form: Mapping[str, object]) -> TestResponse:
        """Send a form with the token of a page."""
        page = self.get("/enter")
        if page.status_code == 303:
            page = self.get("/")
        token = TOKEN.search(page.text)
        assert token is not None
        return self.client.post(
            path, base_url=HOST, data={"csrf_token": token[1], **form}
        )

    def enter(self, account: NewAccount, **changes: str) -> TestResponse:
        """Sign in."""
        form = {
            "user_name": account.user_name,
            "passphrase": account.passphrase,
            "code": self.code(account),
        }
        return self.post("/enter", {**form, **changes})

    def is_in(self) -> bool:
        """Tell whether the browser is let in."""
        return self.get("/").status_code == 200

    def address(self) -> str:
        """Return where the bundle is."""
        found = re.search(r'href="(/bundle/[^"]+)"', self.get("/").text)
        assert found is not None
        return found[1]

    def bring(self, outbox: bytes) -> TestResponse:
        """Upload an outbox."""
        return self.post("/outbox", {"outbox": (io.BytesIO(outbox), "outbox.tar")})

    def recorded(self, count: int = 9) -> list[tuple[str, str]]:
        """Return the newest lines of the record, the oldest of them first."""
        lines = self.office.drop.records.last(count)
        return [(line.action, line.detail) for line in reversed(lines)]
