"""The event of a file that left: what it must say, and that it stays."""

import json

import pytest
from support.journals import JournalWriter

from casework.journal import Action, Event, MalformedEvent, TakenOut, Undone
from journalist_app.workstation.screens.wording import EVENT_LABELS

ITEM = "ee" * 32
TAKEN = TakenOut(item=ITEM, positions=(1, 3), form="original", reason="Ahli.")
# What desks tell each other about themselves is in no case's history.
OF_NO_CASE = {"restored", "returned"}


@pytest.fixture
def ani() -> JournalWriter:
    """A desk."""
    return JournalWriter("0a" * 16)


def test_an_event_is_read_as_it_was_written(ani: JournalWriter) -> None:
    """These very bytes are what colleagues verify."""
    event = ani.write(TAKEN).event
    assert event == Event.parse(event.to_json())
    assert {
        "kind": "taken-out",
        "item": ITEM,
        "positions": [1, 3],
        "form": "original",
        "reason": "Ahli.",
    } == json.loads(event.to_json())["action"]


@pytest.mark.parametrize(
    "change",
    [
        {"positions": []},
        {"positions": [0]},
        {"positions": [1000]},
        {"positions": [3, 1]},
        {"positions": [1, 1]},
        {"form": "printed"},
        {"reason": ""},
        {"item": "ee"},
        {"name": "Surat.pdf"},
        {"kind": "taken-away"},
    ],
    ids=str,
)
def test_anything_else_is_refused(
    ani: JournalWriter, change: dict[str, object]
) -> None:
    """A file without a reason or a place, a name of a file, a kind of the future."""
    said = json.loads(ani.write(TAKEN).event.to_json())
    said["action"] |= change
    with pytest.raises(MalformedEvent):
        Event.parse(json.dumps(said).encode())


def test_it_is_kept_and_cannot_be_taken_back(ani: JournalWriter) -> None:
    """What is outside is outside, whatever its officer says afterwards."""
    entry = ani.write(TAKEN)
    ani.write(Undone(entry=entry.digest))
    assert (entry,) == ani.state.files_taken
    assert ["there is nothing of this kind to take back"] == [
        conflict.reason for conflict in ani.state.conflicts
    ]


def test_every_event_of_a_case_has_words() -> None:
    """Nobody can do what the history could not say."""
    kinds = {one.model_fields["kind"].default for one in Action.__args__}
    assert kinds - OF_NO_CASE == set(EVENT_LABELS)
