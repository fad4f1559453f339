"""
Reporters who send one thing after the other, whatever becomes of the server.

Each notes what it has sent and what was acknowledged, and what was not answered some
send again, as people do.  Whatever was acknowledged must be there in the end.
"""

import contextlib
import http.client
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from support.site import OpenedItem
from support.visitor import Page, Upload, Visitor

ATTACHMENT_BYTES = 200_000
# What a killed server looks like from outside.
CUT_OFF = (OSError, http.client.HTTPException)


@dataclass
class Ledger:
    """What the reporters know: what they sent, and what was acknowledged."""

    sent: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    surprises: list[str] = field(default_factory=list)

    def compare(self, items: Sequence[OpenedItem]) -> None:
        """Compare what is in intake with what the reporters know."""
        assert [] == self.surprises
        found = Counter(mark_of(item) for item in items)
        assert set() == self.acknowledged - found.keys(), "acknowledged, and lost"
        assert set() == found.keys() - self.sent, "never sent"
        assert [] == [mark for mark, count in found.items() if count > 1], "twice"
        assert self.acknowledged, "the test did not send anything"

        # Item and history are one transaction: no case has a gap or a double.
        sequences: dict[str, list[int]] = {}
        for item in items:
            sequences.setdefault(item.header.case_id, []).append(item.header.sequence)
        for found_sequences in sequences.values():
            assert list(range(len(found_sequences))) == found_sequences


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
        visit: Opens a new browser window.

        drafts: Codenames without a report; a session outlives a kill.

        case: The case at hand.

        unanswered: Sends the form again whose answer never came.
    """

    visit: Callable[[], Visitor]
    ledger: Ledger
    dice: random.Random
    drafts: list[Case] = field(default_factory=list)
    case: Case | None = None
    unanswered: Callable[[], None] | None = None

    def draw(self) -> None:
        """Get a codename and sign in, up to the empty form."""
        visitor = self.visit()
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


def mark_of(item: OpenedItem) -> str:
    """Return what makes an item unique."""
    if item.report is not None:
        return item.report.title
    if item.message is not None:
        return item.message
    name, content = item.files[0]
    assert ATTACHMENT_BYTES == len(content)
    return name
