"""What `bisik tidy` removes, and that it tells of nobody's visit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.command import DAY_SECONDS, NOON, World
from support.deaddrop_samples import count_rows
from support.reporters import DAY

from deaddrop.accounts import Account, CourierSession, Throttle
from ops.coarse import step_above
from ops.server import open_server
from ops.tidying import tidied_on

HMAC = b"n" * 32
SESSION = b"s" * 32


def test_everything_that_should_go_goes(world: World) -> None:
    """Visits, officers' sessions, attempts, removed officers' accounts."""
    tick = int(NOON) // 1800
    with open_server(world.server, world.edge) as server:
        drop = server.drop
        drop.sessions.save(bytes(32), bytes(4096), tick - 2)
        drop.sessions.save(b"1" * 32, bytes(4096), tick)
        account = Account(world.fingerprint, "ani", "phc", b"sealed", 0)
        drop.accounts.put(account, code_digests=[bytes(32)])
        begun = int(NOON) - DAY_SECONDS
        drop.accounts.start_session(
            SESSION, CourierSession(world.fingerprint, begun, begun)
        )
        drop.accounts.begin_attempt(HMAC, begun - 1, wait_seconds=lambda failures: 0)
        drop.officers.retire(world.fingerprint)
    world.done("tidy")
    with open_server(world.server, world.edge) as server:
        drop = server.drop
        assert drop.sessions.load(bytes(32)) is None
        assert drop.sessions.load(b"1" * 32) is not None
        assert {} == drop.accounts.user_names()
        assert drop.accounts.session(SESSION) is None
        assert Throttle() == drop.accounts.throttle(HMAC)
        assert 0 == count_rows(drop) % 256


def test_what_it_says_tells_nobody_s_visit(world: World) -> None:
    """A day with a dozen visits reads like one without any."""
    quiet = world.done("tidy")
    tick = int(NOON) // 1800
    with open_server(world.server, world.edge) as server:
        for number in range(12):
            server.drop.sessions.save(bytes([number]) * 32, bytes(4096), tick - 2)
    assert quiet == world.done("tidy")
    assert "sessions of reporters          fewer than 16" in quiet
    assert "no free page has old content" in quiet


def test_the_day_is_noted_for_the_doctor(world: World) -> None:
    """And another one when it runs again."""
    assert tidied_on(world.server) is None
    world.done("tidy")
    assert DAY == tidied_on(world.server)
    world.at(days=600).done("tidy")
    noted = tidied_on(world.server)
    assert noted is not None
    assert 600 == (noted - DAY).days
    (world.server / "tidied").write_text("nonsense")
    assert tidied_on(world.server) is None


@given(st.integers(min_value=0, max_value=10**9))
def test_a_step_lies_above_every_count(count: int) -> None:
    """A power of four from 16 up, and the lowest of them."""
    step = step_above(count)
    assert step > count
    assert step == 16 or step // 4 <= count
    assert 0 == (step.bit_length() - 1) % 2


def test_a_negative_count_is_a_fault() -> None:
    """It cannot be."""
    with pytest.raises(ValueError, match="negative"):
        step_above(-1)
