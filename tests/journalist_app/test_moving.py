"""A desk whose server is replaced by another one."""

from collections.abc import Callable

import pytest
from sqlalchemy import select
from support.office import NAMES, Office, texts_on
from support.reporters import DAY, Reporter

from casework.journal import Labelled, Noted
from casework.reply import ReplyKind
from casework.training import MARK
from crypto.slots import STRETCH_SLOTS
from journalist_app.courier.errors import ForeignOutbox
from journalist_app.workstation import casebook
from journalist_app.workstation.acting import act, state_of
from journalist_app.workstation.cases import ReplyShown, show_case
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import CannotMove, ForeignBundle, UnusableReply
from journalist_app.workstation.import_report import Verdict
from journalist_app.workstation.moving import move, standing_of
from journalist_app.workstation.names import case_name
from journalist_app.workstation.projecting import LEFT_BEHIND
from journalist_app.workstation.queueing import list_cases
from journalist_app.workstation.replying import Draft, write_reply

ANI, BUDI, CITRA = NAMES


@pytest.fixture
def reporter() -> Reporter:
    """Somebody who reported to the old server."""
    return Reporter("pelapor")


@pytest.fixture
def name(office: Office, reporter: Reporter) -> str:
    """A case that Ani and Budi have received from it."""
    office.send(reporter.write(), to=(ANI, BUDI))
    office.exchange()
    return case_name(reporter.keys.case_id)


def moved(office: Office, *names: str, ask_colleagues: bool = False) -> None:
    """Let desks move to the server that is there now."""
    for name in names:
        move(
            office.desks[name],
            office.installation,
            ask_colleagues=ask_colleagues,
            today=DAY,
        )


def answer(desk: Desk, name: str, text: str) -> None:
    """Write an answer to the reporter."""
    write_reply(desk, name, Draft(ReplyKind.ANSWER, text), today=DAY)


def notes(desk: Desk, name: str) -> list[str]:
    """Return the notes of a case, in any order."""
    return sorted(one.text for one in state_of(desk, name).notes)


def reported_anew(office: Office) -> str:
    """Let somebody report to the server that is there now."""
    newcomer = Reporter("pelapor baru")
    office.send(newcomer.write(), to=(ANI, BUDI))
    return case_name(newcomer.keys.case_id)


def test_another_server_is_refused_without_the_officer(
    office: Office, name: str
) -> None:
    """
    Its bundles change nothing, however often they come.
    """
    office.replace_server()
    reported_anew(office)
    before = texts_on(office.desks[ANI])

    for _ in range(2):
        with pytest.raises(ForeignBundle):
            office.fetch(ANI)

    assert before == texts_on(office.desks[ANI])


@pytest.mark.slow
def test_the_desk_goes_on_with_the_new_server(office: Office, name: str) -> None:
    """
    Cases and notes stay, new reports come, answers and notes go: nothing is missing.
    """
    act(office.desks[ANI], name, Noted(text="dari dahulu"), today=DAY)
    office.exchange()
    office.replace_server()
    moved(office, *NAMES)
    fresh = reported_anew(office)

    report = office.fetch(ANI)
    assert [Verdict.NEW] == [one.verdict for one in report.outcomes]
    assert "" == report.outcomes[0].note
    assert ((), (), ()) == (report.not_fetched, report.gone, report.unconfirmed)
    answer(office.desks[ANI], fresh, "Terima kasih.")
    act(office.desks[ANI], name, Noted(text="sesudah pindah"), today=DAY)
    delivery = office.bring(ANI)
    assert delivery is not None
    assert 1 == delivery.number
    assert (1, 0) == (delivery.applied.holds_noted, delivery.applied.holds_unknown)
    assert delivery.applied.slots_written
    office.exchange()

    for who in (ANI, BUDI):
        desk = office.desks[who]
        assert {name, fresh} == {one.name for one in list_cases(desk, today=DAY)}
        assert ["dari dahulu", "sesudah pindah"] == notes(desk, name)
        assert not office.fetch(who).unconfirmed
    # Every desk has signed for everything, so that the new server forgets it.
    office.exchange()
    assert [] == list(office.drop.intake.entries())


def test_the_old_server_is_a_stranger_from_then_on(office: Office, name: str) -> None:
    """
    Whoever has taken its database brings nothing onto the desk.
    """
    old = office.replace_server()
    moved(office, ANI)
    office.fetch(ANI)
    before = texts_on(office.desks[ANI])
    office.restore_server(old)
    office.send(Reporter("palsu").write(), to=(ANI, BUDI))

    with pytest.raises(ForeignBundle):
        office.fetch(ANI)

    assert before == texts_on(office.desks[ANI])


def test_cases_of_the_old_server_are_answered_no_more(
    office: Office, name: str
) -> None:
    """
    They have a label that colleagues see too, and an answer is refused.
    """
    office.replace_server()
    moved(office, ANI)
    desk = office.desks[ANI]
    assert (LEFT_BEHIND,) == list_cases(desk, today=DAY)[0].labels
    before = texts_on(desk)
    with pytest.raises(UnusableReply, match="no answer arrives"):
        answer(desk, name, "Tidak akan sampai.")
    assert before == texts_on(desk)

    moved(office, BUDI, CITRA)
    office.exchange()
    with pytest.raises(UnusableReply, match="no answer arrives"):
        answer(office.desks[BUDI], name, "Tidak akan sampai.")


def test_answers_that_may_not_have_arrived_are_named(office: Office, name: str) -> None:
    """
    Those that waited are withdrawn; those that went stay what they were.
    """
    desk = office.desks[ANI]
    answer(desk, name, "Sampai.")
    office.bring(ANI)
    office.fetch(ANI)
    assert () == standing_of(desk).waiting
    answer(desk, name, "Menunggu.")
    office.replace_server()

    assert (name,) == standing_of(desk).waiting
    moved(office, ANI)

    shown = [
        one
        for one in show_case(desk, name, today=DAY).thread
        if isinstance(one, ReplyShown)
    ]
    assert [False, True] == [one.withdrawn for one in shown]
    assert shown[0].exported_in is not None
    assert shown[0].exported_in < 0
    office.fetch(ANI)
    delivery = office.bring(ANI)
    assert delivery is not None
    assert 0 == delivery.applied.slots_written


@pytest.mark.slow
def test_what_only_a_colleague_has_fetched_comes_when_it_is_asked_for(
    office: Office, name: str
) -> None:
    """
    A report that the old server gave to one desk alone reaches the other one.
    """
    late = Reporter("terlambat")
    office.send(late.write(), to=(ANI, BUDI))
    only_ani = case_name(late.keys.case_id)
    office.fetch(ANI)
    office.replace_server()
    moved(office, ANI, CITRA)
    moved(office, BUDI, ask_colleagues=True)

    office.exchange()
    office.exchange()

    for who in (ANI, BUDI):
        cases = list_cases(office.desks[who], today=DAY)
        assert {name, only_ani} == {one.name for one in cases}
        assert {(LEFT_BEHIND,)} == {one.labels for one in cases}


def test_what_had_not_reached_colleagues_is_sent_again(
    office: Office, name: str
) -> None:
    """
    A note that the old server took and nobody fetched is not lost with it.
    """
    act(office.desks[ANI], name, Noted(text="di tengah jalan"), today=DAY)
    office.bring(ANI)
    office.replace_server()
    moved(office, *NAMES)

    office.exchange()

    assert ["di tengah jalan"] == notes(office.desks[BUDI], name)


@pytest.mark.slow
def test_a_restored_desk_moves_as_well(office: Office, name: str) -> None:
    """
    The old server, which would have told what it did since, is not there any more.
    """
    backed = office.back_up(ANI)
    act(office.desks[ANI], name, Noted(text="sesudah cadangan"), today=DAY)
    office.exchange()
    office.replace_server()
    office.restore(ANI, backed)
    moved(office, *NAMES)

    office.exchange()
    office.exchange()

    for who in (ANI, BUDI):
        assert not state_of(office.desks[who], name).conflicts
        assert ["sesudah cadangan"] == notes(office.desks[who], name)


def test_a_desk_may_come_back(office: Office, name: str, reporter: Reporter) -> None:
    """
    Who moved by mistake goes back, takes off the label, and answers: nothing collides.
    """
    answer(office.desks[ANI], name, "Pertama.")
    office.exchange()
    old = office.replace_server()
    moved(office, ANI)
    office.fetch(ANI)
    office.bring(ANI)
    office.restore_server(old)
    moved(office, ANI)
    office.fetch(ANI)
    act(office.desks[ANI], name, Labelled(label=LEFT_BEHIND, on=False), today=DAY)
    answer(office.desks[ANI], name, "Kedua.")
    office.exchange()

    desk_id = office.desks[ANI].desk_id
    names = reporter.first_slots(desk_id, 4 * STRETCH_SLOTS)
    slots = office.drop.mailbox.fetch(names)
    told = [
        reporter.open_reply(slots, desk_id, number).letter.text
        for number, slot in enumerate(names)
        if slot in slots
    ]
    assert ["Pertama.", "Kedua."] == told


@pytest.mark.parametrize(
    ("choose", "reason"),
    [
        (lambda office: office.installation, "already"),
        (lambda office: MARK + bytes(8), "for training"),
    ],
    ids=["the same", "for training"],
)
def test_a_move_that_makes_no_sense_changes_nothing(
    office: Office, name: str, choose: Callable[[Office], bytes], reason: str
) -> None:
    """
    To the same server, or to one for training.
    """
    desk = office.desks[ANI]
    before = texts_on(desk)

    with pytest.raises(CannotMove, match=reason):
        move(desk, choose(office), ask_colleagues=True, today=DAY)

    assert before == texts_on(desk)


def test_a_desk_without_a_server_has_nothing_to_leave(office: Office) -> None:
    """
    Its first bundle says where it belongs.
    """
    with pytest.raises(CannotMove, match="import a bundle"):
        move(office.desks[ANI], bytes(16), ask_colleagues=False, today=DAY)


def test_it_is_recorded(office: Office, name: str) -> None:
    """
    Which server was left, and on which day.
    """
    left = office.installation
    office.replace_server()
    moved(office, ANI)

    with office.desks[ANI].casebook.transaction() as connection:
        rows = connection.execute(select(casebook.former)).all()
    assert [(left, DAY.toordinal())] == [tuple(row) for row in rows]


def test_outboxes_for_the_old_server_are_not_the_new_one_s(
    office: Office, name: str
) -> None:
    """
    One that was written before the move is refused there, and nothing is applied.
    """
    act(office.desks[ANI], name, Noted(text="catatan"), today=DAY)
    outbox = office.outbox_of(ANI)
    assert outbox is not None
    office.replace_server()
    moved(office, ANI)

    with pytest.raises(ForeignOutbox):
        office.apply(outbox)

    assert {} == office.drop.desks.last_outboxes(office.desks[ANI].desk_id, count=9)


def test_a_casebook_from_before_there_were_moves_can_move(
    office: Office, name: str
) -> None:
    """
    It lacks the table that says which servers were left, and gets it when it opens.
    """
    with office.desks[ANI].casebook.transaction() as connection:
        for came_later in (casebook.former, casebook.held):
            came_later.drop(connection)
        connection.exec_driver_sql("PRAGMA user_version = 3")
    office.close(ANI)
    office.open(ANI)
    office.replace_server()

    moved(office, ANI)

    assert (LEFT_BEHIND,) == list_cases(office.desks[ANI], today=DAY)[0].labels
