"""
A power-cut loses nothing that was acknowledged, and leaves nothing in halves.

Several reporters send reports, messages and attachments; every process of the
service is killed at a random moment; it is started again on the same data; the
reporters go on, some of them by sending the very form again whose answer they
never got.
"""

import contextlib
import http.client
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.postgres import PostgresServer
from support.server import Service, made_service
from support.site import OpenedItem
from support.visitor import Page, Upload, Visitor

pytestmark = [pytest.mark.journey, pytest.mark.slow]

# 200 rounds take some six minutes on two cores.
ROUNDS = int(os.environ.get("BISIK_KILL_ROUNDS", "200"))
ROUNDS_ON_POSTGRES = max(10, ROUNDS // 10)
REPORTERS = 4
# Long enough for several items, so that the end comes at every step of one.
LONGEST_LIFE_SECONDS = 1.0
# Codenames drawn beforehand, because drawing one takes a good part of a life.
MOST_DRAFTS = 60
ATTACHMENT_BYTES = 200_000
SEED = 20261124

# What a killed server looks like from outside.
CUT_OFF = (OSError, http.client.HTTPException)


@dataclass
class Ledger:
    """What the reporters know: what they sent, and what was acknowledged."""

    sent: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    surprises: list[str] = field(default_factory=list)


@dataclass
class Case:
    """A codename, the window it is signed in at, and what was acknowledged in it."""

    visitor: Visitor
    codename: str
    acknowledged: list[str] = field(default_factory=list)


@dataclass
class Reporter:
    """
    Somebody who sends one thing after the other.

    Attributes:
        drafts: Codenames without a report; a session outlives a kill.

        case: The case at hand.

        unanswered: Sends the form again whose answer never came.
    """

    service: Service
    ledger: Ledger
    dice: random.Random
    drafts: list[Case] = field(default_factory=list)
    case: Case | None = None
    unanswered: Callable[[], None] | None = None

    def draw(self) -> None:
        """Get a codename and sign in, up to the empty form."""
        visitor = self.service.visitor(timeout_seconds=30)
        self.drafts.append(Case(visitor, visitor.draw_codename()))

    def work(self, enough: threading.Event) -> None:
        """Go on until the server is gone, or *enough* is set."""
        try:
            with contextlib.suppress(*CUT_OFF):
                while not enough.is_set():
                    self._step()
        except AssertionError as error:
            # A page that came whole was not the page it should be.
            self.ledger.surprises.append(str(error))

    def _step(self) -> None:
        again, self.unanswered = self.unanswered, None
        if again is not None and self.dice.random() < 0.5:
            self._send(again)
        elif self.case is None or self.dice.random() < 0.3:
            if not self.drafts:
                self.draw()
            self._report(self.drafts.pop())
        else:
            self.dice.choice([self._message, self._files])(self.case)

    def _report(self, case: Case) -> None:
        form = case.visitor.get("/report/write").hidden("/report/write")
        mark = self._mark("Judul")
        content = {"title": mark, "what": "Peristiwa di uji. " * 50, "go": "send"}
        fields = {**form, **content}

        def send() -> None:
            page = case.visitor.post("/report/write", fields, follow=False)
            self._answered(page, "/report/acknowledged", mark, case)
            self.case = case

        self._send(send)

    def _message(self, case: Case) -> None:
        form = case.visitor.get("/case/").hidden("/case/message")
        mark = self._mark("Pesan")
        fields = {**form, "text": mark, "go": "as-it-is"}

        def send() -> None:
            page = case.visitor.post("/case/message", fields, follow=False)
            self._answered(page, "/case/", mark, case)

        self._send(send)

    def _files(self, case: Case) -> None:
        form = case.visitor.get("/case/").hidden("/case/files")
        mark = self._mark("Berkas")
        file = Upload(mark, self.dice.randbytes(ATTACHMENT_BYTES))

        def send() -> None:
            page = case.visitor.upload("/case/files", form, [file], follow=False)
            self._answered(page, "/case/", mark, case)

        self._send(send)

    def _send(self, send: Callable[[], None]) -> None:
        # If it is cut off, it may be sent again.
        self.unanswered = send
        send()
        self.unanswered = None

    def _mark(self, kind: str) -> str:
        mark = f"{kind} {self.dice.randbytes(12).hex()}"
        self.ledger.sent.add(mark)
        return mark

    def _answered(self, page: Page, location: str, mark: str, case: Case) -> None:
        if (page.status, page.location) == (303, location):
            self.ledger.acknowledged.add(mark)
            case.acknowledged.append(mark)
        else:
            self.ledger.surprises.append(f"{page.status} {page.location} for {mark}")


def run_rounds(
    service: Service, rounds: int, seed: int
) -> tuple[Ledger, list[Reporter]]:
    """Kill the service *rounds* times while reporters send."""
    dice = random.Random(seed)
    ledger = Ledger()
    reporters = [
        Reporter(service, ledger, random.Random(seed + number))
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


def mark_of(item: OpenedItem) -> str:
    """Return what makes an item unique."""
    if item.report is not None:
        return item.report.title
    if item.message is not None:
        return item.message
    name, content = item.files[0]
    assert ATTACHMENT_BYTES == len(content)
    return name


def check(service: Service, ledger: Ledger, reporters: list[Reporter]) -> None:
    """Compare what is in intake with what the reporters know."""
    assert [] == ledger.surprises
    # Opening and parsing is strict: an item in parts would raise.
    items = service.opened_items()
    found = Counter(mark_of(item) for item in items)

    assert set() == ledger.acknowledged - found.keys(), "acknowledged, and lost"
    assert set() == found.keys() - ledger.sent, "never sent"
    assert [] == [mark for mark, count in found.items() if count > 1], "stored twice"
    assert ledger.acknowledged, "the test did not send anything"

    # Item and history are one transaction: no case has a gap or a double.
    sequences: dict[str, list[int]] = {}
    for item in items:
        sequences.setdefault(item.header.case_id, []).append(item.header.sequence)
    for found_sequences in sequences.values():
        assert list(range(len(found_sequences))) == found_sequences
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
