"""The page on which a case file is made: seen first, then written."""

import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.case_files import (
    SECRET_CONTACT,
    SECRET_NAME,
    blacken_secrets,
    decide,
    members_of,
    telling_case,
)
from support.office import NAMES, Office
from support.reporters import DAY
from support.screens import Screen, words

from casework.journal import Paraphrased
from crypto.certificates import generate_officer_key
from crypto.openpgp import Keyring
from journalist_app.workstation.acting import act, state_of
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.screens.shown import MOST_MADE_AT_ONCE
from journalist_app.workstation.screens.views import casefile as views

ANI = NAMES[0]


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """A folder that stands for a stick."""
    path = tmp_path / "stick"
    path.mkdir()
    return path


@pytest.fixture
def ani(office: Office) -> Desk:
    """The desk in front of which we sit."""
    return office.desks[ANI]


@pytest.fixture
def name(office: Office, ani: Desk, monkeypatch: pytest.MonkeyPatch) -> str:
    """A case whose secrets were blackened."""
    name = telling_case(office, monkeypatch)
    blacken_secrets(ani, name)
    return name


@pytest.fixture
def screen(ani: Desk, stick: Path) -> Screen:
    """A browser that has used the link."""
    return Screen(ani, stick=stick)


def asked(stick: Path, **changes: object) -> dict[str, object]:
    """Fill the form in."""
    form: dict[str, object] = {
        "form": "redacted",
        "recipient": "Tim  pemeriksa\u202e",
        "language": "id",
        "folder": str(stick),
    }
    return {**form, **changes}


def previewed(page: str) -> str:
    """Return what the page says that was seen."""
    found = re.search(r'name="previewed" value="([0-9a-f]{64})"', page)
    assert found is not None
    return found[1]


def test_first_the_exposure_is_decided(screen: Screen, ani: Desk, name: str) -> None:
    """
    The page leads to the check; when nothing may be shared, there is no form.
    """
    path = f"/cases/{name}/case-file/"
    assert f'href="{path}"' in screen.get(f"/cases/{name}/").text
    assert "Sebelum dibuat" in screen.text(path)
    assert 'name="recipient"' not in screen.get(path).text
    decide(ani, name, "withhold")
    assert "tidak dibagikan" in screen.text(path)
    assert 'name="recipient"' not in screen.get(path).text
    decide(ani, name, "redact")
    shown = screen.get(path).text
    assert 'value="redacted"' in shown
    assert 'value="full"' not in shown


def test_it_is_seen_and_then_written(
    screen: Screen, ani: Desk, stick: Path, name: str
) -> None:
    """
    The preview writes nothing; what is written stands in the case's history.
    """
    decide(ani, name, "redact")
    form = asked(stick, attachment=["1"])
    preview = screen.post(f"/cases/{name}/case-file/", {**form, "do": "preview"})
    shown = words(preview)

    assert "Saya █████, telepon █████." in shown
    # What a file would have told is named; its copy does not tell it any more.
    assert "Penulis Uji" in shown
    assert SECRET_CONTACT not in shown
    assert [] == list(stick.iterdir())
    assert () == state_of(ani, name).exports

    form |= {"do": "write", "previewed": previewed(preview.text)}
    answer = screen.post(f"/cases/{name}/case-file/", form)
    (written,) = stick.iterdir()
    assert f"case-file-{name}-redacted-{DAY}.tar" == written.name
    assert "dapat dibaca siapa pun" in words(answer)
    assert "membuat berkas kasus: Tim pemeriksa" in words(answer)
    assert {"case-file.pdf", "files/001.pdf"} <= members_of(written.read_bytes()).keys()

    screen.post(f"/cases/{name}/case-file/", form)
    assert 2 == len(list(stick.iterdir()))
    assert 1 == len(state_of(ani, name).exports)


def test_telling_words_of_officers_are_marked(
    screen: Screen, ani: Desk, stick: Path, name: str
) -> None:
    """
    What an officer wrote can give the reporter away as well.
    """
    act(ani, name, Paraphrased(text="Hubungi 0812-3456-7890."), today=DAY)
    decide(ani, name, "redact")
    form = asked(stick, form="paraphrase", do="preview")
    shown = screen.post(f"/cases/{name}/case-file/", form).text

    assert "<mark>0812-3456-7890</mark>" in shown
    assert (
        SECRET_NAME
        not in shown.partition("Yang akan keluar")[2].partition(
            "Lampiran yang disertakan"
        )[0]
    )


REFUSED: list[tuple[dict[str, object], str]] = [
    ({"previewed": ""}, "Lihat dahulu isinya sekali lagi"),
    ({"recipient": "Orang lain"}, "Lihat dahulu isinya sekali lagi"),
    ({"attachment": ["2"]}, "Lihat dahulu isinya sekali lagi"),
    ({"recipient": "  "}, "untuk siapa berkas kasus ini"),
    ({"form": "full"}, "Sudah diputuskan untuk menghitamkan"),
    ({"folder": "/nowhere"}, "Folder ini tidak ada"),
    ({"key": "/nowhere.asc"}, "keduanya"),
    ({"fingerprint": "AB" * 20}, "keduanya"),
    ({"key": "/nowhere.asc", "fingerprint": "AB" * 20}, "tidak dapat dibaca"),
    ({"key": "/nowhere.asc", "fingerprint": "AB"}, "40 angka dan huruf"),
]


def test_what_is_refused_says_why_and_writes_nothing(
    screen: Screen, ani: Desk, stick: Path, name: str
) -> None:
    """
    In the officer's language; half a seal never becomes a file without one.
    """
    decide(ani, name, "redact")
    path = f"/cases/{name}/case-file/"
    seen = previewed(screen.post(path, asked(stick, do="preview")).text)
    before = state_of(ani, name)

    for changes, complaint in REFUSED:
        form = {**asked(stick, do="write", previewed=seen), **changes}
        answer = screen.post(path, form)
        assert 422 == answer.status_code
        assert complaint in words(answer)
        assert before == state_of(ani, name)
        assert [] == list(stick.iterdir())


def test_it_waits_for_what_is_being_looked_at(
    screen: Screen,
    ani: Desk,
    name: str,
    stick: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    While two files are made into pages, no third one is: nothing is written, nothing
    recorded, and the same form does it afterwards.
    """
    path = f"/cases/{name}/case-file/"
    decide(ani, name, "redact")
    form = asked(stick, attachment=["1"])
    seen = previewed(screen.post(path, form).text)
    writing = {**form, "do": "write", "previewed": seen}
    before = state_of(ani, name)
    monkeypatch.setattr(views, "PREVIEW_PATIENCE_SECONDS", 0.05)
    with ExitStack() as looking:
        for _ in range(MOST_MADE_AT_ONCE):
            looking.enter_context(screen.services.shown.turn(patience_seconds=0.05))
        refused = screen.post(path, writing)
    assert 422 == refused.status_code
    assert "Gambar lampiran masih dibuat." in words(refused)
    assert [] == list(stick.iterdir())
    assert before == state_of(ani, name)

    assert 200 == screen.post(path, writing).status_code
    (written,) = stick.iterdir()
    assert any("1.pdf" in one for one in members_of(written.read_bytes()))


def test_it_can_be_sealed(
    screen: Screen, ani: Desk, stick: Path, name: str, tmp_path: Path
) -> None:
    """
    To a key from a stick whose fingerprint was typed from paper.
    """
    fingerprint = generate_officer_key(
        tmp_path / "auditor",
        name="Auditor Uji",
        email="auditor@example.test",
        expires_days=365,
        passphrase=None,
        today=DAY,
    )
    key = tmp_path / "auditor.asc"
    key.write_bytes(Keyring(tmp_path / "auditor").export(fingerprint))
    decide(ani, name, "redact")
    path = f"/cases/{name}/case-file/"
    typed = " ".join(fingerprint[at : at + 4] for at in range(0, 40, 4)).lower()
    form = asked(stick, key=str(key), fingerprint=typed)
    seen = previewed(screen.post(path, {**form, "do": "preview"}).text)

    answer = screen.post(path, {**form, "do": "write", "previewed": seen})
    assert "dapat dibaca siapa pun" not in words(answer)
    (written,) = stick.iterdir()
    assert written.name.endswith(".tar.pgp")
    assert b"case-file.pdf" not in written.read_bytes()


def test_it_is_there_in_english(
    screen: Screen, ani: Desk, stick: Path, name: str
) -> None:
    """
    The page in English, and a case file whose headings are in English.
    """
    decide(ani, name, "redact")
    screen.post("/language/en")
    path = f"/cases/{name}/case-file/"
    assert "Language of the headings" in screen.text(path)
    shown = words(screen.post(path, asked(stick, language="en", do="preview")))
    for said in ("What will leave", "Course of the case", "within our competence"):
        assert said.lower() in shown.lower()
    refused = screen.post(path, asked(stick, recipient=" ", do="preview"))
    assert "Say in one line" in words(refused)
