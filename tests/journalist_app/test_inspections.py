"""Inspections: no page waits for all that is looked at, and all is looked at."""

import threading
import time
from collections.abc import Callable, Hashable, Iterator

import pytest

from journalist_app.workstation.screens import inspections
from journalist_app.workstation.screens.inspections import (
    MOST_AT_ONCE,
    MOST_WAITING,
    Inspections,
    Wanted,
)

SOON_SECONDS = 0.05
LONG_SECONDS = 30.0


@pytest.fixture
def go() -> Iterator[threading.Event]:
    """Lets what is slow end; it ends with the test."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def looked() -> list[Hashable]:
    """What was looked at, in its order."""
    return []


@pytest.fixture
def slow(
    go: threading.Event, looked: list[Hashable]
) -> Callable[[str, int], dict[Hashable, Callable[[], str]]]:
    """Return what takes as long as it likes: so many of one case."""

    def case(name: str, files: int) -> dict[Hashable, Callable[[], str]]:
        def one(key: Hashable) -> Callable[[], str]:
            def look() -> str:
                looked.append(key)
                assert go.wait(LONG_SECONDS)
                return f"{key} seen"

            return look

        return {f"{name}{number}": one(f"{name}{number}") for number in range(files)}

    return case


Slow = Callable[[str, int], dict[Hashable, Callable[[], str]]]


def eventually(condition: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    until = time.monotonic() + LONG_SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(SOON_SECONDS)


def test_a_page_waits_once_and_not_for_each(
    slow: Slow, go: threading.Event, looked: list[Hashable]
) -> None:
    """Twenty that never end cost one page what one of them does; then all are there."""
    kept = Inspections(patience_seconds=SOON_SECONDS)
    case = slow("a", 20)
    begun = time.monotonic()
    assert {} == kept.look(case)
    assert time.monotonic() - begun < 10 * SOON_SECONDS
    go.set()
    eventually(lambda: len(case) == len(kept.look(case)))
    assert {key: f"{key} seen" for key in case} == kept.look(case)
    # Each of them once, although the page was asked for again and again.
    assert sorted(case, key=str) == sorted(looked, key=str)


def test_what_is_quick_is_there_at_once() -> None:
    """Nobody waits for longer than it takes."""
    kept = Inspections(patience_seconds=LONG_SECONDS)
    begun = time.monotonic()
    assert {"a": 1, "b": 2} == kept.look({"a": lambda: 1, "b": lambda: 2})
    assert time.monotonic() - begun < LONG_SECONDS / 2


def test_few_are_looked_at_at_once(slow: Slow, looked: list[Hashable]) -> None:
    """A sandbox takes memory, and the desk goes on meanwhile."""
    kept = Inspections(patience_seconds=SOON_SECONDS)
    for _ in range(3):
        kept.look(slow("a", 20))
    assert MOST_AT_ONCE == len(looked)


def test_another_case_does_not_wait_for_the_first(
    slow: Slow, go: threading.Event, looked: list[Hashable]
) -> None:
    """What was asked for last is looked at as soon as anything else has ended."""
    kept = Inspections(patience_seconds=SOON_SECONDS)
    kept.look(slow("hostile", 20))
    kept.look(slow("b", 1))
    go.set()
    eventually(lambda: len(looked) == 21)
    assert looked.index("b0") <= MOST_AT_ONCE + 1


def test_few_requests_wait_at_a_time(slow: Slow) -> None:
    """The other threads of a desk stay free; who may not wait is told what is known."""
    kept = Inspections(patience_seconds=LONG_SECONDS)
    case = slow("a", 1)
    waiting = [
        threading.Thread(target=kept.look, args=(case,), daemon=True)
        for _ in range(MOST_WAITING)
    ]
    for one in waiting:
        one.start()
    time.sleep(SOON_SECONDS)
    begun = time.monotonic()
    assert {} == kept.look(case)
    assert time.monotonic() - begun < LONG_SECONDS / 2


def test_what_fails_is_told_once_and_tried_anew() -> None:
    """A damaged file is an error of its own page, and no empty answer."""
    answers: list[Exception | str] = [ValueError("damaged"), "seen"]

    def look() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    kept = Inspections(patience_seconds=LONG_SECONDS)
    with pytest.raises(ValueError, match="damaged"):
        kept.look({"a": look})
    assert {"a": "seen"} == kept.look({"a": look})


def test_a_large_case_is_looked_at_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than is kept otherwise; else it could never be decided about."""
    monkeypatch.setattr(inspections, "MOST_KEPT", 3)
    kept = Inspections(patience_seconds=LONG_SECONDS)
    large: Wanted = {number: lambda: "seen" for number in range(9)}
    assert dict.fromkeys(range(9), "seen") == kept.look(large)
    kept.look({"other": lambda: "seen"})
    again = kept.look(dict.fromkeys(range(9), lambda: "anew"))
    assert 2 == list(again.values()).count("seen")
