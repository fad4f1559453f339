"""Sessions are kept for this half hour and the one before."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.deaddrop_samples import Entropy, read_everything

from deaddrop import DeadDrop, SessionRow

TICK = 1_000_003


def test_a_session_is_kept(drop: DeadDrop, entropy: Entropy) -> None:
    """A saved session is loaded as it was, and saving it again replaces it."""
    session_id, first, second = entropy(32), entropy(4_096), entropy(4_096)
    assert drop.sessions.load(session_id) is None
    drop.sessions.save(session_id, first, TICK)
    assert SessionRow(first, TICK % 5) == drop.sessions.load(session_id)
    drop.sessions.save(session_id, second, TICK + 1)
    assert SessionRow(second, (TICK + 1) % 5) == drop.sessions.load(session_id)


def test_signing_out_deletes(drop: DeadDrop, entropy: Entropy) -> None:
    """A deleted session is gone at once; deleting it again does nothing."""
    session_id = entropy(32)
    drop.sessions.save(session_id, entropy(4_096), TICK)
    drop.sessions.delete(session_id)
    drop.sessions.delete(session_id)
    assert drop.sessions.load(session_id) is None


def test_old_sessions_are_purged(drop: DeadDrop, entropy: Entropy) -> None:
    """Purging keeps this generation and the one before, and says how many went."""
    for tick in range(TICK - 3, TICK + 1):
        drop.sessions.save(tick.to_bytes(32, "big"), entropy(4_096), tick)
    assert 2 == drop.sessions.purge(TICK)
    kept = [
        tick
        for tick in range(TICK - 3, TICK + 1)
        if drop.sessions.load(tick.to_bytes(32, "big")) is not None
    ]
    assert [TICK - 1, TICK] == kept
    assert 0 == drop.sessions.purge(TICK)


@settings(
    max_examples=10,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(tick=st.integers(0, 2**40), idle=st.integers(0, 3))
def test_idle_sessions_go(drop: DeadDrop, tick: int, idle: int) -> None:
    """Whatever the tick, a session survives one further half hour and not two."""
    drop.sessions.save(bytes(32), bytes(4_096), tick)
    drop.sessions.purge(tick + idle)
    assert (idle <= 1) == (drop.sessions.load(bytes(32)) is not None)
    drop.sessions.delete(bytes(32))


@pytest.mark.parametrize(
    ("id_bytes", "bytes_"), [(31, 4_096), (32, 4_095), (32, 4_097)]
)
def test_a_wrong_size_is_refused(drop: DeadDrop, id_bytes: int, bytes_: int) -> None:
    """A session of another size is refused."""
    before = read_everything(drop)
    with pytest.raises(ValueError, match="bytes"):
        drop.sessions.save(bytes(id_bytes), bytes(bytes_), TICK)
    assert before == read_everything(drop)


def test_a_session_keeps_secrets_out_of_repr() -> None:
    """The content of a session is not in its `repr`."""
    assert "SessionRow(generation=1)" == repr(SessionRow(b"secret", 1))
