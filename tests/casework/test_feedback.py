"""Feedback: what is, by when it is due, and what starts its clock anew."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.journals import DAY, JournalWriter, exchange

from casework.case_state import CaseState
from casework.folding import fold
from casework.journal import (
    ClosingConfirmed,
    ClosingProposed,
    Registered,
    Replied,
    StepTaken,
    Undone,
)
from casework.reply import CaseStatus, Letter, ReplyKind
from casework.workflow import feedback_due, gives_feedback

S = CaseStatus
K = ReplyKind
A, B = "0a" * 16, "0b" * 16
LATER = DAY + timedelta(days=100)


def letter(kind: ReplyKind, status: CaseStatus | None = None) -> Letter:
    """Write to the reporter."""
    return Letter(kind=kind, day=DAY, language="id", text="Contoh.", status=status)


def tell(
    writer: JournalWriter,
    kind: ReplyKind,
    status: CaseStatus | None = None,
    *,
    day: date = DAY,
) -> None:
    """Send a letter."""
    sent = letter(kind, status)
    action = Replied(letter=sent, files=(), first_slot=0, slots=1, answered=1)
    writer.write(action, day=day)


def go(writer: JournalWriter, *way: CaseStatus, day: date = DAY) -> None:
    """Take steps, from the first status to the last."""
    for before, after in pairwise(way):
        if after is S.REGISTERED:
            writer.write(Registered(number="ABC-1234-5"), day=day)
        writer.write(StepTaken(before=before, after=after, reason="Contoh."), day=day)


def close(proposer: JournalWriter, confirmer: JournalWriter, before: S) -> None:
    """End the work, by two officers."""
    proposal = ClosingProposed(before=before, after=S.CONCLUDED, reason="Contoh.")
    entry = proposer.write(proposal)
    exchange(proposer, confirmer)
    confirmer.write(ClosingConfirmed(proposal=entry.digest))
    exchange(proposer, confirmer)


@pytest.fixture
def ani() -> JournalWriter:
    """One desk."""
    return JournalWriter(A)


@pytest.fixture
def budi() -> JournalWriter:
    """Another desk."""
    return JournalWriter(B)


@pytest.mark.parametrize(
    ("begun", "due"),
    [
        (date(2026, 11, 24), date(2027, 2, 24)),
        (date(2026, 11, 28), date(2027, 2, 28)),
        (date(2026, 11, 29), date(2027, 2, 28)),
        (date(2026, 11, 30), date(2027, 2, 28)),
        (date(2027, 11, 29), date(2028, 2, 29)),
        (date(2027, 11, 30), date(2028, 2, 29)),
        (date(2026, 12, 31), date(2027, 3, 31)),
        (date(2027, 1, 31), date(2027, 4, 30)),
        (date(2027, 8, 31), date(2027, 11, 30)),
        (date(2027, 9, 30), date(2027, 12, 30)),
        (date(2027, 10, 1), date(2028, 1, 1)),
        (date(9999, 9, 30), date(9999, 12, 30)),
        (date(9999, 10, 1), date.max),
        (date.max, date.max),
    ],
)
def test_feedback_is_due_on_the_same_day_or_the_last_of_the_month(
    begun: date, due: date
) -> None:
    """Three months later; the last of the month where it has no such day."""
    assert due == feedback_due(begun)


@given(begun=st.dates(max_value=date(9999, 9, 30)))
def test_feedback_is_never_due_later_than_the_law_has_it(begun: date) -> None:
    """In the third month from the first, and on no later day of it."""
    due = feedback_due(begun)
    months = (due.year - begun.year) * 12 + due.month - begun.month
    assert 3 == months
    assert due.day <= begun.day
    assert due.day == begun.day or 1 == (due + timedelta(days=1)).day


TOLD = {S.REVIEW, S.EXAMINATION, S.FORWARDED, S.FOLLOWED_UP, S.CONCLUDED}


@pytest.mark.parametrize("status", [None, *S])
@pytest.mark.parametrize("kind", K)
def test_only_a_letter_that_says_what_follows_is_feedback(
    kind: ReplyKind, status: CaseStatus | None
) -> None:
    """A question asks; registration only ends verification; a closing always tells."""
    match kind:
        case K.QUESTION | K.CONTACT_REQUEST:
            expected = False
        case K.CLOSING:
            expected = True
        case _:
            expected = status in TOLD | {S.NOT_COMPETENT}
    assert expected == gives_feedback(letter(kind, status))


def test_asking_to_complete_the_report_is_no_feedback(ani: JournalWriter) -> None:
    """Not when it is asked, and not when the answer was acknowledged."""
    go(ani, S.RECEIVED, S.VERIFICATION, S.NEEDS_COMPLETION)
    tell(ani, K.QUESTION, S.NEEDS_COMPLETION)
    go(ani, S.NEEDS_COMPLETION, S.VERIFICATION, S.REGISTERED)
    tell(ani, K.ANSWER)
    tell(ani, K.STATUS, S.REGISTERED)
    assert 3 == len(ani.state.replies)
    assert ani.state.feedback_day is None


def test_the_first_feedback_is_the_one_that_counts(ani: JournalWriter) -> None:
    """A second letter moves nothing."""
    go(ani, S.RECEIVED, S.VERIFICATION, S.REGISTERED, S.REVIEW)
    tell(ani, K.STATUS, S.REVIEW)
    tell(ani, K.STATUS, S.REVIEW, day=LATER)
    assert DAY == ani.state.feedback_day


def test_a_closing_that_nobody_was_told_of_is_no_feedback(
    ani: JournalWriter, budi: JournalWriter
) -> None:
    """That officers have agreed tells the reporter nothing; the letter does."""
    go(ani, S.RECEIVED, S.VERIFICATION, S.REGISTERED)
    close(ani, budi, S.REGISTERED)
    assert (S.CONCLUDED, None) == (ani.state.status, ani.state.feedback_day)
    tell(budi, K.CLOSING, S.CONCLUDED, day=LATER)
    assert LATER == budi.state.feedback_day


def reopened(ani: JournalWriter, budi: JournalWriter) -> CaseState:
    """Close a case, tell the reporter, and open it again much later."""
    go(ani, S.RECEIVED, S.VERIFICATION, S.REGISTERED)
    close(ani, budi, S.REGISTERED)
    tell(ani, K.CLOSING, S.CONCLUDED)
    go(ani, S.CONCLUDED, S.REOPENED, day=LATER)
    exchange(ani, budi)
    return ani.state


def test_reopening_starts_a_clock_of_its_own(
    ani: JournalWriter, budi: JournalWriter
) -> None:
    """What was told before is not about the new work; that it is open is no news."""
    state = reopened(ani, budi)
    assert (LATER, None) == (state.reopened_day, state.feedback_day)
    tell(ani, K.STATUS, S.REOPENED, day=LATER)
    assert ani.state.feedback_day is None
    go(ani, S.REOPENED, S.REVIEW, day=LATER)
    tell(ani, K.STATUS, S.REVIEW, day=LATER)
    assert LATER == ani.state.feedback_day


def test_taking_a_reopening_back_brings_the_old_clock_back(
    ani: JournalWriter, budi: JournalWriter
) -> None:
    """The case is as closed, and its reporter as told, as before."""
    state = reopened(ani, budi)
    ani.write(Undone(entry=state.history[-1].digest), day=LATER)
    assert S.CONCLUDED is ani.state.status
    assert (None, DAY) == (ani.state.reopened_day, ani.state.feedback_day)


def test_a_letter_stays_sent_when_a_step_is_taken_back(ani: JournalWriter) -> None:
    """The reporter has read it, whatever officers changed their minds about."""
    go(ani, S.RECEIVED, S.VERIFICATION, S.REGISTERED, S.REVIEW)
    step = ani.state.history[-1].digest
    tell(ani, K.STATUS, S.REVIEW)
    ani.write(Undone(entry=step))
    assert (S.REGISTERED, DAY) == (ani.state.status, ani.state.feedback_day)


@given(st.data())
def test_the_clock_does_not_depend_on_the_order_of_arrival(data: st.DataObject) -> None:
    """Two officers tell and reopen at once: every order of events says the same."""
    ani, budi = JournalWriter(A), JournalWriter(B)
    reopened(ani, budi)
    # From here on neither knows of the other.
    go(ani, S.REOPENED, S.EXAMINATION, day=LATER)
    tell(ani, K.STATUS, S.EXAMINATION, day=LATER)
    tell(budi, K.QUESTION, day=LATER)
    undone = next(
        entry.digest
        for entry in reversed(ani.state.history)
        if isinstance(entry.event.action, StepTaken)
    )
    ani.write(Undone(entry=undone), day=LATER)
    exchange(ani, budi)
    shuffled = data.draw(st.permutations(list(ani.known.values())))
    state = fold(shuffled)
    assert ani.state == budi.state == state
    assert (LATER, LATER) == (state.reopened_day, state.feedback_day)
    assert S.REOPENED is state.status
