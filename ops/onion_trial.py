"""
Bisik behind onion services, for one person to try out.

    DIR/network      a private Tor network on this machine, unless the real one is used
    DIR/server/onion the server's tor, as in earnest
    DIR/officer      the key with which the officer's browser reaches the courier

With the private network there is no internet, and no anonymity either: whoever has
the machine has every relay.  The keys stay from one start to the next, and with them
the addresses.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from journalist_app.durable import new_file
from ops.accounts import simple_user_name
from ops.edge import Edge
from ops.newcomer import OFFICER, Playground
from ops.onion import NoAddress, Onion, prepare_onion, write_torrc
from ops.server import read_settings
from tor.address import OnionAddress
from tor.authorization import client_of, new_client
from tor.control import wait_until_in_network
from tor.errors import NetworkNotReady, TorError, TorRefused, TorUnreachable
from tor.network import PrivateNetwork
from tor.program import TorProcess, find_tor

BOOTSTRAP_SECONDS: Final = 60.0
PUBLIC_BOOTSTRAP_SECONDS: Final = 300.0
KEY_FILE: Final = "courier.key"
CLIENT_FILE: Final = "courier.auth_private"


@dataclass(frozen=True)
class OnionTrial:
    """
    What a newcomer needs to know.

    Attributes:
        reporters: Address of the reporters' site.

        courier: Address of the courier.

        reporter_port: Where a reporter's browser finds the private network; None on
            the real one.

        officer_port: Where an officer's browser does.

        access_key: What Tor Browser asks for at the courier's address.

        tors: All that were started, the server's first.
    """

    reporters: OnionAddress
    courier: OnionAddress
    reporter_port: int | None
    officer_port: int | None
    access_key: str = field(repr=False)
    tors: tuple[TorProcess, ...]


@contextmanager
def onion_beside(
    playground: Playground,
    edge: Edge,
    *,
    public: bool,
    say: Callable[[str], object],
) -> Iterator[OnionTrial]:
    """
    Let tor run for as long as the block lasts.

    Args:
        playground: Made by `prepare`.

        edge: Clock and randomness.

        public: Whether the real Tor network is used.

        say: Told how far tor has come, which takes long on the real network.

    Raises:
        TorMissing, TorRefused, UnusableTorPath, NetworkNotReady, TorUnreachable: As
            they say.
    """
    parent = playground.server.parent
    onion = Onion.of(playground.server, read_settings(playground.server))
    if not public:
        # A private network begins anew each time: what is known of the last one leads
        # nowhere, and tor would try it for minutes.
        shutil.rmtree(onion.state, ignore_errors=True)
    prepare_onion(onion, entropy=edge.entropy)
    access_key = _officers_key(parent / "officer", onion, edge)
    with ExitStack() as running:
        network = None
        if not public:
            network = running.enter_context(PrivateNetwork(parent / "network"))
        write_torrc(onion, onion.torrc, network=network.torrc_lines if network else ())
        log = onion.directory / "tor.log"
        tor = running.enter_context(
            TorProcess(onion.torrc, log=log, program=find_tor())
        )
        with saying_why(tor):
            courier = onion.wait_for_address(onion.officers)
        reporter_port = officer_port = None
        if network is not None:
            _write_client_file(parent / "officer", access_key, courier)
            reporter_port = network.client("reporter").socks_port
            officer_port = network.client(
                "officer", key_directory=parent / "officer"
            ).socks_port
        with saying_why(tor):
            if public:
                wait_until_public(onion, say)
            else:
                wait_until_in_network(onion.control_socket, seconds=BOOTSTRAP_SECONDS)
        yield OnionTrial(
            reporters=onion.wait_for_address(onion.reporters),
            courier=courier,
            reporter_port=reporter_port,
            officer_port=officer_port,
            access_key=access_key,
            tors=(tor, *(network.tors if network else ())),
        )


def wait_until_public(
    onion: Onion,
    say: Callable[[str], object],
    *,
    seconds: float = PUBLIC_BOOTSTRAP_SECONDS,
) -> None:
    """
    Wait until tor is in the real network.

    Args:
        onion: Of which server.

        say: Told how far tor has come, line by line.

        seconds: How long.

    Raises:
        TorUnreachable: If it takes longer.
    """
    say(f"It may take up to {seconds / 60:.0f} minutes, and needs the internet:")
    try:
        wait_until_in_network(
            onion.control_socket,
            seconds=seconds,
            tell=lambda bootstrap: say(f"    {bootstrap}"),
        )
    except NetworkNotReady as error:
        raise TorUnreachable(str(error)) from None


@contextmanager
def saying_why(tor: TorProcess) -> Iterator[None]:
    """Say why tor has ended, and not only that it does not answer."""
    try:
        yield
    except (NoAddress, TorError):
        if not tor.running:
            raise TorRefused(f"tor has ended: {tor.last_words()}") from None
        raise


def _officers_key(folder: Path, onion: Onion, edge: Edge) -> str:
    """Return the officer's private key, which is granted access."""
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / KEY_FILE
    if not path.exists():
        with new_file(path) as file:
            file.write(new_client(edge.entropy).private_key.encode("ascii"))
    client = client_of(path.read_text("ascii"))
    name = simple_user_name(OFFICER)
    if onion.clients.list().get(name) != client.public_key:
        if name in onion.clients.list():
            onion.clients.revoke(name)
        onion.clients.grant(name, client.public_key)
    return client.private_key


def _write_client_file(folder: Path, access_key: str, courier: OnionAddress) -> None:
    line = client_of(access_key).private_line(courier)
    with new_file(folder / CLIENT_FILE, replace=True) as file:
        file.write(f"{line}\n".encode("ascii"))
