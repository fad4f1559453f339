"""How much one circuit may have in a minute."""

import threading
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from fairness.allowances import Allowances, Use
from fairness.circuits import KEY_BYTES, Circuit, Pseudonym, Pseudonyms
from fairness.errors import AllowanceSpent

ONE, OTHER = Pseudonym(b"1" * 16), Pseudonym(b"2" * 16)


@dataclass
class Clock:
    """A clock that is moved by hand."""

    seconds: float = 1_800_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the library, which takes no other."""
    found = Clock()
    monkeypatch.setattr("limits.storage.memory.time", SimpleNamespace(time=found))
    monkeypatch.setattr("limits.limits.time", found, raising=False)
    monkeypatch.setattr(
        "limits.strategies.time", SimpleNamespace(time=found), raising=False
    )
    return found


def spend_all(allowances: Allowances, who: Pseudonym | None, most: int = 1000) -> int:
    """Ask until it is refused, and say how often it was granted."""
    for granted in range(most):
        try:
            allowances.spend(Use.DERIVATIONS, who)
        except AllowanceSpent:
            return granted
    return most


def test_one_circuit_does_not_use_up_what_another_has(clock: Clock) -> None:
    """Each circuit has an allowance of its own, and each use."""
    allowances = Allowances({Use.DERIVATIONS: 5, Use.REQUESTS: 5})

    assert 5 == spend_all(allowances, ONE)
    assert 5 == spend_all(allowances, OTHER)
    allowances.spend(Use.REQUESTS, ONE)
    assert (5, 1) == (
        allowances.spent(Use.DERIVATIONS, ONE),
        allowances.spent(Use.REQUESTS, ONE),
    )


def test_whoever_cannot_be_told_apart_is_not_counted(clock: Clock) -> None:
    """
    Without circuits everybody is one, and one must not shut the door for all.
    """
    allowances = Allowances({Use.DERIVATIONS: 5})

    assert 1000 == spend_all(allowances, None)
    assert (0, 0) == (allowances.spent(Use.DERIVATIONS, None), len(allowances))


def test_an_allowance_comes_back(clock: Clock) -> None:
    """After two minutes a circuit may do everything again."""
    allowances = Allowances({Use.DERIVATIONS: 5})
    spend_all(allowances, ONE)

    clock.seconds += 121

    assert 0 == allowances.spent(Use.DERIVATIONS, ONE)
    assert 5 == spend_all(allowances, ONE)


def test_what_is_refused_is_not_counted(clock: Clock) -> None:
    """More than is left changes nothing."""
    allowances = Allowances({Use.UPLOADS: 5})
    allowances.spend(Use.UPLOADS, ONE, 3)

    with pytest.raises(AllowanceSpent):
        allowances.spend(Use.UPLOADS, ONE, 3)

    assert 3 == allowances.spent(Use.UPLOADS, ONE)


def test_circuits_are_forgotten(clock: Clock) -> None:
    """
    Of ten thousand circuits nothing is left two minutes later but what is in use.
    """
    allowances = Allowances({Use.REQUESTS: 5})
    for number in range(10_000):
        allowances.spend(Use.REQUESTS, Pseudonym(number.to_bytes(16)))
    assert 10_000 == len(allowances)

    clock.seconds += 121
    allowances.spend(Use.REQUESTS, ONE)

    assert 1 == len(allowances)


def test_counting_starts_no_thread(clock: Clock) -> None:
    """What goes wrong in a thread of the library would be in the log."""
    before = threading.active_count()
    allowances = Allowances({Use.DERIVATIONS: 50})
    spend_all(allowances, ONE)
    assert before == threading.active_count()


def test_threads_do_not_get_more_together() -> None:
    """Twenty threads of one circuit get what one of them would."""
    allowances = Allowances({Use.DERIVATIONS: 50})
    granted: list[int] = []
    threads = [
        threading.Thread(target=lambda: granted.append(spend_all(allowances, ONE)))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 50 == sum(granted)


def test_a_pseudonym_names_no_circuit() -> None:
    """
    The same for a circuit in one process, another in the next, and none for none.
    """
    one, next_one = Pseudonyms(bytes(KEY_BYTES)), Pseudonyms(b"\1" * KEY_BYTES)
    circuit = Circuit("fc00:dead:beef:4dad::0:4b")

    assert one.of(circuit) == one.of(circuit) != one.of(Circuit("other"))
    assert one.of(circuit) != next_one.of(circuit)
    assert one.of(None) is None
    with pytest.raises(ValueError, match="32 bytes"):
        Pseudonyms(b"short")
