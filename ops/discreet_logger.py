"""The log of gunicorn: that something failed, and not in which request."""

import sys

from gunicorn.glogging import Logger  # type: ignore[import-untyped]  # No hints.


class DiscreetLogger(Logger):  # type: ignore[misc]  # The base class is untyped.
    """Log that something failed, and not in which request."""

    def exception(self, msg: object, *args: object, **kwargs: object) -> None:
        """Leave out the address, and the traceback with its values."""
        kind = sys.exc_info()[0]
        self.error("a step failed: %s", kind.__name__ if kind else "unknown")

    def warning(self, msg: object, *args: object, **kwargs: object) -> None:
        """Leave out warnings: those of gunicorn quote what a client sent."""
