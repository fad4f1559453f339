"""
Shown: the last few files that were looked at, kept in memory while they are.

Making pictures of a file takes a second or more, and each page of it is asked for by
itself.  Nothing of it is ever on a disk.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable

from journalist_app.workstation.viewing.viewer import View

MOST_FILES = 4

Key = tuple[bytes, int]


class Shown:
    """Views by item and position, the last ones only."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._views: OrderedDict[Key, View] = OrderedDict()

    def get(self, key: Key, make: Callable[[], View]) -> View:
        """Return a view, and make it if it is not there; one at a time."""
        with self._guard:
            if key not in self._views:
                self._views[key] = make()
            self._views.move_to_end(key)
            while len(self._views) > MOST_FILES:
                self._views.popitem(last=False)
            return self._views[key]
