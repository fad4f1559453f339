"""Several desks, one truth: deeds reach all who may know of them, and nobody else."""

import io
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import select
from support.bundles import rewritten
from support.office import NAMES, Office, decide, shown_on, texts_on
from support.reporters import DAY, REPORT, Reporter

from casework.case_state import CaseState
from casework.casefile import BAR
from casework.item import ItemKind
from casework.journal import (
    ClosingConfirmed,
    Labelled,
    Noted,
    Paraphrased,
    Redacted,
    StepTaken,
)
from casework.reply import CaseStatus, ReplyKind
from journalist_app.workstation import casebook, sharing
from journalist_app.workstation.acting import (
    act,
    assign,
    decide_exposure,
    exclude,
    share,
    state_of,
    take_step,
    undo,
)
from journalist_app.workstation.cases import ItemShown, find_case, show_case
from journalist_app.workstation.desk import OUTGOING, Desk
from journalist_app.workstation.errors import ActionRefused, ShownOtherwise, UnknownCase
from journalist_app.workstation.exporting import prepare_outbox
from journalist_app.workstation.import_report import Verdict
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.names import case_name
from journalist_app.workstation.projecting import journal_of
from journalist_app.workstation.queueing import list_cases
from journalist_app.workstation.replying import Draft, write_reply
from ops.commands.showing import case_file

ANI, BUDI, CITRA = NAMES
INTAKE = (ANI, BUDI)
S = CaseStatus


@pytest.fixture
def reporter() -> Reporter:
    """Somebody who reports."""
    return Reporter("pelapor")


@pytest.fixture
def name(office: Office, reporter: Reporter) -> str:
    """A case that Ani and Budi have received, and Citra has not."""
    office.send(reporter.write(files=[("Bukti.pdf", b"%PDF-1.7")]), to=INTAKE)
    office.exchange()
    return case_name(reporter.keys.case_id)


def states(office: Office, name: str, desks: Sequence[str] = NAMES) -> list[CaseState]:
    """Return what desks say about a case."""
    return [state_of(office.desks[desk], name) for desk in desks]


def verified(office: Office, name: str, desk: str = ANI) -> None:
    """Take a case to review."""
    for status in (S.VERIFICATION, S.REGISTERED, S.REVIEW):
        take_step(office.desks[desk], name, status, reason="", today=DAY)


def test_what_one_desk_does_the_other_shows(office: Office, name: str) -> None:
    """Steps, labels and notes of one officer are on the other's desk after a round."""
    ani, budi = office.desks[ANI], office.desks[BUDI]
    verified(office, name)
    act(ani, name, Labelled(label="bansos", on=True), today=DAY)
    act(ani, name, Noted(text="Periksa juga tahun lalu."), today=DAY)
    office.exchange()

    assert state_of(ani, name) == state_of(budi, name)
    (case,) = list_cases(budi, today=DAY)
    assert (S.REVIEW, ("bansos",)) == (case.status, case.labels)
    assert case.registration_number is not None


def test_a_reply_of_one_desk_is_seen_on_the_other(
    office: Office, reporter: Reporter, name: str
) -> None:
    """Both answer the same case without meeting, and each sees both answers."""
    for desk in INTAKE:
        draft = Draft(ReplyKind.ANSWER, f"Jawaban {desk}.")
        write_reply(office.desks[desk], name, draft, today=DAY)
    office.exchange()

    replies = states(office, name, INTAKE)[0].replies
    assert {"Jawaban Petugas Ani.", "Jawaban Petugas Budi."} == {
        sent.action.letter.text for sent in replies
    }
    slots = {
        slot: sealed
        for desk in INTAKE
        for slot, sealed in _slots(office.desks[desk]).items()
    }
    for desk in INTAKE:
        opened = reporter.open_reply(slots, office.desks[desk].desk_id)
        assert f"Jawaban {desk}." == opened.letter.text


def _slots(desk: Desk) -> dict[bytes, bytes]:
    with desk.casebook.transaction() as connection:
        rows = connection.execute(select(casebook.slot.c.slot, casebook.slot.c.sealed))
        return {row.slot: row.sealed for row in rows}


def test_steps_at_once_are_shown_alike(office: Office, name: str) -> None:
    """Two officers take different steps before they hear of each other."""
    take_step(office.desks[ANI], name, S.VERIFICATION, reason="", today=DAY)
    office.exchange()
    take_step(office.desks[ANI], name, S.REGISTERED, reason="", today=DAY)
    take_step(office.desks[BUDI], name, S.NEEDS_COMPLETION, reason="Tempat?", today=DAY)
    office.exchange()

    ani, budi = states(office, name, INTAKE)
    assert ani == budi
    assert 1 == len(ani.conflicts)
    assert [1, 1] == [
        list_cases(office.desks[desk], today=DAY)[0].conflicts for desk in INTAKE
    ]


def test_two_officers_close_a_case(office: Office, name: str) -> None:
    """One proposes on one desk, the other confirms; feedback stays due until told."""
    verified(office, name)
    take_step(office.desks[ANI], name, S.CONCLUDED, reason="Tidak terbukti.", today=DAY)
    (case,) = list_cases(office.desks[ANI], today=DAY)
    assert case.proposed
    office.exchange()
    proposal = state_of(office.desks[BUDI], name).proposal
    assert proposal is not None
    act(office.desks[BUDI], name, ClosingConfirmed(proposal=proposal.digest), today=DAY)
    office.exchange()
    (case,) = list_cases(office.desks[ANI], today=DAY)
    assert (S.CONCLUDED, False) == (case.status, case.closed)
    draft = Draft(ReplyKind.CLOSING, "Selesai.", status=S.CONCLUDED)
    write_reply(office.desks[BUDI], name, draft, today=DAY)
    office.exchange()
    (case,) = list_cases(office.desks[ANI], today=DAY)
    assert (None, True) == (case.due, case.closed)


def test_nobody_confirms_their_own_proposal(office: Office, name: str) -> None:
    """It is refused before it is written, and nothing has changed."""
    ani = office.desks[ANI]
    verified(office, name)
    entry = take_step(ani, name, S.CONCLUDED, reason="Tidak terbukti.", today=DAY)
    before = state_of(ani, name)
    with pytest.raises(ActionRefused, match="whoever proposed it"):
        act(ani, name, ClosingConfirmed(proposal=entry.digest), today=DAY)
    assert before == state_of(ani, name)


def test_a_closed_case_comes_back_when_its_reporter_writes(
    office: Office, reporter: Reporter, name: str
) -> None:
    """A closed case is not in the queue of open ones until something new comes."""
    verified(office, name)
    take_step(office.desks[ANI], name, S.CONCLUDED, reason="Tidak terbukti.", today=DAY)
    office.exchange()
    proposal = state_of(office.desks[BUDI], name).proposal
    assert proposal is not None
    act(office.desks[BUDI], name, ClosingConfirmed(proposal=proposal.digest), today=DAY)
    draft = Draft(ReplyKind.CLOSING, "Selesai.", status=S.CONCLUDED)
    write_reply(office.desks[BUDI], name, draft, today=DAY)
    office.exchange()
    (closed,) = list_cases(office.desks[ANI], today=DAY)
    assert closed.closed
    office.send(reporter.write(ItemKind.MESSAGE, message="Terjadi lagi."), to=INTAKE)
    office.exchange()
    (again,) = list_cases(office.desks[ANI], today=DAY)
    assert not again.closed


def test_a_reviewer_gets_a_case_only_when_it_is_shared(
    office: Office, name: str
) -> None:
    """Until then, the reviewer's desk holds sealed bytes and knows nothing."""
    verified(office, name)
    office.exchange()
    assert () == list_cases(office.desks[CITRA], today=DAY)
    assert REPORT.what not in texts_on(office.desks[CITRA])

    ani, citra = office.desks[ANI], office.desks[CITRA]
    decide(ani, name, "share")
    share(ani, name, citra.record.desk_id, form="full", reason="Penelaah.", today=DAY)
    assign(ani, name, citra.record.desk_id, today=DAY)
    office.exchange()

    shown = show_case(citra, name, today=DAY)
    assert shown.report is not None
    assert REPORT == shown.report.report
    assert ["Bukti.pdf"] == [file.name for file in shown.report.attachments]
    first, second, third = states(office, name)
    assert first == second == third
    assert citra.record.desk_id == third.assigned


def messages_on(desk: Desk, name: str) -> list[str | None]:
    """Return what the reporter has written since the report, as a desk has it."""
    thread = show_case(desk, name, today=DAY).thread
    return [
        entry.message
        for entry in thread
        if isinstance(entry, ItemShown) and not entry.report
    ]


def waiting_on(desk: Desk, name: str) -> sharing.Waiting:
    """Return what a desk says that it holds back."""
    with desk.casebook.transaction() as connection:
        case_id = find_case(connection, name).case_id
        state = journal_of(connection, case_id).state
        return sharing.waiting_for_check(desk, connection, case_id, state)


@pytest.fixture
def reviewed(office: Office, name: str) -> str:
    """A case that Ani has shared with Citra as a whole."""
    ani, citra = office.desks[ANI], office.desks[CITRA]
    decide(ani, name, "share")
    share(ani, name, citra.record.desk_id, form="full", reason="", today=DAY)
    office.exchange()
    return name


def test_what_comes_later_reaches_the_reviewer_once_it_was_checked(
    office: Office, reporter: Reporter, reviewed: str
) -> None:
    """Deeds of colleagues follow at once; messages after a decision about them all."""
    ani, budi, citra = (office.desks[desk] for desk in NAMES)
    for message in ("Ada lagi.", "Saya Sari."):
        office.send(reporter.write(ItemKind.MESSAGE, message=message), to=INTAKE)
    act(budi, reviewed, Noted(text="Dari Budi."), today=DAY)
    act(citra, reviewed, Noted(text="Dari Citra."), today=DAY)
    office.exchange()

    first, second, third = states(office, reviewed)
    assert first == second == third
    assert {"Dari Budi.", "Dari Citra."} == {note.text for note in first.notes}
    assert [] == messages_on(citra, reviewed)
    assert "Saya Sari." not in texts_on(citra)
    citra_id = frozenset({citra.record.desk_id})
    assert sharing.Waiting(2, citra_id, forbidden=False) == waiting_on(ani, reviewed)

    decide(ani, reviewed, "share")
    office.exchange()
    assert ["Ada lagi.", "Saya Sari."] == messages_on(citra, reviewed)
    assert 0 == waiting_on(ani, reviewed).items


@pytest.mark.parametrize("decision", ["withhold", "redact"])
def test_nothing_follows_once_it_was_decided_so(
    office: Office, reporter: Reporter, reviewed: str, decision: str
) -> None:
    """After *withhold* or *redact* no words go on, and the officer sees that."""
    ani, citra = office.desks[ANI], office.desks[CITRA]
    office.send(reporter.write(ItemKind.MESSAGE, message="Saya Sari."), to=INTAKE)
    office.exchange()
    decide(ani, reviewed, decision)
    office.exchange()
    assert [] == messages_on(citra, reviewed)
    assert "Saya Sari." not in texts_on(citra)
    waiting = waiting_on(ani, reviewed)
    assert (1, True) == (waiting.items, waiting.forbidden)


def test_a_decision_of_a_colleague_lets_go_what_they_read(
    office: Office, reporter: Reporter, reviewed: str
) -> None:
    """Budi decides about the first message; what Ani has beyond it goes on waiting."""
    ani, budi, citra = (office.desks[desk] for desk in NAMES)
    office.send(reporter.write(ItemKind.MESSAGE, message="Ada lagi."), to=INTAKE)
    office.exchange()
    decide(budi, reviewed, "share")
    office.send(reporter.write(ItemKind.MESSAGE, message="Saya Sari."), to=(ANI,))
    office.exchange()
    office.exchange()
    assert ["Ada lagi.", "Saya Sari."] == messages_on(ani, reviewed)
    assert ["Ada lagi."] == messages_on(citra, reviewed)


def test_a_late_item_with_a_lower_number_was_not_checked(
    office: Office, reporter: Reporter, name: str
) -> None:
    """What was sent first and came last makes the decision as old as anything else."""
    ani, citra = office.desks[ANI], office.desks[CITRA]
    late = reporter.write(ItemKind.MESSAGE, message="Saya Sari.")
    office.send(reporter.write(ItemKind.MESSAGE, message="Ada lagi."), to=INTAKE)
    office.exchange()
    decide(ani, name, "share")
    office.send(late, to=INTAKE)
    office.exchange()
    before = state_of(ani, name)
    with pytest.raises(ActionRefused, match="since the exposure check"):
        share(ani, name, citra.record.desk_id, form="full", reason="", today=DAY)
    assert before == state_of(ani, name)


def test_a_decision_is_about_what_was_shown(
    office: Office, reporter: Reporter, name: str
) -> None:
    """An import between looking and deciding: the decision is not recorded."""
    ani = office.desks[ANI]
    shown = shown_on(ani, name)
    office.send(reporter.write(ItemKind.MESSAGE, message="Saya Sari."), to=INTAKE)
    office.exchange()
    before = state_of(ani, name)
    for mark in (shown, ""):
        with pytest.raises(ShownOtherwise):
            decide_exposure(
                ani,
                name,
                shown=mark,
                findings=0,
                decision="share",
                reason="",
                today=DAY,
            )
    assert before == state_of(ani, name)


def test_a_receipt_needs_no_check(
    office: Office, reporter: Reporter, reviewed: str
) -> None:
    """It has no words: the decision stands, and the reviewer sees what was read."""
    ani, citra = office.desks[ANI], office.desks[CITRA]
    receipt = reporter.write(ItemKind.READ_RECEIPT, read={ani.record.desk_id: 1})
    office.send(receipt, to=INTAKE)
    office.exchange()
    assert 0 == waiting_on(ani, reviewed).items
    assert 2 == len(show_case(citra, reviewed, today=DAY).thread)


def test_a_brief_has_nothing_of_the_reporters_words(office: Office, name: str) -> None:
    """With a paraphrase, a reviewer reads an officer's words and can answer nobody."""
    ani, citra = office.desks[ANI], office.desks[CITRA]
    act(ani, name, Paraphrased(text="Bantuan diduga dipotong."), today=DAY)
    decide_exposure(
        ani,
        name,
        shown=shown_on(ani, name),
        findings=1,
        decision="redact",
        reason="",
        today=DAY,
    )
    with pytest.raises(ActionRefused, match="blacken"):
        share(ani, name, citra.record.desk_id, form="full", reason="", today=DAY)
    share(ani, name, citra.record.desk_id, form="paraphrase", reason="", today=DAY)
    office.exchange()

    (case,) = list_cases(citra, today=DAY)
    assert case.brief
    assert "Bantuan diduga dipotong." == case.title
    everything = texts_on(citra)
    for words in (REPORT.what, REPORT.title, REPORT.who, "Bukti.pdf"):
        assert words not in everything


def test_redacted_passages_do_not_leave(office: Office, name: str) -> None:
    """With the redacted form, what was blackened is on no other desk."""
    ani, citra = office.desks[ANI], office.desks[CITRA]
    report = show_case(ani, name, today=DAY).report
    assert report is not None
    act(
        ani,
        name,
        Redacted(item=report.digest.hex(), field="who", spans=((0, len(REPORT.who)),)),
        today=DAY,
    )
    decide_exposure(
        ani,
        name,
        shown=shown_on(ani, name),
        findings=1,
        decision="redact",
        reason="",
        today=DAY,
    )
    share(ani, name, citra.record.desk_id, form="redacted", reason="", today=DAY)
    office.exchange()

    brief = state_of(citra, name).brief
    assert brief is not None
    assert REPORT.what == brief.answers["what"]
    # Of one length, whatever stood there: a width tells names.
    assert BAR == brief.answers["who"]
    assert REPORT.who not in texts_on(citra)
    shown = case_file(show_case(citra, name, today=DAY), citra.profile)
    assert REPORT.what in " ".join(shown.split())
    assert "the reporter's own words are not on this desk" in shown


def test_nothing_is_shared_before_the_exposure_check(
    office: Office, reporter: Reporter, name: str
) -> None:
    """No decision, an old one, or one to withhold: the case stays where it is."""
    ani, citra = office.desks[ANI], office.desks[CITRA]

    def try_to_share(complaint: str) -> None:
        with pytest.raises(ActionRefused, match=complaint):
            share(ani, name, citra.record.desk_id, form="full", reason="", today=DAY)

    try_to_share("look first")
    decide(ani, name, "withhold")
    try_to_share("not shared")
    decide(ani, name, "share")
    office.send(reporter.write(ItemKind.MESSAGE, message="Saya Sari."), to=INTAKE)
    office.exchange()
    try_to_share("since the exposure check")
    office.exchange()
    assert () == list_cases(citra, today=DAY)


def test_contact_details_are_never_sealed_anew(
    office: Office, reporter: Reporter, name: str
) -> None:
    """Not even a reviewer who has the whole case gets them."""
    office.send(reporter.write(ItemKind.CONTACT, message="0811-contoh"), to=(ANI,))
    office.exchange()
    ani, citra = office.desks[ANI], office.desks[CITRA]
    decide(ani, name, "share")
    share(ani, name, citra.record.desk_id, form="full", reason="", today=DAY)
    office.exchange()
    assert 1 == len(show_case(citra, name, today=DAY).thread)
    for desk in (BUDI, CITRA):
        assert "0811-contoh" not in texts_on(office.desks[desk])


def test_contact_details_of_one_desk_hide_no_message_from_another(
    office: Office, reporter: Reporter, name: str
) -> None:
    """Desks count alike what was answered, whoever of them has contact details."""
    office.send(reporter.write(ItemKind.CONTACT, message="0811-contoh"), to=(ANI,))
    office.exchange()
    assert list_cases(office.desks[ANI], today=DAY)[0].unanswered
    show_case(office.desks[ANI], name, today=DAY)
    write_reply(office.desks[ANI], name, Draft(ReplyKind.ANSWER, "Ya."), today=DAY)
    office.exchange()
    for desk in INTAKE:
        assert not list_cases(office.desks[desk], today=DAY)[0].unanswered
    office.send(reporter.write(ItemKind.MESSAGE, message="Ada lagi."), to=INTAKE)
    office.exchange()
    for desk in INTAKE:
        assert list_cases(office.desks[desk], today=DAY)[0].unanswered


def test_an_officer_who_is_accused_learns_nothing_more(
    office: Office, reporter: Reporter, name: str
) -> None:
    """From the exclusion on, an excluded desk gets neither deeds nor new words."""
    ani, budi, citra = (office.desks[desk] for desk in NAMES)
    decide(ani, name, "share")
    share(ani, name, citra.record.desk_id, form="full", reason="", today=DAY)
    office.exchange()
    exclude(ani, name, citra.record.desk_id, reason="Disebut dalam laporan.", today=DAY)
    act(ani, name, Noted(text="Rahasia dari Citra."), today=DAY)
    office.send(reporter.write(ItemKind.MESSAGE, message="Ada lagi."), to=INTAKE)
    act(citra, name, Noted(text="Dari Citra."), today=DAY)
    office.exchange()

    for words in ("Rahasia dari Citra.", "Ada lagi.", "Disebut dalam laporan."):
        assert words not in texts_on(citra)
    assert state_of(ani, name) == state_of(budi, name)
    with pytest.raises(ActionRefused, match="does not have the case"):
        assign(ani, name, citra.record.desk_id, today=DAY)


def test_what_was_done_by_mistake_is_taken_back_everywhere(
    office: Office, name: str
) -> None:
    """An undone step is undone on the other desk, too."""
    entry = take_step(office.desks[ANI], name, S.VERIFICATION, reason="", today=DAY)
    undo(office.desks[ANI], name, entry.digest, today=DAY)
    office.exchange()
    for state in states(office, name, INTAKE):
        assert S.RECEIVED is state.status
        assert () == state.conflicts


def test_events_of_strangers_wait_and_change_nothing(office: Office, name: str) -> None:
    """What an officer signs whom a desk does not know is kept until it does."""
    ani, budi = office.desks[ANI], office.desks[BUDI]
    with budi.casebook.transaction() as connection:
        table = casebook.officer
        known = connection.execute(
            select(table).where(table.c.desk_id == ani.record.desk_id)
        ).one()
        keys = casebook.key
        connection.execute(keys.delete().where(keys.c.desk_id == known.desk_id))
        connection.execute(table.delete().where(table.c.desk_id == known.desk_id))
    act(ani, name, Noted(text="Halo."), today=DAY)
    office.bring(ANI)
    bundle = rewritten(io.BytesIO(office.bundle_for(BUDI)), officers=())
    report = import_bundle(budi, bundle, today=DAY)
    assert 1 == report.unverified
    assert () == state_of(budi, name).notes

    assert 0 == office.fetch(BUDI).unverified
    assert ["Halo."] == [note.text for note in state_of(budi, name).notes]


def test_the_same_parcel_twice_changes_nothing(office: Office, name: str) -> None:
    """A replayed message under a new number brings nothing new."""
    act(office.desks[ANI], name, Noted(text="Halo."), today=DAY)
    office.bring(ANI)
    last = office.drop.intake.entries()[-1].number
    sealed = b"".join(office.drop.intake.read(last))
    office.fetch(BUDI)
    before = state_of(office.desks[BUDI], name)
    office.accept(sealed)
    (outcome,) = [
        one for one in office.fetch(BUDI).outcomes if one.verdict is Verdict.NEW
    ]
    assert "known already" in outcome.note
    assert before == state_of(office.desks[BUDI], name)


def test_a_step_that_is_not_allowed_is_refused(office: Office, name: str) -> None:
    """The desk writes no event that would only be a conflict."""
    ani = office.desks[ANI]
    with pytest.raises(ActionRefused, match="no step from received to review"):
        take_step(ani, name, S.REVIEW, reason="", today=DAY)
    with pytest.raises(ActionRefused, match="was at received by then"):
        act(ani, name, StepTaken(before=S.REVIEW, after=S.FORWARDED), today=DAY)
    assert () == state_of(ani, name).history
    with pytest.raises(UnknownCase):
        take_step(ani, "babab-babab", S.VERIFICATION, reason="", today=DAY)


def test_a_parcel_is_on_the_disk_before_the_outbox_counts(
    office: Office, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power-cut, whatever the casebook says is in outgoing/ is there."""
    ani = office.desks[ANI]
    act(ani, name, Noted(text="Sebuah catatan."), today=DAY)
    folder = ani.path / OUTGOING
    durable: set[str] = set()
    fsync: Callable[[int], None] = os.fsync

    def watched(descriptor: int) -> None:
        fsync(descriptor)
        if Path(f"/proc/self/fd/{descriptor}").readlink() == folder:
            durable.clear()
            durable.update(path.name for path in folder.iterdir())

    monkeypatch.setattr(os, "fsync", watched)
    assert 1 == prepare_outbox(ani, today=DAY).parcels
    assert {path.name for path in folder.iterdir()} == durable


def test_parcels_in_the_making_are_left_alone(office: Office, name: str) -> None:
    """Whoever exports twice at once throws away nothing of the first outbox."""
    ani = office.desks[ANI]
    act(ani, name, Noted(text="Sebuah catatan."), today=DAY)
    second = threading.Thread(target=office.outbox_of, args=(ANI,))
    with ani.casebook.transaction():
        partial = ani.path / OUTGOING / ".parcel.k3x9"
        partial.touch()
        second.start()
        second.join(1)
        assert second.is_alive()
        assert partial.exists()
    second.join()
    assert not partial.exists()
