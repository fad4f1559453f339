"""
Memory: what the processes of a sandbox hold together, looked at while they run.

    bwrap --> program --> program ...     anonymous and shared pages of all of them
      every tenth of a second: more than they may have together --> all are ended

A limit of setrlimit(2) is for one process, and a control group is not there on every
desk, or not ours to use.  So this looks at /proc, as proc(5) describes it.

What it cannot do: a program that is quick takes more for a tenth of a second.  How much
more is bounded by the limits of each process and by how many there may be.
"""

import threading
from collections.abc import Callable
from pathlib import Path

LOOK_EVERY_SECONDS = 0.1
_COUNTED = ("RssAnon:", "RssShmem:", "VmSwap:")
_KIBIBYTE = 1024


def held_bytes(process_id: int) -> int:
    """
    Return how much memory a process and all that it started hold.

    Pages of files are not counted: the kernel takes them back when it needs to.
    """
    total = 0
    waiting, seen = [process_id], set()
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        folder = Path("/proc") / str(one)
        try:
            status = (folder / "status").read_text("ascii", "replace")
            for task in (folder / "task").iterdir():
                children = (task / "children").read_text("ascii")
                waiting += map(int, children.split())
        except OSError:
            # It ended while we looked.
            continue
        total += sum(
            int(line.split()[1]) * _KIBIBYTE
            for line in status.splitlines()
            if line.startswith(_COUNTED)
        )
    return total


class MemoryWatch:
    """Ends a sandbox that holds too much memory."""

    def __init__(
        self, process_id: int, *, most_bytes: int, end: Callable[[], object]
    ) -> None:
        self._process_id = process_id
        self._most_bytes = most_bytes
        self._end = end
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="memory", daemon=True)
        self.exceeded = False

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(LOOK_EVERY_SECONDS):
            if held_bytes(self._process_id) > self._most_bytes:
                self.exceeded = True
                self._end()
                return
