"""The courier's site: who gets in, what they fetch and what they bring."""

import hashlib
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.courier_site import HOST, PASSPHRASE, REQUESTS, TOKEN, Courier
from support.deaddrop_samples import read_everything
from support.hostile_outboxes import (
    archive_of,
    eventful_outbox,
    hostile_outboxes,
    members_of,
)
from support.office import NAMES, Office
from support.reporters import DAY, Reporter

from casework import strict
from casework.bundle import write_bundle
from casework.outbox import OUTBOX_LIMITS, OutboxManifest
from casework.reply import ReplyKind
from fairness.circuits import CIRCUIT
from journalist_app.courier.app import FORM_BYTES
from journalist_app.courier.bundles import announce
from journalist_app.courier.errors import SignInRefused
from journalist_app.courier.ranges import BundleFile
from journalist_app.courier.signing_in import (
    IDLE_SECONDS,
    LONGEST_SESSION_SECONDS,
    LONGEST_WAIT_SECONDS,
    NewAccount,
)
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.names import case_name
from journalist_app.workstation.replying import Draft, write_reply

ANI, BUDI, _CITRA = NAMES


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
    pages = {TOKEN.sub("", answer.text) for answer in answers}
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


def test_a_bundle_goes_out_and_an_outbox_comes_in(
    courier: Courier, office: Office
) -> None:
    """The desk imports what was fetched; what it brings is applied, once."""
    reporter = Reporter("pelapor")
    office.send(reporter.write(), to=NAMES[:2])
    courier.enter(courier.account())
    page = courier.get("/").text
    assert "<b>1</b>" in page
    bundle = courier.get(courier.address())
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

    actions = [action for action, _ in courier.recorded()]
    assert ["signed-in", "fetching", "fetched", "brought", "brought"] == actions
    assert office.drop.records.first_fault() is None
    assert [] == list(courier.spool.iterdir())

    page = courier.get("/").text
    assert "antaran 1 dari Petugas Ani: 1 bagian jawaban, 1 kiriman tersimpan" in page
    assert "antaran 1 dari Petugas Ani, sudah diterapkan sebelumnya" in page
    assert "nomor 1 sampai 1, 1 kiriman" in page


def test_a_bad_outbox_changes_nothing(courier: Courier, office: Office) -> None:
    """Junk, a flipped bit, half of it, no file: each is named and refused."""
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


def test_a_desk_of_somebody_else_is_refused(courier: Courier, office: Office) -> None:
    """An officer signs an outbox in a colleague's name: named, and nothing changed."""
    office.send(Reporter("p").write(), to=NAMES[:2])
    office.fetch(ANI)
    outbox = office.outbox_of(ANI)
    assert outbox is not None
    (_, manifest), _signature, *rest = members_of(outbox)
    theirs = {**json.loads(manifest), "desk_id": office.desks[BUDI].record.desk_id}
    forged = strict.render(OutboxManifest.model_validate_json(json.dumps(theirs)))
    ani = office.desks[ANI]
    signature = ani.keys.sign_detached(forged, signer=ani.fingerprint, day=DAY)
    courier.enter(courier.account())
    before = read_everything(office.drop)

    answer = courier.bring(
        archive_of(
            ("manifest.json", forged), ("manifest.sig", signature), *rest
        ).getvalue()
    )

    assert 422 == answer.status_code
    assert "petugas yang bukan pemilik mejanya. Tidak ada yang berubah." in answer.text
    assert before == read_everything(office.drop)
    assert 200 == courier.bring(outbox).status_code


def test_no_change_of_an_outbox_gets_through_the_page(
    courier: Courier, office: Office
) -> None:
    """Altered, cut off, reordered, with members too many: refused, nothing applied."""
    outbox = eventful_outbox(office, ANI, BUDI)
    courier.enter(courier.account())
    before = read_everything(office.drop)
    for content in hostile_outboxes(outbox):
        answer = courier.bring(content)
        assert 422 == answer.status_code
        assert "Tidak ada yang berubah." in answer.text
        assert before == read_everything(office.drop)
        assert [] == list(courier.spool.iterdir())
    assert 200 == courier.bring(outbox).status_code


def test_an_upload_over_the_limit_is_refused_unread(
    courier: Courier, office: Office
) -> None:
    """Of the size that is announced, nothing is read; nor of a large form's."""
    courier.enter(courier.account())
    before = read_everything(office.drop)
    most = OUTBOX_LIMITS.total_bytes + FORM_BYTES
    for path, size_bytes in (("/outbox", most + 1), ("/account", FORM_BYTES + 1)):
        unread = io.BytesIO(b"x" * 100)
        answer = courier.client.post(
            path,
            base_url=HOST,
            input_stream=unread,
            content_type="multipart/form-data; boundary=batas",
            environ_overrides={"CONTENT_LENGTH": str(size_bytes)},
        )
        assert 413 == answer.status_code
        assert "terlalu besar. Tidak ada yang berubah." in answer.text
        assert 0 == unread.tell()
    assert before == read_everything(office.drop)
    assert [] == list(courier.spool.iterdir())


def test_a_download_goes_on_where_it_was(courier: Courier, office: Office) -> None:
    """Two parts make the whole; an unknown one is refused; a change is noticed."""
    for number in range(3):
        office.send(Reporter(f"p{number}").write(), to=NAMES[:2])
    courier.enter(courier.account())
    address = courier.address()
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
            "/", base_url=HOST, environ_overrides={CIRCUIT: circuit}
        ).status_code

    flood = [ask("one") for _ in range(REQUESTS + 3)]

    assert [503] * 3 == flood[REQUESTS:]
    assert 503 not in flood[:REQUESTS]
    assert 503 not in [ask("other"), *(ask(None) for _ in range(2 * REQUESTS))]
