"""The desk's screens: what officers see and do, and who cannot get in."""

import io
import os
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image
from support.bundles import rewritten
from support.office import NAMES, Office
from support.reporters import DAY, REPORT, Reporter
from support.screens import HOST, Screen, decide, words
from werkzeug.test import TestResponse

from casework.item import ItemKind
from casework.outbox import read_outbox
from casework.reply import CaseStatus, ReplyKind
from casework.report import Report
from crypto.subkeys import first_of_next_month
from journalist_app.workstation.acting import state_of, take_step
from journalist_app.workstation.continuity import note_restored
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.names import case_name
from journalist_app.workstation.rotation import GRACE_DAYS
from journalist_app.workstation.screens.views import case
from journalist_app.workstation.screens.wording import plain

ANI, BUDI, CITRA = NAMES


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """A folder that stands for a stick."""
    path = tmp_path / "stick"
    path.mkdir()
    return path


@pytest.fixture
def reporter() -> Reporter:
    """Somebody who reports."""
    return Reporter("pelapor")


@pytest.fixture
def ani(office: Office) -> Desk:
    """The desk in front of which we sit."""
    return office.desks[ANI]


@pytest.fixture
def name(office: Office, reporter: Reporter) -> str:
    """A case that has come in."""
    office.send(reporter.write(files=[("Bukti.pdf", b"%PDF-1.7")]), to=NAMES[:2])
    office.fetch(ANI)
    return case_name(reporter.keys.case_id)


@pytest.fixture
def screen(ani: Desk, stick: Path) -> Screen:
    """A browser that has used the link."""
    return Screen(ani, stick=stick)


def test_nobody_gets_in_without_the_link(ani: Desk, stick: Path, name: str) -> None:
    """Whoever connects to the port learns that there is a desk, and nothing of it."""
    stranger = Screen(ani, stick=stick, let_in=False)
    for path in ("/", f"/cases/{name}/", "/carrying/", "/search?q=beras", "/nothing"):
        answer = stranger.get(path)
        assert 403 == answer.status_code
        assert REPORT.title not in answer.text
        assert ani.record.name not in answer.text
    assert 403 == stranger.get(f"/open/{'0' * 64}").status_code


def test_a_link_works_once(ani: Desk, stick: Path) -> None:
    """A second browser with the same link stays outside."""
    screen = Screen(ani, stick=stick, let_in=False)
    link = f"/open/{screen.access.new_link()}"
    assert 303 == screen.get(link).status_code
    assert 200 == screen.get("/").status_code
    other = screen.app.test_client()
    assert 403 == other.get(link, base_url=screen.base).status_code
    assert 403 == other.get("/", base_url=screen.base).status_code


def test_locking_the_screen_lets_nobody_in_any_more(screen: Screen) -> None:
    """After that the browser needs a new link."""
    screen.post("/end")
    assert 403 == screen.get("/").status_code


def test_another_name_of_the_machine_is_refused(screen: Screen) -> None:
    """A page elsewhere cannot reach in by a name that leads to this machine."""
    answer = screen.client.get("/", base_url="http://attacker.example:4711")
    assert 421 == answer.status_code


def test_a_form_from_elsewhere_changes_nothing(
    screen: Screen, ani: Desk, name: str
) -> None:
    """Without the page's own token a form is refused."""
    before = state_of(ani, name)
    answer = screen.client.post(
        f"/cases/{name}/note", base_url=screen.base, data={"text": "Halo."}
    )
    assert 400 == answer.status_code
    assert before == state_of(ani, name)


def test_pages_load_nothing_from_elsewhere(screen: Screen, name: str) -> None:
    """The policy allows the desk's own files, and no page is kept by the browser."""
    answer = screen.get(f"/cases/{name}/")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "no-store" == answer.headers["Cache-Control"]
    assert "http" not in answer.text.replace(f"http://{HOST}", "")


def test_the_queue_counts_what_is_due(
    office: Office, ani: Desk, stick: Path, name: str
) -> None:
    """Every view says how many cases it has, and shows them."""
    office.send(Reporter("lain").write(), to=NAMES[:2])
    office.fetch(ANI)
    late = Screen(ani, stick=stick, today=DAY.replace(month=12, day=20))
    shown = late.text("/?view=overdue")
    assert "Lewat tenggat 2" in shown
    assert "Ada yang baru 2" in shown
    assert 2 == shown.count(REPORT.title)
    assert "Tidak ada kasus di sini." in late.text("/?view=mine")
    assert 404 == late.get("/?view=nonsense").status_code


def test_a_case_goes_on_step_by_step(screen: Screen, ani: Desk, name: str) -> None:
    """A step is taken, said, and can be undone from the very next page."""
    case = f"/cases/{name}"
    answer = screen.post(f"{case}/step", {"after": "verification"})
    assert "Kasus sekarang: Verifikasi." in words(answer)
    entry = state_of(ani, name).history[-1].digest
    assert entry in answer.text
    screen.post(f"{case}/undo", {"entry": entry})
    assert CaseStatus.RECEIVED is state_of(ani, name).status


def test_a_refused_step_says_why(screen: Screen, ani: Desk, name: str) -> None:
    """In the officer's language, and nothing has changed."""
    screen.post(f"/cases/{name}/step", {"after": "verification"})
    before = state_of(ani, name)
    answer = screen.post(f"/cases/{name}/step", {"after": "needs-completion"})
    assert 422 == answer.status_code
    assert "Langkah ini memerlukan alasan." in words(answer)
    answer = screen.post(f"/cases/{name}/step", {"after": "examination"})
    assert "kasus tidak dapat mengambil langkah itu" in words(answer)
    assert before == state_of(ani, name)


def test_registering_draws_a_number(screen: Screen, ani: Desk, name: str) -> None:
    """The number is on the page, and finds the case however it is written."""
    for after in ("verification", "registered"):
        screen.post(f"/cases/{name}/step", {"after": after})
    number = state_of(ani, name).registration_number
    assert number is not None
    assert number in screen.text(f"/cases/{name}/")
    for written in (number, number.lower().replace("-", " ")):
        assert REPORT.title in screen.text(f"/search?q={written}")


def test_notes_labels_and_verdicts_are_shown(screen: Screen, name: str) -> None:
    """What an officer adds stands on the case's page."""
    case = f"/cases/{name}"
    screen.post(f"{case}/note", {"text": "Tanya dinas."})
    screen.post(f"{case}/label", {"label": "bansos"})
    screen.post(
        f"{case}/assess",
        {"subject": "competence", "verdict": "yes", "reason": "Perpres 46/2015."},
    )
    shown = screen.text(f"{case}/")
    for said in ("Tanya dinas.", "bansos", "Kewenangan kita? ya", "Perpres 46/2015."):
        assert said in shown
    assert REPORT.title in screen.text("/?label=bansos")
    assert REPORT.title not in screen.text("/?label=lain")


def test_a_draft_asks_only_for_what_is_open(screen: Screen, name: str) -> None:
    """The question lists the unanswered of the seven questions, and no others."""
    shown = screen.get(f"/cases/{name}/answer/?draft=needs-completion").text
    assert "mengapa hal itu terjadi" in shown
    assert "bagaimana caranya" in shown
    assert "di mana kejadiannya" not in shown


def test_an_answer_is_previewed_and_then_sealed(
    screen: Screen, office: Office, ani: Desk, reporter: Reporter, name: str
) -> None:
    """A preview seals nothing; the sealed answer is what the reporter opens."""
    path = f"/cases/{name}/answer/"
    form: dict[str, object] = {"kind": "answer", "text": "Terima kasih.\nKami periksa."}
    preview = screen.post(path, {**form, "do": "preview"})
    assert "Seperti di layar pelapor" in words(preview)
    assert () == state_of(ani, name).replies
    files = (io.BytesIO(b"%PDF-1.7"), "Surat <b>.pdf")
    answer = screen.post(path, {**form, "do": "seal", "files": files})
    assert "Jawaban disegel." in words(answer)

    outbox = office.outbox_of(ANI)
    assert outbox is not None
    slots = dict(read_outbox(io.BytesIO(outbox), lambda *_: None).slots())
    reply = reporter.open_reply(slots, ani.desk_id)
    assert "Terima kasih.\nKami periksa." == reply.letter.text
    assert [b"%PDF-1.7"] == [file.content for file in reply.files]


def test_telling_the_reporter_names_the_status(
    screen: Screen, ani: Desk, name: str
) -> None:
    """A notification says where the case is, with its number."""
    for after in ("verification", "registered"):
        screen.post(f"/cases/{name}/step", {"after": after})
    screen.post(
        f"/cases/{name}/answer/",
        {"kind": ReplyKind.STATUS.value, "text": "Terdaftar.", "do": "seal"},
    )
    state = state_of(ani, name)
    (sent,) = state.replies
    assert CaseStatus.REGISTERED is sent.action.letter.status
    assert state.registration_number == sent.action.letter.registration_number


def test_contact_details_are_shown_with_a_reason_only(
    screen: Screen, office: Office, ani: Desk, reporter: Reporter, name: str
) -> None:
    """They are not on the case's page; opening them leaves a trace for colleagues."""
    office.send(reporter.write(ItemKind.CONTACT, message="0811-contoh"), to=(ANI,))
    office.fetch(ANI)
    page = screen.get(f"/cases/{name}/")
    assert "0811-contoh" not in page.text
    digest = page.text.partition("/contact/")[2][:64]
    refused = screen.post(f"/cases/{name}/contact/{digest}", {"reason": " "})
    assert 422 == refused.status_code
    assert "0811-contoh" not in refused.text
    opened = screen.post(f"/cases/{name}/contact/{digest}", {"reason": "Janji temu."})
    assert "0811-contoh" in opened.text
    assert 1 == len(state_of(ani, name).contacts_opened)


def test_a_case_is_shared_after_the_exposure_check(
    screen: Screen, office: Office, name: str
) -> None:
    """The page leads there first; afterwards the colleague gets the case."""
    citra = office.desks[CITRA].record.desk_id
    form = {"desk_id": citra, "form": "full"}
    refused = screen.post(f"/cases/{name}/share", form)
    assert "periksa paparan" in words(refused)
    decide(screen, name, "share")
    shared = screen.post(f"/cases/{name}/share", form)
    assert "Kasus dibagikan." in words(shared)
    office.exchange()
    other = Screen(office.desks[CITRA], stick=Path("/nowhere"))
    assert REPORT.what in other.text(f"/cases/{name}/")


TELLING = Report(
    title="Bantuan berkurang, Desa Contoh, Maret 2026",
    what="Saya bendahara di Bagian Keuangan. Telepon 0812-3456-7890.",
)


def seal_report(office: Office, report: Report, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let a report of our own words come in; return its case's name."""
    monkeypatch.setattr("support.reporters.REPORT", report)
    reporter = Reporter("lain")
    office.send(reporter.write(), to=NAMES[:2])
    office.fetch(ANI)
    return case_name(reporter.keys.case_id)


def test_telling_places_are_marked_and_can_be_blackened(
    screen: Screen, office: Office, ani: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All marks at once, single words, and back again."""
    name = seal_report(office, TELLING, monkeypatch)
    page = screen.get(f"/cases/{name}/exposure/")
    assert "<mark>0812-3456-7890</mark>" in page.text
    item = page.text.partition('name="item" value="')[2][:64]
    place = {"item": item, "field": "what"}

    screen.post(f"/cases/{name}/exposure/redact", {**place, "how": "telling"})
    page = screen.get(f"/cases/{name}/exposure/")
    assert '<del class="black">0812-3456-7890</del>' in page.text
    screen.post(
        f"/cases/{name}/exposure/redact",
        {**place, "how": "words", "words": "TELEPON"},
    )
    page = screen.get(f"/cases/{name}/exposure/")
    assert '<del class="black">Telepon</del>' in page.text
    missing = screen.post(
        f"/cases/{name}/exposure/redact", {**place, "how": "words", "words": "xyz"}
    )
    assert "tidak ada dalam teks ini" in words(missing)
    screen.post(f"/cases/{name}/exposure/redact", {**place, "how": "nothing"})
    assert () == state_of(ani, name).redactions[(item, "what")]


HOSTILE = Report(
    title="<script>alert(1)</script> &amp; {{ 7 * 7 }}",
    what="</textarea><img src=x onerror=alert(1)>\n" + "x" * 19_000,
    where="مكتب\u200f و\u061c",
    who="{% raw %}",
)


def test_hostile_words_are_shown_as_words(
    screen: Screen, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Markup, template code and one endless line stay what they are: text."""
    name = seal_report(office, HOSTILE, monkeypatch)
    for path in (
        "/",
        f"/cases/{name}/",
        f"/cases/{name}/exposure/",
        "/search?q=script",
    ):
        answer: TestResponse = screen.get(path)
        assert 200 == answer.status_code
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
        assert "49 " not in words(answer)
    assert "{{ 7 * 7 }}" in screen.text("/")


def path_of_file(screen: Screen, name: str) -> str:
    """Return the address of a case's first file."""
    page = screen.get(f"/cases/{name}/").text
    rest = page.partition(f'href="/cases/{name}/files/')[2].partition('"')[0]
    return f"/cases/{name}/files/{rest}"


def test_an_original_is_never_shown_by_the_browser(screen: Screen, name: str) -> None:
    """It is given as bytes to be saved, whatever it says that it is."""
    path = path_of_file(screen, name)
    answer = screen.post(f"{path}original", {"reason": "Ahli forensik."})
    assert b"%PDF-1.7" == answer.data
    assert "application/octet-stream" == answer.headers["Content-Type"]
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    for wrong in (
        "files/00/1/",
        "files/zz/1/",
        f"{path[len(f'/cases/{name}/') : -2]}9/",
    ):
        assert 404 == screen.get(f"/cases/{name}/{wrong}").status_code


def test_no_browser_keeps_what_a_reporter_sent(
    screen: Screen, office: Office, name: str
) -> None:
    """Neither an original nor a page of one goes into the browser's store on disk."""
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(picture, "PNG")
    other = Reporter("bergambar")
    office.send(other.write(files=[("Foto.png", picture.getvalue())]), to=NAMES[:2])
    office.fetch(ANI)
    photo = path_of_file(screen, case_name(other.keys.case_id))
    taken = {"reason": "Uji."}
    for answer in (
        screen.post(f"{path_of_file(screen, name)}original", taken),
        screen.get(f"{photo}page/1.png"),
        screen.post(f"{photo}cleaned", taken),
    ):
        assert 200 == answer.status_code
        assert "no-store" == answer.headers["Cache-Control"]


def test_no_form_is_remembered_by_the_browser(screen: Screen, name: str) -> None:
    """Words that were searched for or written are not offered to whoever comes next."""
    for path in ("/", "/carrying/", "/help", "/statistics/", f"/cases/{name}/"):
        page = screen.get(path).text
        assert "<form" in page
        assert page.count("<form ") == page.count('<form autocomplete="off" ')


def test_a_damaged_file_says_so(screen: Screen, name: str) -> None:
    """Eight bytes are no PDF: the page says what to make of it."""
    assert "tidak dapat ditampilkan" in screen.text(path_of_file(screen, name))


def test_a_file_is_seen_as_pictures_with_what_it_tells(
    screen: Screen, office: Office, reporter: Reporter, name: str
) -> None:
    """Pages are PNG; author and position are named; the cleaned copy has neither."""
    picture = io.BytesIO()
    exif = Image.Exif()
    exif[0x013B] = "Sari Contoh"
    Image.new("RGB", (300, 200), "teal").save(picture, "JPEG", exif=exif)
    files = [("foto.png", picture.getvalue())]
    office.send(reporter.write(ItemKind.ATTACHMENTS, files=files), to=NAMES[:2])
    office.fetch(ANI)
    page = screen.get(f"/cases/{name}/").text
    rest = page.partition(">foto.png")[0].rpartition('href="')[2].partition('"')[0]
    shown = screen.text(rest)
    assert "Sari Contoh" in shown
    assert "tidak sesuai dengan isinya" in shown
    png = screen.get(f"{rest}page/1.png").data
    assert (300, 200) == Image.open(io.BytesIO(png)).size
    assert 404 == screen.get(f"{rest}page/2.png").status_code
    cleaned = screen.post(f"{rest}cleaned", {"reason": "Uji."}).data
    assert cleaned.startswith(b"%PDF-")
    assert b"Sari" not in cleaned


def test_a_bundle_is_imported_and_an_outbox_written(
    screen: Screen, office: Office, stick: Path, reporter: Reporter
) -> None:
    """From stick to queue and back to the stick; the server takes the outbox."""
    office.send(reporter.write(), to=NAMES[:2])
    bundle = stick / "bundle-1.tar"
    bundle.write_bytes(office.bundle_for(ANI))
    assert "bundle-1.tar" in screen.text("/carrying/")
    screen.post("/carrying/import", {"path": str(bundle)})
    screen.jobs.wait(30)
    shown = screen.text("/carrying/")
    assert "Semua yang disebut dalam bundel ada dan utuh." in shown
    assert "baru: 1" in shown
    assert "1 kiriman yang dinyatakan tersimpan" in shown

    answer = screen.post("/carrying/export", {"folder": str(stick)})
    assert "Antaran 1 ditulis" in words(answer)
    (outbox,) = stick.glob("outbox-*.tar")
    assert 1 == office.apply(outbox.read_bytes()).applied.holds_noted
    first = outbox.read_bytes()
    outbox.unlink()
    screen.post("/carrying/export-again", {"number": "1", "folder": str(stick)})
    assert first == outbox.read_bytes()
    nothing = screen.post("/carrying/export", {"folder": str(stick)})
    assert "Tidak ada hal baru untuk diantar." in words(nothing)


def test_the_keys_of_past_months(
    ani: Desk, office: Office, stick: Path, reporter: Reporter
) -> None:
    """The carrying page says what an import has destroyed, and until when keys last."""
    due = first_of_next_month(DAY) + timedelta(days=GRACE_DAYS)
    screen = Screen(ani, stick=stick, today=due)
    before = screen.text("/carrying/")
    assert "Kiriman dapat disegel untuk Anda sampai" in before
    assert "Antarlah segera." not in before
    # December is over as well, and its grace is not.
    assert "yang belum dimusnahkan: 2." in before
    office.send(reporter.write(day=due), to=[ANI], day=due)
    bundle = stick / "bundle-1.tar"
    bundle.write_bytes(office.bundle_for(ANI))
    screen.post("/carrying/import", {"path": str(bundle)})
    screen.jobs.wait(30)
    shown = screen.text("/carrying/")
    assert "24 Nov 2026 dimusnahkan." in shown
    assert "yang belum dimusnahkan: 1." in shown
    late = Screen(ani, stick=stick, today=DAY + timedelta(days=520))
    assert "Antarlah segera." in late.text("/carrying/")


def test_what_a_desk_wrote_is_not_offered_as_a_bundle(
    screen: Screen, office: Office, stick: Path, name: str
) -> None:
    """The newest file on the stick is an outbox; what is chosen is the bundle."""
    (stick / "bundle-2.tar").write_bytes(office.bundle_for(ANI))
    screen.post("/carrying/export", {"folder": str(stick)})
    (outbox,) = stick.glob("outbox-*.tar")
    (stick / f"case-file-{name}-full-2026-11-24.tar").write_bytes(b"PDF")
    form = screen.get("/carrying/").text.partition("/carrying/export")[0]
    assert 1 == form.count('name="path"')
    assert f'value="{stick / "bundle-2.tar"}" checked' in form
    assert outbox.exists()


def test_an_import_is_told_in_the_language_of_the_page(
    screen: Screen, office: Office, stick: Path, name: str
) -> None:
    """Items, officers, and why something is odd."""
    office.drop.officers.retire(office.desks[CITRA].fingerprint)
    bundle = stick / "bundle-2.tar"
    bundle.write_bytes(office.bundle_for(ANI, since=0))
    screen.post("/carrying/import", {"path": str(bundle)})
    screen.jobs.wait(30)
    shown = screen.text("/carrying/")
    assert "Petugas Citra: bukan petugas lagi" in shown
    assert "kiriman 1 sudah ada" in shown
    screen.post("/language/en")
    shown = screen.text("/carrying/")
    assert "Petugas Citra: no longer an officer" in shown
    assert "item 1 there already" in shown


def test_excluded_roles_and_decisions_are_named_in_words(
    screen: Screen, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by the keys of the formats, in either language."""
    report = TELLING.model_copy(update={"not_for": ("penelaah", "yang-dulu")})
    name = seal_report(office, report, monkeypatch)
    decide(screen, name, "withhold")
    shown = screen.text(f"/cases/{name}/")
    assert "Tidak untuk Tim penelaah, yang-dulu" in shown
    assert "periksa paparan: Jangan dibagikan" in shown
    screen.post("/language/en")
    shown = screen.text(f"/cases/{name}/")
    assert "Not for Review team, yang-dulu" in shown
    assert "Do not share" in shown


def test_what_is_no_bundle_is_said_to_be_none(screen: Screen, stick: Path) -> None:
    """A wrong file, or none, changes nothing and says what to do."""
    junk = stick / "junk.tar"
    junk.write_bytes(bytes(5000))
    screen.post("/carrying/import", {"path": str(junk)})
    screen.jobs.wait(30)
    assert "bukan bundel, atau daftarnya rusak" in screen.text("/carrying/")
    answer = screen.post("/carrying/import", {"other": str(stick / "missing.tar")})
    assert "Berkas ini tidak ada." in words(answer)
    answer = screen.post("/carrying/export", {"folder": str(stick / "missing")})
    assert 422 == answer.status_code or "Folder ini tidak ada" in words(answer)


def test_a_name_that_is_no_text_hides_no_other_bundle(
    screen: Screen, stick: Path
) -> None:
    """Whoever fills a stick chooses its names, and closes no page by them."""
    (stick / os.fsdecode(b"buruk-\xff.tar")).write_bytes(b"")
    (stick / "baik.tar").write_bytes(b"")
    answer = screen.get("/carrying/")
    assert 200 == answer.status_code
    assert "baik.tar" in answer.text
    assert "buruk" not in answer.text


def test_a_page_that_fails_logs_nothing_of_a_case(
    screen: Screen,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What a program's mistake quotes, and of which case, is written nowhere."""

    def fail(*_args: object, **_kwargs: object) -> None:
        raise KeyError("Isirahasia")

    monkeypatch.setattr(case, "find_alike", fail)
    assert 500 == screen.get(f"/cases/{name}/").status_code
    assert ["a page failed: KeyError"] == caplog.messages
    assert "Isirahasia" not in caplog.text


def test_two_officers_close_a_case_on_their_screens(
    screen: Screen, office: Office, ani: Desk, stick: Path, name: str
) -> None:
    """The proposer waits; the colleague agrees; both see it closed."""
    for status in (CaseStatus.VERIFICATION, CaseStatus.REGISTERED, CaseStatus.REVIEW):
        take_step(ani, name, status, reason="", today=DAY)
    form = {"after": "concluded", "reason": "Tidak terbukti."}
    proposed = screen.post(f"/cases/{name}/step", form)
    assert "Petugas lain harus menyetujuinya" in words(proposed)
    office.exchange()
    other = Screen(office.desks[BUDI], stick=stick)
    page = other.get(f"/cases/{name}/").text
    proposal = page.partition('name="proposal" value="')[2][:64]
    other.post(f"/cases/{name}/closing", {"proposal": proposal, "decision": "confirm"})
    office.exchange()
    assert CaseStatus.CONCLUDED is state_of(ani, name).status
    assert "Selesai 0" in screen.text("/")  # Nobody has answered the reporter yet.


def test_cases_about_the_same_matter_are_offered_and_linked(
    screen: Screen, office: Office, ani: Desk, name: str
) -> None:
    """A like report is shown with its likeness; linking is on both cases."""
    other = Reporter("lain")
    office.send(other.write(), to=NAMES[:2])
    office.fetch(ANI)
    other_name = case_name(other.keys.case_id)
    assert "mirip 100 %" in screen.text(f"/cases/{name}/")
    screen.post(f"/cases/{name}/link", {"other": other_name, "relation": "same-matter"})
    assert {other.keys.case_id.hex()} == set(state_of(ani, name).links)
    assert "perkara yang sama" in screen.text(f"/cases/{other_name}/")


def test_officers_are_listed_with_their_keys(screen: Screen, name: str) -> None:
    """Everybody the organisation has certified, and whether they are oneself."""
    shown = screen.text("/officers")
    for officer in NAMES:
        assert officer in shown
    assert 1 == shown.count(" Anda ")


def test_changes_of_officers_are_told_in_the_language_of_the_page(
    screen: Screen, office: Office, stick: Path, name: str
) -> None:
    """That reports are sealed to somebody, or that they have another role."""
    citra = office.desks[CITRA].fingerprint
    for receives in (False, True):
        office.drop.officers.set_receives(citra, receives)
        bundle = stick / "bundle-2.tar"
        bundle.write_bytes(office.bundle_for(ANI, since=0))
        screen.post("/carrying/import", {"path": str(bundle)})
        screen.jobs.wait(30)
    told = "Petugas Citra: laporan baru sekarang disegel juga untuknya"
    assert told in screen.text("/carrying/")
    screen.post("/language/en")
    told = "Petugas Citra: new reports are now sealed to them"
    assert told in screen.text("/carrying/")
    with screen.app.test_request_context():
        assert "perannya sekarang lain" == plain("they have another role now")


def test_the_desk_speaks_english_too(screen: Screen, name: str) -> None:
    """Pages and refusals are in the language that the officer chose."""
    screen.post("/language/en")
    assert "Queue" in screen.text("/")
    assert "5 of 7 questions answered" in screen.text(f"/cases/{name}/")
    screen.post(f"/cases/{name}/step", {"after": "verification"})
    refused = screen.post(f"/cases/{name}/step", {"after": "needs-completion"})
    assert "This step needs a reason." in words(refused)


def test_a_restored_desk_says_what_it_waits_for(
    screen: Screen, office: Office, name: str, tmp_path: Path
) -> None:
    """Before and after the first bundle, in both languages, and lost outboxes again."""
    ani = office.desks[ANI]
    assert office.outbox_of(ANI) is not None
    with ani.casebook.transaction() as connection:
        note_restored(connection)
    refused = screen.post(f"/cases/{name}/note", {"text": "Terlalu dini."})
    assert "Meja ini dipulihkan dari cadangan" in words(refused)
    screen.post("/language/en")
    refused = screen.post("/carrying/export", {"folder": str(tmp_path)})
    assert "This desk was restored from a backup" in words(refused)

    # The outbox that the desk has made is not one of those that have come.
    applied = {"desk_id": ani.record.desk_id, "number": 0, "sha256": ()}
    bundle = tmp_path / "bundle.tar"
    told = rewritten(io.BytesIO(office.bundle_for(ANI)), applied=applied)
    bundle.write_bytes(told.getvalue())
    screen.post("/carrying/import", {"path": str(bundle)})
    screen.jobs.wait(30)
    shown = screen.text("/carrying/")
    assert "This desk is a restored copy" in shown
    assert "has not sent again what this desk has lost" in shown
    assert "Outbox 1 has not reached the server." in shown
    made = screen.post(
        "/carrying/export-again", {"number": "1", "folder": str(tmp_path)}
    )
    assert 200 == made.status_code
    assert 1 == len(list(tmp_path.glob("outbox-*-0001.tar")))


def test_the_language_changes_on_the_very_page(screen: Screen, name: str) -> None:
    """The officer stays where they are; an address elsewhere leads to the queue."""
    page = f"/cases/{name}/answer/?draft=question"
    assert f'name="back" value="{page}"' in screen.get(page).text
    changed = screen.post("/language/en", {"back": page})
    assert (page, 200) == (changed.request.full_path, changed.status_code)
    for elsewhere in (
        *("//example.test/", "https://example.test/", "/\\example.test", "/no"),
        *("", "/\r\n/", f"/cases/{name}/undo"),
    ):
        shown = screen.post("/language/id", {"back": elsewhere})
        assert ("/", 200) == (shown.request.path, shown.status_code), elsewhere
