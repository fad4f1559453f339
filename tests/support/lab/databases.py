"""
Two databases and a web machine in a lab, made by the playbook's roles.

    web: stunnel --TLS 1.3--> first: PostgreSQL, the primary at the beginning
                        +---> second: PostgreSQL, the replica

The site runs beside the lab, from this tree, and reaches the databases as it does on
the web machine: by the sockets there, which are all that it sees.
"""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.lab.container import Container
from support.lab.laboratory import Lab, running_lab
from support.lab.playbook import Recap, run_playbook

FIRST = "10.77.0.21"
SECOND = "10.77.0.22"
WEB = "10.77.0.11"
CERTIFICATES = "/etc/bisik/database"
SOON_SECONDS = 90.0
_PAUSE_SECONDS = 0.5

PLAYBOOK = """\
- name: Keep the dead drop on two machines
  hosts: databases
  gather_facts: false
  roles:
    - role: postgresql
- name: Let the web machines reach it
  hosts: servers
  gather_facts: false
  roles:
    - role: database_client
"""


@dataclass(frozen=True)
class Databases:
    """
    Both databases and the web machine.

    Attributes:
        recaps: What the playbook did on each, by its name.
    """

    lab: Lab
    first: Container
    second: Container
    web: Container
    recaps: dict[str, Recap]

    @property
    def sockets(self) -> Path:
        """The web machine's folder of sockets, seen from here."""
        return Path(f"/proc/{self.web.leader}/root/run/bisik-database")

    @property
    def url(self) -> str:
        """What `bisik.toml` says on the web machine, seen from here."""
        hosts = ",".join(str(self.sockets / number) for number in "12")
        return f"postgresql://bisik@/bisik?host={hosts}&target_session_attrs=read-write"

    def play(self, *arguments: str) -> dict[str, Recap]:
        """Run the playbook again."""
        return _play(self.lab, arguments)

    def knock(self, options: str, *, machine: Container | None = None) -> str:
        """
        Try to get into the first database by TLS of one's own.

        Args:
            options: Of libpq, besides the address.

            machine: From where; the router if from none.

        Returns:
            What the database says, or libpq.
        """
        command: list[str | Path] = [
            *("psql", "--no-psqlrc", "--tuples-only", "--no-align"),
            *("--command=SELECT 1", f"host={FIRST} connect_timeout=5 {options}"),
        ]
        if machine is None:
            command = self.lab.network.entering(command)
        else:
            network = f"--net=/proc/{machine.leader}/ns/net"
            command = ["nsenter", network, "--", *command]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def query(self, machine: Container, statement: str) -> str:
        """Ask one database as its operator does."""
        psql = "runuser --user=postgres -- psql --no-psqlrc --tuples-only --no-align"
        return machine.run(f"cd /; {psql} bisik", stdin=statement).strip()


@contextmanager
def running_databases() -> Iterator[Databases]:
    """Boot the machines, and let the playbook make databases of them."""
    with running_lab() as lab:
        first = lab.machine("first", FIRST)
        second = lab.machine("second", SECOND)
        web = lab.machine("web", WEB)
        for machine in (first, second, web):
            machine.switch_on()
        for machine in (first, second, web):
            machine.wait_until_up()
        yield Databases(lab, first, second, web, _play(lab, ()))


def soon(promise: Callable[[], bool], *, seconds: float = SOON_SECONDS) -> bool:
    """Wait until something is true, and tell whether it became so."""
    deadline = time.monotonic() + seconds
    while not promise():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True


def _play(lab: Lab, arguments: Sequence[str]) -> dict[str, Recap]:
    playbook = lab.directory / "databases.yml"
    playbook.write_text(PLAYBOOK)
    inventory = {
        "all": {
            "vars": {
                "certificates_authority_directory": str(lab.directory / "authority"),
                "certificates_authority_passphrase": "hanya untuk uji coba",
                "postgresql_volume_is_encrypted": True,
            },
            "children": {
                "databases": {
                    "hosts": {
                        "first": {"postgresql_address": FIRST},
                        "second": {"postgresql_address": SECOND},
                    }
                },
                "servers": {"hosts": {"web": {"database_client_address": WEB}}},
            },
        }
    }
    return run_playbook(
        lab,
        inventory,
        log=lab.directory / "databases.log",
        playbook=playbook,
        arguments=arguments,
    )
