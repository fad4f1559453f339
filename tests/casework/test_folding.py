"""Folding: every desk that has the same events shows the same case."""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.journals import DAY, JournalWriter, exchange

from casework.case_state import CaseState, Entry
from casework.folding import fold, in_order, still_reversible
from casework.journal import (
    Action,
    Admitted,
    Assessed,
    Assigned,
    Briefed,
    ClosingConfirmed,
    ClosingDeclined,
    ClosingProposed,
    Event,
    Excluded,
    ExposureDecided,
    Labelled,
    Linked,
    Noted,
    Paraphrased,
    Redacted,
    Registered,
    Replied,
    StepTaken,
    TakenOut,
    Undone,
    digest_of,
)
from casework.reply import CaseStatus, Letter, ReplyKind
from casework.strict import LARGEST_INTEGER
from casework.workflow import CLOSED, STEPS

A, B, C = ("0a" * 16, "0b" * 16, "1c" * 16)
OTHER_CASE = "dd" * 16
ITEM = "ee" * 32
S = CaseStatus


@pytest.fixture
def ani() -> JournalWriter:
    """A desk."""
    return JournalWriter(A)


@pytest.fixture
def budi() -> JournalWriter:
    """Another desk."""
    return JournalWriter(B)


def step(before: CaseStatus, after: CaseStatus, reason: str = "") -> StepTaken:
    """Take a step."""
    return StepTaken(before=before, after=after, reason=reason)


def to_review(writer: JournalWriter) -> None:
    """Bring a case from the beginning to review."""
    writer.write(step(S.RECEIVED, S.VERIFICATION))
    writer.write(Registered(number="ABC-1234-5"))
    writer.write(step(S.VERIFICATION, S.REGISTERED))
    writer.write(step(S.REGISTERED, S.REVIEW))


def reply(due: bool = False) -> Replied:
    """Answer the reporter."""
    letter = Letter(
        kind=ReplyKind.ANSWER,
        day=DAY,
        language="id",
        text="Terima kasih.",
        due_day=DAY if due else None,
    )
    return Replied(letter=letter, files=(), first_slot=0, slots=1, answered=1)


def admit(desk_id: str, *members: str, reason: str = "") -> Admitted:
    """Let a desk in."""
    return Admitted(
        desk_id=desk_id, form="full", members=members or (A,), reason=reason
    )


def reasons(state: CaseState) -> list[str]:
    """Why events did not fit."""
    return [conflict.reason for conflict in state.conflicts]


def test_a_case_without_events_was_received() -> None:
    """Before anybody has done anything, a case is where it began."""
    assert CaseState() == fold([])


def test_a_case_goes_through_the_workflow(ani: JournalWriter) -> None:
    """Steps that are allowed are taken, one after the other."""
    to_review(ani)
    assert S.REVIEW is ani.state.status
    assert "ABC-1234-5" == ani.state.registration_number
    assert () == ani.state.conflicts
    assert 4 == len(ani.state.history)


def test_a_step_that_is_not_allowed_is_shown_and_not_taken(ani: JournalWriter) -> None:
    """A skipped verification stands in the journal as a conflict."""
    ani.write(step(S.RECEIVED, S.REVIEW))
    assert S.RECEIVED is ani.state.status
    assert ["there is no step from received to review"] == reasons(ani.state)


def test_registration_needs_a_number(ani: JournalWriter) -> None:
    """A case is not registered before it has a number."""
    ani.write(step(S.RECEIVED, S.VERIFICATION))
    ani.write(step(S.VERIFICATION, S.REGISTERED))
    assert S.VERIFICATION is ani.state.status


def test_two_steps_at_once_are_a_conflict(
    ani: JournalWriter, budi: JournalWriter
) -> None:
    """Of two concurrent steps one is taken and the other is shown, on both desks."""
    ani.write(step(S.RECEIVED, S.VERIFICATION))
    exchange(ani, budi)
    ani.write(Registered(number="ABC-1234-5"))
    ani.write(step(S.VERIFICATION, S.REGISTERED))
    budi.write(step(S.VERIFICATION, S.NEEDS_COMPLETION, "Tempat belum disebut."))
    exchange(ani, budi)

    assert ani.state == budi.state
    assert S.NEEDS_COMPLETION is ani.state.status
    assert ["the case was at needs-completion by then, not at verification"] == (
        reasons(ani.state)
    )


def test_a_case_has_one_registration_number(
    ani: JournalWriter, budi: JournalWriter
) -> None:
    """The second of two numbers given at once is a conflict."""
    ani.write(Registered(number="ABC-1"))
    budi.write(Registered(number="DEF-2"))
    exchange(ani, budi)
    assert "ABC-1" == ani.state.registration_number
    assert ["the case had a registration number by then"] == reasons(budi.state)


def test_nobody_ends_a_case_alone(ani: JournalWriter) -> None:
    """Neither a plain step nor a confirmation of one's own proposal closes a case."""
    to_review(ani)
    ani.write(step(S.REVIEW, S.CONCLUDED, "Tidak terbukti."))
    proposal = ani.write(
        ClosingProposed(before=S.REVIEW, after=S.CONCLUDED, reason="Tidak terbukti.")
    )
    ani.write(ClosingConfirmed(proposal=proposal.digest))
    assert S.REVIEW is ani.state.status
    assert [
        "this step needs a second officer",
        "whoever proposed it cannot confirm it",
    ] == reasons(ani.state)


def test_two_officers_end_a_case(ani: JournalWriter, budi: JournalWriter) -> None:
    """One proposes with a reason, another one confirms."""
    to_review(ani)
    proposal = ani.write(
        ClosingProposed(before=S.REVIEW, after=S.CONCLUDED, reason="Tidak terbukti.")
    )
    assert ani.state.proposal is not None
    exchange(ani, budi)
    budi.write(ClosingConfirmed(proposal=proposal.digest))
    assert (S.CONCLUDED, None) == (budi.state.status, budi.state.proposal)
    budi.write(step(S.CONCLUDED, S.REOPENED, "Bukti baru."))
    assert S.REOPENED == budi.state.status


def test_a_declined_proposal_cannot_be_confirmed(
    ani: JournalWriter, budi: JournalWriter
) -> None:
    """What was declined is settled."""
    to_review(ani)
    proposal = ani.write(
        ClosingProposed(before=S.REVIEW, after=S.CONCLUDED, reason="Tidak terbukti.")
    )
    exchange(ani, budi)
    budi.write(ClosingDeclined(proposal=proposal.digest, reason="Belum cukup."))
    budi.write(ClosingConfirmed(proposal=proposal.digest))
    assert S.REVIEW is budi.state.status
    assert ["the proposal was settled by then"] == reasons(budi.state)


def test_a_proposal_falls_when_the_case_goes_on(ani: JournalWriter) -> None:
    """A step taken meanwhile leaves nothing to confirm."""
    to_review(ani)
    ani.write(ClosingProposed(before=S.REVIEW, after=S.CONCLUDED, reason="Selesai."))
    ani.write(step(S.REVIEW, S.EXAMINATION, "Ada bukti."))
    assert ani.state.proposal is None


def test_an_excluded_officer_does_nothing_more(
    ani: JournalWriter, budi: JournalWriter
) -> None:
    """From the exclusion on, what the excluded desk writes is shown and not applied."""
    ani.write(admit(B))
    ani.write(Assigned(desk_id=B))
    ani.write(Excluded(desk_id=B, reason="Disebut dalam laporan."))
    exchange(ani, budi)
    budi.write(step(S.RECEIVED, S.VERIFICATION))
    budi.write(admit(B))
    state = budi.state
    assert S.RECEIVED is state.status
    assert state.assigned is None
    assert {} == state.admitted
    assert frozenset({A}) == state.members
    assert {B: "Disebut dalam laporan."} == state.excluded
    assert ["the officer was excluded from the case by then"] * 2 == reasons(state)


def altered(entry: Entry, **changes: object) -> Entry:
    """Return an event as its desk's own program would not have written it."""
    event = entry.event.model_copy(update=changes)
    return Entry(digest_of(event.to_json()), event)


@pytest.mark.parametrize("clock", [1, 3])
def test_an_excluded_officer_cannot_write_before_what_they_did(
    ani: JournalWriter, budi: JournalWriter, clock: int
) -> None:
    """An event with a clock of before the exclusion is shown and not applied."""
    ani.write(Labelled(label="lain", on=True))
    exchange(ani, budi)
    budi.write(Noted(text="Dulu."))
    budi.write(Noted(text="Dulu juga."))
    exchange(ani, budi)
    ani.write(Excluded(desk_id=B, reason="Disebut dalam laporan."))
    exchange(ani, budi)
    first = altered(budi.write(step(S.RECEIVED, S.VERIFICATION)), clock=clock)
    # Nor does an event behind it, whose clock is above that one's.
    second = altered(
        first, clock=clock + 1, number=first.event.number + 1, previous=first.digest
    )
    # Nor one that leaves out a number, so that its predecessor is missing.
    third = altered(first, number=first.event.number + 3, previous="ab" * 32)
    for entries in ([first], [first, second], [third]):
        state = fold([*ani.known.values(), *entries])
        assert S.RECEIVED is state.status
        by_clock = [one for one in entries if one.event.clock <= 3]
        assert by_clock
        assert ["its clock goes back"] * len(by_clock) == [
            reason for reason in reasons(state) if reason == "its clock goes back"
        ]
        assert len(entries) == len(state.conflicts)


def test_a_desk_does_not_go_back_to_an_earlier_day(ani: JournalWriter) -> None:
    """What is written later is not of a day before."""
    ani.write(Noted(text="Hari ini."))
    ani.write(Noted(text="Kemarin?"), day=DAY - timedelta(days=1))
    assert ["Hari ini."] == [note.text for note in ani.state.notes]
    assert ["its day goes back"] == reasons(ani.state)


def test_a_clock_at_its_end_stays_there(ani: JournalWriter) -> None:
    """Somebody who counts to the end stops nobody."""
    first = altered(ani.write(Noted(text="Satu.")), clock=LARGEST_INTEGER)
    second = altered(first, number=2, previous=first.digest, action=Noted(text="Dua."))
    assert () == fold([first, second]).conflicts


def test_an_excluded_officer_is_not_assigned(ani: JournalWriter) -> None:
    """A case is not put into the hands of somebody who must not know it."""
    ani.write(Excluded(desk_id=B, reason="Disebut dalam laporan."))
    ani.write(Assigned(desk_id=B))
    assert ani.state.assigned is None


def test_only_naming_the_excluded_lets_them_in_again(ani: JournalWriter) -> None:
    """Letting in somebody else, the excluded among the members, changes nothing."""
    ani.write(Excluded(desk_id=B, reason="Disebut dalam laporan."))
    ani.write(admit(C, A, B))
    assert {B} == set(ani.state.excluded)
    assert frozenset({A, C}) == ani.state.members
    ani.write(admit(B, reason="Ternyata orang lain."))
    assert {} == ani.state.excluded
    assert {B: "full", C: "full"} == ani.state.admitted


def test_a_promise_is_kept_until_verification_is_over(ani: JournalWriter) -> None:
    """A due day that the reporter was told ends with the step that was promised."""
    ani.write(reply(due=True))
    assert DAY == ani.state.due
    ani.write(step(S.RECEIVED, S.VERIFICATION))
    assert DAY == ani.state.due
    ani.write(step(S.VERIFICATION, S.NEEDS_COMPLETION, "Tempat belum disebut."))
    assert ani.state.due is None


REVERSIBLE: list[Action] = [
    step(S.RECEIVED, S.VERIFICATION),
    Assigned(desk_id=B),
    Noted(text="Catatan."),
    Labelled(label="bansos", on=True),
    Linked(other_case=OTHER_CASE, relation="duplicate", on=True),
    Assessed(subject="competence", verdict="yes"),
    Redacted(item=ITEM, field="what", spans=((0, 4),)),
    Paraphrased(text="Bantuan berkurang."),
]


def essence(state: CaseState) -> CaseState:
    """Return a state without what an undone event leaves in the history."""
    return CaseState(
        **{
            **state.__dict__,
            "history": (),
            "undone": frozenset(),
            "through_clock": 0,
            "conflicts": (),
        }
    )


@pytest.mark.parametrize("action", REVERSIBLE, ids=lambda action: str(action.kind))
def test_what_can_be_taken_back_leaves_nothing(
    ani: JournalWriter, action: Action
) -> None:
    """An event and its undoing leave the case as it was, and stay in the history."""
    ani.write(Labelled(label="lain", on=True))
    before = ani.state
    entry = ani.write(action)
    assert essence(before) != essence(ani.state)
    ani.write(Undone(entry=entry.digest))
    assert essence(before) == essence(ani.state)
    assert () == ani.state.conflicts
    assert {entry.digest} == ani.state.undone
    assert 3 == len(ani.state.history)


IRREVERSIBLE: list[Action] = [
    reply(),
    Registered(number="ABC-1"),
    Excluded(desk_id=C, reason="Keluarga."),
]


@pytest.mark.parametrize(
    "action",
    IRREVERSIBLE,
    ids=lambda action: str(action.kind),
)
def test_what_left_the_desk_cannot_be_taken_back(
    ani: JournalWriter, action: Action
) -> None:
    """A reply, a number that was told, an exclusion: undoing them is a conflict."""
    entry = ani.write(action)
    ani.write(Undone(entry=entry.digest))
    assert ["there is nothing of this kind to take back"] == reasons(ani.state)


def test_nobody_takes_back_what_another_did(
    ani: JournalWriter, budi: JournalWriter
) -> None:
    """Undoing is for one's own slips."""
    entry = ani.write(Noted(text="Catatan."))
    exchange(ani, budi)
    budi.write(Undone(entry=entry.digest))
    assert 1 == len(budi.state.notes)


def test_a_step_that_was_built_on_stays(
    ani: JournalWriter, budi: JournalWriter
) -> None:
    """A step cannot be taken back when the case has gone on."""
    first = ani.write(step(S.RECEIVED, S.VERIFICATION))
    exchange(ani, budi)
    budi.write(step(S.VERIFICATION, S.NEEDS_COMPLETION, "Tempat belum disebut."))
    ani.write(Undone(entry=first.digest))
    exchange(ani, budi)
    assert ani.state == budi.state
    assert ani.state.status in (S.RECEIVED, S.NEEDS_COMPLETION)
    assert 1 == len(ani.state.conflicts)


def test_a_missing_event_is_seen(ani: JournalWriter) -> None:
    """Whoever lacks an event of a chain sees which."""
    first, _missing, third = (ani.write(Noted(text=word)) for word in "abc")
    (gap,) = fold([first, third]).gaps
    assert (A, range(2, 3)) == (gap.desk_id, gap.numbers)


def test_a_restored_desk_counts_anew_under_another_life(ani: JournalWriter) -> None:
    """The same number in two lives is neither a fork nor a gap."""
    first = ani.write(Noted(text="Sebelum."))
    changed = first.event.model_copy(
        update={"life": "0123456789abcdef", "action": Noted(text="Sesudah.")}
    )
    second = Entry(digest_of(changed.to_json()), Event.parse(changed.to_json()))
    state = fold([first, second])
    assert ((), ()) == (state.conflicts, state.gaps)
    assert {"Sebelum.", "Sesudah."} == {note.text for note in state.notes}


def test_nobody_lets_themselves_in(ani: JournalWriter) -> None:
    """An event in which a desk admits itself changes nothing, and is shown."""
    ani.write(admit(ani.desk_id, ani.desk_id))
    assert {} == ani.state.admitted
    assert ["nobody lets themselves in"] == reasons(ani.state)


def test_two_stories_under_one_number_are_both_refused(ani: JournalWriter) -> None:
    """A desk that tells different desks different things is seen by who has both."""
    event = ani.write(Noted(text="satu")).event
    other = event.model_copy(update={"action": Noted(text="dua")})
    forged = Entry(digest_of(other.to_json()), other)
    state = fold([*ani.known.values(), forged])
    assert () == state.notes
    assert ["this desk has told two stories under one number"] * 2 == reasons(state)


ACTIONS: st.SearchStrategy[Action] = st.one_of(
    st.sampled_from(
        [
            StepTaken(before=before, after=after, reason="Alasan.")
            for before, steps in STEPS.items()
            for after in steps
        ]
    ),
    st.sampled_from(
        [
            ClosingProposed(before=before, after=S.CONCLUDED, reason="Alasan.")
            for before in (S.REVIEW, S.REGISTERED, S.EXAMINATION)
        ]
    ),
    st.sampled_from(
        [
            Registered(number="ABC-1"),
            Registered(number="DEF-2"),
            *(Assigned(desk_id=desk) for desk in (A, B, C, None)),
            *(Excluded(desk_id=desk, reason="Alasan.") for desk in (A, B, C)),
            *(admit(desk, A, B, C) for desk in (A, B, C)),
            Briefed(received=DAY, title="Bantuan", answers={}, paraphrase="Satu."),
            *(Labelled(label=label, on=on) for label in "xy" for on in (True, False)),
            *(
                Linked(other_case=OTHER_CASE, relation="duplicate", on=on)
                for on in (True, False)
            ),
            *(
                Assessed(subject="competence", verdict=verdict)
                for verdict in ("yes", "no")
            ),
            *(
                ExposureDecided(findings=1, items=items, decision=decision)
                for items in ((), (ITEM,))
                for decision in ("share", "withhold")
            ),
            TakenOut(item=ITEM, positions=(1,), form="original", reason="Ahli."),
            Redacted(item=ITEM, field="what", spans=((0, 3),)),
            Paraphrased(text="Satu."),
            Paraphrased(text="Dua."),
            Noted(text="Catatan."),
            reply(),
            reply(due=True),
        ]
    ),
)
Move = Callable[[list[JournalWriter]], None]


@st.composite
def moves(draw: st.DrawFn) -> Move:
    """One thing that happens: somebody acts, confirms, undoes, or tells another."""
    writer, other = draw(st.permutations(range(3)))[:2]
    action = draw(ACTIONS)
    kind = draw(
        st.sampled_from(["act", "act", "act", "tell", "tell", "settle", "undo"])
    )
    choice = draw(st.integers(0, 50))

    def act(writers: list[JournalWriter]) -> None:
        writers[writer].write(action)

    def tell(writers: list[JournalWriter]) -> None:
        # Sticks get lost and come late: what is told is any part of what is known.
        known = in_order(writers[writer].known.values())
        writers[other].take(known[choice % (len(known) + 1) :])

    def settle(writers: list[JournalWriter]) -> None:
        proposal = writers[writer].state.proposal
        if proposal:
            writers[writer].write(ClosingConfirmed(proposal=proposal.digest))

    def undo(writers: list[JournalWriter]) -> None:
        known = in_order(writers[writer].known.values())
        if known:
            target = known[choice % len(known)].digest
            writers[writer].write(Undone(entry=target))

    return {"act": act, "tell": tell, "settle": settle, "undo": undo}[kind]


def play(happenings: list[Move]) -> list[JournalWriter]:
    """Let three desks live through what happens."""
    writers = [JournalWriter(desk) for desk in (A, B, C)]
    for happening in happenings:
        happening(writers)
    return writers


LIVES = st.lists(moves(), max_size=40)


@settings(max_examples=300)
@given(LIVES, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(
    happenings: list[Move], chance: random.Random
) -> None:
    """Whatever three desks do and lose, the same events give the same case."""
    writers = play(happenings)
    exchange(*writers)
    states = [writer.state for writer in writers]
    assert states[0] == states[1] == states[2]
    shuffled = list(writers[0].known.values())
    chance.shuffle(shuffled)
    assert states[0] == fold([*shuffled, *shuffled[:3]])


@settings(max_examples=200)
@given(
    LIVES,
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 60)), max_size=5),
    st.randoms(use_true_random=False),
)
def test_forged_clocks_are_read_alike_everywhere(
    happenings: list[Move], forged: list[tuple[int, int]], chance: random.Random
) -> None:
    """Whatever clocks somebody writes, the order of arrival does not matter."""
    writers = play(happenings)
    exchange(*writers)
    known = in_order(writers[0].known.values())
    entries = known + [
        altered(known[choice % len(known)], clock=clock)
        for choice, clock in forged
        if known
    ]
    shuffled = list(entries)
    chance.shuffle(shuffled)
    state = fold(entries)
    assert state == fold(shuffled)
    fitting: dict[str, list[int]] = {}
    for entry in sorted(state.history, key=lambda entry: entry.event.number):
        fitting.setdefault(entry.event.desk_id, []).append(entry.event.clock)
    for clocks in fitting.values():
        assert sorted(set(clocks)) == clocks


@settings(max_examples=300)
@given(LIVES)
def test_no_event_is_lost(happenings: list[Move]) -> None:
    """Every event is in the history or among the conflicts, once."""
    writers = play(happenings)
    exchange(*writers)
    state = writers[0].state
    shown = [entry.digest for entry in state.history]
    shown += [conflict.entry.digest for conflict in state.conflicts]
    assert sorted(writers[0].known) == sorted(shown)


@settings(max_examples=200)
@given(LIVES)
def test_what_is_offered_can_be_taken_back_and_nothing_else(
    happenings: list[Move],
) -> None:
    """An officer is offered to undo exactly what undoing is not a conflict for."""
    writers = play(happenings)
    for writer in writers:
        known = dict(writer.known)
        fitting = set()
        for digest in known:
            undone = writer.write(Undone(entry=digest))
            refused = {conflict.entry.digest for conflict in writer.state.conflicts}
            if undone.digest not in refused:
                fitting.add(digest)
            writer.known = dict(known)
        assert fitting == still_reversible(known.values(), writer.desk_id)


@settings(max_examples=300)
@given(LIVES)
def test_the_rules_hold_whatever_happens(happenings: list[Move]) -> None:
    """Nobody closed a case alone, and nobody excluded has it or acted after that."""
    writers = play(happenings)
    exchange(*writers)
    state = writers[0].state
    assert state.assigned not in state.excluded or state.assigned is None
    assert state.members.isdisjoint(state.excluded)
    assert set(state.admitted).isdisjoint(state.excluded)
    by_digest = {entry.digest: entry.event for entry in state.history}
    for entry in state.history:
        action = entry.event.action
        if isinstance(action, ClosingConfirmed):
            assert by_digest[action.proposal].desk_id != entry.event.desk_id
        if isinstance(action, StepTaken):
            assert action.after not in CLOSED


@settings(max_examples=100)
@given(ACTIONS)
def test_an_event_is_read_as_it_was_written(action: Action) -> None:
    """Every kind of action survives being written and read."""
    event = JournalWriter(A).write(action).event
    assert event == Event.parse(event.to_json())
