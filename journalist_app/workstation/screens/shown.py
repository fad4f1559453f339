"""
Shown: the last few things that were made of files, kept in memory while they are used.

    page --asks--> kept? ---------------------------------------> answer
                   made in a thread of its own, two at a time --> answer
                   not ready soon ------------------------------> BeingMade: ask again

Making pictures of a file takes a second or more, each page of it is asked for by
itself, and a hostile file takes minutes.  A request waits for a while, and few wait at
a time: so the threads that answer requests are never all held by one file, and the
queue of cases opens while it is being looked at.  Nobody stands in line: what nobody
asks for any more is not begun.  Nothing of it is ever on a disk.

What is made to be written elsewhere, such as a case file, is not kept here and takes
one of the two places all the same (`turn`), so that a machine never has three
sandboxes' work at once.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from typing import Any, TypeVar

MOST_KEPT = 4
MOST_MADE_AT_ONCE = 2
# Of the threads of a desk (ops/desk_serving.py), most are left for everything else.
MOST_WAITING = 3
PATIENCE_SECONDS = 3.0

T = TypeVar("T")


def pages_key(digest: bytes, position: int, first_page: int = 1) -> Hashable:
    """Return the key of the pages of an attachment, from its *first_page* on."""
    return ("pages", digest, position, first_page)


class BeingMade(Exception):
    """What was asked for is being made: ask again in a moment."""


class Shown:
    """What was made of files by their keys, the last ones only."""

    def __init__(self, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience_seconds = patience_seconds
        self._guard = threading.Condition(threading.Lock())
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)
        self._making = 0
        self._kept: OrderedDict[Hashable, Future[Any]] = OrderedDict()

    def get(
        self,
        key: Hashable,
        make: Callable[[], T],
        *,
        patience_seconds: float | None = None,
    ) -> T:
        """
        Return what is kept, and have it made if it is not there.

        Args:
            key: Says what it is; the same key, the same thing.

            make: Makes it, in a thread of its own; each key is made once at a time.

            patience_seconds: How long to wait for it; None for as long as usual.

        Raises:
            BeingMade: If it is not ready soon, or too much else is being made.

            Exception: Whatever *make* raises, once; then it is tried anew.
        """
        with self._guard:
            future = self._kept.get(key)
            if future is None:
                future = self._begin(key, make)
            self._kept.move_to_end(key)
        if not future.done():
            self._wait(future, patience_seconds or self._patience_seconds)
        try:
            made: T = future.result(timeout=0)
        except BaseException:
            with self._guard:
                if self._kept.get(key) is future:
                    del self._kept[key]
            raise
        return made

    @contextmanager
    def turn(self, *, patience_seconds: float) -> Iterator[None]:
        """
        Take a place among what is being made, for something that is not kept.

        Args:
            patience_seconds: How long to wait for one.

        Raises:
            BeingMade: If none is free soon, or too many wait already.
        """
        if not self._waiting.acquire(blocking=False):
            raise BeingMade(BeingMade.__doc__)
        try:
            with self._guard:
                if not self._guard.wait_for(
                    lambda: self._making < MOST_MADE_AT_ONCE, patience_seconds
                ):
                    raise BeingMade(BeingMade.__doc__)
                self._making += 1
        finally:
            self._waiting.release()
        try:
            yield
        finally:
            self._ended()

    def _begin(self, key: Hashable, make: Callable[[], T]) -> "Future[T]":
        if self._making == MOST_MADE_AT_ONCE:
            raise BeingMade(BeingMade.__doc__)
        future: Future[T] = Future()
        self._kept[key] = future
        ready = [one for one, kept in self._kept.items() if kept.done()]
        for one in ready[: max(0, len(self._kept) - MOST_KEPT)]:
            del self._kept[one]
        self._making += 1

        def run() -> None:
            try:
                made = make()
            except BaseException as error:  # noqa: BLE001 - Raised to whoever asks.
                self._ended()
                future.set_exception(error)
            else:
                self._ended()
                future.set_result(made)

        # It does not keep a desk that is being closed: its sandbox ends with it.
        threading.Thread(target=run, name="viewing", daemon=True).start()
        return future

    def _ended(self) -> None:
        with self._guard:
            self._making -= 1
            self._guard.notify()

    def _wait(self, future: "Future[T]", patience_seconds: float) -> None:
        if not self._waiting.acquire(blocking=False):
            raise BeingMade(BeingMade.__doc__)
        try:
            future.exception(timeout=patience_seconds)
        except FutureTimeoutError:
            raise BeingMade(BeingMade.__doc__) from None
        finally:
            self._waiting.release()
