"""
Quiet gunicorn: what holds for every site of ours, whoever it is for.

    QuietSite --+-- ops.serving         the reporters' site, the courier
                +-- ops.desk_serving    the screens of a desk
    QuietWorker                         what runs in each of their processes

Nothing is logged about requests, no configuration file and no variable counts, and
nobody steers it but by signals.
"""

from typing import Any, Final

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # No hints.
from gunicorn.workers.gthread import (  # type: ignore[import-untyped]  # No hints.
    ThreadWorker,
)

from ops.discreet_logger import DiscreetLogger

# A desk, too, is closed in order however busy the machine is: its agent ends with it.
GRACEFUL_SECONDS: Final = 30
# An upload of 200 MB over a slow circuit, or an import of an hour, takes longer than
# gunicorn's 30 s; with threads this only limits how long a worker may not answer its
# master.
WORKER_SECONDS: Final = 120


class QuietWorker(ThreadWorker):  # type: ignore[misc]  # The base class is untyped.
    """
    A worker that ends in order, whatever it was doing when it was told.

    Gunicorn's own raises `SystemExit` out of the signal's handler.  Python drops that
    with a traceback while it collects garbage, and a request that is just being handed
    to a thread leaves both waiting for the same lock.
    """

    def handle_quit(self, sig: int, frame: object) -> None:
        """Answer what has been asked, and end; gunicorn calls it on SIGINT, SIGQUIT."""
        self.handle_exit(sig, frame)


_EVERY_SITE: Final[dict[str, Any]] = {
    "timeout": WORKER_SECONDS,
    "graceful_timeout": GRACEFUL_SECONDS,
    # Each worker opens what it serves for itself.
    "preload_app": False,
    "umask": 0o077,
    "accesslog": None,
    "errorlog": "-",
    "loglevel": "warning",
    "worker_class": QuietWorker,
    "logger_class": DiscreetLogger,
    "control_socket_disable": True,
}


class QuietSite(BaseApplication):  # type: ignore[misc]  # The base class is untyped.
    """A site as gunicorn runs it."""

    def settings(self) -> dict[str, Any]:
        """Return the settings of this site, by gunicorn's names."""
        # Gunicorn's own base is no ABC; each site says its settings.
        raise NotImplementedError

    def load_config(self) -> None:
        """Set everything here; gunicorn calls it."""
        for name, value in (_EVERY_SITE | self.settings()).items():
            self.cfg.set(name, value)
