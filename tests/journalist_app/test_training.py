"""Training: a desk to learn at, and nothing of it mixes with what is real."""

import io
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from support.office import Office, shown_on
from support.reporters import DAY, Reporter, Sealer, make_bundle
from support.screens import Screen

from casework.exposure import find_exposures
from casework.journal import ClosingConfirmed, Linked, Paraphrased
from casework.reply import CaseStatus, ReplyKind
from casework.training import is_training, training_installation
from crypto.admission import fingerprint_in
from crypto.certificates import certify
from journalist_app.courier.errors import ForeignOutbox
from journalist_app.workstation import casebook
from journalist_app.workstation.acting import (
    act,
    decide_exposure,
    exclude,
    link,
    open_contact,
    share,
    state_of,
    take_step,
    undo,
)
from journalist_app.workstation.cases import ItemShown, show_case
from journalist_app.workstation.colleagues import list_colleagues
from journalist_app.workstation.desk import (
    ENROLMENT,
    TRAINING_STICK,
    Desk,
    Institution,
    open_desk,
)
from journalist_app.workstation.errors import (
    ForeignBundle,
    NotEnrolledYet,
    TrainingMixedUp,
)
from journalist_app.workstation.exporting import prepare_outbox, write_again
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.queueing import View, list_cases, show_queue
from journalist_app.workstation.replying import Draft, write_reply
from journalist_app.workstation.saving import read_attachment
from journalist_app.workstation.screens.sticks import bundles_in, folders_for
from journalist_app.workstation.training.cases import exercises, ready_cases
from journalist_app.workstation.training.exercises import progress_of
from journalist_app.workstation.training.making import SECOND_BUNDLE, make_training_desk
from journalist_app.workstation.viewing.viewer import view

OFFICE_DOCUMENTS = (".docx",)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, institution: Institution) -> Path:
    """A desk for training, made once and copied for every test."""
    path = tmp_path_factory.mktemp("training") / "desk"
    make_training_desk(
        path, institution=institution, today=DAY, entropy=os.urandom, tell=str
    )
    return path


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    path = tmp_path / "training"
    shutil.copytree(made, path)
    return path


@pytest.fixture
def training(folder: Path) -> Iterator[Desk]:
    """The copy, open."""
    with open_desk(folder, passphrase=None, entropy=os.urandom) as desk:
        yield desk


def name_of(desk: Desk, key: str) -> str:
    """Return the name of a ready-made case."""
    title = ready_cases()[key].report.title
    return next(one.name for one in list_cases(desk, today=DAY) if one.title == title)


def take_second_day(desk: Desk) -> bool:
    """Import the second bundle; tell whether it was whole."""
    with (desk.path / TRAINING_STICK / SECOND_BUNDLE).open("rb") as stream:
        return import_bundle(desk, stream, today=DAY).complete


def rows(desk: Desk) -> int:
    """Count what a desk holds."""
    with desk.casebook.transaction() as connection:
        return (
            connection.scalar(select(func.count()).select_from(casebook.received)) or 0
        )


def test_every_view_of_the_queue_has_something(training: Desk) -> None:
    """Whoever trains finds what is due today, overdue, waiting, closed and new."""
    counts = show_queue(training, today=DAY).counts
    # Nothing is shared on a training desk, so nothing waits to be let go.
    assert [View.HELD] == [view for view, count in counts.items() if not count]
    assert len(ready_cases()) - 1 == counts[View.ALL]
    cases = list_cases(training, today=DAY)
    assert [1, 1] == [
        sum(one.withdrawn for one in cases),
        sum(one.proposed for one in cases),
    ]
    assert 0 == sum(one.conflicts + one.missing for one in cases)


def test_the_second_bundle_brings_what_came_later(training: Desk) -> None:
    """A report, and what a reporter was asked for, with a file."""
    before = len(list_cases(training, today=DAY))
    assert take_second_day(training)
    assert before + 1 == len(list_cases(training, today=DAY))
    case = show_case(training, name_of(training, "menunggu"), today=DAY)
    assert case.summary.unanswered
    assert any(isinstance(one, ItemShown) and one.attachments for one in case.thread)


def test_the_second_bundle_is_offered(
    training: Desk, desk: Desk, tmp_path: Path
) -> None:
    """Beside the folders that are offered anyway; a real desk has no such folder."""
    offered = folders_for(training, (tmp_path,), media=())
    assert {tmp_path, training.path / TRAINING_STICK} <= {*offered}
    assert [SECOND_BUNDLE] == [one.path.name for one in bundles_in(offered)]
    assert desk.path / TRAINING_STICK not in folders_for(desk, (tmp_path,), media=())


def test_colleagues_can_be_sealed_to(training: Desk) -> None:
    """The small organisation is complete: cases can be shared with all of them."""
    with training.casebook.transaction() as connection:
        colleagues = list_colleagues(training, connection)
    assert 4 == len(colleagues)
    assert all(one.reachable for one in colleagues)
    assert 3 == sum(one.receives for one in colleagues)


def test_files_are_harmless_or_known_for_what_they_are(training: Desk) -> None:
    """A picture is shown; a bomb is named; what is no picture is not opened as one."""
    found = {}
    for key in ("lengkap", "jahat"):
        name = name_of(training, key)
        for item in show_case(training, name, today=DAY).thread:
            if isinstance(item, ItemShown):
                for one in item.attachments:
                    content = read_attachment(training, name, item.digest, one.position)
                    if not one.name.endswith(OFFICE_DOCUMENTS):
                        found[one.name] = view(content, one.name)
    assert [1, 1] == [len(found[one].pages) for one in ("foto.jpg", "kuitansi.pdf")]
    assert "bomb" == found["bukti.zip"].problem
    assert found["foto-palsu.jpg"].problem or not found["foto-palsu.jpg"].pages


def test_the_report_to_be_checked_gives_its_reporter_away() -> None:
    """There is something to find in the exercise about exposure."""
    report = ready_cases()["paparan"].report
    assert len({one.kind for one in find_exposures(report.what)}) >= 2


def test_a_real_desk_takes_no_bundle_for_training(folder: Path, desk: Desk) -> None:
    """Not even as its very first one: it stays bound to no installation."""
    bundle = folder / TRAINING_STICK / SECOND_BUNDLE
    with bundle.open("rb") as stream, pytest.raises(ForeignBundle, match="training"):
        import_bundle(desk, stream, today=DAY)
    assert 0 == rows(desk)
    with pytest.raises(NotEnrolledYet):
        prepare_outbox(desk, today=DAY)


def test_a_desk_for_training_takes_no_real_bundle(
    training: Desk, sealer: Sealer
) -> None:
    """Nothing real is worked on by accident where it is thrown away."""
    before = rows(training)
    bundle = make_bundle({1: sealer.seal(Reporter("ani").write())})
    with pytest.raises(ForeignBundle, match="training"):
        import_bundle(training, bundle, today=DAY)
    assert before == rows(training)


def test_a_real_server_takes_no_outbox_of_training(
    training: Desk, office: Office
) -> None:
    """Not even when the trainee's key was certified and enrolled there by mistake."""
    certificate = certify(
        office.template.path / "organisation",
        organisation=fingerprint_in(office.template.organisation_key),
        officer_key=training.certificate(),
        passphrase=None,
        today=DAY,
    )
    office.keyring.admit(certificate, today=DAY)
    office.drop.officers.add(
        fingerprint=fingerprint_in(certificate),
        name="Petugas Latihan",
        certificate=certificate,
        desk_id=training.desk_id,
    )
    outbox = io.BytesIO()
    write_again(training, prepare_outbox(training, today=DAY).number, outbox.write)
    with pytest.raises(ForeignOutbox):
        office.apply(outbox.getvalue())
    assert [] == office.drop.intake.entries(0)
    assert 0 == office.drop.desks.held_through(training.desk_id)


@pytest.mark.parametrize("real", [False, True], ids=["training", "real"])
def test_what_a_desk_says_of_itself_must_be_so(
    folder: Path, desk_path: Path, *, real: bool
) -> None:
    """A changed desk.json neither hides that a desk is for training nor claims it."""
    path = (desk_path if real else folder) / "desk.json"
    record = json.loads(path.read_bytes())
    assert real != ("training" in record)
    record = {**record, "training": True} if real else record
    if not real:
        del record["training"]
    path.write_text(json.dumps(record))
    with (
        pytest.raises(TrainingMixedUp),
        open_desk(path.parent, passphrase=None, entropy=os.urandom),
    ):
        pass


def test_the_casebook_of_training_serves_no_real_desk(
    folder: Path, desk_path: Path
) -> None:
    """With the folders mixed up, the desk does not open."""
    for name in ("casebook.db", "casebook.key.pgp", "gnupg"):
        source = folder / name
        if source.is_dir():
            shutil.rmtree(desk_path / name)
            shutil.copytree(source, desk_path / name)
        else:
            shutil.copy(source, desk_path / name)
    with (
        pytest.raises(TrainingMixedUp),
        open_desk(desk_path, passphrase=None, entropy=os.urandom),
    ):
        pass


def test_only_what_is_marked_is_for_training() -> None:
    """The mark is in the first half of the id, and the rest is random."""
    made = training_installation(lambda size: b"r" * size)
    assert 16 == len(made)
    assert is_training(made)
    assert not is_training(None)
    assert not is_training(bytes(16))
    assert not is_training(made[8:] + made[:8])


def test_every_page_says_that_it_is_training(
    training: Desk, desk: Desk, tmp_path: Path
) -> None:
    """In its title and above it, refusals and the closed door too; no real one does."""
    for one, there in ((training, True), (desk, False)):
        screen = Screen(one, stick=tmp_path)
        paths = ["/", "/carrying/", "/officers", "/help", "/statistics/", "/nothing"]
        paths += ["/training/", "/search?q=beras"]
        if there:
            paths.append(f"/cases/{name_of(one, 'paparan')}/")
        pages = [screen.get(path).text for path in paths]
        pages.append(Screen(one, stick=tmp_path, let_in=False).get("/").text)
        assert {there} == {"<title>LATIHAN" in page for page in pages}
        assert {there} == {'<aside class="banner"' in page for page in pages}
    assert 404 == Screen(desk, stick=tmp_path).get("/training/").status_code


def test_exercises_tick_themselves_off(training: Desk, tmp_path: Path) -> None:
    """Each can be done as it is described, and none is ticked before."""
    screen = Screen(training, stick=tmp_path)

    def done() -> set[str]:
        return {one.exercise.key for one in progress_of(training) if one.done}

    def name(key: str) -> str:
        return name_of(training, key)

    assert set() == done()
    assert "0 dari 12 sudah dikerjakan" in screen.text("/training/")
    assert take_second_day(training)
    step = CaseStatus
    take_step(training, name("lengkap"), step.VERIFICATION, reason="", today=DAY)
    assert {"import"} == done()
    take_step(training, name("lengkap"), step.REGISTERED, reason="", today=DAY)
    for key, after in (
        ("kurang", step.NEEDS_COMPLETION),
        ("bukan", step.NOT_COMPETENT),
    ):
        take_step(training, name(key), step.VERIFICATION, reason="", today=DAY)
        take_step(training, name(key), after, reason="Lihat latihan.", today=DAY)
    draft = Draft(kind=ReplyKind.ANSWER, text="Thank you. We look into it today.")
    write_reply(training, name("mendesak"), draft, today=DAY)
    first, second = name("sama-pertama"), name("sama-kedua")
    link(training, second, first, relation="same-matter", today=DAY)
    colleagues = {}
    with training.casebook.transaction() as connection:
        for one in list_colleagues(training, connection):
            colleagues[one.name] = one.desk_id
    accused = colleagues["Rekan Penelaah"]
    exclude(training, name("terlapor"), accused, reason="Terlapor.", today=DAY)
    secret = name("paparan")
    decide_exposure(
        training,
        secret,
        shown=shown_on(training, secret),
        findings=3,
        decision="redact",
        reason="",
        today=DAY,
    )
    act(training, secret, Paraphrased(text="Dana cair dua kali."), today=DAY)
    auditor = colleagues["Rekan Auditor"]
    share(training, secret, auditor, form="paraphrase", reason="", today=DAY)
    contact = name("kontak")
    given = next(
        one.digest
        for one in show_case(training, contact, today=DAY).thread
        if isinstance(one, ItemShown) and one.confidential
    )
    open_contact(training, contact, given, reason="Janji temu", today=DAY)
    proposal = state_of(training, name("usul-tutup")).proposal
    assert proposal is not None
    confirmed = ClosingConfirmed(proposal=proposal.digest)
    act(training, name("usul-tutup"), confirmed, today=DAY)
    assert {one.key for one in exercises()} - done() == {"export"}
    prepare_outbox(training, today=DAY)
    assert {one.key for one in exercises()} == done()
    assert "12 dari 12 sudah dikerjakan" in screen.text("/training/")


def test_what_was_undone_is_not_ticked(training: Desk) -> None:
    """Nor is what a colleague has done."""
    one, other = name_of(training, "sama-kedua"), name_of(training, "sama-pertama")
    link(training, one, other, relation="same-matter", today=DAY)
    linked = state_of(training, one).history[-1]
    assert isinstance(linked.event.action, Linked)
    assert "link" in {each.exercise.key for each in progress_of(training) if each.done}
    undo(training, one, linked.digest, today=DAY)
    assert not any(each.done for each in progress_of(training))


def test_a_trainee_is_not_enrolled_anywhere(folder: Path) -> None:
    """There is no file that a keeper of the organisation's key could certify."""
    assert not (folder / ENROLMENT).exists()


def test_making_that_fails_leaves_nothing(
    tmp_path: Path, institution: Institution
) -> None:
    """Not the desk, and not what it was being made from."""

    def breaks(what: str) -> None:
        if what.startswith("reports"):
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        make_training_desk(
            tmp_path / "desk",
            institution=institution,
            today=DAY,
            entropy=os.urandom,
            tell=breaks,
        )
    assert [] == list(tmp_path.iterdir())
