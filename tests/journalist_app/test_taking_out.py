"""Files that leave the casebook: none without a reason, and all read of it."""

from pathlib import Path

import pytest
from support.office import NAMES, Office
from support.reporters import DAY, Reporter
from support.screens import Screen, words
from support.telling_files import jpeg_with_position

from casework.journal import TakenOut
from journalist_app.workstation.acting import exclude, state_of
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import ActionRefused
from journalist_app.workstation.names import case_name
from journalist_app.workstation.taking_out import take_all

ANI, BUDI, _CITRA = NAMES
PHOTO = "Foto 0812-3456-7890.jpg"


@pytest.fixture
def ani(office: Office) -> Desk:
    """The desk in front of which we sit."""
    return office.desks[ANI]


@pytest.fixture
def name(office: Office) -> str:
    """A case with a telling photograph, on two desks."""
    reporter = Reporter("pelapor")
    files = [("Catatan.bin", b"?"), (PHOTO, jpeg_with_position())]
    office.send(reporter.write(files=files), to=(ANI, BUDI))
    office.fetch(ANI)
    office.fetch(BUDI)
    return case_name(reporter.keys.case_id)


@pytest.fixture
def screen(ani: Desk, tmp_path: Path) -> Screen:
    """A browser that has used the link."""
    return Screen(ani, stick=tmp_path)


@pytest.fixture
def photo(screen: Screen, name: str) -> str:
    """The address of the photograph."""
    page = screen.get(f"/cases/{name}/").text
    return page.partition(f">{PHOTO}")[0].rpartition('href="')[2].partition('"')[0]


def taken(desk: Desk, name: str) -> list[tuple[tuple[int, ...], str, str]]:
    """Return what the journal says was taken out."""
    actions = [entry.event.action for entry in state_of(desk, name).files_taken]
    return [
        (one.positions, one.form, one.reason)
        for one in actions
        if isinstance(one, TakenOut)
    ]


@pytest.mark.parametrize("form", ["original", "cleaned"])
def test_the_address_of_a_file_gives_the_question_and_no_file(
    screen: Screen, ani: Desk, name: str, photo: str, form: str
) -> None:
    """A link or a bookmark records nothing, and nothing leaves by it."""
    answer = screen.get(f"{photo}{form}")
    assert (200, "text/html") == (answer.status_code, answer.mimetype)
    assert "Untuk apa, dan untuk siapa?" in words(answer)
    assert [] == taken(ani, name)


def test_the_question_says_what_the_original_tells(screen: Screen, photo: str) -> None:
    """Its name and what it says about its maker; a cleaned copy has only the name."""
    original = screen.text(f"{photo}original")
    assert "nomor telepon" in original
    assert "Uji X1" in original
    cleaned = screen.text(f"{photo}cleaned")
    assert "nomor telepon" in cleaned
    assert "Uji X1" not in cleaned


@pytest.mark.parametrize("form", ["original", "cleaned"])
def test_no_file_is_given_without_a_reason(
    screen: Screen, ani: Desk, name: str, photo: str, form: str
) -> None:
    """White space is none; the answer says so, and nothing was taken or recorded."""
    for reason in ("", " \n"):
        answer = screen.post(f"{photo}{form}", {"reason": reason})
        assert (422, "text/html") == (answer.status_code, answer.mimetype)
        assert "Tidak ada yang diambil" in words(answer)
    assert [] == taken(ani, name)


def test_what_is_given_is_recorded_and_every_desk_reads_it(
    screen: Screen, office: Office, ani: Desk, name: str, photo: str
) -> None:
    """Original and copy, each with its reason, in the history of both desks."""
    original = screen.post(f"{photo}original", {"reason": "Ahli forensik."})
    assert jpeg_with_position() == original.data
    cleaned = screen.post(f"{photo}cleaned", {"reason": "Lampiran surat."})
    assert cleaned.data.startswith(b"%PDF-")
    expected = [
        ((2,), "original", "Ahli forensik."),
        ((2,), "cleaned", "Lampiran surat."),
    ]
    assert expected == taken(ani, name)
    office.exchange()
    assert expected == taken(office.desks[BUDI], name)
    assert state_of(ani, name) == state_of(office.desks[BUDI], name)
    history = Screen(office.desks[BUDI], stick=Path("/nowhere")).text(f"/cases/{name}/")
    assert "mengambil berkas pelapor (berkas asli)" in history
    assert f"{PHOTO} Ahli forensik." in history


def test_a_form_of_another_page_takes_nothing(
    screen: Screen, ani: Desk, name: str, photo: str
) -> None:
    """Without the token of a page of the desk, nothing is given or recorded."""
    answer = screen.client.post(
        f"{photo}original", base_url=screen.base, data={"reason": "Uji."}
    )
    assert 400 == answer.status_code
    assert [] == taken(ani, name)


def test_whoever_is_excluded_takes_nothing(
    screen: Screen, ani: Desk, name: str, photo: str
) -> None:
    """The officer of this desk was found to be accused."""
    exclude(ani, name, ani.record.desk_id, reason="Terlapor.", today=DAY)
    answer = screen.post(f"{photo}original", {"reason": "Uji."})
    assert (422, "text/html") == (answer.status_code, answer.mimetype)
    assert [] == taken(ani, name)


def test_all_files_are_taken_with_one_reason(
    office: Office, ani: Desk, name: str, tmp_path: Path
) -> None:
    """One event for each item that has files; without a reason there is no folder."""
    folder = tmp_path / "bukti"
    with pytest.raises(ActionRefused):
        take_all(ani, name, folder, reason="", today=DAY)
    assert not folder.exists()
    assert [] == taken(ani, name)
    saved = take_all(ani, name, folder, reason="Ahli.", today=DAY)
    assert jpeg_with_position() in [path.read_bytes() for path in saved]
    assert [((1, 2), "original", "Ahli.")] == taken(ani, name)
