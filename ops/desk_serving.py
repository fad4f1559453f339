"""
Serving a desk: its screens under gunicorn, on this machine only, for one browser.

    master --fork--> the one worker --opens the desk--> screens on 127.0.0.1,
                                                        named <random>.localhost

Cookies do not know ports: what a browser keeps for 127.0.0.1 it sends to whatever any
user of the machine serves there.  So each start has a host name of its own, which
nobody can guess; browsers take all names below localhost to be this machine (RFC 6761,
section 6.3), without asking anybody.  Other names are refused.

There is one worker, because a desk is open in one program at a time, and several
threads, so that pages answer while a bundle is being imported.  The link that lets a
browser in is shown on the terminal and nowhere else; with Enter there is a new one.
"""

import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from flask import Flask

from journalist_app.workstation.desk import (
    Desk,
    open_desk,
    read_record,
    unlocked_once,
)
from journalist_app.workstation.screens.access import Access
from journalist_app.workstation.screens.app import create_app
from journalist_app.workstation.screens.inspections import Inspections
from journalist_app.workstation.screens.jobs import Jobs
from journalist_app.workstation.screens.services import Services
from journalist_app.workstation.screens.shown import Shown
from journalist_app.workstation.screens.sticks import folders_for
from ops.edge import Edge
from ops.quiet_gunicorn import QuietSite

THREADS = 8
LOOPBACK = "127.0.0.1"
HOST_BYTES = 16


class DeskSite(QuietSite):
    """The screens of one desk as gunicorn runs them."""

    def __init__(
        self,
        directory: Path,
        edge: Edge,
        *,
        passphrase: bytes | None,
        port: int,
        sticks: tuple[Path, ...],
        ready: Callable[[str], object],
    ) -> None:
        self._directory = directory
        self._edge = edge
        self._passphrase = passphrase
        self._port = port
        self._sticks = sticks
        self._ready = ready
        self._opened = ExitStack()
        self._host = f"{edge.entropy(HOST_BYTES).hex()}.localhost"
        super().__init__()

    def settings(self) -> dict[str, Any]:
        """Return the settings of this site, by gunicorn's names."""
        return {
            "bind": [f"{LOOPBACK}:{self._port}"],
            "workers": 1,
            "threads": THREADS,
            "worker_tmp_dir": "/dev/shm",  # noqa: S108 - gunicorn makes a nameless file.
            "proc_name": "bisik-desk",
            "post_fork": lambda server, _worker: self._note_port(server),
            "worker_exit": lambda _server, _worker: self._opened.close(),
        }

    def load(self) -> Flask:
        """Open the desk and make its screens; called in the worker."""
        desk = self._opened.enter_context(
            open_desk(
                self._directory,
                passphrase=self._passphrase,
                entropy=self._edge.entropy,
            )
        )
        access = Access(self._edge.entropy)
        self._tell(access)
        if sys.stdin is not None and sys.stdin.isatty():
            threading.Thread(
                target=self._tell_again, args=(access,), daemon=True
            ).start()
        return create_app(self._services(desk, access))

    def _note_port(self, server: Any) -> None:
        # The one that the system has chosen, if it was asked to.
        self._port = server.LISTENERS[0].sock.getsockname()[1]

    def _services(self, desk: Desk, access: Access) -> Services:
        return Services(
            desk=desk,
            access=access,
            jobs=Jobs(),
            shown=Shown(),
            inspections=Inspections(),
            secret_key=self._edge.entropy(32),
            hosts=(f"{self._host}:{self._port}",),
            today=lambda: self._edge.today(desk.profile.zone),
            sticks=lambda: folders_for(desk, self._sticks),
        )

    def _tell(self, access: Access) -> None:
        self._ready(f"http://{self._host}:{self._port}/open/{access.new_link()}")

    def _tell_again(self, access: Access) -> None:
        for _line in sys.stdin:
            self._tell(access)


def serve_desk(
    directory: Path,
    edge: Edge,
    *,
    passphrase: bytes | None,
    port: int,
    sticks: tuple[Path, ...],
    ready: Callable[[str], object],
) -> None:
    """
    Serve a desk's screens until a signal ends it.

    Args:
        directory: The desk.

        edge: Clock and randomness.

        passphrase: Of the officer's key; None if it has none, or asks itself.

        port: On 127.0.0.1; 0 for any that is free.

        sticks: Folders to look for bundles in, besides removable media.

        ready: Told each one-time link.

    Raises:
        As `open_desk`, before anything listens.
    """
    with ExitStack() as stack:
        if read_record(directory).pinentry:
            # It remembers the passphrase until the worker needs it.
            stack.enter_context(unlocked_once(directory))
        with open_desk(directory, passphrase=passphrase, entropy=edge.entropy):
            # What is wrong with the desk is told now, and not by a worker.
            pass
        DeskSite(
            directory,
            edge,
            passphrase=passphrase,
            port=port,
            sticks=sticks,
            ready=ready,
        ).run()
