"""The exposure check on the screen: what it shows, and what a decision is about."""

from pathlib import Path

import pytest
from support.office import NAMES, Office
from support.reporters import Reporter
from support.screens import Screen, decide, mark_on, words
from support.telling_files import jpeg_with_position

from casework.item import ItemKind
from casework.journal import MOST_ITEMS_CHECKED
from journalist_app.workstation import casebook
from journalist_app.workstation.acting import state_of
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.names import case_name

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
    exposure = state_of(ani, name).exposure
    assert exposure is not None
    before = exposure.action.findings
    files = [("0812-3456-7890.bin", b"?"), ("Foto.jpg", jpeg_with_position())]
    office.send(reporter.write(ItemKind.ATTACHMENTS, files=files), to=NAMES[:2])
    office.fetch(ANI)
    shown = screen.text(f"/cases/{name}/exposure/")
    assert "Nama berkas: nomor telepon" in shown
    assert "Uji X1" in shown
    assert "Bagian dalam berkas ini tidak dapat diperiksa" in shown
    decide(screen, name, "share")
    exposure = state_of(ani, name).exposure
    assert exposure is not None
    # A telephone number, where it was taken, and with what.
    assert before + 3 == exposure.action.findings


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
