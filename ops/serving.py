"""
Serving: the reporters' site, or the courier, under gunicorn, in this very process.

    master --fork--> worker --opens the server directory--> site
           --fork--> worker --opens the server directory--> site

Every worker opens the directory for itself, after the fork: neither the locks of
SQLite nor the connections of PostgreSQL survive one.  Nothing is logged about
requests, and what goes wrong in one is logged without its address or content.

Behind Tor, a site listens on a Unix socket and is called by its onion address.  The
socket may be one that systemd has opened already (`ops.activation`).
"""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flask import Flask

from crypto.keys import KEY_BYTES, RFC_9106_LOW_MEMORY, Stretcher, expand
from crypto.wordlist import load_wordlist
from deaddrop import DeadDrop
from fairness.allowances import Allowances, Use
from fairness.circuits import KEY_BYTES as PSEUDONYM_KEY_BYTES
from fairness.circuits import Pseudonyms
from journalist_app.courier.app import create_app as create_courier
from journalist_app.courier.services import Services as CourierServices
from journalist_app.courier.signing_in import SignIn
from ops.activation import UnfitSocket, activated_socket
from ops.circuits import AtTheDoor, CircuitWorker, nobody
from ops.edge import Edge
from ops.memory import private_memory
from ops.noticing import NoticeBoard
from ops.onion import Onion
from ops.quiet_gunicorn import QuietSite
from ops.server import Server, open_server, read_settings
from ops.settings import Settings
from ops.sweeping import Sweeper
from ops.tidying import forget_officers_sessions, forget_visits
from source_app.app import create_app
from source_app.crowd import DERIVATIONS, Crowd, Generosity
from source_app.reporting import Cases
from source_app.services import Services
from source_app.wire import Pace

# Most of them wait: for a turn, for the pace, for bytes of a slow circuit.
THREADS = 128
MOST_WORKERS = 2
# Argon2id takes 64 MiB each: two at once per worker bound what a crowd can take.
DERIVATIONS_AT_ONCE = DERIVATIONS.places


@dataclass(frozen=True)
class Made:
    """
    A site, ready to be served.

    Attributes:
        sweep: Removes the sessions that have ended by some second.

        crowded: Whether somebody waits for what slow visitors hold.
    """

    app: Flask
    sweep: Callable[[DeadDrop, int], object]
    crowded: Callable[[], bool] = nobody


Make = Callable[[Server, Edge], Made]


@dataclass(frozen=True)
class Door:
    """
    Where a site listens, and under which names it may be called.

    Attributes:
        address: As gunicorn takes it.

        hosts: Empty for any.
    """

    address: str
    hosts: tuple[str, ...]

    @property
    def behind_tor(self) -> bool:
        """Whether only a program on this machine that may open the socket gets in."""
        return self.address.startswith("unix:")


class Site(QuietSite):
    """A site as gunicorn runs it."""

    def __init__(
        self, directory: Path, door: Door, edge: Edge, make: Make, *, memory: Path
    ) -> None:
        """
        Args:
            directory: The server directory.

            door: Where it listens.

            edge: Clock and randomness.

            make: What makes the site in each worker.

            memory: A private folder in memory.
        """
        self._directory = directory
        self._memory = memory
        self._door = door
        self._edge = edge
        self._make = make
        self._opened = ExitStack()
        super().__init__()

    def settings(self) -> dict[str, Any]:
        """Return the settings of this site, by gunicorn's names."""
        return {
            "bind": [self._door.address],
            "workers": max(1, min(MOST_WORKERS, os.cpu_count() or 1)),
            "worker_class": CircuitWorker,
            # Tor says on the first line of a connection which circuit it is of.
            "proxy_protocol": "v1" if self._door.behind_tor else "off",
            # Gunicorn takes whoever uses a Unix socket for a proxy that may rewrite
            # the path and the scheme; here it is a stranger.
            "forwarder_headers": "",
            "secure_scheme_headers": {},
            "threads": THREADS,
            # The heartbeat of the workers must not wait for a disk.
            "worker_tmp_dir": str(self._memory),
            "proc_name": "bisik",
        }

    def load(self) -> AtTheDoor:
        """Open the server directory and make the site; called in each worker."""
        server = self._opened.enter_context(open_server(self._directory, self._edge))
        hosts = list(self._door.hosts)
        settings = server.settings.model_copy(
            update={"hosts": hosts, "courier_hosts": hosts}
        )
        made = self._make(replace(server, settings=settings), self._edge)
        sweeper = Sweeper(lambda: made.sweep(server.drop, int(self._edge.now())))
        self._opened.callback(sweeper.stop)
        return AtTheDoor(made.app, crowded=made.crowded)


def reporters_site(server: Server, edge: Edge) -> Made:
    """Make the reporters' site."""
    parts = make_services(server, edge)
    return Made(
        create_app(parts), forget_visits, crowded=lambda: parts.crowd.uploads_wait
    )


def couriers_site(server: Server, edge: Edge) -> Made:
    """Make the courier's site."""
    app = create_courier(make_courier_services(server, edge))
    return Made(app, forget_officers_sessions)


def make_courier_services(server: Server, edge: Edge) -> CourierServices:
    """Put together what the courier's site is made of."""
    hour = server.release_hour()
    requests = server.settings.circuit_requests_per_minute
    return CourierServices(
        drop=server.drop,
        keyring=server.keyring,
        sign_in=make_sign_in(server, edge),
        profile=server.profile,
        spool_directory=server.spool_directory,
        # Cookies and forms of one site mean nothing to the other.
        secret_key=expand(
            server.installation.secret_key, "bisik/v1/courier/forms", KEY_BYTES
        ),
        hosts=tuple(server.settings.courier_hosts),
        today=lambda: server.today(edge),
        release_day=lambda: hour.next_after(edge.now()) if hour else None,
        allowances=Allowances({Use.REQUESTS: requests}),
        pseudonyms=Pseudonyms(edge.entropy(PSEUDONYM_KEY_BYTES)),
    )


def make_sign_in(server: Server, edge: Edge) -> SignIn:
    """Return what makes officers' accounts and lets officers in."""
    return SignIn(
        server.drop,
        key=server.courier_key(edge),
        now=edge.now,
        entropy=edge.entropy,
        at_once=DERIVATIONS_AT_ONCE,
    )


def make_services(server: Server, edge: Edge) -> Services:
    """Put together what the reporters' site is made of."""
    return Services(
        drop=server.drop,
        cases=Cases(
            drop=server.drop,
            keyring=server.keyring,
            profile=server.profile,
            calendar=server.calendar,
            spool_directory=server.spool_directory,
            follow=lambda: server.synchronise(edge),
        ),
        profile=server.profile,
        stretcher=Stretcher(
            server.installation.salt,
            cost=RFC_9106_LOW_MEMORY,
            at_once=DERIVATIONS_AT_ONCE,
        ),
        wordlists=(load_wordlist("id"), load_wordlist("en")),
        secret_key=server.installation.secret_key,
        hosts=tuple(server.settings.hosts),
        today=lambda: server.today(edge),
        now=edge.now,
        release_hour=server.release_hour(),
        pace=Pace(
            tick_seconds=server.settings.pace_milliseconds / 1000,
            clock=time.monotonic,
            sleep=time.sleep,
        ),
        crowd=make_crowd(server.settings, edge),
        notice=NoticeBoard(server.directory, today=lambda: server.today(edge)),
    )


def make_crowd(settings: Settings, edge: Edge) -> Crowd:
    """Return what lets this worker's visitors in, and puts them in lines."""
    return Crowd(
        Generosity(
            requests=settings.circuit_requests_per_minute,
            derivations=settings.circuit_sign_ins_per_minute,
            upload_mebibytes=settings.circuit_megabytes_per_minute,
            patience_seconds=settings.patience_seconds,
        ),
        # Drawn after the fork, and kept nowhere.
        pseudonym_key=edge.entropy(PSEUDONYM_KEY_BYTES),
        clock=time.monotonic,
    )


def serve(
    directory: Path,
    edge: Edge,
    *,
    port: int | None = None,
    ready: Callable[[str], object],
    courier: bool = False,
    onion: bool = False,
) -> None:
    """
    Serve the reporters' site, or the courier, until a signal ends it.

    Args:
        directory: The server directory.

        edge: Clock and randomness.

        port: In place of the one in bisik.toml.

        ready: Told where the site is going to listen.

        courier: Whether it is the courier's site.

        onion: Whether it is an onion service of this machine, and so listens where
            the torrc says, and is called by its address only.

    Raises:
        NoAddress: If tor has not made the address yet.

        UnfitSocket: If systemd hands over a socket that is not this site's.

        As `open_server`, before anything listens.
    """
    handed = activated_socket(os.environ, pid=os.getpid())
    with open_server(directory, edge) as server:
        # What is wrong with the directory is told now, and not by each worker.
        server.keyring.assert_public_only()
        settings = server.settings
    hosts = settings.courier_hosts if courier else settings.hosts
    path = settings.courier_socket if courier else settings.socket
    if onion:
        place = Onion.of(directory, settings)
        service = place.officers if courier else place.reporters
        path = str(service.socket)
        hosts = hosts or place.names(service)
    if handed is not None and (handed != path or port is not None):
        # Whoever looks whether the site answers would look in the wrong place.
        name = "courier_socket" if courier else "socket"
        raise UnfitSocket(f"systemd hands over {handed}, and {name} is another one")
    if path and port is None:
        address = f"unix:{path}"
    else:
        usual = settings.courier_port if courier else settings.port
        address = f"127.0.0.1:{port or usual}"
    ready(address)
    door = Door(address, tuple(hosts))
    make = couriers_site if courier else reporters_site
    Site(directory, door, edge, make, memory=_memory(settings, edge)).run()


def serve_privately(directory: Path, edge: Edge, path: Path, *, courier: bool) -> None:
    """
    Serve a site on a socket that nobody knows of, until a signal ends it.

    Args:
        directory: The server directory.

        edge: Clock and randomness.

        path: The socket, in a folder that is closed to others.

        courier: Whether it is the courier's site.
    """
    door = Door(f"unix:{path}", ())
    make = couriers_site if courier else reporters_site
    memory = _memory(read_settings(directory), edge)
    Site(directory, door, edge, make, memory=memory).run()


def _memory(settings: Settings, edge: Edge) -> Path:
    return private_memory(settings.memory_directory or edge.memory, uid=os.getuid())
