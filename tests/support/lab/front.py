"""
A front in a lab, made by the playbook's role, and a site behind it.

    visitor --Tor--> front's address --+--> tor and site, beside the lab
                                       |
                     front: Onionbalance and its tor (a machine)

The web machine is no booted one here: `test_install` has that.  What counts is that the
front's machine publishes where it is.
"""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.lab.container import Container
from support.lab.laboratory import Lab, running_lab
from support.lab.playbook import Recap, run_playbook
from support.lab.tor import LabSocks, LabTor, lab_tor
from support.onions import serving, short_folder
from support.server import Service, made_service

from ops.onion import Onion, prepare_onion, write_torrc
from ops.server import read_settings
from tor.address import OnionAddress
from tor.program import TorProcess, find_tor

FRONT = "10.77.0.31"

KEY = """\
- name: Make the front's key
  hosts: fronts
  tasks:
    - name: Make it
      ansible.builtin.include_role:
        name: onionbalance
        tasks_from: key
"""
WHOLE = """\
- name: Put web machines behind one address
  hosts: fronts
  roles:
    - role: onionbalance
"""


@dataclass(frozen=True)
class Front:
    """
    The front, and what is behind it.

    Attributes:
        address: The one that people know.

        behind: That of the web machine itself.

        visiting: The tor of a visitor.

        sealed: The front's key, sealed to the operator.

        operator: The operator's GNUPGHOME.
    """

    lab: Lab
    machine: Container
    address: OnionAddress
    behind: OnionAddress
    service: Service
    visiting: LabSocks
    sealed: Path
    operator: Path
    variables: Mapping[str, object]

    def play(self) -> dict[str, Recap]:
        """Run the whole role."""
        return _play(self.lab, WHOLE, self.variables)


@contextmanager
def running_front() -> Iterator[Front]:
    """Make the front's key, a site that knows its address, and then the front."""
    with ExitStack() as running:
        lab = running.enter_context(running_lab())
        machine = lab.machine("front", FRONT)
        machine.switch_on()
        tor = running.enter_context(lab_tor(lab))
        folder = running.enter_context(short_folder())
        service = running.enter_context(made_service(folder))
        operator = running.enter_context(short_folder())
        _make_operator(operator)
        machine.wait_until_up()
        variables: dict[str, object] = {
            "onionbalance_operator_certificate": str(operator / "operator.asc"),
            "onionbalance_backup_directory": str(lab.directory / "fronts"),
            "onionbalance_network_lines": list(tor.network.torrc_lines),
            "onionbalance_test_network": True,
        }
        _play(lab, KEY, variables)
        key = "/etc/onionbalance/private_keys/front.key"
        address = OnionAddress(
            machine.run(f"/usr/local/sbin/onion-address {key}").strip()
        )
        behind = running.enter_context(_site_behind(address, service, tor))
        variables["onionbalance_addresses"] = [behind]
        front = Front(
            lab,
            machine,
            address,
            behind,
            service,
            tor.through(tor.client("visitor")),
            lab.directory / "fronts" / "front.key.gpg",
            operator,
            variables,
        )
        front.play()
        yield front


@contextmanager
def _site_behind(
    front: OnionAddress, service: Service, lab_tor: LabTor
) -> Iterator[OnionAddress]:
    """Run a web machine's tor and its site."""
    with (service.directory / "bisik.toml").open("a") as settings:
        settings.write(f'\nonion_front = "{front}"\n')
    onion = Onion.of(service.directory, read_settings(service.directory))
    prepare_onion(onion, entropy=service.edge.entropy)
    write_torrc(onion, onion.torrc, network=lab_tor.network.torrc_lines)
    log = service.base / "tor.log"
    with lab_tor.lab.network.entered():
        tor = TorProcess(onion.torrc, log=log, program=find_tor())
        tor.__enter__()
    try:
        address = onion.wait_for_address(onion.reporters)
        directory = str(service.directory.absolute())
        with serving(service, "serve", "--directory", directory):
            yield address
    finally:
        tor.__exit__(None, None, None)


def _make_operator(home: Path) -> None:
    """Make a key pair, and operator.asc with its public half."""
    gpg = ("gpg", "--homedir", home, "--batch", "--quiet")
    name = "Pengelola Uji <pengelola@example.test>"
    make = ("--passphrase", "", "--quick-generate-key", name, "future-default")
    subprocess.run([*gpg, *make, "default", "1d"], check=True)
    export = ("--armor", "--output", home / "operator.asc", "--export")
    subprocess.run([*gpg, *export], check=True)


def _play(lab: Lab, playbook: str, variables: Mapping[str, object]) -> dict[str, Recap]:
    path = lab.directory / "front.yml"
    path.write_text(playbook)
    inventory = {
        "all": {
            "vars": variables,
            "children": {
                "fronts": {"hosts": {"front": {}}},
            },
        }
    }
    log = lab.directory / "front.log"
    return run_playbook(lab, inventory, log=log, playbook=path)
