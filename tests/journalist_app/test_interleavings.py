"""
Three real desks in any order of acts, sticks, losses and restorations: one truth.

Every desk has its own casebook and keys, and everything goes as outboxes and bundles
through a real dead drop.  At the end sticks are carried until nothing is left to carry.

    BISIK_TRUTH_EXAMPLES=200 BISIK_TRUTH_STEPS=60 pytest tests/.../test_interleavings.py
"""

import io
import os
import shutil
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support.office import (
    NAMES,
    Backed,
    Office,
    OfficeTemplate,
    running_office,
    shown_on,
    texts_on,
)
from support.reporters import DAY, Reporter

from casework.case_state import CaseState
from casework.item import ItemKind
from casework.journal import (
    ClosingConfirmed,
    ExposureDecided,
    Labelled,
    Noted,
    Paraphrased,
)
from casework.reply import ReplyKind
from casework.workflow import STEPS
from crypto.slots import STRETCH_SLOTS
from deaddrop import OutboxConflict
from journalist_app.workstation.acting import (
    act,
    decide_exposure,
    exclude,
    open_contact,
    share,
    state_of,
    take_step,
    undo,
)
from journalist_app.workstation.cases import ItemShown, find_case, show_case
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import ActionRefused, RestoredDesk, UnknownCase
from journalist_app.workstation.import_report import ImportReport
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.names import case_name
from journalist_app.workstation.projecting import journal_of
from journalist_app.workstation.queueing import list_cases
from journalist_app.workstation.replying import Draft, write_reply
from journalist_app.workstation.sharing import waiting_for_check
from journalist_app.workstation.taking_out import record_taking

ANI, BUDI, CITRA = NAMES
INTAKE = (ANI, BUDI)
EXAMPLES = int(os.environ.get("BISIK_TRUTH_EXAMPLES", "2"))
ACTS = int(os.environ.get("BISIK_TRUTH_STEPS", "14"))
ANYBODY = st.sampled_from(NAMES)
INTAKERS = st.sampled_from(INTAKE)
# Ani decides alone about Citra, so that what Citra may not know is never in doubt.
ROUNDS = 12


class Interleaving(RuleBasedStateMachine):
    """One office, and what has to be true of it in the end."""

    def __init__(self, template: OfficeTemplate, base: Path) -> None:
        super().__init__()
        self.stack = ExitStack()
        # Short, because an agent's socket has room for 107 characters.
        self.path = base / os.urandom(2).hex()
        self.path.mkdir()
        self.office: Office = self.stack.enter_context(
            running_office(self.path, template, *NAMES)
        )
        self.reporter = Reporter("pelapor")
        self.case = case_name(self.reporter.keys.case_id)
        self.counted = 0
        self.messages: set[str] = set()
        # What was written on each desk and has not reached the server from there.
        self.waiting: dict[str, set[str]] = {name: set() for name in NAMES}
        self.safe: set[str] = set()
        self.written: set[str] = set()
        self.backups: dict[str, tuple[Backed, set[str]]] = {}
        self.old_bundles: dict[str, bytes] = {}
        self.outboxes: list[bytes] = []
        self.secret_from_citra: set[str] = set()
        # Whether Ani's desk may send Citra what the reporter writes, and what it wrote
        # while it may not.
        self.citra_reads = False
        self.messages_not_for_citra: set[str] = set()
        self.contacts: set[str] = set()

    @initialize()
    def begin(self) -> None:
        """Let a report arrive."""
        report = self.reporter.write(files=[("Surat.txt", b"Karung hilang.")])
        self.office.send(report, to=INTAKE)
        for name in NAMES:
            self.carry_in(name)

    @rule()
    def reporter_writes(self) -> None:
        """The reporter adds a message."""
        text = self.new_text("Pesan")
        self.messages.add(text)
        if not self.citra_reads:
            self.messages_not_for_citra.add(text)
        item = self.reporter.write(ItemKind.MESSAGE, message=text)
        self.office.send(item, to=INTAKE)

    @rule(name=ANYBODY)
    def note(self, name: str) -> None:
        """An officer writes a note."""
        text = self.new_text("Catatan")
        with suppress(UnknownCase, RestoredDesk, ActionRefused):
            act(self.office.desks[name], self.case, Noted(text=text), today=DAY)
            self.was_written(name, text)

    @rule(name=st.sampled_from(INTAKE))
    def answer(self, name: str) -> None:
        """An officer answers."""
        text = self.new_text("Jawaban")
        draft = Draft(ReplyKind.ANSWER, text)
        with suppress(UnknownCase, RestoredDesk):
            write_reply(self.office.desks[name], self.case, draft, today=DAY)
            self.was_written(name, text)

    @rule(name=ANYBODY)
    def label_and_undo(self, name: str) -> None:
        """An officer puts a label on, and takes it back."""
        desk, label = self.office.desks[name], self.new_text("label")
        with suppress(UnknownCase, RestoredDesk, ActionRefused):
            entry = act(desk, self.case, Labelled(label=label, on=True), today=DAY)
            undo(desk, self.case, entry.digest, today=DAY)

    @rule(name=st.sampled_from(INTAKE), data=st.data())
    def take_a_step(self, name: str, data: st.DataObject) -> None:
        """An officer takes the case further, or proposes to close it."""
        desk = self.office.desks[name]
        with suppress(UnknownCase, RestoredDesk, ActionRefused):
            steps = sorted(STEPS[state_of(desk, self.case).status])
            if steps:
                after = data.draw(st.sampled_from(steps))
                take_step(desk, self.case, after, reason="Alasan.", today=DAY)

    @rule(name=st.sampled_from(INTAKE))
    def agree(self, name: str) -> None:
        """An officer agrees to what another one has proposed."""
        desk = self.office.desks[name]
        with suppress(UnknownCase, RestoredDesk, ActionRefused):
            if proposal := state_of(desk, self.case).proposal:
                confirmed = ClosingConfirmed(proposal=proposal.digest)
                act(desk, self.case, confirmed, today=DAY)

    @rule()
    def reporter_gives_contact(self) -> None:
        """The reporter says to Ani alone who they are."""
        text = self.new_text("Kontak")
        self.contacts.add(text)
        item = self.reporter.write(ItemKind.CONTACT, message=text)
        self.office.send(item, to=(ANI,))

    @rule()
    def read_contact(self) -> None:
        """Ani opens contact details, which is an event that all see."""
        desk = self.office.desks[ANI]
        with suppress(UnknownCase, RestoredDesk, ActionRefused):
            for one in show_case(desk, self.case, today=DAY).thread:
                if isinstance(one, ItemShown) and one.confidential:
                    open_contact(
                        desk, self.case, one.digest, reason="Bertanya.", today=DAY
                    )

    @rule(name=ANYBODY, form=st.sampled_from(["original", "cleaned"]))
    def take_a_file_out(self, name: str, form: Literal["original", "cleaned"]) -> None:
        """An officer takes a file of the report away, which all are told."""
        desk, why = self.office.desks[name], self.new_text("Ahli")
        with suppress(UnknownCase, RestoredDesk, ActionRefused):
            for one in show_case(desk, self.case, today=DAY).thread:
                if isinstance(one, ItemShown) and one.attachments:
                    record_taking(
                        *(desk, self.case, one.digest, 1),
                        form=form,
                        reason=why,
                        today=DAY,
                    )

    @rule(form=st.sampled_from(["full", "full", "redacted", "paraphrase"]))
    def let_citra_in(self, form: str) -> None:
        """Ani lets Citra know of the case, with the reporter's words or without."""
        desk = self.office.desks[ANI]
        citra = self.office.desks[CITRA].record.desk_id
        with suppress(UnknownCase, RestoredDesk, ActionRefused):
            decide_exposure(
                desk,
                self.case,
                shown=shown_on(desk, self.case),
                findings=0,
                decision="share",
                reason="",
                today=DAY,
            )
            words = Paraphrased(text=self.new_text("Pokok"))
            act(desk, self.case, words, today=DAY)
            share(desk, self.case, citra, form=form, reason="", today=DAY)
            # The whole journal is sent to whoever is let in.
            self.secret_from_citra.clear()
            self.citra_reads = form == "full"
            if self.citra_reads:
                self.messages_not_for_citra.clear()

    @rule(decision=st.sampled_from(["share", "redact", "withhold"]), name=INTAKERS)
    def look_again(self, decision: str, name: str) -> None:
        """An officer decides about all that their desk has by now."""
        desk = self.office.desks[name]
        with suppress(UnknownCase, RestoredDesk, ActionRefused):
            decide_exposure(
                desk,
                self.case,
                shown=shown_on(desk, self.case),
                findings=0,
                decision=decision,
                reason="",
                today=DAY,
            )

    @rule()
    def keep_citra_out(self) -> None:
        """Ani finds that Citra is accused."""
        desk = self.office.desks[ANI]
        citra = self.office.desks[CITRA].record.desk_id
        with suppress(UnknownCase, RestoredDesk, ActionRefused):
            exclude(desk, self.case, citra, reason="Terlapor.", today=DAY)
            self.citra_reads = False

    @rule(name=ANYBODY)
    def carry_in(self, name: str) -> None:
        """A stick brings a bundle."""
        self.old_bundles[name] = self.office.bundle_for(name)
        self.take(name, self.old_bundles[name])

    @precondition(lambda self: bool(self.old_bundles))
    @rule(name=ANYBODY)
    def carry_in_again(self, name: str) -> None:
        """An old bundle is imported once more."""
        if name in self.old_bundles:
            self.take(name, self.old_bundles[name])

    @rule(name=ANYBODY)
    def carry_out(self, name: str) -> None:
        """A stick takes an outbox."""
        with suppress(RestoredDesk):
            written = set(self.waiting[name])
            outbox = self.office.outbox_of(name)
            if outbox is not None and self.apply(outbox):
                self.safe |= written
                self.waiting[name] -= written

    @rule(name=ANYBODY)
    def lose_the_stick(self, name: str) -> None:
        """An outbox is written and never arrives, or much later."""
        with suppress(RestoredDesk):
            outbox = self.office.outbox_of(name)
            if outbox is not None:
                self.outboxes.append(outbox)

    @precondition(lambda self: bool(self.outboxes))
    @rule(data=st.data())
    def find_a_stick(self, data: st.DataObject) -> None:
        """An outbox that was lost, or applied before, is applied."""
        self.apply(data.draw(st.sampled_from(self.outboxes)))

    @rule(name=ANYBODY)
    def back_up(self, name: str) -> None:
        """An officer makes a backup."""
        self.backups[name] = (self.office.back_up(name), set(self.waiting[name]))

    @precondition(lambda self: bool(self.backups))
    @rule(name=ANYBODY)
    def restore(self, name: str) -> None:
        """A desk is lost, and its last backup restored."""
        if name in self.backups:
            backed, waiting = self.backups[name]
            self.office.restore(name, backed)
            # What had not reached the server since is lost, and nothing else.
            self.waiting[name] = set(waiting)
            if name == ANI:
                # What she decided about Citra may be lost with it, or not.
                self.citra_reads = True
                self.messages_not_for_citra.clear()

    def new_text(self, what: str) -> str:
        """Return words that nobody has written before."""
        self.counted += 1
        return f"{what} {self.counted:04}."

    def was_written(self, name: str, text: str) -> None:
        """Remember what was written, and whether Citra may ever read it."""
        self.waiting[name].add(text)
        self.written.add(text)
        citra = self.office.desks[CITRA].record.desk_id
        state = state_of(self.office.desks[name], self.case)
        if name == ANI and citra not in state.admitted:
            self.secret_from_citra.add(text)

    def take(self, name: str, bundle: bytes) -> ImportReport:
        """Import a bundle."""
        report = import_bundle(self.office.desks[name], io.BytesIO(bundle), today=DAY)
        if report.withdrawn:
            # Named, to be written again.
            self.waiting[name] = {
                text for text in self.waiting[name] if "Jawaban" not in text
            }
        return report

    def apply(self, outbox: bytes) -> bool:
        """Apply an outbox, unless it must be refused; then nothing has changed."""
        self.outboxes.append(outbox)
        try:
            self.office.apply(outbox)
        except OutboxConflict:
            return False
        return True

    def settle(self) -> None:
        """Carry sticks until nothing is left to carry."""
        for _ in range(ROUNDS):
            for name in NAMES:
                report = self.take(name, self.office.bundle_for(name))
                for number in report.unconfirmed:
                    self.apply(self.office.outbox_again(name, number))
                written = set(self.waiting[name])
                outbox = self.office.outbox_of(name)
                if outbox is None or self.apply(outbox):
                    self.safe |= written
                    self.waiting[name] -= written

    def teardown(self) -> None:
        """See that all desks show the same, and nobody what they must not."""
        try:
            self.settle()
            self.check()
        finally:
            self.stack.close()
            shutil.rmtree(self.path, ignore_errors=True)

    def check(self) -> None:
        """Compare the desks, and what the reporter reads."""
        assert {name: set() for name in NAMES} == self.waiting
        ani, budi, citra = (self.office.desks[name] for name in NAMES)
        state = state_of(ani, self.case)
        assert state == state_of(budi, self.case)
        if state.admitted.get(citra.record.desk_id) == "full":
            # Also where she sees no case: after "redact" or "withhold" no item goes.
            assert state == journal_on(citra, self.reporter.keys.case_id)
        told = {note.text for note in state.notes}
        told |= {one.action.letter.text for one in state.replies}
        assert self.safe <= told <= self.written
        everything = texts_on(citra)
        hidden = self.secret_from_citra | self.messages_not_for_citra
        assert [] == [text for text in hidden if text in everything]
        assert shown_words(citra, self.case) <= decided_to_share(state)
        for desk in (budi, citra):
            words = texts_on(desk)
            assert [] == [text for text in self.contacts if text in words]
        for desk in (ani, budi):
            words = texts_on(desk)
            assert [] == [text for text in self.messages if text not in words]
        for desk in (ani, budi, citra):
            assert held_by_page(desk, self.case) == held_by_queue(desk, self.case)
        self.check_answers()
        assert [] == self.office.drop.intake.entries()

    def check_answers(self) -> None:
        """See that the reporter reads each answer once."""
        read = []
        for name in INTAKE:
            desk_id = self.office.desks[name].desk_id
            names = self.reporter.first_slots(desk_id, 12 * STRETCH_SLOTS)
            slots = self.office.drop.mailbox.fetch(names)
            for number, slot in enumerate(names):
                if slot in slots:
                    reply = self.reporter.open_reply(slots, desk_id, number)
                    read.append(reply.letter.text)
        assert len(set(read)) == len(read)
        assert {text for text in self.safe if "Jawaban" in text} <= set(read)


def journal_on(desk: Desk, case_id: bytes) -> CaseState:
    """Return what the events of a case that a desk has say, with or without items."""
    with desk.casebook.transaction() as connection:
        return journal_of(connection, case_id).state


def held_by_queue(desk: Desk, name: str) -> int:
    """Return how many items the queue says wait for a decision."""
    cases = list_cases(desk, today=DAY)
    return sum(one.held for one in cases if one.name == name)


def held_by_page(desk: Desk, name: str) -> int:
    """Return how many items the case's page says wait for a decision."""
    with suppress(UnknownCase), desk.casebook.transaction() as connection:
        case_id = find_case(connection, name).case_id
        state = journal_of(connection, case_id).state
        waiting = waiting_for_check(desk, connection, case_id, state)
        if not waiting.forbidden and desk.record.desk_id not in state.excluded:
            return waiting.items
    return 0


def shown_words(desk: Desk, name: str) -> set[str]:
    """Return the items with words that a desk has of a case, by digest."""
    with suppress(UnknownCase):
        return {one.hex() for one in show_case(desk, name, today=DAY).to_check}
    return set()


def decided_to_share(state: CaseState) -> set[str]:
    """Return the items that anybody ever decided to share."""
    return {
        item
        for entry in state.history
        if isinstance(entry.event.action, ExposureDecided)
        and entry.event.action.decision == "share"
        for item in entry.event.action.items
    }


@pytest.mark.slow
def test_desks_agree_whatever_happens(
    office_template: OfficeTemplate, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Nothing that reached the server is lost or doubled; nobody learns too much."""
    base = tmp_path_factory.mktemp("any")
    run_state_machine_as_test(
        partial(Interleaving, office_template, base),  # type: ignore[arg-type]
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=ACTS,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
