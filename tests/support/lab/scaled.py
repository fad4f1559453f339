"""
A whole installation on several machines, from the example's own inventory, by one run.

    visitor --Tor--> front's address --+--> web1 --+--> database1, the primary
                                       +--> web2 --+--> database2, the replica

What differs from `ansible/inventory/scale-out` is what has to: addresses, files and
keys, and that there is a Tor network of the lab's own.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.lab.container import Container
from support.lab.laboratory import Lab, running_lab
from support.lab.ministry import ADMINISTRATOR, Ministry
from support.lab.network import PREFIX_BITS, ROUTER
from support.lab.playbook import ANSIBLE, Recap, run_playbook
from support.lab.tor import LabSocks, LabTor, lab_tor

from tor.address import OnionAddress
from tor.network import Client

ADDRESSES = {
    "database1": "10.77.0.21",
    "database2": "10.77.0.22",
    "web1": "10.77.0.11",
    "web2": "10.77.0.12",
    "front": "10.77.0.31",
}
EXAMPLE = ANSIBLE / "inventory/scale-out"
PLAYBOOK_SECONDS = 2400.0


@dataclass(frozen=True)
class Scaled:
    """
    The installation.

    Attributes:
        machines: By their names in the inventory.

        recaps: What the first run did on each.
    """

    lab: Lab
    tor: LabTor
    machines: dict[str, Container]
    client: Client
    recaps: dict[str, Recap]

    @property
    def front(self) -> OnionAddress:
        """The address that people know."""
        key = "/etc/onionbalance/private_keys/front.key"
        said = self.machines["front"].run(f"/usr/local/sbin/onion-address {key}")
        return OnionAddress(said.strip())

    def play(self) -> dict[str, Recap]:
        """Run the playbook again."""
        return _play(self.lab)

    def visiting(self, user: str) -> LabSocks:
        """Go through a visitor's tor, on a circuit of one's own for each user."""
        return self.tor.through(self.client, user)

    def items(self, database: str) -> int:
        """Count the items on the disk of one database."""
        psql = "runuser --user=postgres -- psql --no-psqlrc --tuples-only --no-align"
        count = "SELECT count(*) FROM intake"
        said = self.machines[database].run(f"cd /; {psql} bisik", stdin=count)
        return int(said)


@contextmanager
def running_installation(
    folder: Path, *, release: Path, release_key: Path, operator: Path
) -> Iterator[Scaled]:
    """
    Boot five bare machines, let the playbook loose on them, and admit an officer.

    Args:
        folder: For keeper and officer.

        release: The folder of the release.

        release_key: Of whoever signed it.

        operator: The certificate of whoever opens backups.
    """
    with ExitStack() as running:
        ministry = Ministry.made(folder / "ministry")
        lab = running.enter_context(running_lab())
        machines = {name: lab.machine(name, it) for name, it in ADDRESSES.items()}
        for machine in machines.values():
            machine.switch_on()
        tor = running.enter_context(lab_tor(lab))
        for machine in machines.values():
            machine.wait_until_up()
        _write_inventory(
            lab,
            tor,
            ministry,
            {
                "application_release": str(release),
                "application_release_key": str(release_key),
                "backup_certificates": [str(operator)],
                "onionbalance_operator_certificate": str(operator),
            },
        )
        recaps = _play(lab)
        web = machines["web1"]
        web.run("cat > /root/certified.json", stdin=ministry.certified.read_bytes())
        web.run("bisik officers add --role verifikator /root/certified.json")
        yield Scaled(lab, tor, machines, tor.client("reporter"), recaps)


def _write_inventory(
    lab: Lab, tor: LabTor, ministry: Ministry, files: Mapping[str, object]
) -> None:
    """Do what the example tells an administrator to do."""
    shutil.copytree(EXAMPLE / "group_vars", lab.directory / "group_vars")
    vault = lab.directory / "group_vars/all/vault.yml.example"
    vault.rename(vault.with_suffix(""))
    lines = list(tor.network.torrc_lines)
    variables = {
        "postgresql_volume_is_encrypted": True,
        "application_organisation_key": str(ministry.organisation_key),
        **files,
        "tor_administrators": [
            {"name": ADMINISTRATOR, "key": ministry.administrator.public_key}
        ],
        # Where the lab is, and its own Tor network.
        "firewall_ssh_sources": [f"{ROUTER}/{PREFIX_BITS}"],
        "firewall_tor_networks": [ROUTER],
        "tor_network_lines": lines,
        "onionbalance_network_lines": lines,
        "onionbalance_test_network": True,
    }
    (lab.directory / "variables.json").write_text(json.dumps(variables))


def _play(lab: Lab) -> dict[str, Recap]:
    databases = {
        name: {"postgresql_address": ADDRESSES[name]}
        for name in ("database1", "database2")
    }
    servers = {
        name: {"database_client_address": ADDRESSES[name]} for name in ("web1", "web2")
    }
    inventory = {
        "all": {
            "vars": {"ansible_user": "root"},
            "children": {
                "databases": {"hosts": databases},
                "servers": {"hosts": servers},
                "fronts": {"hosts": {"front": {}}},
            },
        }
    }
    return run_playbook(
        lab,
        inventory,
        log=lab.directory / "installation.log",
        arguments=["--extra-vars", f"@{lab.directory / 'variables.json'}"],
        seconds=PLAYBOOK_SECONDS,
    )
