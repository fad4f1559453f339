"""Reopening and withdrawal, as officers meet them on the desk's screens."""

from datetime import date

import pytest
from support.office import NAMES, Office
from support.reporters import DAY, Reporter
from support.screens import Screen, words

from casework.item import ItemKind
from casework.journal import ClosingConfirmed
from casework.reply import CaseStatus
from journalist_app.workstation.acting import act, state_of, take_step
from journalist_app.workstation.names import case_name

ANI, BUDI, _CITRA = NAMES
S = CaseStatus
MUCH_LATER = date(2027, 3, 31)


@pytest.fixture
def reporter() -> Reporter:
    """Somebody who reports."""
    return Reporter("pelapor")


@pytest.fixture
def name(office: Office, reporter: Reporter) -> str:
    """A case that both desks have."""
    office.send(reporter.write(), to=NAMES[:2])
    for desk in (ANI, BUDI):
        office.fetch(desk)
    return case_name(reporter.keys.case_id)


@pytest.fixture
def closed(office: Office, name: str) -> str:
    """The case, closed by two officers, whose reporter was told on the screen."""
    ani, budi = office.desks[ANI], office.desks[BUDI]
    for after in (S.VERIFICATION, S.NOT_COMPETENT):
        take_step(ani, name, after, reason="Di luar kewenangan.", today=DAY)
    office.exchange()
    proposal = state_of(budi, name).proposal
    assert proposal is not None
    act(budi, name, ClosingConfirmed(proposal=proposal.digest), today=DAY)
    office.exchange()
    screen = Screen(ani, stick=ani.path)
    form = {"kind": "closing", "text": "Di luar kewenangan kami.", "do": "seal"}
    assert "Jawaban disegel." in words(screen.post(f"/cases/{name}/answer/", form))
    return name


def test_a_closed_case_is_reopened_on_the_screen(office: Office, closed: str) -> None:
    """With a reason; it is open again, feedback is due anew, and it can be undone."""
    ani = office.desks[ANI]
    screen = Screen(ani, stick=ani.path, today=MUCH_LATER)
    page = f"/cases/{closed}"
    assert "Selesai 1" in screen.text("/")
    assert "kabar tindak lanjut" not in screen.text(f"{page}/")

    refused = screen.post(f"{page}/step", {"after": "reopened", "reason": " "})
    assert 422 == refused.status_code
    assert "Langkah ini memerlukan alasan." in words(refused)
    assert S.NOT_COMPETENT is state_of(ani, closed).status

    form = {"after": "reopened", "reason": "Ada keterangan baru."}
    reopened = screen.post(f"{page}/step", form)
    assert "Kasus sekarang: Dibuka kembali." in words(reopened)
    assert "kabar tindak lanjut: 30 Jun 2027" in words(reopened)
    assert "Selesai 0" in screen.text("/")
    draft = screen.text(f"{page}/answer/?draft=step")
    assert "Alasannya: Ada keterangan baru." in draft
    office.exchange(today=MUCH_LATER)
    other = Screen(office.desks[BUDI], stick=ani.path, today=MUCH_LATER)
    assert "kabar tindak lanjut: 30 Jun 2027" in other.text(f"{page}/")

    entry = state_of(ani, closed).history[-1].digest
    assert entry in reopened.text
    screen.post(f"{page}/undo", {"entry": entry})
    assert S.NOT_COMPETENT is state_of(ani, closed).status
    assert "Selesai 1" in screen.text("/")


def test_a_withdrawal_is_shown_and_ends_nothing(
    office: Office, reporter: Reporter, name: str
) -> None:
    """Queue and case say so; the report stays, and officers decide what follows."""
    ani = office.desks[ANI]
    screen = Screen(ani, stick=ani.path)
    assert "ditarik" not in screen.text("/")
    before = state_of(ani, name)
    office.send(reporter.write(ItemKind.WITHDRAWAL), to=NAMES[:2])
    office.fetch(ANI)
    for path in ("/", f"/cases/{name}/"):
        assert "ditarik" in screen.text(path)
    shown = screen.text(f"/cases/{name}/")
    assert "Penarikan laporan" in shown
    assert "Sebagian bantuan tidak sampai." in shown
    assert before == state_of(ani, name)
    answer = screen.post(f"/cases/{name}/step", {"after": "verification"})
    assert "Kasus sekarang: Verifikasi." in words(answer)
