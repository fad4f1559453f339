"""The courier's site: who gets in, what they fetch and what they bring."""

import hashlib
import io
import os
import re
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pyotp
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.deaddrop_samples import read_everything
from support.office import NAMES, Office
from support.reporters import DAY, Reporter
from werkzeug.test import TestResponse

from casework.bundle import write_bundle
from casework.profile import Profile, shipped_profile
from casework.reply import ReplyKind
from crypto.keys import CHEAPEST
from deaddrop import Officer
from fairness.allowances import Allowances, Use
from fairness.circuits import CIRCUIT, KEY_BYTES, Pseudonyms
from journalist_app.courier.app import create_app
from journalist_app.courier.bundles import announce
from journalist_app.courier.errors import SignInRefused
from journalist_app.courier.ranges import BundleFile
from journalist_app.courier.services import Services
from journalist_app.courier.signing_in import (
    IDLE_SECONDS,
    LONGEST_SESSION_SECONDS,
    LONGEST_WAIT_SECONDS,
    NewAccount,
    SignIn,
)
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.names import case_name
from journalist_app.workstation.replying import Draft, write_reply

ANI, BUDI, _CITRA = NAMES
HOST = "http://kurir.example"
# Of one circuit in a minute.
REQUESTS = 5
PASSPHRASE = "kuda besi baterai staples"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


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
        """Open a page."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, base_url=HOST, headers=named)

    def post(self, path: str, form: Mapping[str, object]) -> TestResponse:
        """Send a form with the token of a page."""
        page = self.get("/enter")
        if page.status_code == 303:
            page = self.get("/")
        token = _TOKEN.search(page.text)
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


@pytest.fixture
def courier(office: Office, tmp_path: Path) -> Courier:
    """The courier of an office."""
    return Courier(office, tmp_path)


def test_an_officer_gets_in_and_out(courier: Courier) -> None:
    """With name, passphrase and code; and is out again after leaving."""
    assert 303 == courier.enter(courier.account()).status_code
    assert courier.is_in()
    left = courier.post("/leave", {})
    assert "cache" in left.headers["Clear-Site-Data"]
    assert not courier.is_in()


def test_nothing_is_shown_to_others(courier: Courier, office: Office) -> None:
    """Every page leads to the form; nothing is fetched, and nothing brought."""
    office.send(Reporter("p").write())
    before = read_everything(office.drop)
    for path in ("/", "/account", "/bundle/0-1-740000-abc/bundle.tar", "/nothing"):
        answer = courier.get(path)
        assert (303, "/enter") == (answer.status_code, answer.headers["Location"])
    files = {"outbox": (io.BytesIO(b"x"), "outbox.tar")}
    assert 303 == courier.post("/outbox", files).status_code
    assert before == read_everything(office.drop)


def test_all_mistakes_get_one_answer(courier: Courier) -> None:
    """Wrong name, passphrase or code: the same page, byte for byte."""
    account = courier.account()
    answers = [
        courier.enter(account, **changes)
        for changes in (
            {"user_name": "siapa"},
            {"passphrase": "salah"},
            {"code": "000000"},
        )
    ]
    # The form's own token differs from page to page.
    pages = {_TOKEN.sub("", answer.text) for answer in answers[:2]}
    assert 1 == len(pages)
    assert [422] * 3 == [answer.status_code for answer in answers]
    assert not courier.is_in()


def test_a_code_counts_once(courier: Courier) -> None:
    """Whoever watched an officer type it is too late, within its 30 seconds, too."""
    account = courier.account()
    assert 303 == courier.enter(account).status_code
    courier.post("/leave", {})
    assert 422 == courier.enter(account).status_code
    courier.now += 30
    assert 303 == courier.enter(account).status_code


@pytest.mark.parametrize(
    ("steps", "status"), [(-2, 422), (-1, 303), (1, 303), (2, 422)]
)
def test_clocks_may_differ_a_little(courier: Courier, steps: int, status: int) -> None:
    """The step before and the one after count, and no others."""
    account = courier.account()
    code = courier.code(account, steps=steps)
    assert status == courier.enter(account, code=code).status_code


def test_a_recovery_code_counts_once(courier: Courier) -> None:
    """In place of the six digits, once; the account says how many are left."""
    account = courier.account()
    code = account.codes[0].upper()
    assert 303 == courier.enter(account, code=code).status_code
    assert ">7<" in courier.get("/account").text
    courier.post("/leave", {})
    assert 422 == courier.enter(account, code=code).status_code


def test_guessing_has_to_wait_and_the_officer_is_not_locked_out(
    courier: Courier,
) -> None:
    """Waits double up to a quarter of an hour, and the right answer ends them."""
    account = courier.account()
    waits = []
    for _ in range(14):
        with pytest.raises(SignInRefused) as refused:
            courier.signing.sign_in(account.user_name, "salah", "000000")
        waits.append(refused.value.wait_seconds)
        courier.now += refused.value.wait_seconds
    assert [0, 0, 5, 10, 20, 40] == waits[:6]
    assert LONGEST_WAIT_SECONDS == max(waits) == waits[-1]
    assert courier.signing.sign_in(account.user_name, PASSPHRASE, courier.code(account))

    with pytest.raises(SignInRefused):
        courier.signing.sign_in(account.user_name, "salah", "000000")
    assert 0 == courier.office.drop.accounts.throttle(b"x" * 32).failures


def test_guessing_many_times_at_once_gives_no_more_guesses(courier: Courier) -> None:
    """Of a burst, as many are looked at as would have been one after the other."""
    account = courier.account()
    at_once = threading.Barrier(8)

    def guess(_number: int) -> int:
        at_once.wait()
        with pytest.raises(SignInRefused) as refused:
            courier.signing.sign_in(account.user_name, "salah", "000000")
        return refused.value.wait_seconds

    with ThreadPoolExecutor(8) as threads:
        waits = sorted(threads.map(guess, range(8)))
    assert [0, 0, 5, 5, 5, 5, 5, 5] == waits
    # Three were looked at: the next one is the fourth.
    courier.now += 5
    assert 10 == guess_alone(courier, account)
    courier.now += 10
    assert courier.signing.sign_in(account.user_name, PASSPHRASE, courier.code(account))
    assert 0 == guess_alone(courier, account)


def guess_alone(courier: Courier, account: NewAccount) -> int:
    """Guess once; return how long to wait after it."""
    with pytest.raises(SignInRefused) as refused:
        courier.signing.sign_in(account.user_name, "salah", "000000")
    return refused.value.wait_seconds


def test_changing_a_passphrase_forgets_the_attempt(courier: Courier) -> None:
    """Whoever gives the right one has not failed."""
    account = courier.account()
    courier.signing.change_passphrase(
        account.user_name, PASSPHRASE, "empat kata lain lagi"
    )
    assert [0, 0, 5] == [guess_alone(courier, account) for _ in range(3)]


def test_while_a_name_waits_the_right_answer_does_too(courier: Courier) -> None:
    """Otherwise the wait would tell nothing to somebody who guesses quickly."""
    account = courier.account()
    for _ in range(4):
        courier.now += 5
        with pytest.raises(SignInRefused):
            courier.signing.sign_in(account.user_name, "salah", "000000")
    with pytest.raises(SignInRefused) as refused:
        courier.signing.sign_in(account.user_name, PASSPHRASE, courier.code(account))
    assert refused.value.wait_seconds


def test_names_that_nobody_has_are_throttled_alike(courier: Courier) -> None:
    """A name that waits does not show that it exists."""
    account = courier.account()
    for name in (account.user_name, "siapa"):
        waits = []
        for _ in range(4):
            with pytest.raises(SignInRefused) as refused:
                courier.signing.sign_in(name, "salah", "000000")
            waits.append(refused.value.wait_seconds)
            courier.now += refused.value.wait_seconds
        assert [0, 0, 5, 10] == waits
    everything = repr(read_everything(courier.office.drop))
    assert "siapa" not in everything


@pytest.mark.parametrize("seconds", [IDLE_SECONDS + 1, LONGEST_SESSION_SECONDS + 1])
def test_a_session_ends_by_itself(courier: Courier, seconds: int) -> None:
    """After half an hour without a click, and after half a day in any case."""
    courier.enter(courier.account())
    end = courier.now + seconds
    while courier.now + IDLE_SECONDS / 2 < end and seconds > IDLE_SECONDS + 1:
        courier.now += IDLE_SECONDS / 2
        courier.get("/")
    courier.now = end
    assert not courier.is_in()


def test_a_retired_officer_is_out_at_once(courier: Courier, office: Office) -> None:
    """In the middle of a session, too."""
    account = courier.account()
    courier.enter(account)
    office.drop.officers.retire(courier.officer(ANI).fingerprint)
    assert not courier.is_in()
    assert 422 == courier.enter(account).status_code


def test_secrets_are_not_in_the_database(courier: Courier, office: Office) -> None:
    """Neither passphrase nor secret nor codes nor the session's name."""
    account = courier.account()
    courier.enter(account)
    cookie = courier.client.get_cookie("bisik-courier", domain="kurir.example")
    assert cookie is not None
    everything = repr(read_everything(office.drop))
    for secret in (
        account.passphrase,
        account.totp_secret,
        *account.codes,
        cookie.value,
    ):
        assert secret not in everything


def test_a_passphrase_can_be_changed(courier: Courier) -> None:
    """With the old one; too short or mistyped changes nothing; sessions end."""
    account = courier.account()
    courier.enter(account)
    new = "payung gajah timur laut"
    for form, said in (
        ({"old": PASSPHRASE, "new": "pendek", "again": "pendek"}, "sedikitnya"),
        ({"old": PASSPHRASE, "new": new, "again": new + "x"}, "tidak sama"),
        ({"old": "salah", "new": new, "again": new}, "tidak cocok"),
    ):
        refused = courier.post("/account", form)
        assert 422 == refused.status_code
        assert said in refused.text
    changed = courier.post("/account", {"old": PASSPHRASE, "new": new, "again": new})
    assert 303 == changed.status_code
    assert not courier.is_in()
    courier.now += 30
    assert 422 == courier.enter(account).status_code
    assert 303 == courier.enter(account, passphrase=new).status_code


def test_another_door_is_refused(courier: Courier) -> None:
    """Another host name, or a proxy of Tor2web, gets nothing."""
    answer = courier.client.get("/enter", base_url="http://attacker.example")
    assert 421 == answer.status_code
    assert 421 == courier.get("/enter", X_Tor2web="1").status_code


def address_of(courier: Courier) -> str:
    """Return where the bundle is."""
    found = re.search(r'href="(/bundle/[^"]+)"', courier.get("/").text)
    assert found is not None
    return found[1]


def test_a_bundle_goes_out_and_an_outbox_comes_in(
    courier: Courier, office: Office
) -> None:
    """The desk imports what was fetched; what it brings is applied, once."""
    reporter = Reporter("pelapor")
    office.send(reporter.write(), to=NAMES[:2])
    courier.enter(courier.account())
    page = courier.get("/").text
    assert "<b>1</b>" in page
    bundle = courier.get(address_of(courier))
    assert (200, "application/x-tar") == (bundle.status_code, bundle.mimetype)
    report = import_bundle(office.desks[ANI], io.BytesIO(bundle.data), today=DAY)
    assert report.complete

    name = case_name(reporter.keys.case_id)
    draft = Draft(ReplyKind.ANSWER, "Terima kasih.")
    write_reply(office.desks[ANI], name, draft, today=DAY)
    outbox = office.outbox_of(ANI)
    assert outbox is not None
    files = {"outbox": (io.BytesIO(outbox), "outbox.tar")}
    brought = courier.post("/outbox", files)
    assert 200 == brought.status_code
    assert "Seluruhnya diterapkan." in brought.text
    assert "25 Nov 2026" in brought.text
    files = {"outbox": (io.BytesIO(outbox), "outbox.tar")}
    assert "sudah diterapkan sebelumnya" in courier.post("/outbox", files).text

    actions = [line.action for line in office.drop.records.last(9)]
    assert ["brought", "brought", "fetched", "signed-in"] == actions
    assert office.drop.records.first_fault() is None
    assert [] == list(courier.spool.iterdir())

    page = courier.get("/").text
    assert "antaran 1 dari Petugas Ani: 1 bagian jawaban, 1 kiriman tersimpan" in page
    assert "antaran 1 dari Petugas Ani, sudah diterapkan sebelumnya" in page
    assert "nomor 1 sampai 1, 1 kiriman" in page


def test_a_bad_outbox_changes_nothing(courier: Courier, office: Office) -> None:
    """Junk, a flipped bit, a desk of somebody else: each is named and refused."""
    office.send(Reporter("p").write(), to=NAMES[:2])
    office.fetch(ANI)
    outbox = office.outbox_of(ANI)
    assert outbox is not None
    courier.enter(courier.account())
    before = read_everything(office.drop)
    flipped = outbox.replace(b'"number": 1', b'"number": 2', 1)
    for content, said in (
        (b"x" * 5000, "bukan antaran"),
        (flipped, "tidak ditandatangani"),
        (outbox[:2000], "bukan antaran"),
    ):
        files = {"outbox": (io.BytesIO(content), "outbox.tar")}
        answer = courier.post("/outbox", files)
        assert 422 == answer.status_code
        assert said in answer.text
        assert "Tidak ada yang berubah." in answer.text
    assert 422 == courier.post("/outbox", {}).status_code
    assert before == read_everything(office.drop)


def test_a_download_goes_on_where_it_was(courier: Courier, office: Office) -> None:
    """Two parts make the whole; an unknown one is refused; a change is noticed."""
    for number in range(3):
        office.send(Reporter(f"p{number}").write(), to=NAMES[:2])
    courier.enter(courier.account())
    address = address_of(courier)
    whole = courier.get(address)
    half = len(whole.data) // 2
    first = courier.get(address, Range=f"bytes=0-{half - 1}")
    etag = whole.headers["ETag"]
    rest = courier.get(address, Range=f"bytes={half}-", If_Range=etag)
    assert [206, 206] == [first.status_code, rest.status_code]
    assert whole.data == first.data + rest.data
    size = len(whole.data)
    assert f"bytes {half}-{size - 1}/{size}" == rest.headers["Content-Range"]
    assert 416 == courier.get(address, Range=f"bytes={size}-").status_code
    other = courier.get(address, Range="bytes=5-9", If_Range='"other"')
    assert (200, whole.data) == (other.status_code, other.data)

    office.send(Reporter("later").write(), to=NAMES[:2])
    assert whole.data == courier.get(address).data
    office.drop.officers.retire(courier.officer(BUDI).fingerprint)
    assert 410 == courier.get(address).status_code


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_range_is_that_part_of_the_bundle(
    office: Office, data: st.DataObject
) -> None:
    """Whatever part is asked for, its bytes are those of the bundle written whole."""
    if not office.drop.intake.entries():
        for number, size in enumerate((1, 70_000, 1_048_576, 1_500_000), start=1):
            office.accept(hashlib.sha256(bytes([number])).digest() * (size // 32 + 1))
    manifest = announce(office.drop, after=0)
    stream = io.BytesIO()
    write_bundle(stream.write, manifest, office.drop.intake.read, DAY)
    whole = stream.getvalue()
    bundle = BundleFile(manifest, day=DAY)
    assert len(whole) == bundle.size_bytes
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))
    pieces = list(
        bundle.read(start, stop, lambda one, at: office.drop.intake.read(one, start=at))
    )
    assert whole[start:stop] == b"".join(pieces)
    assert max(map(len, pieces), default=0) <= 1024 * 1024


def test_the_courier_speaks_english_too(courier: Courier) -> None:
    """The form is in the language that the officer chose."""
    courier.post("/language/en", {})
    assert "Sign in as an officer" in courier.get("/enter").text


def test_one_circuit_is_told_to_wait_and_the_others_are_not(courier: Courier) -> None:
    """
    A circuit that asks without end gets a page that says so; nobody else does.
    """

    def ask(circuit: str | None) -> int:
        return courier.client.get(
            "/", base_url="http://kurir.example", environ_overrides={CIRCUIT: circuit}
        ).status_code

    flood = [ask("one") for _ in range(REQUESTS + 3)]

    assert [503] * 3 == flood[REQUESTS:]
    assert 503 not in flood[:REQUESTS]
    assert 503 not in [ask("other"), *(ask(None) for _ in range(2 * REQUESTS))]
