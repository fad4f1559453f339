"""
The real service behind real onion services, on a private Tor network.

    with running_onions(folder, network) as onions:
        onions.reporter().visitor(onions.site).get("/")
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.server import COMMAND, ROOT, Service, made_service
from support.socks import Socks

from journalist_app.durable import new_file
from ops.doctor import Finding, Verdict, examine_onion
from ops.onion import Onion, prepare_onion, write_torrc
from ops.server import read_settings
from tor.address import OnionAddress
from tor.authorization import Client, new_client
from tor.control import connect
from tor.network import Client as TorClient
from tor.network import PrivateNetwork
from tor.program import WITH_PARENT, TorProcess, find_tor

READY_SECONDS = 60.0
PAUSE_SECONDS = 0.2
# Longer than tor takes to forget whom it has asked.
LOOK_SECONDS = 16.0


@dataclass
class Onions:
    """
    A running server behind Tor, and the people who want to reach it.

    Attributes:
        service: The server directory with its officer.

        onion: Its onion folder.

        tor: Its tor.

        officer_key: The officer's key pair; only its public half is on the server.

        officer_keys: The folder with their private key.

        reporter_tor: The tor of somebody without a key.

        officer_tor: The tor of somebody with the officer's key.

        courier_site: Holds the running courier.

        reporters_site: Holds the running reporters' site.
    """

    service: Service
    onion: Onion
    tor: TorProcess
    officer_key: Client
    officer_keys: Path
    reporter_tor: TorClient
    officer_tor: TorClient
    courier_site: ExitStack
    reporters_site: ExitStack

    @property
    def site(self) -> OnionAddress:
        """The reporters' address."""
        return self.onion.address(self.onion.reporters)

    @property
    def courier(self) -> OnionAddress:
        """The officers' address."""
        return self.onion.address(self.onion.officers)

    def reporter(self, user: str = "reporter") -> Socks:
        """Go through Tor without a key."""
        return Socks(self.reporter_tor.socks_port, user)

    def officer(self, user: str = "officer") -> Socks:
        """Go through Tor with the officer's key."""
        return Socks(self.officer_tor.socks_port, user)

    def hand_out_key(self) -> None:
        """Write the officer's private key for the address of now."""
        path = self.officer_keys / "courier.auth_private"
        with new_file(path, replace=True) as file:
            file.write(self.officer_key.private_line(self.courier).encode())

    def reload(self) -> None:
        """Let tor read its files again."""
        with connect(self.onion.control_socket) as control:
            control.reload()

    def findings(self) -> list[Finding]:
        """Return what `bisik onion status` finds."""
        return list(
            examine_onion(self.onion, self.service.edge, fetch_seconds=LOOK_SECONDS)
        )

    def wait_until_well(self, seconds: float = READY_SECONDS) -> None:
        """Wait until both services are known to the network, and answer."""
        until = time.monotonic() + seconds
        while bad := [one for one in self.findings() if one.verdict is Verdict.BAD]:
            assert time.monotonic() < until, (bad, self.tor.last_words())
            time.sleep(PAUSE_SECONDS)

    def courier_anew(self) -> None:
        """Start the courier once more, which reads its address when it starts."""
        self.courier_site.close()
        self.courier_site.enter_context(serving(self.service, "courier", "serve"))

    def site_anew(self) -> None:
        """Start the reporters' site once more."""
        self.reporters_site.close()
        self.reporters_site.enter_context(serving(self.service, "serve"))


@contextmanager
def short_folder() -> Iterator[Path]:
    """Give a folder whose path leaves room for the sockets in it."""
    with tempfile.TemporaryDirectory(prefix="bisik-tor-") as name:
        yield Path(name)


@contextmanager
def serving(service: Service, *command: str) -> Iterator[None]:
    """Run one of the sites as an onion service for as long as the block lasts."""
    with (
        service.log.open("ab") as log,
        subprocess.Popen(
            [*WITH_PARENT, *COMMAND, *command, "--onion"],
            cwd=ROOT,
            env={
                **os.environ,
                "BISIK_DIRECTORY": str(service.directory),
                "TMPDIR": str(service.temporary),
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            yield
        finally:
            process.terminate()


@contextmanager
def running_onions(
    base: Path,
    network: PrivateNetwork,
    *,
    before_start: Callable[[Service], None] = lambda service: None,
) -> Iterator[Onions]:
    """
    Make a service with one officer who has access, and put it behind Tor.

    Args:
        base: An existing folder.

        network: Where it is.

        before_start: Changes the settings.
    """
    keys = base / "keys"
    keys.mkdir(mode=0o700)
    with ExitStack() as running:
        service = running.enter_context(made_service(base))
        before_start(service)
        onion = Onion.of(service.directory, read_settings(service.directory))
        prepare_onion(onion, entropy=os.urandom)
        officer_key = new_client(os.urandom)
        onion.clients.grant("petugas-uji", officer_key.public_key)
        write_torrc(onion, onion.torrc, network=network.torrc_lines)
        tor = running.enter_context(
            TorProcess(onion.torrc, log=base / "tor.log", program=find_tor())
        )
        courier = onion.wait_for_address(onion.officers)
        (keys / "courier.auth_private").write_text(officer_key.private_line(courier))
        reporters_site = running.enter_context(ExitStack())
        reporters_site.enter_context(serving(service, "serve"))
        courier_site = running.enter_context(ExitStack())
        courier_site.enter_context(serving(service, "courier", "serve"))
        onions = Onions(
            service=service,
            onion=onion,
            tor=tor,
            officer_key=officer_key,
            officer_keys=keys,
            reporter_tor=network.client("reporter"),
            officer_tor=network.client("officer", key_directory=keys),
            courier_site=courier_site,
            reporters_site=reporters_site,
        )
        onions.wait_until_well()
        yield onions
