"""Sessions end while nobody comes."""

import threading

import pytest
from support.command import NOON, World

from deaddrop import DeadDropUnavailable, Reason
from deaddrop.accounts import Account, CourierSession
from ops.server import open_server
from ops.serving import couriers_site, reporters_site
from ops.sweeping import Sweeper

SOON = 10.0


def test_a_site_on_which_nobody_calls_sweeps(world: World) -> None:
    """The session of the last visitor goes without another one, by the hour."""
    tick = int(NOON) // 1800
    with open_server(world.server, world.edge) as server:
        swept = threading.Event()
        made = reporters_site(server, world.edge)

        def sweep() -> None:
            made.sweep(server.drop, int(NOON))
            swept.set()

        server.drop.sessions.save(b"1" * 32, bytes(4096), tick)
        sweeper = Sweeper(sweep, every_seconds=0.01)
        server.drop.sessions.save(bytes(32), bytes(4096), tick - 2)
        for _ in range(2):  # The first one may have begun before.
            swept.clear()
            assert swept.wait(SOON)
        sweeper.stop()
        assert server.drop.sessions.load(bytes(32)) is None
        assert server.drop.sessions.load(b"1" * 32) is not None


def test_the_courier_sweeps_the_sessions_of_officers(world: World) -> None:
    """Half an hour after an officer's last click."""
    with open_server(world.server, world.edge) as server:
        account = Account(world.fingerprint, "ani", "phc", b"sealed", 0)
        server.drop.accounts.put(account, code_digests=[])
        for name, seen in ((b"o", NOON - 1801), (b"n", NOON - 60)):
            session = CourierSession(world.fingerprint, int(NOON) - 3600, int(seen))
            server.drop.accounts.start_session(name * 32, session)
        couriers_site(server, world.edge).sweep(server.drop, int(NOON))
        assert server.drop.accounts.session(b"o" * 32) is None
        assert server.drop.accounts.session(b"n" * 32) is not None


def test_a_database_out_of_reach_does_not_end_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It says so, and tries again."""
    tried = threading.Semaphore(0)

    def sweep() -> None:
        tried.release()
        raise DeadDropUnavailable(Reason.BUSY, "the database is busy")

    sweeper = Sweeper(sweep, every_seconds=0.01)
    assert all(tried.acquire(timeout=SOON) for _ in range(3))
    sweeper.stop()
    assert "the database is busy" in caplog.text
