"""
Inspections: what files say about whoever made them, kept while the desk is open.

    item, position --not kept--> sandbox --> a few lines, kept

The exposure check shows what all files of a case say at once, and shows it again for
each passage that is blackened.  Nothing of it is ever on a disk.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable

from casework.traces import Inspection

MOST_KEPT = 512  # A few lines each.

Key = tuple[bytes, int]


class Inspections:
    """Inspections by item and position, the last ones only."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._kept: OrderedDict[Key, Inspection] = OrderedDict()

    def get(self, key: Key, make: Callable[[], Inspection]) -> Inspection:
        """
        Return what is kept, or have it made: nobody else waits for that.

        Args:
            key: Digest of the item, and the file's position in it.

            make: Looks into the file.
        """
        with self._guard:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._guard:
            self._kept[key] = made
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return made
