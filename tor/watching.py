"""
Watching: a tor that has ended is started again, and never in a hurry.

    ends --1 s--> started --ends--> 2 s --> started --ends--> 4 s ... 60 s at most
                     |
                     +-- runs for a minute: the next pause is 1 s again

Whoever watches looks now and then; nothing here waits.  In production systemd does
this, here it is done for `bisik run`.  It says that a tor has ended, and not why: that
is in the log of that tor.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from tor.program import TorProcess

FIRST_PAUSE_SECONDS: Final = 1
LONGEST_PAUSE_SECONDS: Final = 60
# Whoever ran for as long has not ended of how it was started.
STEADY_SECONDS: Final = 60


@dataclass
class _Watched:
    """
    One tor.

    Attributes:
        tor: It.

        started: When, by the clock.

        pause_seconds: Before it is started the next time.

        due: When it will be started again; None while it runs.
    """

    tor: TorProcess
    started: float
    pause_seconds: int = FIRST_PAUSE_SECONDS
    due: float | None = None


class Watch:
    """Some tors that were started, and are to run."""

    def __init__(
        self,
        tors: Iterable[TorProcess],
        *,
        clock: Callable[[], float],
        say: Callable[[str], object],
    ) -> None:
        """
        Args:
            tors: All of them run.

            clock: Seconds that never go back.

            say: Told one sentence each time that one has ended.
        """
        self._clock = clock
        self._say = say
        now = clock()
        self._watched = [_Watched(tor, now) for tor in tors]

    def look(self) -> None:
        """
        Start again what has ended, when its pause is over.

        Raises:
            OSError: If the machine cannot start anything more.
        """
        for watched in self._watched:
            self._look_at(watched, self._clock())

    def _look_at(self, watched: _Watched, now: float) -> None:
        if watched.due is not None:
            if now >= watched.due:
                watched.tor.restart()
                watched.started, watched.due = now, None
        elif not watched.tor.running:
            if now - watched.started >= STEADY_SECONDS:
                watched.pause_seconds = FIRST_PAUSE_SECONDS
            watched.due = now + watched.pause_seconds
            self._say(
                f"A tor has ended (its log: {watched.tor.log}); "
                f"it starts again in {watched.pause_seconds} s."
            )
            watched.pause_seconds = min(
                2 * watched.pause_seconds, LONGEST_PAUSE_SECONDS
            )
