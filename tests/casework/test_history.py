"""A reporter's own state."""

import base64
import json
import zlib
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.casework_samples import DAY, Vector, named, vectors

from casework import history, strict
from casework.files import FileSent
from casework.history import (
    STATE_BYTES,
    TOKENS_KEPT,
    AlreadySent,
    MalformedState,
    ReporterState,
    Sent,
    StateTooLarge,
    from_bytes,
    has_token,
    next_sequence,
    space_left,
    to_bytes,
    with_contact_requested,
    with_read,
    with_sent,
)
from casework.item import ItemKind
from casework.text import clean_text

DESK = "ab" * 16


def token(number: int) -> str:
    """Return a form token."""
    return f"{number:032x}"


def sent(kind: ItemKind = ItemKind.MESSAGE, *sizes_bytes: int) -> Sent:
    """Make an item as its reporter remembers it, with files of these sizes."""
    files = tuple(FileSent(name="a", size_bytes=size) for size in sizes_bytes)
    return Sent(kind=kind, day=DAY, sequence=0, text="Rahasia.", files=files)


STATE = with_sent(ReporterState(), sent(ItemKind.REPORT, 5), token(1))


def test_good_vectors() -> None:
    """
    Every good state of the vectors is read, and says what the vector says.
    """
    for vector in vectors("state.json")["good"]:
        state = from_bytes(base64.b64decode(vector["compressed"]))

        assert vector["document"] == json.loads(strict.render(state)), vector["name"]
        assert state == from_bytes(to_bytes(state))


@pytest.mark.parametrize("vector", vectors("state.json")["bad"], ids=named)
def test_bad_vectors(vector: Vector) -> None:
    """
    Every bad state of the vectors is refused.
    """
    with pytest.raises(MalformedState):
        from_bytes(base64.b64decode(vector["compressed"]))


def test_zeros_may_follow() -> None:
    """
    The slots give a state back with zeros behind it.
    """
    assert STATE == from_bytes(to_bytes(STATE) + bytes(16_000))


def test_an_accepted_item_is_remembered() -> None:
    """
    Accepting an item makes the next state, and leaves the old one as it was.
    """
    after = with_sent(STATE, sent(ItemKind.ATTACHMENTS, 3, 4), token(2))

    assert (1, 2) == (STATE.revision, after.revision)
    assert (5, 12) == (STATE.bytes_used, after.bytes_used)
    assert (1, 2) == (next_sequence(STATE), next_sequence(after))
    assert STATE.sent == after.sent[:1]
    assert not has_token(STATE, token(2))
    assert has_token(after, token(2))


def test_a_form_is_accepted_once() -> None:
    """
    The same form again is refused, and the state stays as it is.
    """
    before = to_bytes(STATE)

    with pytest.raises(AlreadySent):
        with_sent(STATE, sent(), token(1))
    assert before == to_bytes(STATE)


def test_two_tabs_may_share_a_sequence() -> None:
    """
    An item sealed before another was accepted is accepted after it.
    """
    both = with_sent(STATE, sent(), token(2))

    assert [0, 0] == [item.sequence for item in both.sent]


def test_no_item_comes_from_the_future() -> None:
    """
    An item cannot have been sealed after more items than were accepted.
    """
    early = sent().model_copy(update={"sequence": 2})

    with pytest.raises(ValueError, match="sealed before it is accepted"):
        with_sent(STATE, early, token(2))


def test_old_tokens_are_forgotten() -> None:
    """
    Only the last tokens are kept, so that a state does not grow by them.
    """
    state = ReporterState()
    for number in range(TOKENS_KEPT + 1):
        state = with_sent(state, sent(), token(number))

    assert TOKENS_KEPT == len(state.tokens)
    assert not has_token(state, token(0))
    assert has_token(state, token(1))
    assert has_token(state, token(TOKENS_KEPT))


@pytest.mark.parametrize(("limit_bytes", "left"), [(12, 7), (5, 0), (4, 0), (0, 0)])
def test_space_left(limit_bytes: int, left: int) -> None:
    """
    What is left is never less than nothing, even if a limit was lowered.
    """
    assert left == space_left(STATE, limit_bytes)


def test_read_marks_never_go_back() -> None:
    """
    An old page sent again does not make answers unread.
    """
    state = with_read(with_read(STATE, DESK, 5), DESK, 3)

    assert {DESK: 5} == state.read
    assert {} == STATE.read


def test_contact_details_end_the_request_for_them() -> None:
    """
    The form for contact details goes once they were sent, not before.
    """
    asked = with_contact_requested(STATE)
    written = with_sent(asked, sent(ItemKind.MESSAGE), token(2))
    given_ = with_sent(written, sent(ItemKind.CONTACT), token(3))

    assert [True, True, False] == [
        state.contact_requested for state in (asked, written, given_)
    ]


def test_a_withdrawal_is_final() -> None:
    """
    What is sent afterwards does not undo a withdrawal.
    """
    withdrawn = with_sent(STATE, sent(ItemKind.WITHDRAWAL), token(2))
    later = with_sent(withdrawn, sent(ItemKind.MESSAGE), token(3))

    assert [False, True, True] == [s.withdrawn for s in (STATE, withdrawn, later)]


def test_a_state_that_could_not_be_read_is_not_written() -> None:
    """
    The limit that protects reading is met when writing, with its own error.
    """
    long_text = "x" * 150_000
    state = ReporterState(
        sent=tuple(
            Sent(kind=ItemKind.MESSAGE, day=DAY, sequence=0, text=long_text)
            for _ in range(STATE_BYTES // len(long_text) + 1)
        )
    )

    with pytest.raises(StateTooLarge):
        to_bytes(state)


def test_a_full_history_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The limit of items is met when accepting, with its own error.
    """
    monkeypatch.setattr(history, "MOST_SENT", 1)

    with pytest.raises(StateTooLarge):
        with_sent(STATE, sent(), token(2))


def test_a_bomb_is_not_unpacked() -> None:
    """
    A small content that would become large is refused by its size.
    """
    bomb = zlib.compress(bytes(STATE_BYTES * 8), level=9)

    with pytest.raises(MalformedState, match="larger than"):
        from_bytes(bomb)


def test_a_state_does_not_show_itself() -> None:
    """
    Neither texts nor tokens are in the `repr` of a state.
    """
    assert "Rahasia" not in repr(STATE)
    assert token(1) not in repr(STATE)
    assert "Rahasia" not in repr(STATE.sent)


@settings(max_examples=50)
@given(
    st.lists(
        st.builds(
            Sent,
            kind=st.sampled_from(ItemKind),
            day=st.dates(),
            sequence=st.just(0),
            text=st.text(max_size=100).map(clean_text),
            due_day=st.none() | st.dates(date(2026, 1, 1)),
        ),
        max_size=5,
    )
)
def test_what_is_written_is_read(items: list[Sent]) -> None:
    """
    Every state comes back as it was.
    """
    state = ReporterState()
    for number, item in enumerate(items):
        state = with_sent(state, item, token(number))

    assert state == from_bytes(to_bytes(state))


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_read_or_refused(content: bytes, compressed: bool) -> None:
    """
    No bytes, compressed or not, make it raise anything but its own error.
    """
    try:
        from_bytes(zlib.compress(content) if compressed else content)
    except MalformedState:
        pass


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_any_change_is_read_or_refused(position: int, byte: int) -> None:
    """
    No changed byte makes it raise anything else, either.
    """
    content = bytearray(to_bytes(STATE))
    content[position % len(content)] = byte
    try:
        from_bytes(bytes(content))
    except MalformedState:
        pass
