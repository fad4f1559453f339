"""
Footprint: the memory of a whole tree of processes, while something happens.

    with Footprint(service.members) as footprint:
        ...
    footprint.peak_bytes - footprint.before_bytes

What counts is PSS, the proportional set size: a page that n processes share
counts one nth in each, so that the sum over all processes counts every page once.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

SAMPLE_SECONDS = 0.03


class Footprint:
    """
    Look again and again how much memory some processes have.

    The processes are asked for anew each time: gpg comes and goes with each item.

    Attributes:
        before_bytes: At the beginning.

        peak_bytes: The most that was seen.

        samples: How often it was looked at.
    """

    def __init__(self, members: Callable[[], Sequence[int]]) -> None:
        self._members = members
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.before_bytes = 0
        self.peak_bytes = 0
        self.samples = 0

    def __enter__(self) -> Self:
        self.before_bytes = self.peak_bytes = self._look()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._enough.set()
        self._thread.join()

    @property
    def growth_bytes(self) -> int:
        """How much more there was at the peak than before."""
        return self.peak_bytes - self.before_bytes

    def _watch(self) -> None:
        while not self._enough.wait(SAMPLE_SECONDS):
            self.peak_bytes = max(self.peak_bytes, self._look())
            self.samples += 1

    def _look(self) -> int:
        return sum(_pss_bytes(process) for process in self._members())


def _pss_bytes(process: int) -> int:
    # Gone since it was listed, or a gpg that is just being started.
    with contextlib.suppress(OSError):
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
        for line in rollup.splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
