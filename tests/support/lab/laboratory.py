"""
A lab: machines, the network between them, and the keys to get in.

    with running_lab() as lab:
        server = lab.machine("server", "10.77.0.11")
        server.boot()
        server.run("systemctl is-system-running")

Ansible and testinfra come in by `Lab.ssh_config`.
"""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from support.lab.base import base_tree, own_folder
from support.lab.container import Container
from support.lab.machine import Machine
from support.lab.network import Network
from support.lab.virtual import VirtualMachine

_SETTINGS = """\
Host *
    User root
    IdentityFile {key}
    IdentitiesOnly yes
    BatchMode yes
    LogLevel ERROR
    ConnectTimeout 60
    ServerAliveInterval 10
    # Machines come and go, and their names come again.
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
"""


class Lab:
    """The lab; made by `running_lab`."""

    def __init__(self, directory: Path, network: Network, base: Path) -> None:
        self.directory = directory
        self.network = network
        self.machines: dict[str, Machine] = {}
        self._base = base
        self._made: list[Machine] = []
        self._ssh: list[str | Path] = ["ssh", "-F", self.ssh_config]
        self._ways: dict[str, str] = {}
        subprocess.run(
            [
                *("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab"),
                *("-f", self._key),
            ],
            check=True,
        )
        self._write_ssh_config()

    @property
    def ssh_config(self) -> Path:
        """How ssh(1) gets to every machine by its name."""
        return self.directory / "ssh_config"

    @property
    def public_key(self) -> str:
        """The line that lets the lab in, as root."""
        return self._key.with_suffix(".pub").read_text()

    def machine(self, name: str, address: str) -> Container:
        """
        Make a machine that has never been booted.

        Args:
            name: Its host name.

            address: In 10.77.0.0/24; 10.77.0.1 is the router's.
        """
        machine = Container(
            name,
            address,
            directory=self.directory / name,
            base=self._base,
            network=self.network,
            ssh=self._ssh,
            public_key=self.public_key,
        )
        self._add(machine)
        return machine

    def virtual(self, container: Container) -> VirtualMachine:
        """
        Make a virtual machine with a copy of a container's disk.

        Args:
            container: It must be switched off.  The new machine has its name, its
                address, and the way that leads to it.
        """
        machine = VirtualMachine(
            container,
            directory=self.directory / f"{container.name}-virtual",
            network=self.network,
            ssh=self._ssh,
        )
        way = self._ways[container.name]
        self._add(machine)
        if not container.direct:
            self.lead(machine.name, way)
        return machine

    def lead(self, name: str, way: str) -> None:
        """
        Say how ssh gets to a machine.

        Args:
            name: Of the machine.

            way: A command that is run in the lab's network, and connects its input and
                output with the machine's ssh.
        """
        self.machines[name].direct = False
        self._ways[name] = way
        self._write_ssh_config()

    def lead_directly(self, name: str) -> None:
        """Let ssh go to port 22 of a machine's address again."""
        machine = self.machines[name]
        machine.direct = True
        self._ways[name] = f"nc {machine.address} 22"
        self._write_ssh_config()

    def close(self) -> None:
        """End all machines."""
        for machine in self._made:
            machine.discard()

    def _add(self, machine: Machine) -> None:
        self._made.append(machine)
        self.machines[machine.name] = machine
        self.lead_directly(machine.name)

    @property
    def _key(self) -> Path:
        return self.directory / "key"

    def _write_ssh_config(self) -> None:
        text = "".join(
            f"Host {name}\n"
            f"    ProxyCommand nsenter --net={self.network.path} -- {way}\n"
            for name, way in self._ways.items()
        )
        self.ssh_config.write_text(text + _SETTINGS.format(key=self._key))


@contextmanager
def running_lab() -> Iterator[Lab]:
    """Make a lab, and take it down with all that is in it."""
    base = base_tree()
    with ExitStack() as stack:
        # On the disk of the base tree: packages are linked, and fsync(2) means it.
        directory = stack.enter_context(own_folder())
        network = stack.enter_context(Network())
        lab = Lab(directory, network, base)
        stack.callback(lab.close)
        yield lab
