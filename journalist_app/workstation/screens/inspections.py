"""
Inspections: what texts and files say about their makers, kept while the desk is open.

    page --wants all of a case--> known by now, after a moment
                      the rest --two at a time, what was asked for last first--> kept

The exposure check shows what all items of a case say at once, and shows it again for
each passage that is blackened.  A hostile file takes as long as its sandbox allows, and
a case can have many: so no page waits for all of them.  It shows what is known, says
what is not, and can be loaded again.  Nothing of it is ever on a disk.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeAlias

MOST_KEPT = 4096  # A few lines each; never fewer than one page wants.
MOST_AT_ONCE = 2
# Of the threads of a desk (ops/desk_serving.py), most are left for everything else.
MOST_WAITING = 2
PATIENCE_SECONDS = 3.0

Wanted: TypeAlias = Mapping[Hashable, Callable[[], Any]]


class Inspections:
    """What was found by keys that say what was looked at, the last ones only."""

    def __init__(self, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """
        Args:
            patience_seconds: How long a page waits, for all that it wants together.
        """
        self._patience_seconds = patience_seconds
        self._changed = threading.Condition()
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._failed: dict[Hashable, Exception] = {}
        self._queue: OrderedDict[Hashable, Callable[[], Any]] = OrderedDict()
        self._at_work: set[Hashable] = set()
        self._last_wanted: frozenset[Hashable] = frozenset()

    def look(self, wanted: Wanted, *, wait: bool = True) -> dict[Hashable, Any]:
        """
        Return what is known, after a moment; the rest is looked at meanwhile.

        Args:
            wanted: By key what looks, in the order in which it matters.

            wait: Whether to wait that moment.

        Raises:
            Exception: Whatever one of them raised, once; then it is tried anew.

        Returns:
            By key what was found.  Whoever asks again gets more, until all is there.
        """
        with self._changed:
            self._last_wanted = frozenset(wanted)
            for key in reversed(list(wanted)):
                if key in self._kept:
                    self._kept.move_to_end(key)
                elif key not in self._at_work and key not in self._failed:
                    self._queue[key] = wanted[key]
                    # A case full of hostile files does not hold up the next one.
                    self._queue.move_to_end(key, last=False)
            while len(self._at_work) < MOST_AT_ONCE and self._queue:
                self._begin()
        if wait:
            self._wait_for(wanted)
        with self._changed:
            for key in wanted:
                if key in self._failed:
                    raise self._failed.pop(key)
            return {key: self._kept[key] for key in wanted if key in self._kept}

    def _wait_for(self, wanted: Wanted) -> None:
        if not self._waiting.acquire(blocking=False):
            return
        try:
            with self._changed:
                self._changed.wait_for(
                    lambda: all(
                        key in self._kept or key in self._failed for key in wanted
                    ),
                    timeout=self._patience_seconds,
                )
        finally:
            self._waiting.release()

    def _begin(self) -> None:
        """Take the next one from the queue; whoever calls holds the lock."""
        key, make = self._queue.popitem(last=False)
        self._at_work.add(key)
        # It does not keep a desk that is being closed: its sandbox ends with it.
        threading.Thread(
            target=self._run, args=(key, make), name="inspecting", daemon=True
        ).start()

    def _run(self, key: Hashable, make: Callable[[], Any]) -> None:
        try:
            made = make()
        except Exception as error:  # noqa: BLE001 - Raised to whoever asks.
            self._ended(key, self._failed, error)
        else:
            self._ended(key, self._kept, made)

    def _ended(self, key: Hashable, where: dict[Hashable, Any], made: object) -> None:
        with self._changed:
            where[key] = made
            self._at_work.discard(key)
            for old in list(self._kept)[: max(0, len(self._kept) - MOST_KEPT)]:
                # Else a case with more than that would never be looked at whole.
                if old not in self._last_wanted:
                    del self._kept[old]
            if self._queue:
                self._begin()
            self._changed.notify_all()
