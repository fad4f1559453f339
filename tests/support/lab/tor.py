"""
The private Tor network in a lab: the only thing that machines need to reach.

    with lab_tor(lab) as tor:
        tor.network.torrc_lines      # makes the tor of a machine a part of it
        tor.socks().visitor(address).get("/")

Relays listen on the router's address, clients on its loopback.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.lab.laboratory import Lab
from support.lab.network import ROUTER, Network
from support.onions import short_folder
from support.socks import Socks

from tor.network import Client, PrivateNetwork
from tor.socks import CONNECT_SECONDS


@dataclass(frozen=True)
class LabSocks(Socks):
    """
    A SOCKS port in the lab's network, used from outside of it.

    Attributes:
        network: Where it is.
    """

    network: Network | None = None

    def connect(
        self, address: str, *, seconds: float = CONNECT_SECONDS
    ) -> socket.socket:
        """
        Open a stream to an onion service.

        Raises:
            SocksRefused: If there is none.
        """
        assert self.network is not None
        with self.network.entered():
            return super().connect(address, seconds=seconds)


@dataclass(frozen=True)
class LabTor:
    """
    The Tor network of a lab.

    Attributes:
        network: Its relays; to be asked and started from inside the lab's network.

        lab: Where it is.
    """

    network: PrivateNetwork
    lab: Lab

    def client(self, name: str, *, key_directory: Path | None = None) -> Client:
        """
        Start a client.

        Args:
            name: Of its folder.

            key_directory: With its keys for services that are not for everybody.
        """
        with self.lab.network.entered():
            return self.network.client(name, key_directory=key_directory)

    def through(self, client: Client, user: str = "reporter") -> LabSocks:
        """Go through Tor by a client, on a circuit of one's own for each user."""
        return LabSocks(client.socks_port, user, network=self.lab.network)

    def way(self, client: Client, address: str, port: int = 22) -> str:
        """Return the command that connects to an onion service, for `Lab.lead`."""
        proxy = f"127.0.0.1:{client.socks_port}"
        return f"nc -X 5 -x {proxy} {address} {port}"


@contextmanager
def lab_tor(lab: Lab) -> Iterator[LabTor]:
    """Have a private Tor network in a lab."""
    with short_folder() as folder:
        network = PrivateNetwork(folder, address=ROUTER)
        with lab.network.entered():
            network.start()
        try:
            yield LabTor(network, lab)
        finally:
            network.stop()
