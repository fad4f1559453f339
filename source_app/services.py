"""What the site is built from; made at the outer edge and passed in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from flask import current_app

from casework.profile import Profile
from crypto.keys import Stretcher
from crypto.wordlist import Wordlist
from deaddrop import DeadDrop
from source_app.reporting import Cases


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
