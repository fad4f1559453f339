"""
A power-cut loses nothing that was acknowledged, and leaves nothing in halves.

Several reporters send reports, messages and attachments; every process of the
service is killed at a random moment; it is started again on the same data; the
reporters go on, some of them by sending the very form again whose answer they
never got.
"""

import os
import random
import threading
import time
from pathlib import Path

import pytest
from support.postgres import PostgresServer
from support.sending_on import Ledger, Reporter
from support.server import Service, made_service

pytestmark = [pytest.mark.journey, pytest.mark.slow]

# 200 rounds take some six minutes on two cores.
ROUNDS = int(os.environ.get("BISIK_KILL_ROUNDS", "200"))
ROUNDS_ON_POSTGRES = max(10, ROUNDS // 10)
REPORTERS = 4
# Long enough for several items, so that the end comes at every step of one.
LONGEST_LIFE_SECONDS = 1.0
# Codenames drawn beforehand, because drawing one takes a good part of a life.
MOST_DRAFTS = 60
SEED = 20261124


def run_rounds(
    service: Service, rounds: int, seed: int
) -> tuple[Ledger, list[Reporter]]:
    """Kill the service *rounds* times while reporters send."""
    dice = random.Random(seed)
    ledger = Ledger()
    reporters = [
        Reporter(
            lambda: service.visitor(timeout_seconds=30),
            ledger,
            random.Random(seed + number),
        )
        for number in range(1, REPORTERS + 1)
    ]
    service.start()
    for number in range(min(rounds, MOST_DRAFTS)):
        reporters[number % REPORTERS].draw()
    service.kill()
    for _ in range(rounds):
        service.start()
        enough = threading.Event()
        threads = [
            threading.Thread(target=reporter.work, args=[enough])
            for reporter in reporters
        ]
        for thread in threads:
            thread.start()
        time.sleep(dice.uniform(0, LONGEST_LIFE_SECONDS))
        service.kill()
        enough.set()
        for thread in threads:
            thread.join()
    return ledger, reporters


def check(service: Service, ledger: Ledger, reporters: list[Reporter]) -> None:
    """Compare what is in intake with what the reporters know."""
    # Opening and parsing is strict: an item in parts would raise.
    items = service.opened_items()
    ledger.compare(items)
    intake, _pieces, mailbox = service.counts()
    assert len(items) == intake
    assert 0 == mailbox % 256
    assert [] == list((service.directory / "spool").iterdir())

    service.start()
    for reporter in reporters:
        if case := reporter.case:
            page = service.visitor().sign_in(case.codename).text
            assert [] == [mark for mark in case.acknowledged if mark not in page]


def test_nothing_acknowledged_is_lost(made: Service) -> None:
    """
    Whatever was acknowledged is there after every kill, once and whole; whatever
    was not is there once and whole, or not at all.
    """
    ledger, reporters = run_rounds(made, ROUNDS, SEED)

    check(made, ledger, reporters)


@pytest.mark.postgres
def test_nothing_acknowledged_is_lost_on_postgres(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    """
    The same holds on PostgreSQL.
    """
    url = postgres.create_database("kills")
    with made_service(tmp_path, database=url) as service:
        ledger, reporters = run_rounds(service, ROUNDS_ON_POSTGRES, SEED + 100)

        check(service, ledger, reporters)
