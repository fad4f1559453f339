"""What the site is built from; made at the outer edge and passed in."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from flask import current_app

from casework.notice import Notice
from casework.profile import Profile
from casework.release import ReleaseHour
from crypto.keys import Stretcher
from crypto.wordlist import Wordlist
from deaddrop import DeadDrop
from fairness.circuits import KEY_BYTES
from source_app.crowd import Crowd, Generosity
from source_app.reporting import Cases
from source_app.wire import AT_ONCE, Pace


@dataclass(frozen=True)
class Release:
    """The next time at which answers can appear."""

    day: date
    hour: int


def _no_notice() -> Notice | None:
    """Say nothing."""
    return None


@dataclass(frozen=True)
class Services:
    """
    The parts of a running site.

    Attributes:
        wordlists: The lists in use, the site's first language first.

        secret_key: Signs the tokens of forms; shared by all machines of a site.

        hosts: Names under which the site may be called; empty for any.

        today: The day it is, in the institution's time zone.

        now: Seconds since the epoch, for the end of sessions.

        release_hour: At which officers' answers appear; None for at once.

        pace: When answers of the site leave.

        crowd: Who is let in, and who waits for whom.

        notice: Returns what the operator says to everybody just now, if anything.
    """

    drop: DeadDrop
    cases: Cases
    profile: Profile
    stretcher: Stretcher
    wordlists: Sequence[Wordlist]
    secret_key: bytes = field(repr=False)
    hosts: tuple[str, ...]
    today: Callable[[], date]
    now: Callable[[], float]
    release_hour: ReleaseHour | None = None
    pace: Pace = AT_ONCE
    crowd: Crowd = field(
        default_factory=lambda: Crowd(Generosity(), pseudonym_key=os.urandom(KEY_BYTES))
    )

    notice: Callable[[], Notice | None] = _no_notice

    def released_through(self) -> date | None:
        """Return the last day whose answers can be seen; None for all."""
        if self.release_hour is None:
            return None
        return self.release_hour.last_before(self.now())

    def next_release(self) -> Release | None:
        """Return when the next answers can appear; None for at any time."""
        if self.release_hour is None:
            return None
        return Release(self.release_hour.next_after(self.now()), self.release_hour.hour)

    def wordlist(self, language: str) -> Wordlist:
        """Return the list of *language*, or the first one."""
        for wordlist in self.wordlists:
            if wordlist.language == language:
                return wordlist
        return self.wordlists[0]


def services() -> Services:
    """Return the parts of the site that answers the present request."""
    found: Services = current_app.extensions["bisik"]
    return found
