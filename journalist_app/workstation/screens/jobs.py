"""
Jobs: what takes longer than a page, one at a time, with its progress.

An import of thousands of items runs in a thread of its own; the page that shows how
far it has come asks again every second.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from journalist_app.workstation.importing import ImportReport, Progress


@dataclass
class ImportJob:
    """An import that is running, or has ended; read it at any time."""

    bundle_name: str = field(repr=False)
    progress: Progress | None = None
    report: ImportReport | None = None
    failure: str | None = None

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.report is None and self.failure is None


class Jobs:
    """The one import that may run at a time."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._current: ImportJob | None = None
        self._thread: threading.Thread | None = None

    @property
    def current(self) -> ImportJob | None:
        """The import that runs, or the last one."""
        return self._current

    def start(
        self,
        bundle_name: str,
        work: Callable[[Callable[[Progress], object]], ImportReport],
        *,
        explain: Callable[[Exception], str],
    ) -> bool:
        """
        Start an import, unless one is running.

        Args:
            bundle_name: Shown on the page.

            work: Does it; is given whom to tell of its progress.

            explain: Makes a sentence of what went wrong.

        Returns:
            Whether it was started.
        """
        with self._guard:
            if self._current is not None and self._current.running:
                return False
            job = ImportJob(bundle_name)
            self._current = job

            def tell(progress: Progress) -> None:
                job.progress = progress

            def run() -> None:
                try:
                    job.report = work(tell)
                except Exception as error:  # noqa: BLE001 - Else the page waits for ever.
                    job.failure = explain(error)

            self._thread = threading.Thread(target=run, name="import", daemon=True)
            self._thread.start()
            return True

    def wait(self, seconds: float) -> None:
        """Wait for the running import to end."""
        if self._thread is not None:
            self._thread.join(seconds)
