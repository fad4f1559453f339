"""
The machine itself: what the roles base, firewall and tor promise, as it works.

    lab --ssh--> server      then, when the door is closed:
    lab --Tor--> server

Every test looks at what a process may do, and not at what a file says.  They go in
order: the last ones close port 22, after which only an administrator's key leads in.
"""

import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import testinfra
from support.lab.container import Container
from support.lab.laboratory import Lab, running_lab
from support.lab.ministry import Ministry
from support.lab.network import PREFIX_BITS, ROUTER
from support.lab.playbook import PlaybookFailed, Recap, run_playbook
from support.lab.tor import LabTor, lab_tor
from support.pages import ROOT

from journalist_app.durable import new_file
from tor.address import OnionAddress
from tor.authorization import Client, new_client

pytestmark = [pytest.mark.deployment, pytest.mark.slow]

ADDRESS = "10.77.0.11"

ENTROPY = bytes(range(32))
TOR_EXPOSURE = 25  # Of 100: systemd-analyze says 2.5.
LEAST_INDEX = 80
HARDENING = ROOT / "docs" / "spec" / "hardening.md"
# RFC 1122: what "reject with admin-prohibited" comes to, for the one who connects.
PROHIBITED = "No route to host"


@dataclass
class Hardened:
    """
    A machine that the roles have been at.

    Attributes:
        variables: Of the inventory.

        folder: For logs.
    """

    lab: Lab
    tor: LabTor
    machine: Container
    variables: dict[str, object]
    folder: Path

    def run_roles(self, run: str, *arguments: str, **changes: object) -> Recap:
        """Run the playbook, with variables that differ this time."""
        variables = {**self.variables, **changes}
        hosts = {"hosts": {"server": variables}}
        return run_playbook(
            self.lab,
            {"all": {"children": {"servers": hosts}}},
            log=self.folder / f"{run}.log",
            arguments=arguments,
        )["server"]

    def tried_as(self, user: str, command: str) -> "subprocess.CompletedProcess[str]":
        """Run a shell command as a user of the machine."""
        return self.machine.tried(
            f"setpriv --reuid={user} --regid={user} --clear-groups -- "
            f"bash -c {shlex.quote(command)}"
        )

    def connects(self, user: str, host: str, port: int) -> str:
        """Let a user of the machine open a connection; return why it does not."""
        done = self.tried_as(user, f"exec 3<>/dev/tcp/{host}/{port}")
        return done.stderr.strip().rpartition(": ")[2] if done.returncode else ""

    @property
    def administrators(self) -> OnionAddress:
        """The address of its ssh."""
        name = self.machine.run("cat /var/lib/tor/bisik/administrators/hostname")
        return OnionAddress(name.strip())


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of what is here."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "scripts.release"),
            tmp_path_factory.mktemp("release"),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Path(done.stdout.splitlines()[0])


@pytest.fixture(scope="module")
def server(
    release: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hardened]:
    """A bare machine, and what will be told to the playbook."""
    folder = tmp_path_factory.mktemp("hardening")
    ministry = Ministry.made(folder)
    with running_lab() as lab, lab_tor(lab) as tor:
        machine = lab.machine("server", ADDRESS)
        machine.boot()
        yield Hardened(
            lab,
            tor,
            machine,
            {
                "ansible_user": "root",
                "firewall_ssh_sources": [f"{ROUTER}/{PREFIX_BITS}"],
                "firewall_tor_networks": [ROUTER],
                "tor_network_lines": list(tor.network.torrc_lines),
                "application_release": str(release),
                "application_organisation_key": str(ministry.organisation_key),
                "application_settings": {"administrators": True},
            },
            folder,
        )


@pytest.fixture(scope="module")
def hardened(server: Hardened) -> Hardened:
    """The machine when the roles have been at it once."""
    server.run_roles("first")
    return server


@pytest.fixture(scope="module")
def host(hardened: Hardened) -> "testinfra.host.Host":
    """The machine, for testinfra."""
    return testinfra.get_host("ssh://server", ssh_config=str(hardened.lab.ssh_config))


@contextmanager
def listening(lab: Lab, port: int) -> Iterator[None]:
    """Have the router listen on a port, so that a refusal is the machine's own."""
    with lab.network.entered():
        listener = socket.create_server((ROUTER, port))
    with listener:
        yield


def open_ports(lab: Lab, address: str = ADDRESS) -> str:
    """Look at every TCP port of the machine from the network."""
    done = subprocess.run(
        lab.network.entering(
            [
                *("nmap", "-n", "-Pn", "-sS", "-p-", "--open", "-oG", "-"),
                *("--min-rate", "8000", "--max-retries", "1", address),
            ]
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return " ".join(re.findall(r"(\d+)/open/tcp", done.stdout))


def test_a_dry_run_changes_nothing(server: Hardened) -> None:
    """
    On a bare machine the playbook says what it would do, to the end, and does not.
    """
    look = "find /etc /opt /var/lib -xdev -newer /root/before -type f"
    server.machine.run("apt-get update && touch /root/before && sleep 1")
    assert server.run_roles("dry", "--check").changed > 20
    assert "" == server.machine.run(
        f"{look} -not -path '/var/lib/apt/*' -not -path '/var/lib/systemd/*'"
    )


def test_a_second_run_changes_nothing(hardened: Hardened) -> None:
    """
    What is as it should be is left alone.
    """
    second = hardened.run_roles("second")
    assert (0, ()) == (second.changed, second.changed_tasks)


def test_nothing_but_ssh_is_open(hardened: Hardened) -> None:
    """
    From the network, every port is closed but that by which the playbook comes.
    """
    assert "22" == open_ports(hardened.lab)


@pytest.mark.parametrize("user", ["root", "bisik", "nobody", "daemon"])
def test_nobody_talks_out(hardened: Hardened, user: str) -> None:
    """
    No user of the machine opens a connection, nor asks a name server.
    """
    with listening(hardened.lab, 8080):
        assert PROHIBITED == hardened.connects(user, ROUTER, 8080)
        assert PROHIBITED == hardened.connects(user, ROUTER, 80)
    ask = f"echo x > /dev/udp/{ROUTER}/53"
    done = hardened.tried_as(user, ask)
    assert done.returncode != 0, done
    assert "write error" in done.stderr or PROHIBITED in done.stderr


def test_tor_talks_to_tor_alone(hardened: Hardened) -> None:
    """
    It reaches the network that it was told of, and no neighbour, no name server.
    """
    tor = "debian-tor"
    neighbour = hardened.lab.machine("neighbour", "10.77.0.12")
    neighbour.boot()
    with listening(hardened.lab, 8080):
        assert "" == hardened.connects(tor, ROUTER, 8080)
    assert PROHIBITED == hardened.connects(tor, neighbour.address, 22)
    assert hardened.tried_as(tor, f"echo x > /dev/udp/{ROUTER}/53").returncode != 0
    neighbour.discard()


def test_tor_finds_one_door_on_the_machine(hardened: Hardened) -> None:
    """
    Of what listens on the machine, whoever takes tor over reaches ssh and no more.
    """
    listener = (
        "python3 -c 'import socket, time;"
        's = socket.create_server(("127.0.0.1", 8123)); time.sleep(60)\''
    )
    hardened.machine.run(f"systemd-run --quiet --unit=listener {listener}")
    hardened.machine.run(
        "for n in $(seq 50); do ss -tln | grep -q :8123 && exit; sleep 0.1; done; false"
    )
    assert "" == hardened.connects("nobody", "127.0.0.1", 8123)
    assert PROHIBITED == hardened.connects("debian-tor", "127.0.0.1", 8123)
    assert "" == hardened.connects("debian-tor", "127.0.0.1", 22)
    hardened.machine.run("systemctl stop listener")


def test_updates_arrive(hardened: Hardened) -> None:
    """
    Apt fetches through the rules; what Debian mends is installed without anybody.
    """
    hardened.machine.run("apt-get -o APT::Update::Error-Mode=any update")
    said = hardened.machine.run("unattended-upgrade --dry-run --debug")
    assert "label=Debian-Security" in said
    assert "No packages found that can be upgraded" in said or "Checking:" in said


def test_the_rules_are_there_before_the_network(
    hardened: Hardened, host: "testinfra.host.Host"
) -> None:
    """
    A boot begins with them; and after it everything is as it was.
    """
    before = hardened.machine.run("nft --stateless list ruleset")
    assert "policy drop" in before
    hardened.machine.reboot()
    assert before == hardened.machine.run("nft --stateless list ruleset")
    assert host.service("nftables").is_enabled
    # Both are counted in microseconds since the kernel began.
    show = "systemctl show --value --property=ActiveEnterTimestampMonotonic"
    rules, network = (
        int(hardened.machine.run(f"{show} {unit}"))
        for unit in ("nftables.service", "systemd-networkd.service")
    )
    assert 0 < rules < network
    assert "0" == host.check_output("systemctl --failed --no-legend | wc -l").strip()


def test_the_kernel_does_as_it_is_told(hardened: Hardened) -> None:
    """
    Every setting of the network is in force (the others are a container's host's).
    """
    conf = hardened.machine.run("cat /etc/sysctl.d/60-bisik.conf")
    wanted = dict(re.findall(r"^(net\.ip\S+) = (.*)$", conf, re.MULTILINE))
    assert len(wanted) > 25
    said = hardened.machine.run(f"sysctl {' '.join(wanted)}")
    assert wanted == dict(re.findall(r"^(\S+) = (.*)$", said, re.MULTILINE))


def test_no_program_runs_where_everybody_writes(hardened: Hardened) -> None:
    """
    Neither in /tmp nor in shared memory.
    """
    for folder in ("/tmp", "/dev/shm"):  # noqa: S108 - Of the machine under test.
        done = hardened.tried_as(
            "nobody",
            f"cp /bin/true {folder}/program && {folder}/program; "
            f"code=$?; rm -f {folder}/program; exit $code",
        )
        assert (126, True) == (done.returncode, "Permission denied" in done.stderr)


def test_memory_is_never_written_to_a_file(hardened: Hardened) -> None:
    """
    Neither by what a person starts nor by a service, and nobody can ask for it.
    """
    ask = "ulimit -S -c; ulimit -H -c; ulimit -c 1 2>&1 || echo refused"
    said = hardened.tried_as("nobody", ask).stdout.split("\n")
    assert ["0", "0"] == said[:2]
    assert "refused" in said
    unit = f"systemd-run --quiet --pipe --wait -p User=nobody bash -c '{ask}'"
    said = hardened.machine.run(unit).split("\n")
    assert ["0", "0"] == said[:2]


def test_nothing_of_visits_is_kept_on_the_disk(
    hardened: Hardened, host: "testinfra.host.Host"
) -> None:
    """
    The journal is in memory; no list of logins exists, after all these logins.
    """
    assert host.file("/run/log/journal").is_directory
    for name in ("journal", "wtmp", "btmp", "lastlog", "auth.log", "syslog"):
        assert not host.file(f"/var/log/{name}").exists, name
    assert "" == hardened.machine.run("grep -rlF 10.77.0.1 /var/log || true")


def test_ssh_asks_for_a_key_and_leads_nowhere_else(
    hardened: Hardened, host: "testinfra.host.Host"
) -> None:
    """
    No password, no forwarding, no old algorithm.
    """

    def ssh(*arguments: str) -> str:
        done = subprocess.run(
            ["ssh", "-F", str(hardened.lab.ssh_config), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode != 0
        return done.stderr

    assert "Permission denied (publickey)" in ssh(
        "-o", "PubkeyAuthentication=no", "-o", "BatchMode=no", "server", "true"
    )
    assert "prohibited" in ssh("-o", "LogLevel=INFO", "-W", "127.0.0.1:22", "server")
    assert "no matching" in ssh("-o", "Ciphers=aes128-ctr", "server", "true")
    assert "no matching" in ssh(
        *("-o", "KexAlgorithms=diffie-hellman-group14-sha256"), "server", "true"
    )
    effective = host.check_output("sshd -T").splitlines()
    assert {
        "permitrootlogin without-password",
        "passwordauthentication no",
        "disableforwarding yes",
        "maxauthtries 3",
    } <= set(effective)


def test_tor_is_never_root_and_can_do_nothing_else(
    hardened: Hardened, host: "testinfra.host.Host"
) -> None:
    """
    No capability, a filter of system calls, and no port that it listens on.
    """
    process = host.check_output(
        "systemctl show --value --property=MainPID tor@default.service"
    )
    status = hardened.machine.run(f"cat /proc/{process}/status")
    found = dict(re.findall(r"^(\w+):\s+(.*)$", status, re.MULTILINE))
    tor = host.user("debian-tor").uid
    assert [str(tor)] * 4 == found["Uid"].split()
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert 0 == int(found[kind], 16), kind
    assert ("1", "2") == (found["NoNewPrivs"], found["Seccomp"])
    assert {"tcp://0.0.0.0:22", "tcp://:::22"} == {
        one
        for one in host.socket.get_listening_sockets()
        if not one.startswith("unix://")
    }
    inside = f"nsenter --target={process} --mount --"
    assert "0" == hardened.machine.run(f"{inside} ls -A /var/lib/bisik | wc -l").strip()
    assert hardened.machine.tried(f"{inside} touch /etc/x /var/lib/x").returncode != 0
    said = hardened.machine.run(
        f"systemd-analyze security --threshold={TOR_EXPOSURE} tor@default.service"
    )
    assert "Overall exposure level" in said


def test_tor_reloads(hardened: Hardened) -> None:
    """
    Confined as it is, it still reads its files again when systemd tells it to.
    """
    process = "systemctl show --value --property=MainPID tor@default.service"
    before = hardened.machine.run(process)
    hardened.machine.run("systemctl reload tor@default.service && sleep 2")
    assert before == hardened.machine.run(process)
    said = hardened.machine.run("journalctl --unit=tor@default --no-pager")
    assert "Received reload signal (hup)" in said


def test_an_auditor_finds_what_is_explained(hardened: Hardened) -> None:
    """
    Lynis gives 80 at least, and whatever it still finds is on a page with its reason.
    """
    machine = hardened.machine
    machine.run("apt-get install --yes --quiet=2 --no-install-recommends lynis")
    # A container runs the kernel of its host: lynis takes it for one that is outdated.
    machine.run("echo skip-test=KRNL-5830 > /etc/lynis/custom.prf")
    machine.run("cd / && lynis audit system --quick --quiet")
    report = machine.run("cat /var/log/lynis-report.dat")
    machine.run("apt-get purge --yes --quiet=2 lynis && rm -f /var/log/lynis*")
    index = re.findall(r"^hardening_index=(\d+)$", report, re.MULTILINE)
    found = re.findall(r"^(?:suggestion|warning)\[\]=([^|]+)\|", report, re.MULTILINE)
    explained = re.findall(
        r"`([A-Z]+-\d+|LYNIS)`",
        " ".join(re.findall(r"^\|([^|]*)\|", HARDENING.read_text(), re.MULTILINE)),
    )

    assert LEAST_INDEX <= int(index[0])
    assert set() == set(found) - set(explained)


# --- From here on the door is closed.


def key_for(hardened: Hardened, folder: Path) -> Client:
    """Make an administrator's key for tor, as on their own computer."""
    client = new_client(lambda size: ENTROPY[:size])
    folder.mkdir(mode=0o700)
    with new_file(folder / "server.auth_private") as file:
        file.write(client.private_line(hardened.administrators).encode())
    return client


def closed_variables(client: Client | None) -> dict[str, object]:
    """What the inventory says when nobody but an administrator comes in."""
    listed = [{"name": "sari", "key": client.public_key}] if client else []
    return {"firewall_ssh_sources": [], "tor_administrators": listed}


def test_nobody_locks_themselves_out(hardened: Hardened) -> None:
    """
    A run that would close the door by which it came is refused, and changes nothing.
    """
    before = hardened.machine.run("nft list ruleset; sshd -T")
    with pytest.raises(PlaybookFailed, match="only the onion service"):
        hardened.run_roles("locked out", "--tags=firewall", **closed_variables(None))
    assert before == hardened.machine.run("nft list ruleset; sshd -T")


def test_administrators_come_through_tor(hardened: Hardened, tmp_path: Path) -> None:
    """
    With a key for tor ssh answers at the onion address; without, nothing does; and then
    no port of the machine is open.
    """
    client = key_for(hardened, tmp_path / "keys")
    granted = [{"name": "sari", "key": client.public_key}]
    recap = hardened.run_roles("granted", "--tags=tor", tor_administrators=granted)
    assert ("tor : Let in who is named",) == recap.changed_tasks

    stranger = hardened.tor.client("stranger")
    with pytest.raises(OSError, match=r"SOCKS|timed out|hung up"):
        hardened.tor.through(stranger).connect(hardened.administrators, seconds=20)
    own = hardened.tor.client("administrator", key_directory=tmp_path / "keys")
    address = hardened.administrators
    with hardened.tor.through(own).connect_soon(address, seconds=90) as stream:
        stream.settimeout(30)
        assert b"SSH-2.0-" == stream.recv(8)

    hardened.lab.lead("server", hardened.tor.way(own, address))
    hardened.machine.wait_until_up(90)
    hardened.run_roles("closed", "--tags=base,firewall", **closed_variables(client))
    listeners = hardened.machine.run("ss -tlnH | awk '{print $4}'").split()
    assert ["127.0.0.1:22"] == listeners
    assert "" == open_ports(hardened.lab)


def test_whoever_left_is_out_and_the_others_come_in_again(hardened: Hardened) -> None:
    """
    The inventory is the list.  The run that shuts somebody out comes through the very
    service that begins anew for it, and goes on when it is there again.
    """
    listed = hardened.machine.run("bisik administrators access").split()
    budi = new_client(lambda size: bytes(reversed(ENTROPY))[:size]).public_key
    hardened.machine.run(f"bisik administrators grant-access budi {budi}")
    client = new_client(lambda size: ENTROPY[:size])
    assert ["sari", client.public_key] == listed
    recap = hardened.run_roles("left", "--tags=tor", **closed_variables(client))
    shut_out = "tor : Shut out who is not named, or has another key"
    assert (shut_out,) == recap.changed_tasks
    assert listed == hardened.machine.run("bisik administrators access").split()


def test_a_hang_up_in_the_middle_locks_nobody_out(hardened: Hardened) -> None:
    """
    Somebody who shuts themselves out loses the terminal, and not the service: whoever
    is let in afterwards comes in.
    """
    console = hardened.machine.at_console
    key = hardened.machine.run("bisik administrators access").split()[1]
    command = ["ssh", "-tt", "-F", str(hardened.lab.ssh_config), "server"]
    done = subprocess.run(
        [*command, "bisik administrators revoke-access sari"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode != 0
    assert hardened.machine.tried("true", seconds=60).returncode != 0
    listed = console("/usr/local/bin/bisik administrators access").stdout
    assert "Nobody can reach this machine" in listed
    said = console(f"/usr/local/bin/bisik administrators grant-access sari {key}")
    assert "can reach this machine" in said.stdout, said
    hardened.machine.wait_until_up(120)
