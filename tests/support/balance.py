"""
Two machines of one installation behind one onion address, by Onionbalance.

    front address --+--> machine 0: tor, site --+--> one PostgreSQL
                    +--> machine 1: tor, site --+
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from support.identity import begin_anew
from support.onions import serving
from support.server import Service, made_service
from support.socks import Socks

from ops.onion import Onion, prepare_onion, write_torrc
from ops.server import read_settings
from tor.address import OnionAddress, address_of
from tor.control import connect, wait_until_in_network
from tor.network import PrivateNetwork
from tor.program import WITH_PARENT, TorProcess, find_tor

READY_SECONDS = 60.0
PAUSE_SECONDS = 5.0
# Onionbalance takes as many introduction points of each machine that it has found.
POINTS_OF_EACH = 2
ONIONBALANCE = Path(sys.executable).with_name("onionbalance")


@dataclass(frozen=True)
class Machine:
    """One of the machines: its site and its tor, which can be killed together."""

    address: OnionAddress
    tor: TorProcess
    running: ExitStack

    def kill(self) -> None:
        """Let it go as a power cut would."""
        self.tor.kill()
        self.running.close()


@dataclass(frozen=True)
class Balanced:
    """
    The machines, and the one address of both.

    Attributes:
        front: The address that people know.

        visiting: The tor of a visitor.

        visiting_control: Where the visitor's tor can be asked.
    """

    service: Service
    front: OnionAddress
    machines: Sequence[Machine]
    visiting: Socks
    visiting_control: Path

    def wait_until_both_are_known(self, seconds: float) -> None:
        """
        Wait until the descriptor that the visitor has leads to both machines.

        What Onionbalance publishes first may lead to the one that was quicker; some of
        the network's directories may still have that, and whoever has fetched it keeps
        it.  What the visitor's own tor fetches here, it keeps.
        """
        until = time.monotonic() + seconds
        with connect(self.visiting_control) as control:
            while (
                (published := control.published(self.front, seconds=PAUSE_SECONDS))
                is None
                or published.introduction_points is None
                or published.introduction_points < POINTS_OF_EACH * len(self.machines)
            ):
                assert time.monotonic() < until, published
                time.sleep(PAUSE_SECONDS)

    def begin_anew(self) -> None:
        """Let the visitor ask for a new identity."""
        begin_anew(self.visiting_control)


@contextmanager
def running_behind_one_address(
    base: Path, network: PrivateNetwork, database: str
) -> Iterator[Balanced]:
    """Make two machines with one database, and put them behind one address."""
    key = Ed25519PrivateKey.generate()
    front = address_of(key.public_key().public_bytes_raw())
    with ExitStack() as running:
        service = running.enter_context(made_service(base, database=database))
        second = base / "second"
        service.bisik("init", "--directory", second, "--join", "--database", database)
        organisation = service.organisation / "organisation.asc"
        service.bisik("organisation", "trust", organisation, "--directory", second)
        shutil.copy(service.directory / "bisik.toml", second / "bisik.toml")
        machines = []
        for directory in (service.directory, second):
            with (directory / "bisik.toml").open("a") as settings:
                settings.write(f'\nonion_front = "{front}"\n')
            machine = _machine(directory, service, network)
            running.callback(machine.running.close)
            machines.append(machine)
        balancing = network.client("front")
        visiting = network.client("visitor")
        # Onionbalance ends when its tor knows nothing of the network yet.
        wait_until_in_network(balancing.control_socket, seconds=READY_SECONDS)
        running.enter_context(
            _onionbalance(base, key, machines, balancing.control_socket)
        )
        yield Balanced(
            service,
            front,
            machines,
            Socks(visiting.socks_port),
            visiting.control_socket,
        )


def _machine(directory: Path, service: Service, network: PrivateNetwork) -> Machine:
    onion = Onion.of(directory, read_settings(directory))
    prepare_onion(onion, entropy=os.urandom)
    write_torrc(onion, onion.torrc, network=network.torrc_lines)
    running = ExitStack()
    log = directory.with_name(f"{directory.name}.log")
    tor = running.enter_context(TorProcess(onion.torrc, log=log, program=find_tor()))
    address = onion.wait_for_address(onion.reporters)
    running.enter_context(
        serving(service, "serve", "--directory", str(directory.absolute()))
    )
    return Machine(address, tor, running)


@contextmanager
def _onionbalance(
    base: Path,
    key: Ed25519PrivateKey,
    machines: Sequence[Machine],
    control_socket: Path,
) -> Iterator[None]:
    """Run Onionbalance, which publishes where both machines are introduced."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (base / "front.key").write_bytes(pem)
    instances = "".join(
        f"  - address: {machine.address}\n    name: machine{number}\n"
        for number, machine in enumerate(machines)
    )
    (base / "front.yaml").write_text(
        f"services:\n- instances:\n{instances}  key: {base}/front.key\n"
    )
    with (
        (base / "front.log").open("wb") as log,
        subprocess.Popen(
            [
                *(*WITH_PARENT, ONIONBALANCE, "-c", base / "front.yaml"),
                *("-s", control_socket, "--is-testnet", "-v", "info"),
            ],
            env={**os.environ, "HOME": str(base)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            yield
        finally:
            # Asked to end, it waits for a thread of its own, for ever at times.
            process.kill()
