"""A desk that is lost and restored, copied, or faces a restored server."""

import io
from contextlib import suppress

import pytest
from sqlalchemy import select
from support.bundles import rewritten, swapped
from support.office import NAMES, Office, decide, texts_on
from support.reporters import DAY, Reporter

from casework.item import ItemKind
from casework.journal import Noted
from casework.reply import CaseStatus, ReplyKind
from crypto.slots import STRETCH_SLOTS
from deaddrop import MissingOutbox, OutboxConflict
from journalist_app.workstation import casebook
from journalist_app.workstation.acting import act, exclude, share, state_of, take_step
from journalist_app.workstation.cases import show_case
from journalist_app.workstation.continuity import stop_waiting
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import RestoredDesk
from journalist_app.workstation.import_report import Verdict
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.names import case_name
from journalist_app.workstation.queueing import list_cases
from journalist_app.workstation.replying import SKIPPED_SLOTS, Draft, write_reply

ANI, BUDI, CITRA = NAMES
INTAKE = (ANI, BUDI)
S = CaseStatus


@pytest.fixture
def reporter() -> Reporter:
    """Somebody who reports."""
    return Reporter("pelapor")


@pytest.fixture
def name(office: Office, reporter: Reporter) -> str:
    """A case that Ani and Budi have received."""
    office.send(reporter.write(), to=INTAKE)
    office.exchange()
    return case_name(reporter.keys.case_id)


def note(desk: Desk, name: str, text: str) -> None:
    """Write a note."""
    act(desk, name, Noted(text=text), today=DAY)


def notes(desk: Desk, name: str) -> list[str]:
    """Return the notes of a case, in any order."""
    return sorted(one.text for one in state_of(desk, name).notes)


def answer(desk: Desk, name: str, text: str) -> None:
    """Write an answer to the reporter."""
    write_reply(desk, name, Draft(ReplyKind.ANSWER, text), today=DAY)


def answers(office: Office, reporter: Reporter) -> list[str]:
    """Return what the reporter reads, of all desks, each answer as often as it is."""
    found = []
    for desk in office.template.enrolments.values():
        desk_id = bytes.fromhex(desk.desk_id)
        names = reporter.first_slots(desk_id, 4 * STRETCH_SLOTS)
        slots = office.drop.mailbox.fetch(names)
        found += [
            reporter.open_reply(slots, desk_id, number).letter.text
            for number, slot in enumerate(names)
            if slot in slots
        ]
    return sorted(found)


def test_a_restored_desk_waits_for_a_bundle(office: Office, name: str) -> None:
    """Before the server has told what it did, it neither acts nor exports."""
    backed = office.back_up(ANI)
    ani = office.restore(ANI, backed)
    with pytest.raises(RestoredDesk):
        note(ani, name, "Terlalu dini.")
    with pytest.raises(RestoredDesk):
        office.outbox_of(ANI)
    assert () == state_of(ani, name).notes
    office.fetch(ANI)
    note(ani, name, "Sekarang boleh.")
    office.exchange()
    assert ["Sekarang boleh."] == notes(office.desks[BUDI], name)


def test_a_lost_desk_comes_back(office: Office, reporter: Reporter, name: str) -> None:
    """What it did, had and answered since the backup is there again, once."""
    backed = office.back_up(ANI)
    second = Reporter("kedua")
    office.send(second.write(), to=INTAKE)
    office.fetch(ANI)
    ani = office.desks[ANI]
    take_step(ani, name, S.VERIFICATION, reason="", today=DAY)
    note(ani, name, "Hilang?")
    answer(ani, name, "Jawaban pertama.")
    office.exchange()
    office.send(reporter.write(ItemKind.MESSAGE, message="Ada lagi."), to=INTAKE)
    office.exchange()

    ani = office.restore(ANI, backed)
    assert office.fetch(ANI).restored
    answer(ani, name, "Jawaban kedua.")
    office.exchange()
    office.exchange()

    budi = office.desks[BUDI]
    for case in (name, case_name(second.keys.case_id)):
        assert state_of(budi, case) == state_of(ani, case)
    state = state_of(ani, name)
    assert (S.VERIFICATION, ()) == (state.status, state.conflicts)
    assert () == state.gaps
    assert ["Hilang?"] == notes(ani, name)
    assert ["Jawaban kedua.", "Jawaban pertama."] == answers(office, reporter)
    assert 2 == len(list_cases(ani, today=DAY))
    assert len(show_case(budi, name, today=DAY).thread) == len(
        show_case(ani, name, today=DAY).thread
    )


def test_a_desk_alone_comes_back_without_colleagues(
    office_alone: Office, reporter: Reporter
) -> None:
    """Nobody can tell it what it did, and its next answer is found all the same."""
    office = office_alone
    office.send(reporter.write(), to=(ANI,))
    office.exchange()
    case = case_name(reporter.keys.case_id)
    backed = office.back_up(ANI)
    for number in range(3):
        answer(office.desks[ANI], case, f"Hilang {number}.")
        office.exchange()
    ani = office.restore(ANI, backed)
    office.fetch(ANI)
    answer(ani, case, "Sesudahnya.")
    office.exchange()
    assert ["Hilang 0.", "Hilang 1.", "Hilang 2.", "Sesudahnya."] == answers(
        office, reporter
    )


def test_what_is_left_out_is_less_than_reporters_look_beyond() -> None:
    """Else an answer behind the slots that are left out would never be found."""
    assert SKIPPED_SLOTS < STRETCH_SLOTS


def test_a_reviewer_comes_back(office: Office, reporter: Reporter, name: str) -> None:
    """What was shared with a desk and lost there is sealed to it once more."""
    ani = office.desks[ANI]
    backed = office.back_up(CITRA)
    decide(ani, name, "share")
    citra_id = office.desks[CITRA].record.desk_id
    share(ani, name, citra_id, form="full", reason="", today=DAY)
    office.exchange()
    note(office.desks[CITRA], name, "Dari Citra.")
    office.exchange()
    citra = office.restore(CITRA, backed)
    assert () == list_cases(citra, today=DAY)
    office.exchange()
    office.exchange()
    assert state_of(ani, name) == state_of(citra, name)
    assert ["Dari Citra."] == notes(citra, name)
    assert show_case(citra, name, today=DAY).report is not None


def test_restoring_opens_no_contact_details(
    office: Office, reporter: Reporter, name: str
) -> None:
    """They are never sealed anew; whoever has lost them asks the reporter again."""
    backed = office.back_up(ANI)
    office.send(reporter.write(ItemKind.CONTACT, message="0811-contoh"), to=INTAKE)
    office.exchange()
    ani = office.restore(ANI, backed)
    office.exchange()
    office.exchange()
    with ani.casebook.transaction() as connection:
        kinds = set(connection.scalars(select(casebook.content.c.kind)))
    assert {"report"} == kinds


def test_a_copied_folder_is_noticed(
    office: Office, reporter: Reporter, name: str
) -> None:
    """Two copies of one desk: the second to speak is told so, and nothing doubles."""
    copy = office.copy_of(ANI)
    note(office.desks[ANI], name, "Dari yang asli.")
    answer(office.desks[ANI], name, "Jawaban asli.")
    office.exchange()
    ani = office.replace(ANI, copy)
    note(ani, name, "Dari salinan.")
    answer(ani, name, "Jawaban salinan.")
    with pytest.raises(OutboxConflict):
        office.bring(ANI)

    report = office.fetch(ANI)
    assert report.restored
    assert (name,) == report.withdrawn
    answer(ani, name, "Jawaban salinan, lagi.")
    office.exchange()
    office.exchange()
    assert ["Jawaban asli.", "Jawaban salinan, lagi."] == answers(office, reporter)
    assert state_of(ani, name) == state_of(office.desks[BUDI], name)
    # Both stories stand there, and what is not applied is shown as a conflict.
    reasons = {one.reason for one in state_of(ani, name).conflicts}
    assert {"this desk has told two stories under one number"} == reasons


def test_a_desk_restored_before_anything_happened_goes_on(
    office: Office, reporter: Reporter, name: str
) -> None:
    """What waited for export in the backup, and was exported since, is sent once."""
    note(office.desks[ANI], name, "Menunggu.")
    answer(office.desks[ANI], name, "Menunggu juga.")
    backed = office.back_up(ANI)
    office.bring(ANI)
    ani = office.restore(ANI, backed)
    assert () == office.fetch(ANI).withdrawn
    office.exchange()
    assert ["Menunggu juga."] == answers(office, reporter)
    assert ["Menunggu."] == notes(office.desks[BUDI], name)
    assert state_of(ani, name) == state_of(office.desks[BUDI], name)


def test_an_old_bundle_again_changes_nothing(office: Office, name: str) -> None:
    """It knows of fewer outboxes; they are named, and numbers go on."""
    old = office.bundle_for(ANI)
    note(office.desks[ANI], name, "Satu.")
    office.bring(ANI)
    office.fetch(ANI)
    before = office.desks[ANI]
    report = import_bundle(before, io.BytesIO(old), today=DAY)
    assert not report.restored
    assert 1 == len(report.unconfirmed)
    note(before, name, "Dua.")
    assert office.bring(ANI) is not None
    office.fetch(BUDI)
    assert ["Dua.", "Satu."] == notes(office.desks[BUDI], name)


@pytest.mark.parametrize("number", [1, 9, 1_000_000_000])
def test_a_bundle_that_lies_about_outboxes_is_mended_by_the_next(
    office: Office, reporter: Reporter, name: str, number: int
) -> None:
    """Whatever a stick says, nothing that was done is lost or doubled."""
    ani = office.desks[ANI]
    note(ani, name, "Sebelum.")
    office.bring(ANI)
    lie = {"desk_id": ani.record.desk_id, "number": number, "sha256": ("ab" * 32,)}
    bundle = rewritten(io.BytesIO(office.bundle_for(ANI)), applied=lie)
    import_bundle(ani, bundle, today=DAY)
    note(ani, name, "Sesudah.")
    answer(ani, name, "Jawaban.")
    with suppress(OutboxConflict):
        office.bring(ANI)
    office.fetch(ANI)
    if not answers(office, reporter) and "Jawaban." not in _waiting(ani):
        answer(ani, name, "Jawaban.")
    office.exchange()
    assert ["Sebelum.", "Sesudah."] == notes(office.desks[BUDI], name)
    assert ["Jawaban."] == answers(office, reporter)


def _waiting(desk: Desk) -> list[str]:
    with desk.casebook.transaction() as connection:
        return ["Jawaban." for _ in connection.execute(select(casebook.reply))]


def test_a_lost_stick_stops_the_next_one(office: Office, name: str) -> None:
    """Outboxes are applied in order, so that none is forgotten."""
    ani = office.desks[ANI]
    note(ani, name, "Satu.")
    lost = office.outbox_of(ANI)
    assert lost is not None
    note(ani, name, "Dua.")
    second = office.outbox_of(ANI)
    assert second is not None
    with pytest.raises(MissingOutbox, match="bring it before"):
        office.apply(second)
    office.apply(lost)
    office.apply(second)
    office.fetch(BUDI)
    assert ["Dua.", "Satu."] == notes(office.desks[BUDI], name)


def test_a_restored_server_is_brought_up_to_date(
    office: Office, reporter: Reporter, name: str
) -> None:
    """Outboxes that it has forgotten are named, brought again, and applied once."""
    backup = office.back_up_server()
    ani, budi = office.desks[ANI], office.desks[BUDI]
    sent = []
    for number in range(2):
        note(ani, name, f"Catatan {number}.")
        answer(ani, name, f"Jawaban {number}.")
        sent.append(office.outbox_of(ANI))
        office.apply(sent[-1] or b"")
        office.fetch(ANI)
    office.restore_server(backup)
    note(ani, name, "Catatan 2.")
    with pytest.raises(MissingOutbox):
        office.bring(ANI)

    missing = office.fetch(ANI).unconfirmed
    assert 3 == len(missing)
    for outbox in sent:
        office.apply(outbox or b"")
    for number in missing[2:]:
        office.apply(office.outbox_again(ANI, number))
    office.exchange()
    assert [f"Catatan {number}." for number in range(3)] == notes(budi, name)
    assert ["Jawaban 0.", "Jawaban 1."] == answers(office, reporter)
    assert state_of(ani, name) == state_of(budi, name)


def test_a_restored_server_gives_numbers_again(office: Office, name: str) -> None:
    """New reports under old numbers are read, held, and deleted as all others."""
    backup = office.back_up_server()
    before, after = Reporter("sebelum"), Reporter("sesudah")
    number = office.send(before.write(), to=INTAKE)
    for desk in NAMES:
        office.fetch(desk)
    office.restore_server(backup)
    assert number == office.send(after.write(), to=INTAKE)

    (outcome,) = [
        one for one in office.fetch(ANI).outcomes if one.verdict is Verdict.OTHER
    ]
    assert number == outcome.number
    office.exchange()
    names = {one.name for one in list_cases(office.desks[ANI], today=DAY)}
    assert {case_name(one.keys.case_id) for one in (before, after)} <= names
    assert [] == office.drop.intake.entries()


def test_an_altered_item_does_not_bar_the_true_one(
    office: Office, reporter: Reporter
) -> None:
    """A stick that swaps an item for junk delays it, and the next bundle brings it."""
    ani = office.desks[ANI]
    number = office.send(reporter.write(), to=INTAKE)
    junk = b"\x85" * 70_000
    bundle = swapped(office.bundle_for(ANI), number, junk)
    report = import_bundle(ani, bundle, today=DAY)
    assert Verdict.UNOPENED is report.outcomes[-1].verdict
    office.bring(ANI)
    assert Verdict.OTHER is office.fetch(ANI).outcomes[-1].verdict
    office.exchange()
    assert 1 == len(list_cases(ani, today=DAY))
    assert [] == office.drop.intake.entries()


def test_a_restored_desk_does_not_tell_whom_it_had_excluded(
    office: Office, name: str
) -> None:
    """An exclusion that the backup does not have is learnt before anything is sent."""
    ani, budi, citra = (office.desks[desk] for desk in NAMES)
    decide(ani, name, "share")
    share(ani, name, citra.record.desk_id, form="full", reason="", today=DAY)
    office.exchange()
    backed = office.back_up(ANI)
    exclude(ani, name, citra.record.desk_id, reason="Terlapor.", today=DAY)
    office.exchange()

    ani = office.restore(ANI, backed)
    assert (BUDI, CITRA) == office.fetch(ANI).awaited
    note(ani, name, "Bukan untuk Citra.")
    office.bring(ANI)
    # Citra is the first to answer, and hears nothing for it.
    office.fetch(CITRA)
    office.bring(CITRA)
    office.exchange()
    office.exchange()
    assert () == office.fetch(ANI).awaited
    assert "Bukan untuk Citra." not in texts_on(citra)
    assert ["Bukan untuk Citra."] == notes(budi, name)
    assert state_of(ani, name) == state_of(budi, name)
    assert citra.record.desk_id in state_of(ani, name).excluded


def test_whoever_does_not_answer_is_not_waited_for_for_ever(
    office: Office, name: str
) -> None:
    """An officer decides to go on without somebody, and what waited is sent."""
    ani = office.desks[ANI]
    decide(ani, name, "share")
    citra_id = office.desks[CITRA].record.desk_id
    share(ani, name, citra_id, form="full", reason="", today=DAY)
    office.exchange()
    ani = office.restore(ANI, office.back_up(ANI))
    office.fetch(ANI)
    note(ani, name, "Untuk Budi.")
    office.bring(ANI)
    office.fetch(BUDI)
    assert [] == notes(office.desks[BUDI], name)
    with ani.casebook.transaction() as connection:
        stop_waiting(connection, citra_id)
    office.bring(ANI)
    office.fetch(BUDI)
    assert ["Untuk Budi."] == notes(office.desks[BUDI], name)
