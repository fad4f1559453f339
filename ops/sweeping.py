"""
Sweeping: sessions go while a site runs, whether or not anybody comes.

    worker of a site --every quarter of an hour--> sessions that have ended are removed

A site that only swept when somebody came would keep the session of its last visitor
until the next one.  Rows know their age only modulo two and a half hours
(`deaddrop.sessions`), so that they must be looked at every half hour at least.
"""

import logging
import threading
from collections.abc import Callable

from deaddrop import DeadDropError

SWEEP_SECONDS = 15 * 60

log = logging.getLogger("bisik.ops")


class Sweeper:
    """A thread that sweeps until the process ends, or `stop` is called."""

    def __init__(
        self, sweep: Callable[[], object], *, every_seconds: float = SWEEP_SECONDS
    ) -> None:
        """
        Begin, with a sweep at once: a site that was off has swept nothing.

        Args:
            sweep: Removes what has ended.  If the database is out of reach, the next
                time will do.

            every_seconds: How often.
        """
        self._sweep = sweep
        self._every_seconds = every_seconds
        self._ending = threading.Event()
        # A daemon: the worker must not wait for it when it ends.
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                self._sweep()
            except DeadDropError as error:
                log.error("old sessions could not be removed: %s", error)
            if self._ending.wait(self._every_seconds):
                return
