"""The case file: what leaves of a case, in which form, and that it is recorded."""

import hashlib
import io
import json
import os
from pathlib import Path

import pytest
from pypdf import PdfReader
from support.case_files import (
    MATTER,
    PARAPHRASE,
    REPORT,
    SECRET_CONTACT,
    SECRET_FILE,
    SECRET_NAME,
    SECRETS,
    blacken_secrets,
    decide,
    members_of,
    telling_case,
    text_of,
    unpacked,
)
from support.hostile_files import pdf
from support.office import NAMES, Office
from support.opening import opened
from support.reporters import DAY, Reporter, Sealer, make_bundle

from casework.case_state import CaseState, Entry
from casework.item import ItemKind
from casework.journal import Exported, Noted
from casework.reply import CaseStatus, ReplyKind
from crypto.certificates import generate_officer_key
from crypto.opening import SecretKeyring
from crypto.openpgp import Keyring
from journalist_app.workstation.acting import (
    act,
    exclude,
    share,
    state_of,
    take_step,
    undo,
)
from journalist_app.workstation.casefile import (
    Made,
    Stranger,
    Wish,
    gather,
    make_case_file,
)
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import ActionRefused
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.names import case_name
from journalist_app.workstation.replying import Draft, write_reply

ANI, BUDI, CITRA = NAMES
FORMS = ("full", "redacted", "paraphrase")
RECIPIENT = "Tim pemeriksa & <auditor>"


@pytest.fixture
def ani(office: Office) -> Desk:
    """The desk in front of which we sit."""
    return office.desks[ANI]


@pytest.fixture
def name(office: Office, ani: Desk, monkeypatch: pytest.MonkeyPatch) -> str:
    """A case with secrets in it, which were blackened, and may be shared."""
    name = telling_case(office, monkeypatch)
    blacken_secrets(ani, name)
    decide(ani, name, "share")
    return name


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """A folder that stands for a stick."""
    path = tmp_path / "stick"
    path.mkdir()
    return path


def wish(form: str = "redacted", *attachments: int, language: str = "id") -> Wish:
    """Ask for a case file."""
    return Wish(form, RECIPIENT, language, attachments)


def made_in(desk: Desk, name: str, path: Path, asked: Wish) -> Made:
    """Make a case file."""
    return make_case_file(desk, name, asked, path, today=DAY)


def exports(state: CaseState) -> list[Exported]:
    """Return what was recorded."""
    return [
        entry.event.action
        for entry in state.exports
        if isinstance(entry.event.action, Exported)
    ]


def history(desk: Desk, name: str) -> tuple[Entry, ...]:
    """Return all that was done to a case."""
    return state_of(desk, name).history


def test_in_full_it_has_the_reporters_words(
    ani: Desk, name: str, stick: Path, tmp_path: Path
) -> None:
    """
    Answers, messages, replies and originals' names, and what officers thought.
    """
    write_reply(
        ani, name, Draft(kind=ReplyKind.ANSWER, text="Terima kasih."), today=DAY
    )
    made = made_in(ani, name, stick / "a.tar", wish("full", 1, 2))
    members = members_of(made.path.read_bytes())
    text = text_of(members["case-file.pdf"], tmp_path)

    for said in (
        MATTER,
        REPORT.who,
        f"Susulan dari {SECRET_NAME}.",
        "Terima kasih.",
        SECRET_FILE,
        "menyaksikan sendiri",
        "terdaftar → penelaahan Cukup bukti.",
        "Dinilai competence.",
        "Dinilai retaliation.",
        RECIPIENT,
        "Disertakan 2 dari 2 lampiran.",
    ):
        assert said in text
    digest = hashlib.sha256(members["files/002.pdf"]).hexdigest()
    assert digest in text
    assert SECRET_FILE in members["manifest.json"].decode()


def test_what_was_blackened_is_nowhere(
    ani: Desk, name: str, stick: Path, tmp_path: Path
) -> None:
    """
    Not in the text, the streams, the manifest, a name of a member, or the archive.
    """
    for form, language in (
        ("redacted", "id"),
        ("redacted", "en"),
        ("paraphrase", "id"),
    ):
        path = stick / f"{form}-{language}.tar"
        made_in(ani, name, path, wish(form, 1, 2, language=language))
        content = path.read_bytes()
        members = members_of(content)
        pdf = members["case-file.pdf"]
        everything = [content, *map(unpacked, (pdf, members["files/001.pdf"]))]
        text = text_of(pdf, tmp_path)

        assert RECIPIENT in text
        for secret in SECRETS:
            assert secret not in text
            for one in everything:
                assert secret.encode() not in one
                assert secret.encode("utf-16-be") not in one
        manifest = json.loads(members["manifest.json"])
        assert ["number", "pages", "complete"] == list(manifest["attachments"][0])
        assert {"files/001.pdf", "files/002.pdf"} <= members.keys()


def test_redacted_leaves_the_rest_readable(
    ani: Desk, name: str, stick: Path, tmp_path: Path
) -> None:
    """
    What nobody blackened stands there, and bars are of one length.
    """
    made = made_in(ani, name, stick / "a.tar", wish("redacted"))
    text = text_of(members_of(made.path.read_bytes())["case-file.pdf"], tmp_path)

    assert f"{MATTER} Saya █████, telepon █████." in text
    assert "Susulan dari █████." in text
    assert "Dinilai competence." in text
    # Who was there, and what threatens them, says who they are.
    for said in ("menyaksikan sendiri", "retaliation", "Jawaban kepada pelapor"):
        assert said not in text


def test_a_paraphrase_has_none_of_the_reporters_words(
    ani: Desk, name: str, stick: Path, tmp_path: Path
) -> None:
    """
    Only what an officer wrote stands in it.
    """
    made = made_in(ani, name, stick / "a.tar", wish("paraphrase"))
    text = text_of(members_of(made.path.read_bytes())["case-file.pdf"], tmp_path)

    assert PARAPHRASE.replace("\n", " ") in text
    for said in (MATTER, REPORT.where, REPORT.who, "Susulan", "█"):
        assert said not in text


def test_contact_details_and_notes_never_leave(
    ani: Desk, name: str, stick: Path
) -> None:
    """
    In no form; nor does a deed that was taken back.
    """
    act(ani, name, Noted(text="Catatan-dalam."), today=DAY)
    step = take_step(
        ani, name, CaseStatus.EXAMINATION, reason="Langkah-keliru.", today=DAY
    )
    undo(ani, name, step.digest, today=DAY)

    for form in FORMS:
        made = made_in(ani, name, stick / f"{form}.tar", wish(form))
        pdf = unpacked(members_of(made.path.read_bytes())["case-file.pdf"])
        assert b"Cukup bukti." in pdf
        for secret in (SECRET_CONTACT, "Catatan-dalam", "Langkah-keliru"):
            assert secret.encode() not in pdf


def test_the_export_is_recorded_with_its_digest(
    office: Office, ani: Desk, name: str, stick: Path
) -> None:
    """
    Every desk that knows the case learns for whom a file was made, and which.
    """
    made = made_in(ani, name, stick / "a.tar", wish())
    sha256 = hashlib.sha256(made.path.read_bytes()).hexdigest()
    office.exchange()

    expected = [Exported(sha256=sha256, recipient=RECIPIENT)]
    assert expected == exports(state_of(ani, name))
    assert expected == exports(state_of(office.desks[BUDI], name))
    assert sha256 == made.sha256
    assert 0o600 == made.path.stat().st_mode & 0o777


def test_made_again_it_is_the_same_and_recorded_once(
    ani: Desk, name: str, stick: Path
) -> None:
    """
    Byte for byte, attachments and signature included.
    """
    first = made_in(ani, name, stick / "a.tar", wish("full", 1, 2))
    again = made_in(ani, name, stick / "b.tar", wish("full", 1, 2))

    assert first.path.read_bytes() == again.path.read_bytes()
    assert 1 == len(exports(state_of(ani, name)))
    made_in(ani, name, stick / "c.tar", wish("redacted", 1, 2))
    assert 2 == len(exports(state_of(ani, name)))


def test_nothing_leaves_against_the_decision(
    office: Office, ani: Desk, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without a decision about the reporter's exposure, or against it, nothing is made.
    """
    name = telling_case(office, monkeypatch)
    blacken_secrets(ani, name)
    for decision, form, complaint in (
        (None, "redacted", "look first"),
        ("withhold", "paraphrase", "not shared"),
        ("redact", "full", "blacken passages"),
        ("share", "summary", "choose the form"),
    ):
        if decision is not None:
            decide(ani, name, decision)
        before = history(ani, name)
        with pytest.raises(ActionRefused, match=complaint):
            made_in(ani, name, stick / "a.tar", wish(form))
        assert before == history(ani, name)
    assert [] == list(stick.iterdir())


def test_a_decision_is_for_what_had_come_by_then(
    office: Office, ani: Desk, name: str, stick: Path
) -> None:
    """
    When the reporter sends more, it is looked at before anything leaves.
    """
    reporter = Reporter("pelapor")
    reporter.sequence = 3
    office.send(reporter.write(ItemKind.MESSAGE, message="Saya lagi."), to=(ANI,))
    office.fetch(ANI)

    with pytest.raises(ActionRefused, match="since the exposure check"):
        made_in(ani, name, stick / "a.tar", wish())
    assert [] == list(stick.iterdir())


def test_a_paraphrase_needs_the_officers_words(
    office: Office, ani: Desk, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    There is nothing to say in this form before somebody has written it.
    """
    name = telling_case(office, monkeypatch)
    decide(ani, name, "redact")

    with pytest.raises(ActionRefused, match="your own words"):
        made_in(ani, name, stick / "a.tar", wish("paraphrase"))


def test_what_cannot_be_written_is_not_recorded(
    ani: Desk, name: str, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    When the stick fails before all bytes are on it, the journal says nothing.
    """
    before = history(ani, name)

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space"):
            made_in(ani, name, stick / "a.tar", wish())
    assert before == history(ani, name)
    assert [] == list(stick.iterdir())


def test_a_crash_after_recording_leaves_no_file_and_repeating_mends_it(
    ani: Desk, name: str, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Between event and file name the power fails: the event is there, a hidden part may
    be; the same file made again is the one that was recorded, once.
    """

    class PowerCut(BaseException):
        """Nothing runs after it."""

    def cut(*_arguments: object, **_options: object) -> None:
        raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", cut)
        patched.setattr(Path, "unlink", cut)
        with pytest.raises(PowerCut):
            made_in(ani, name, stick / "a.tar", wish())
    (recorded,) = exports(state_of(ani, name))
    assert not (stick / "a.tar").exists()
    assert 1 == len(list(stick.iterdir()))

    made = made_in(ani, name, stick / "a.tar", wish())
    assert [recorded] == exports(state_of(ani, name))
    assert recorded.sha256 == made.sha256
    assert [made.path] == list(stick.iterdir())


def test_nothing_is_replaced(ani: Desk, name: str, stick: Path) -> None:
    """
    A file of that name stays as it is, and nothing is recorded.
    """
    (stick / "a.tar").write_bytes(b"lain")
    before = history(ani, name)

    with pytest.raises(FileExistsError):
        made_in(ani, name, stick / "a.tar", wish())
    assert b"lain" == (stick / "a.tar").read_bytes()
    assert before == history(ani, name)


def test_only_what_was_previewed_is_written(ani: Desk, name: str, stick: Path) -> None:
    """
    When the case has gone on since the officer looked, nothing leaves.
    """
    seen = gather(ani, name, wish(), today=DAY)
    take_step(ani, name, CaseStatus.EXAMINATION, reason="Lanjut.", today=DAY)
    before = history(ani, name)

    with pytest.raises(ActionRefused, match="gone on since the preview"):
        make_case_file(
            ani, name, wish(), stick / "a.tar", today=DAY, previewed=seen.digest
        )
    assert before == history(ani, name)
    again = gather(ani, name, wish(), today=DAY)
    make_case_file(
        ani, name, wish(), stick / "a.tar", today=DAY, previewed=again.digest
    )
    assert (stick / "a.tar").exists()


def test_an_attachment_that_is_no_page_is_refused_by_number(
    office: Office, ani: Desk, name: str, stick: Path
) -> None:
    """
    A film or an archive is not left out in silence; a text becomes pages of text.
    """
    reporter = Reporter("pelapor")
    reporter.sequence = 3
    files = [("rekaman.mp3", b"ID3\4" + bytes(40)), ("catatan.txt", b"Isi\x07 catatan")]
    office.send(reporter.write(ItemKind.ATTACHMENTS, files=files), to=(ANI,))
    office.fetch(ANI)
    decide(ani, name, "share")
    before = history(ani, name)

    for number, complaint in ((3, "attachment 3 cannot"), (5, "no attachment 5")):
        with pytest.raises(ActionRefused, match=complaint):
            made_in(ani, name, stick / "a.tar", wish("redacted", number))
    assert before == history(ani, name)
    assert [] == list(stick.iterdir())

    made = made_in(ani, name, stick / "a.tar", wish("redacted", 4))
    text = text_of(members_of(made.path.read_bytes())["files/004.pdf"], stick)
    assert "Isi⟨0007⟩ catatan" in text


def test_a_desk_with_a_brief_makes_no_case_file(
    office: Office, ani: Desk, name: str, stick: Path
) -> None:
    """
    Who must not have the case does not give it away.
    """
    citra = office.desks[CITRA]
    share(ani, name, citra.record.desk_id, form="paraphrase", reason="", today=DAY)
    office.exchange()

    for form in FORMS:
        with pytest.raises(ActionRefused, match="only a brief"):
            made_in(citra, name, stick / "a.tar", wish(form))
    assert [] == list(stick.iterdir())


def test_an_excluded_officer_makes_no_case_file(
    office: Office, ani: Desk, name: str, stick: Path
) -> None:
    """
    Who has withdrawn for a conflict of interest still has the items, and no say.
    """
    office.exchange()
    budi = office.desks[BUDI]
    exclude(budi, name, budi.record.desk_id, reason="Benturan.", today=DAY)

    with pytest.raises(ActionRefused, match="excluded"):
        made_in(budi, name, stick / "a.tar", wish())
    assert [] == list(stick.iterdir())


def test_a_key_that_nobody_certified_signs_no_case_file(
    desk: Desk, sealer: Sealer, stick: Path
) -> None:
    """
    What nobody could verify is not made.
    """
    reporter = Reporter("ani")
    import_bundle(desk, make_bundle({1: sealer.seal(reporter.write())}), today=DAY)
    name = case_name(reporter.keys.case_id)
    decide(desk, name, "share")
    before = history(desk, name)

    with pytest.raises(ActionRefused, match="nobody could verify"):
        made_in(desk, name, stick / "a.tar", wish())
    assert before == history(desk, name)
    assert [] == list(stick.iterdir())


def test_sealed_it_is_for_its_recipient_only(
    ani: Desk, name: str, stick: Path, tmp_path: Path
) -> None:
    """
    The archive inside is the one whose digest was recorded.
    """
    fingerprint = generate_officer_key(
        tmp_path / "auditor",
        name="Auditor Uji",
        email="auditor@example.test",
        expires_days=365,
        passphrase=None,
        today=DAY,
    )
    stranger = Stranger(Keyring(tmp_path / "auditor").export(fingerprint), fingerprint)
    made = make_case_file(
        ani, name, wish(), stick / "a.tar.pgp", today=DAY, stranger=stranger
    )
    sealed = made.path.read_bytes()
    with SecretKeyring(tmp_path / "auditor") as keys:
        archive = opened(keys, sealed)

    assert made.sealed
    assert b"case-file.pdf" not in sealed
    assert made.sha256 == hashlib.sha256(archive).hexdigest()
    assert made.sha256 == exports(state_of(ani, name))[0].sha256
    assert "case-file.pdf" in members_of(archive)


@pytest.mark.slow
def test_a_long_document_is_copied_to_its_end(
    office: Office, ani: Desk, name: str, stick: Path
) -> None:
    """
    All pages go along, though the viewer shows forty at a time.
    """
    reporter = Reporter("pelapor")
    reporter.sequence = 3
    files = [("panjang.pdf", pdf(pages=43))]
    office.send(reporter.write(ItemKind.ATTACHMENTS, files=files), to=(ANI,))
    office.fetch(ANI)
    decide(ani, name, "share")
    made = made_in(ani, name, stick / "a.tar", wish("redacted", 3))
    (attachment,) = made.manifest.attachments
    copy = members_of(made.path.read_bytes())["files/003.pdf"]

    assert (43, True) == (attachment.pages, attachment.complete)
    assert 43 == len(PdfReader(io.BytesIO(copy)).pages)
