"""
A server that the playbook has deployed, and the people who use it over Tor.

    server = Deployed(lab, tor, ministry, machine, release, key, operator, folder)
    server.deploy("first"); server.admit_people(); server.wait_until_well()
    server.visitor("ani").draw_codename()

Nobody here knows more than their counterpart in life: reporters the address, officers
their account and their key, administrators the inventory and their keys.
"""

import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from support.backups import Operator
from support.identity import begin_anew, reached_anew
from support.lab.container import Container
from support.lab.laboratory import Lab
from support.lab.machine import Machine, MachineFault
from support.lab.ministry import ADMINISTRATOR, Account, Ministry
from support.lab.network import PREFIX_BITS, ROUTER
from support.lab.playbook import Recap, run_playbook
from support.lab.tor import LabSocks, LabTor
from support.visitor import Visitor

from tor.address import OnionAddress
from tor.network import Client

ONION = "/var/lib/tor/bisik"
WELL_SECONDS = 120.0
# A service begun anew is known to the network after some seconds.
REACH_SECONDS = 420.0
ROLE = "verifikator"
_PAUSE_SECONDS = 1.0


@dataclass
class Deployed:
    """
    A deployed server.

    Attributes:
        machine: The one it is on now; a container or a virtual machine.

        release: The folder of what is installed.

        release_key: The public key of whoever signs releases.

        operator: Whoever can open backups.

        folder: For logs and keys.

        settings: Variables of the playbook beyond the usual ones.
    """

    lab: Lab
    tor: LabTor
    ministry: Ministry
    machine: Machine
    release: Path
    release_key: Path
    operator: Operator
    folder: Path
    settings: dict[str, object] = field(default_factory=dict)
    _addresses: dict[str, OnionAddress] = field(default_factory=dict)
    _account: Account = field(default_factory=Account.none)
    _windows: Iterator[int] = field(default_factory=itertools.count)
    _clients: dict[str, Client] = field(default_factory=dict)

    def deploy(self, run: str, *arguments: str, **changes: object) -> Recap:
        """
        Run the playbook.

        Args:
            run: Names the log.

            arguments: Further ones of ansible-playbook(1).

            changes: Variables that differ this time.
        """
        name = self.machine.name
        variables = {**self._variables(), **self.settings, **changes}
        inventory = {
            "all": {"children": {"servers": {"hosts": {name: dict(variables)}}}}
        }
        return run_playbook(
            self.lab, inventory, log=self.folder / f"{run}.log", arguments=arguments
        )[name]

    def bisik(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run a command on the server, as root."""
        return self.machine.run(f"bisik {' '.join(arguments)}", stdin=stdin)

    def admit_people(self) -> None:
        """Enrol the officer, and hand out account and key."""
        self.machine.run(
            "cat > /root/certified.json", stdin=self.ministry.certified.read_bytes()
        )
        self.bisik("officers", "add", "--role", ROLE, "/root/certified.json")
        self._open_account()
        key = self.ministry.access_key(self.courier)
        self.bisik("officers", "grant-access", "petugas-uji", key)
        self._clients["reporter"] = self.tor.client("reporter")
        self._clients["officer"] = self.tor.client(
            "officer", key_directory=self.ministry.browser_keys
        )

    @property
    def application_settings(self) -> Mapping[str, object]:
        """What is in bisik.toml beyond what the roles put there."""
        # Officers' answers are read at once, and not at the profile's hour.
        return {"administrators": True, "answers_at_once": True}

    def enter_by_onion(self) -> None:
        """Let ssh go through Tor from now on, as administrators do."""
        address = self.administrators
        self.ministry.keep_administrator_key(address)
        client = self.tor.client(
            "administrator", key_directory=self.ministry.administrator_keys
        )
        self._clients["administrator"] = client
        self.lab.lead(self.machine.name, self.tor.way(client, address))
        self.machine.wait_until_up(REACH_SECONDS)

    @property
    def container(self) -> Container:
        """The machine, as long as it is a container."""
        assert isinstance(self.machine, Container)
        return self.machine

    @property
    def site(self) -> OnionAddress:
        """The reporters' address."""
        return self._address("reporters")

    @property
    def courier(self) -> OnionAddress:
        """The officers' address."""
        return self._address("officers")

    @property
    def administrators(self) -> OnionAddress:
        """The address of ssh."""
        return self._address("administrators")

    def socks(self, who: str = "reporter", user: str = "") -> LabSocks:
        """Go through the tor of a reporter, officer or administrator."""
        return self.tor.through(self._clients[who], user or who)

    def visitor(self, user: str = "reporter") -> Visitor:
        """Open a browser window at the reporters' site, on a circuit of its own."""
        return self.socks("reporter", user).visitor(self.site)

    def courier_visitor(self) -> Visitor:
        """
        Open a browser window at the courier on a new circuit, and sign in.

        After a power cut tor may hold an old circuit for a good one for minutes.
        """
        if not self._account.codes:
            self._open_account()
        user = f"officer-{next(self._windows)}"
        visitor = self.socks("officer", user).visitor(self.courier)
        self._account.enter(visitor)
        return visitor

    def cut_power(self) -> None:
        """Kill the machine, and let nobody wait for what it has begun."""
        self.machine.kill()
        self._begin_anew()

    def restore_power(self) -> None:
        """Switch the machine on again, and wait until ssh lets us in."""
        self.machine.switch_on()
        self._begin_anew()
        self.machine.wait_until_up(REACH_SECONDS)

    def wait_until_reached(self) -> None:
        """Wait until reporters and officers get through."""
        for who, address in (("reporter", self.site), ("officer", self.courier)):
            reached_anew(
                partial(self.socks, who),
                self._begin_anew,
                address,
                seconds=REACH_SECONDS,
            )

    def wait_until_well(self) -> None:
        """
        Wait until the server itself says that people get through.

        Raises:
            MachineFault: With what it says instead.
        """
        until = time.monotonic() + WELL_SECONDS
        while (said := self.machine.tried("bisik onion status")).returncode != 0:
            if time.monotonic() > until:
                raise MachineFault(said.stdout + said.stderr)
            time.sleep(_PAUSE_SECONDS)

    def _begin_anew(self) -> None:
        for client in self._clients.values():
            begin_anew(client.control_socket)

    def _open_account(self) -> None:
        said = self.bisik("officers", "account", self.ministry.fingerprint)
        self._account = Account.read(said)

    def _address(self, service: str) -> OnionAddress:
        if service not in self._addresses:
            name = self.machine.run(f"cat {ONION}/{service}/hostname").strip()
            self._addresses[service] = OnionAddress(name)
        return self._addresses[service]

    def _variables(self) -> Mapping[str, object]:
        return {
            "ansible_user": "root",
            "firewall_ssh_sources": [f"{ROUTER}/{PREFIX_BITS}"],
            # Not the public Tor network.
            "firewall_tor_networks": [ROUTER],
            "tor_network_lines": list(self.tor.network.torrc_lines),
            "tor_administrators": [
                {"name": ADMINISTRATOR, "key": self.ministry.administrator.public_key}
            ],
            "application_release": str(self.release),
            "application_release_key": str(self.release_key),
            "application_organisation_key": str(self.ministry.organisation_key),
            "backup_certificates": [str(self.operator.certificate)],
            "application_settings": self.application_settings,
        }
