"""
Three desks, a reviewer added late, an accused officer, a lost desk: one truth.

    Ani, Budi, Citra   receive reports; what follows is about Citra
    Dewi               reviews, and is let in late
    Budi's desk        is lost, and comes back from its backup and an old bundle

Nothing here is left to chance; tests/journalist_app/test_interleavings.py draws the
order of such things anew each time.
"""

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from support.office import NAMES, Office, decide, make_office_template, running_office
from support.opening import opened
from support.reporters import DAY, REPORT, Reporter

from casework.bundle import read_bundle
from casework.item import ItemKind
from casework.journal import ClosingConfirmed, Labelled, Noted, Paraphrased
from casework.reply import CaseStatus, ReplyKind
from crypto.opening import CannotOpen
from crypto.slots import STRETCH_SLOTS
from journalist_app.workstation.acting import (
    act,
    assign,
    exclude,
    share,
    state_of,
    take_step,
)
from journalist_app.workstation.cases import CaseFile, ItemShown, ReplyShown, show_case
from journalist_app.workstation.desk import Desk, Institution
from journalist_app.workstation.errors import UnknownCase
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.names import case_name
from journalist_app.workstation.queueing import list_cases
from journalist_app.workstation.replying import Draft, write_reply

ANI, BUDI, CITRA = NAMES
DEWI = "Petugas Dewi"
EVERYBODY = (*NAMES, DEWI)
WHO_MAY_KNOW = (ANI, BUDI, DEWI)
S = CaseStatus

pytestmark = pytest.mark.slow

# What stands on every desk before anybody knows that it is about Citra.
BEFORE = ("Pesan sebelumnya.", "Catatan Ani sebelumnya.", "Jawaban Budi sebelumnya.")
CONTACT = "0811-contoh"
OTHER_CASE = "Perkara lain yang tidak dibagikan."


class Carrying:
    """Sticks between an office's desks and its server, and all that was on them."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.sealed: dict[str, dict[bytes, None]] = {name: {} for name in EVERYBODY}
        """What the server ever gave to each desk, sealed, without repetitions."""

    def exchange(self) -> None:
        """Carry sticks until every desk knows what is meant for it."""
        for _round in range(3):
            for name in EVERYBODY:
                self.take(name, self.office.bundle_for(name))
            for name in EVERYBODY:
                self.office.bring(name)

    def take(self, name: str, bundle: bytes) -> None:
        """Carry a bundle to a desk, and keep what is in it."""
        for item in read_bundle(io.BytesIO(bundle)):
            self.sealed[name][b"".join(item.chunks())] = None
        import_bundle(self.office.desks[name], io.BytesIO(bundle), today=DAY)

    def opened_by(self, name: str) -> str:
        """Return all that a desk's key opens of what its desk was ever given."""
        pieces: list[bytes] = []
        for sealed in self.sealed[name]:
            with suppress(CannotOpen):
                pieces.append(opened(self.office.desks[name].keys, sealed))
        return b"\n".join(pieces).decode("utf-8", "replace")


@dataclass(frozen=True)
class Told:
    """An office after the whole story."""

    office: Office
    carrying: Carrying
    reporter: Reporter
    case: str
    unstopped: str
    """What the reporter wrote after the exclusion, before the operator acted."""

    secret: tuple[str, ...]
    """What was written after both."""

    def desk(self, name: str) -> Desk:
        """Return somebody's desk."""
        return self.office.desks[name]


@pytest.fixture(scope="module")
def told(
    tmp_path_factory: pytest.TempPathFactory, institution: Institution
) -> Iterator[Told]:
    """Let everything happen, once for all tests of this file."""
    # Short, because an agent's socket has room for 107 characters.
    path: Path = tmp_path_factory.mktemp("all")
    template = make_office_template(path / "template", institution, EVERYBODY)
    with running_office(path, template, *EVERYBODY) as office:
        yield tell(office)


def tell(office: Office) -> Told:
    """Tell the story from the first report to the last stick."""
    carrying = Carrying(office)
    reporter = Reporter("pelapor")
    case = case_name(reporter.keys.case_id)
    receive(office, DEWI, receives=False)
    assert NAMES == office.receiving()

    def says(text: str, kind: ItemKind = ItemKind.MESSAGE) -> None:
        office.send(reporter.write(kind, message=text), to=office.receiving())

    # A report, another one, and work on two desks before they hear of each other.
    office.send(reporter.write(files=[("Bukti.pdf", b"%PDF-1.7")]), to=NAMES)
    other = REPORT.model_copy(update={"what": OTHER_CASE})
    office.send(Reporter("lain").write(report=other), to=NAMES)
    carrying.exchange()
    ani, budi, citra, dewi = (office.desks[name] for name in EVERYBODY)
    says(BEFORE[0])
    # Sealed to whoever asked for it, as the site does.
    office.send(reporter.write(ItemKind.CONTACT, message=CONTACT), to=(ANI,))
    take_step(ani, case, S.VERIFICATION, reason="", today=DAY)
    act(ani, case, Noted(text=BEFORE[1]), today=DAY)
    write_reply(budi, case, Draft(ReplyKind.ANSWER, BEFORE[2]), today=DAY)
    act(citra, case, Labelled(label="dari-citra", on=True), today=DAY)
    carrying.exchange()

    # What Budi's desk comes back from; the stick is found again as well.
    backed = office.back_up(BUDI)
    old_bundle = office.bundle_for(BUDI, since=0)
    act(budi, case, Noted(text="Catatan Budi sesudah cadangan."), today=DAY)

    # The reviewer comes late, and works with them.
    decide(ani, case, "share")
    share(ani, case, dewi.record.desk_id, form="full", reason="", today=DAY)
    carrying.exchange()
    act(dewi, case, Noted(text="Catatan Dewi."), today=DAY)
    carrying.exchange()

    # It is about Citra: the desks hear of it, and then the operator does what they ask.
    exclude(ani, case, citra.record.desk_id, reason="Terlaporlah Citra.", today=DAY)
    carrying.exchange()
    unstopped = "Pesan yang masih disegel untuk semua."
    says(unstopped)
    receive(office, CITRA, receives=False)
    carrying.exchange()

    # From here on, nothing may reach her.
    secret = [f"Rahasia {number:02}." for number in range(8)]
    says(secret[0])
    act(ani, case, Noted(text=secret[1]), today=DAY)
    write_reply(budi, case, Draft(ReplyKind.ANSWER, secret[2]), today=DAY)
    act(budi, case, Paraphrased(text=secret[3]), today=DAY)
    act(dewi, case, Noted(text=secret[4]), today=DAY)
    take_step(ani, case, S.REGISTERED, reason="", today=DAY)
    carrying.exchange()
    take_step(ani, case, S.REVIEW, reason="", today=DAY)
    assign(ani, case, dewi.record.desk_id, today=DAY)
    # What the accused goes on doing counts no more.
    act(citra, case, Noted(text="Citra menulis lagi."), today=DAY)
    carrying.exchange()

    # Budi's desk is lost, and Budi works on before everything has come back.
    budi = office.restore(BUDI, backed)
    carrying.take(BUDI, old_bundle)
    carrying.take(BUDI, office.bundle_for(BUDI))
    act(budi, case, Noted(text=secret[5]), today=DAY)
    write_reply(budi, case, Draft(ReplyKind.ANSWER, secret[6]), today=DAY)
    carrying.exchange()
    carrying.exchange()

    # One proposes to close, another confirms, and the reporter has the last word.
    take_step(ani, case, S.CONCLUDED, reason="Tidak terbukti.", today=DAY)
    carrying.exchange()
    proposal = state_of(budi, case).proposal
    assert proposal is not None
    act(budi, case, ClosingConfirmed(proposal=proposal.digest), today=DAY)
    says(secret[7])
    carrying.exchange()
    # What the reporter wrote meanwhile is looked at, and only then goes on to Dewi.
    decide(ani, case, "share")
    carrying.exchange()
    return Told(office, carrying, reporter, case, unstopped, tuple(secret))


def receive(office: Office, name: str, *, receives: bool) -> None:
    """Do what `bisik officers receives` does."""
    office.drop.officers.set_receives(office.desks[name].fingerprint, receives)


def test_every_desk_shows_the_same_case(told: Told) -> None:
    """The journal, the queue's line and the thread are equal, whole."""
    first, *others = (seen_from(told, name) for name in WHO_MAY_KNOW)
    assert [first, first] == others
    state = first.state
    assert (S.CONCLUDED, ()) == (state.status, state.gaps)
    assert told.desk(DEWI).record.desk_id == state.assigned
    assert {told.desk(CITRA).record.desk_id} == set(state.excluded)
    # What the accused wrote later stands there as what it is.
    assert [told.desk(CITRA).record.desk_id] == [
        one.entry.event.desk_id for one in state.conflicts
    ]


def seen_from(told: Told, name: str) -> CaseFile:
    """
    Return a case as a desk shows it, without what is this desk's own.

    That is what its officer has looked at and has sent from here, the order in which
    it heard of things, and contact details, which only those have who asked for them.
    """
    case = show_case(told.desk(name), told.case, today=DAY)
    thread: list[ItemShown | ReplyShown] = []
    for one in case.thread:
        if isinstance(one, ReplyShown):
            thread.append(replace(one, own=False, earlier=False, exported_in=None))
        elif not one.confidential:
            thread.append(replace(one, new=False))
    entries = sorted(case.journal.entries, key=lambda one: one.digest)
    return replace(
        case,
        thread=tuple(thread),
        journal=replace(case.journal, entries=tuple(entries)),
        # One item is missing to whoever has no contact details.
        summary=replace(case.summary, new=0, missing=0),
    )


def test_nothing_that_was_written_is_lost_or_doubled(told: Told) -> None:
    """Every word stands once, before and after the loss and the exclusion."""
    case = seen_from(told, BUDI)
    notes = sorted(note.text for note in case.state.notes)
    assert notes == sorted(
        [
            BEFORE[1],
            "Catatan Budi sesudah cadangan.",
            "Catatan Dewi.",
            told.secret[1],
            told.secret[4],
            told.secret[5],
        ]
    )
    messages = [
        one.message
        for one in case.thread
        if isinstance(one, ItemShown) and one.kind is ItemKind.MESSAGE
    ]
    assert [BEFORE[0], told.unstopped, told.secret[0], told.secret[7]] == messages
    answers = [BEFORE[2], told.secret[2], told.secret[6]]
    assert answers == sorted(sent.action.letter.text for sent in case.state.replies)
    assert answers == sorted(read_by_the_reporter(told))


def read_by_the_reporter(told: Told) -> list[str]:
    """Return what the reporter finds under the names that Budi's desk fills."""
    desk_id = told.desk(BUDI).desk_id
    names = told.reporter.first_slots(desk_id, 4 * STRETCH_SLOTS)
    slots = told.office.drop.mailbox.fetch(names)
    return [
        told.reporter.open_reply(slots, desk_id, number).letter.text
        for number, slot in enumerate(names)
        if slot in slots
    ]


def test_the_server_keeps_nothing_that_all_have(told: Told) -> None:
    """Also with an accused officer among those who sign for what they hold."""
    assert [] == told.office.drop.intake.entries()


def test_the_accused_has_nothing_that_was_written_later(told: Told) -> None:
    """Neither in the whole casebook nor in anything that the key opens."""
    everything = casebook_of(told.desk(CITRA)) + told.carrying.opened_by(CITRA)
    # This finds what is there: all that came before, and what nobody had stopped yet.
    for words in (*BEFORE, told.unstopped):
        assert words in everything
    later = (*told.secret, "Terlaporlah Citra.", "Tidak terbukti.")
    assert [] == [words for words in later if words in everything]
    # Others have it, in the casebook and in what their keys open.
    for name in WHO_MAY_KNOW:
        book = casebook_of(told.desk(name))
        assert [] == [words for words in told.secret if words not in book]
    opened = told.carrying.opened_by(ANI)
    assert told.secret[0] in opened
    assert told.secret[4] in opened


def test_what_the_accused_does_later_counts_for_nobody(told: Told) -> None:
    """It is on no other desk, and shown nowhere as done."""
    for name in WHO_MAY_KNOW:
        notes = state_of(told.desk(name), told.case).notes
        assert "Citra menulis lagi." not in {note.text for note in notes}


def test_the_reviewer_has_nothing_but_what_was_shared(told: Told) -> None:
    """Neither the other case nor contact details are on the desk, or open to it."""
    dewi = told.desk(DEWI)
    everything = casebook_of(dewi) + told.carrying.opened_by(DEWI)
    assert told.secret[0] in everything
    for words in (OTHER_CASE, CONTACT):
        assert words not in everything
        assert words in casebook_of(told.desk(ANI))
    assert [told.case] == [one.name for one in list_cases(dewi, today=DAY)]
    with pytest.raises(UnknownCase):
        show_case(dewi, case_name(Reporter("lain").keys.case_id), today=DAY)


def casebook_of(desk: Desk) -> str:
    """Return every value of every table, opened with the casebook's key."""
    with desk.casebook.transaction() as connection:
        tables = connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).scalars()
        rows = [
            row
            for table in tables.all()
            for row in connection.exec_driver_sql(f'SELECT * FROM "{table}"')
        ]
    return "\n".join(
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for row in rows
        for value in row
    )
