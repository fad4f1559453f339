"""Desks that write journals: three officers who act on one case and exchange events."""

from collections.abc import Iterable
from datetime import date

from casework.case_state import CaseState, Entry
from casework.folding import fold
from casework.journal import FIRST, Action, Event, digest_of

DAY = date(2027, 3, 5)
CASE = "0c" * 16


class JournalWriter:
    """One desk's journal of one case: it writes events and takes in those of others."""

    def __init__(self, desk_id: str, *, case_id: str = CASE) -> None:
        self.desk_id = desk_id
        self.case_id = case_id
        self.known: dict[str, Entry] = {}

    def write(self, action: Action, *, day: date = DAY) -> Entry:
        """Append an event behind all that this desk knows."""
        own = [
            entry
            for entry in self.known.values()
            if entry.event.desk_id == self.desk_id
        ]
        newest = max(own, key=lambda entry: entry.event.number, default=None)
        event = Event(
            desk_id=self.desk_id,
            number=newest.event.number + 1 if newest else 1,
            previous=newest.digest if newest else FIRST,
            clock=1
            + max((entry.event.clock for entry in self.known.values()), default=0),
            day=day,
            case_id=self.case_id,
            action=action,
        )
        entry = Entry(digest_of(event.to_json()), event)
        self.known[entry.digest] = entry
        return entry

    def take(self, entries: Iterable[Entry]) -> None:
        """Take in what another desk has written."""
        self.known.update((entry.digest, entry) for entry in entries)

    @property
    def state(self) -> CaseState:
        """What this desk shows."""
        return fold(self.known.values())


def exchange(*writers: JournalWriter) -> None:
    """Let all of them know what any of them knows."""
    everything = [entry for writer in writers for entry in writer.known.values()]
    for writer in writers:
        writer.take(everything)
