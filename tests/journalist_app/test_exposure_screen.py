"""The exposure check on the screen: what it shows, and what a decision is about."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.office import NAMES, Office
from support.reporters import Reporter
from support.screens import Screen, decide, mark_on, words
from support.telling_files import jpeg_with_position

from casework.exposure import Exposure
from casework.item import ItemKind
from casework.journal import MOST_ITEMS_CHECKED
from casework.traces import Inspection, Trace, TraceKind
from journalist_app.workstation import casebook
from journalist_app.workstation.acting import state_of
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.names import case_name
from journalist_app.workstation.screens.inspections import Inspections
from journalist_app.workstation.screens.views import exposure

ANI, BUDI, CITRA = NAMES
TOO_MANY = "Mintalah pelapor mengirim pokoknya sebagai laporan baru"


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
    """A case that has come in, without files."""
    office.send(reporter.write(), to=NAMES[:2])
    office.fetch(ANI)
    return case_name(reporter.keys.case_id)


@pytest.fixture
def screen(ani: Desk, tmp_path: Path) -> Screen:
    """A browser that has used the link."""
    return Screen(ani, stick=tmp_path)


def test_files_are_shown_with_their_names_and_traces(
    screen: Screen, office: Office, ani: Desk, name: str, reporter: Reporter
) -> None:
    """What a name and a file tell is on the page, and counted with the rest."""
    decide(screen, name, "share")
    first = state_of(ani, name).exposure
    assert first is not None
    before = first.action.findings
    files = [("0812-3456-7890.bin", b"?"), ("Foto.jpg", jpeg_with_position())]
    office.send(reporter.write(ItemKind.ATTACHMENTS, files=files), to=NAMES[:2])
    office.fetch(ANI)
    shown = screen.text(f"/cases/{name}/exposure/")
    assert "Nama berkas: nomor telepon" in shown
    assert "Uji X1" in shown
    assert "Bagian dalam berkas ini tidak dapat diperiksa" in shown
    decide(screen, name, "share")
    second = state_of(ani, name).exposure
    assert second is not None
    # A telephone number, where it was taken, and with what.
    assert before + 3 == second.action.findings


@pytest.mark.slow
def test_a_case_of_too_many_items_says_so_at_once(
    screen: Screen, ani: Desk, name: str
) -> None:
    """
    With more items than a decision can name, the page and the answer to a decision say
    so with the way out; nothing is recorded.  With as many as it can, it is.
    """
    with ani.casebook.transaction() as connection:
        columns = casebook.content.c
        row = connection.execute(casebook.content.select()).one()
        copies = [
            {
                **row._mapping,
                "digest": number.to_bytes(32, "big"),
                "kind": ItemKind.MESSAGE.value,
                "sequence": number,
                "report": None,
                "message": "Pesan.",
            }
            for number in range(1, MOST_ITEMS_CHECKED + 1)
        ]
        connection.execute(casebook.content.insert(), copies)
    before = state_of(ani, name)

    assert TOO_MANY in screen.text(f"/cases/{name}/exposure/")
    answer = decide(screen, name, "share")
    assert 422 == answer.status_code
    assert TOO_MANY in words(answer)
    assert before == state_of(ani, name)

    with ani.casebook.transaction() as connection:
        last = MOST_ITEMS_CHECKED.to_bytes(32, "big")
        connection.execute(casebook.content.delete().where(columns.digest == last))
    assert TOO_MANY not in screen.text(f"/cases/{name}/exposure/")
    assert 200 == decide(screen, name, "share").status_code
    exposure = state_of(ani, name).exposure
    assert exposure is not None
    assert MOST_ITEMS_CHECKED == len(exposure.action.items)


def test_a_decision_about_an_older_page_is_asked_again(
    screen: Screen, office: Office, ani: Desk, name: str, reporter: Reporter
) -> None:
    """What came in meanwhile is shown and marked, and what was typed is kept."""
    decide(screen, name, "share")
    before = state_of(ani, name)
    form = {"decision": "redact", "reason": "Jabatan.", "shown": mark_on(screen, name)}
    office.send(reporter.write(ItemKind.MESSAGE, message="Saya Sari."), to=NAMES[:2])
    office.fetch(ANI)
    answer = screen.post(f"/cases/{name}/exposure/decide", form)
    assert 409 == answer.status_code
    assert "Keputusan belum dicatat" in words(answer)
    assert "Saya Sari." in answer.text
    assert 1 == answer.text.count('<span class="badge">belum diperiksa</span>')
    assert "Jabatan.</textarea>" in answer.text
    assert before == state_of(ani, name)

    form["shown"] = answer.text.partition('name="shown" value="')[2][:64]
    assert "Keputusan dicatat." in words(
        screen.post(f"/cases/{name}/exposure/decide", form)
    )
    exposure = state_of(ani, name).exposure
    assert exposure is not None
    assert ("redact", 2) == (exposure.action.decision, len(exposure.action.items))


def test_the_case_says_what_waits_for_the_check(
    screen: Screen, office: Office, name: str, reporter: Reporter
) -> None:
    """How many messages, and for whom."""
    citra = office.desks[CITRA].record.desk_id
    decide(screen, name, "share")
    screen.post(f"/cases/{name}/share", {"desk_id": citra, "form": "full"})
    office.exchange()
    office.send(reporter.write(ItemKind.MESSAGE, message="Ada lagi."), to=NAMES[:2])
    office.fetch(ANI)
    waits = "1 pesan baru menunggu periksa paparan sebelum sampai kepada Petugas Citra"
    assert waits in screen.text(f"/cases/{name}/")
    decide(screen, name, "withhold")
    assert "1 pesan tidak diteruskan" in screen.text(f"/cases/{name}/")


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let no file be looked at to its end before the event is set."""
    event = threading.Event()

    def inspect(_content: bytes) -> Inspection:
        assert event.wait(60)
        return Inspection((Trace(TraceKind.AUTHOR, "Sari"),), looked_inside=True)

    monkeypatch.setattr(exposure, "inspect", inspect)
    yield event
    event.set()


def with_hostile_files(office: Office, reporter: Reporter) -> None:
    """Let files come in that take as long as they may."""
    files = [(f"Buku {number}.bin", b"%d" % number) for number in range(12)]
    office.send(reporter.write(ItemKind.ATTACHMENTS, files=files), to=NAMES[:2])
    office.fetch(ANI)


def hasty_screen(ani: Desk, tmp_path: Path) -> Screen:
    """A browser whose desk waits as long as a real one, or a little less."""
    screen = Screen(ani, stick=tmp_path)
    parts = replace(screen.services, inspections=Inspections(patience_seconds=0.5))
    screen.app.extensions["desk"] = parts
    return screen


def test_the_page_waits_for_no_hostile_file(
    office: Office,
    ani: Desk,
    name: str,
    reporter: Reporter,
    tmp_path: Path,
    endless: threading.Event,
) -> None:
    """It names what was not looked at, lets only withhold, and has all in the end."""
    with_hostile_files(office, reporter)
    screen = hasty_screen(ani, tmp_path)
    begun = time.monotonic()
    page = screen.get(f"/cases/{name}/exposure/").text
    assert time.monotonic() - begun < 5
    assert 12 == page.count("Bagian dalam berkas ini belum dilihat.")
    mark = page.partition('name="shown" value="')[2][:64]
    form = {"decision": "share", "shown": mark, "unlooked": "12"}
    for hasty in (form, {**form, "unlooked": "0"}):
        answer = screen.post(f"/cases/{name}/exposure/decide", hasty)
        assert 409 == answer.status_code
        assert "Program belum selesai memeriksa" in words(answer)
    assert state_of(ani, name).exposure is None
    endless.set()
    until = time.monotonic() + 30
    while "belum dilihat" in (page := screen.get(f"/cases/{name}/exposure/").text):
        assert time.monotonic() < until
    assert 12 == page.count("<bdi>Sari</bdi>")
    # Who has decided about the page without the names has to read them first.
    assert 409 == screen.post(f"/cases/{name}/exposure/decide", form).status_code
    assert state_of(ani, name).exposure is None
    assert 200 == decide(screen, name, "share").status_code


def test_to_withhold_is_decided_at_any_time(
    office: Office,
    ani: Desk,
    name: str,
    reporter: Reporter,
    tmp_path: Path,
    endless: threading.Event,
) -> None:
    """Whoever wants nothing to leave has not to wait for a hostile file."""
    with_hostile_files(office, reporter)
    screen = hasty_screen(ani, tmp_path)
    assert not endless.is_set()
    assert 200 == decide(screen, name, "withhold").status_code
    decided = state_of(ani, name).exposure
    assert decided is not None
    assert "withhold" == decided.action.decision


def test_an_older_page_is_refused_before_anything_is_looked_through(
    screen: Screen, ani: Desk, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mark that is not this case's costs no look at texts and files."""
    screen.get(f"/cases/{name}/exposure/")

    def never(_text: str) -> tuple[Exposure, ...]:
        raise AssertionError("it looked")

    monkeypatch.setattr(exposure, "find_exposures", never)
    form = {"decision": "share", "shown": "00" * 32}
    answer = screen.post(f"/cases/{name}/exposure/decide", form)
    assert 409 == answer.status_code
    assert "ada kiriman lain" in words(answer)
    assert state_of(ani, name).exposure is None


def test_a_text_full_of_places_is_shown_quickly(
    office: Office, ani: Desk, screen: Screen
) -> None:
    """Thousands of places in a text cost the page no minute."""
    other = Reporter("lain")
    text = ("a@b.id " * 2800).strip()
    office.send(other.write(ItemKind.MESSAGE, message=text), to=NAMES[:2])
    office.fetch(ANI)
    name = case_name(other.keys.case_id)
    screen.get(f"/cases/{name}/exposure/")
    begun = time.monotonic()
    page = screen.get(f"/cases/{name}/exposure/").text
    assert time.monotonic() - begun < 3
    assert 2800 == page.count("<mark>")


def test_one_place_is_one_place_in_english(
    screen: Screen, office: Office, ani: Desk
) -> None:
    """The count and its word agree; Indonesian has one form for all counts."""
    other = Reporter("lain")
    for message in ("Telepon 0812-3456-7890.", "a@b.id c@d.id"):
        item = other.write(ItemKind.MESSAGE, message=message)
        office.send(item, to=NAMES[:2])
    office.fetch(ANI)
    path = f"/cases/{case_name(other.keys.case_id)}/exposure/"
    assert "1 tempat" in screen.text(path)
    screen.post("/language/en")
    shown = screen.text(path)
    assert "1 place " in shown
    assert "2 places " in shown


@pytest.mark.parametrize("decision", ["share", "withhold"])
def test_the_queue_shows_what_waits_for_the_next_decision(
    screen: Screen, office: Office, name: str, reporter: Reporter, decision: str
) -> None:
    """In the row and as a view of its own, until somebody has looked."""
    decide(screen, name, "share")
    citra = office.desks[CITRA].record.desk_id
    screen.post(f"/cases/{name}/share", {"desk_id": citra, "form": "full"})
    office.exchange()
    assert "periksa paparan" not in screen.text("/")
    for message in ("Pesan satu.", "Pesan dua."):
        item = reporter.write(ItemKind.MESSAGE, message=message)
        office.send(item, to=NAMES[:2])
    office.exchange()
    queue = screen.text("/")
    assert "2 pesan menunggu periksa paparan" in queue
    assert "Menunggu periksa paparan 1" in queue
    assert name in screen.text("/?view=held")
    # Whoever has not let the colleague in has nothing to decide.
    assert "periksa paparan" not in Screen(
        office.desks[BUDI], stick=Path("/nowhere")
    ).text("/")
    decide(screen, name, decision)
    assert "periksa paparan" not in screen.text("/")
    assert name not in screen.text("/?view=held")
