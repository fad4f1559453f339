"""
Tidying: everything that should go, once a day.

    mailbox rows past their day          docs/spec/deaddrop.md, section 5
    items that every active desk holds
    days on which answers appeared
    sessions of reporters and officers   the sites see to them as well, by the hour
    names that were tried in vain        after a day
    accounts of officers who were removed
    free pages, and the order of writing

What was removed is told by count only, and no count tells whether anybody was there:
each is rounded up to a step (`ops.coarse`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from deaddrop import DeadDrop, Tidied
from journalist_app.courier.signing_in import IDLE_SECONDS, LONGEST_SESSION_SECONDS
from journalist_app.durable import new_file
from ops.coarse import step_above
from ops.edge import Edge
from ops.server import Server
from source_app.sessions import TICK_SECONDS

TIDIED: Final = "tidied"
"""In the server directory: the day of the last tidying, for the doctor."""

# Longer than the longest wait: who is guessing is not let off by it.
ATTEMPT_SECONDS: Final = 24 * 60 * 60


@dataclass(frozen=True)
class Removed:
    """What went, by count."""

    by_day: Tidied
    sessions: int
    officers_sessions: int
    attempts: int
    accounts: int

    def lines(self) -> Iterator[str]:
        """Say it, in steps that tell nobody's visit."""
        counts = {
            "mailbox rows past their day": self.by_day.mailbox_rows,
            "items that every desk holds": self.by_day.items,
            "days of answers": self.by_day.release_days,
            "sessions of reporters": self.sessions,
            "sessions of officers": self.officers_sessions,
            "names tried in vain": self.attempts,
            "accounts of removed officers": self.accounts,
        }
        for name, count in counts.items():
            yield f"{name:30} fewer than {step_above(count)}"


def tidy_server(server: Server, edge: Edge) -> Removed:
    """
    Remove everything that should go, and note the day.

    Raises:
        DeadDropUnavailable: If the database cannot be written to.
    """
    today = server.today(edge)
    second = int(edge.now())
    sessions = forget_visits(server.drop, second)
    officers_sessions = forget_officers_sessions(server.drop, second)
    removed = Removed(
        sessions=sessions,
        officers_sessions=officers_sessions,
        attempts=server.drop.accounts.forget_attempts(
            until_before=second - ATTEMPT_SECONDS
        ),
        accounts=server.drop.accounts.forget_retired(),
        # The last one: it lays the database anew.
        by_day=server.drop.tidy(today),
    )
    with new_file(server.directory / TIDIED, replace=True) as file:
        file.write(f"{today}\n".encode("ascii"))
    return removed


def tidied_on(directory: Path) -> date | None:
    """Return the day of the last tidying; None if it is not known."""
    try:
        return date.fromisoformat((directory / TIDIED).read_text("ascii").strip())
    except (OSError, ValueError):
        return None


def forget_visits(drop: DeadDrop, second: int) -> int:
    """Forget the sessions of reporters who are gone; return how many."""
    return drop.sessions.purge(second // TICK_SECONDS)


def forget_officers_sessions(drop: DeadDrop, second: int) -> int:
    """Forget the sessions of officers that have ended; return how many."""
    return drop.accounts.forget_sessions(
        begun_before=second - LONGEST_SESSION_SECONDS,
        seen_before=second - IDLE_SECONDS,
    )
