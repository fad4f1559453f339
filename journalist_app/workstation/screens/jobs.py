"""
Jobs: what takes longer than a page, one at a time, with its progress.

An import of thousands of items runs in a thread of its own; the page that shows how
far it has come asks again every second.  The bundles of a stick are one series: each is
an import of its own, and one that fails does not stop those behind it.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from journalist_app.workstation.import_report import ImportReport, Progress

Work = Callable[[Callable[[Progress], object]], ImportReport]


@dataclass
class ImportJob:
    """An import that waits, runs, or has ended; read it at any time."""

    bundle_name: str = field(repr=False)
    progress: Progress | None = None
    report: ImportReport | None = None
    failure: str | None = None

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.report is None and self.failure is None


class Jobs:
    """The one series of imports that may run at a time."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._series: tuple[ImportJob, ...] = ()
        self._thread: threading.Thread | None = None

    @property
    def current(self) -> ImportJob | None:
        """The import that runs, or the last one."""
        last = self._series[-1] if self._series else None
        return next((job for job in self._series if job.running), last)

    @property
    def series(self) -> tuple[ImportJob, ...]:
        """All imports that were started together, in their order."""
        return self._series

    def start(
        self,
        works: Sequence[tuple[str, Work]],
        *,
        explain: Callable[[Exception], str],
    ) -> bool:
        """
        Start imports, one after the other, unless one is running.

        Args:
            works: By a bundle's name, which is shown on the page, what imports it; it
                is given whom to tell of its progress.

            explain: Makes a sentence of what went wrong.

        Returns:
            Whether it was started.
        """
        with self._guard:
            if any(job.running for job in self._series):
                return False
            self._series = tuple(ImportJob(name) for name, _work in works)
            planned = tuple(zip(self._series, works, strict=True))

            def run() -> None:
                for job, (_name, work) in planned:
                    _run(job, work, explain)

            self._thread = threading.Thread(target=run, name="import", daemon=True)
            self._thread.start()
            return True

    def wait(self, seconds: float) -> None:
        """Wait for the running imports to end."""
        if self._thread is not None:
            self._thread.join(seconds)


def _run(job: ImportJob, work: Work, explain: Callable[[Exception], str]) -> None:
    def tell(progress: Progress) -> None:
        job.progress = progress

    try:
        job.report = work(tell)
    except Exception as error:  # noqa: BLE001 - Else the page waits for ever.
        job.failure = explain(error)
