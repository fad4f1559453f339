"""
The machine itself: what the roles base, firewall and tor promise, as it works.

Every test looks at what a process may do, and not at what a file says.  The machine is
left as it was found; that a second run changes nothing, and that no port is open in the
end, is in tests/deployment/test_server.py.
"""

import re
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import testinfra
from support.lab.container import Container
from support.lab.deployed import REACH_SECONDS, Deployed
from support.lab.laboratory import Lab
from support.lab.network import ROUTER
from support.lab.playbook import PlaybookFailed
from support.pages import ROOT

from tor.authorization import new_client
from tor.network import Client

pytestmark = [pytest.mark.deployment, pytest.mark.slow]

ENTROPY = bytes(range(32))
TOR_EXPOSURE = 25  # Of 100: systemd-analyze says 2.5.
LEAST_INDEX = 80
HARDENING = ROOT / "docs" / "spec" / "hardening.md"
# RFC 1122: what "reject with admin-prohibited" comes to, for the one who connects.
PROHIBITED = "No route to host"
ACCESS = "bisik administrators access"


@pytest.fixture(scope="module")
def host(server: Deployed) -> "testinfra.host.Host":
    """The machine, for testinfra."""
    return testinfra.get_host(
        f"ssh://{server.machine.name}", ssh_config=str(server.lab.ssh_config)
    )


def tried_as(
    server: Deployed, user: str, command: str
) -> "subprocess.CompletedProcess[str]":
    """Run a shell command as a user of the machine."""
    return server.machine.tried(
        f"setpriv --reuid={user} --regid=$(id -g {user}) --clear-groups -- "
        f"bash -c {shlex.quote(command)}"
    )


def connects(server: Deployed, user: str, host: str, port: int) -> str:
    """Let a user of the machine open a connection; return why it does not."""
    done = tried_as(server, user, f"exec 3<>/dev/tcp/{host}/{port}")
    return done.stderr.strip().rpartition(": ")[2] if done.returncode else ""


def by_ssh(server: Deployed, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Call ssh(1) with arguments of one's own."""
    return subprocess.run(
        ["ssh", "-F", str(server.lab.ssh_config), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def way_to_ssh(server: Deployed, client: Client) -> list[str]:
    """Return the command that leads to the machine's ssh by somebody's tor."""
    way = shlex.split(server.tor.way(client, server.administrators))
    return [str(word) for word in server.lab.network.entering(way)]


def greeting(server: Deployed, client: Client) -> str:
    """Connect to the machine's ssh by somebody's tor; return what it says first."""
    with subprocess.Popen(
        way_to_ssh(server, client),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        process.kill()
    return said


def greeting_soon(server: Deployed, client: Client) -> str:
    """Try again until the service is known to the network."""
    until = time.monotonic() + REACH_SECONDS
    while not (said := greeting(server, client)) and time.monotonic() < until:
        time.sleep(1)
    return said


@contextmanager
def listening(lab: Lab, port: int) -> Iterator[None]:
    """Have the router listen on a port, so that a refusal is the machine's own."""
    with lab.network.entered():
        listener = socket.create_server((ROUTER, port))
    with listener:
        yield


@pytest.fixture(scope="module")
def bare(server: Deployed) -> Iterator[Container]:
    """A machine that no playbook has been at."""
    machine = server.lab.machine("dry", "10.77.0.13")
    machine.boot()
    yield machine
    machine.discard()


def test_a_dry_run_changes_nothing(
    server: Deployed, bare: Container, tmp_path: Path
) -> None:
    """
    On a bare machine the playbook says what it would do, to the end, and does not.
    """
    look = "find /etc /opt /var/lib -xdev -newer /root/before -type f"
    bare.run("apt-get update && touch /root/before && sleep 1")
    dry = replace(server, machine=bare, folder=tmp_path)
    assert dry.deploy("dry", "--check").changed > 20
    assert "" == bare.run(
        f"{look} -not -path '/var/lib/apt/*' -not -path '/var/lib/systemd/*'"
    )


@pytest.mark.parametrize("user", ["root", "bisik", "nobody", "daemon"])
def test_nobody_talks_out(server: Deployed, user: str) -> None:
    """
    No user of the machine opens a connection, nor asks a name server.
    """
    with listening(server.lab, 8080):
        assert PROHIBITED == connects(server, user, ROUTER, 8080)
        assert PROHIBITED == connects(server, user, ROUTER, 80)
    ask = f"echo x > /dev/udp/{ROUTER}/53"
    done = tried_as(server, user, ask)
    assert done.returncode != 0, done
    assert "write error" in done.stderr or PROHIBITED in done.stderr


def test_tor_talks_to_tor_alone(server: Deployed) -> None:
    """
    It reaches the network that it was told of, and no neighbour, no name server.
    """
    tor = "debian-tor"
    neighbour = server.lab.machine("neighbour", "10.77.0.12")
    neighbour.boot()
    with listening(server.lab, 8080):
        assert "" == connects(server, tor, ROUTER, 8080)
    assert PROHIBITED == connects(server, tor, neighbour.address, 22)
    assert tried_as(server, tor, f"echo x > /dev/udp/{ROUTER}/53").returncode != 0
    neighbour.discard()


def test_tor_finds_one_door_on_the_machine(server: Deployed) -> None:
    """
    Of what listens on the machine, whoever takes tor over reaches ssh and no more.
    """
    listener = (
        "python3 -c 'import socket, time;"
        's = socket.create_server(("127.0.0.1", 8123)); time.sleep(60)\''
    )
    server.machine.run(f"systemd-run --quiet --unit=listener {listener}")
    server.machine.run(
        "for n in $(seq 50); do ss -tln | grep -q :8123 && exit; sleep 0.1; done; false"
    )
    try:
        assert "" == connects(server, "nobody", "127.0.0.1", 8123)
        assert PROHIBITED == connects(server, "debian-tor", "127.0.0.1", 8123)
        assert "" == connects(server, "debian-tor", "127.0.0.1", 22)
    finally:
        server.machine.run("systemctl stop listener")


def test_updates_arrive(server: Deployed) -> None:
    """
    Apt fetches through the rules; what Debian mends is installed without anybody.
    """
    server.machine.run("apt-get -o APT::Update::Error-Mode=any update")
    said = server.machine.run("unattended-upgrade --dry-run --debug")
    assert "label=Debian-Security" in said
    assert "No packages found that can be upgraded" in said or "Checking:" in said


def test_the_rules_are_there_before_the_network(
    server: Deployed, host: "testinfra.host.Host"
) -> None:
    """
    A boot begins with them; and after it everything is as it was.
    """
    before = server.machine.run("nft --stateless list ruleset")
    assert "policy drop" in before
    server.machine.reboot()
    assert before == server.machine.run("nft --stateless list ruleset")
    assert host.service("nftables").is_enabled
    # Both are counted in microseconds since the kernel began.
    show = "systemctl show --value --property=ActiveEnterTimestampMonotonic"
    rules, network = (
        int(server.machine.run(f"{show} {unit}"))
        for unit in ("nftables.service", "systemd-networkd.service")
    )
    assert 0 < rules < network
    assert "0" == host.check_output("systemctl --failed --no-legend | wc -l").strip()


def test_the_kernel_does_as_it_is_told(server: Deployed) -> None:
    """
    Every setting of the network is in force (the others are a container's host's).
    """
    conf = server.machine.run("cat /etc/sysctl.d/60-bisik.conf")
    wanted = dict(re.findall(r"^(net\.ip\S+) = (.*)$", conf, re.MULTILINE))
    assert len(wanted) > 25
    said = server.machine.run(f"sysctl {' '.join(wanted)}")
    assert wanted == dict(re.findall(r"^(\S+) = (.*)$", said, re.MULTILINE))


def test_no_program_runs_where_everybody_writes(server: Deployed) -> None:
    """
    Neither in /tmp nor in shared memory.
    """
    for folder in ("/tmp", "/dev/shm"):  # noqa: S108 - Of the machine under test.
        done = tried_as(
            server,
            "nobody",
            f"cp /bin/true {folder}/program && {folder}/program; "
            f"code=$?; rm -f {folder}/program; exit $code",
        )
        assert (126, True) == (done.returncode, "Permission denied" in done.stderr)


def test_memory_is_never_written_to_a_file(server: Deployed) -> None:
    """
    Neither by what a person starts nor by a service, and nobody can ask for it.
    """
    ask = "ulimit -S -c; ulimit -H -c; ulimit -c 1 2>&1 || echo refused"
    said = tried_as(server, "nobody", ask).stdout.split("\n")
    assert ["0", "0"] == said[:2]
    assert "refused" in said
    unit = f"systemd-run --quiet --pipe --wait -p User=nobody bash -c '{ask}'"
    said = server.machine.run(unit).split("\n")
    assert ["0", "0"] == said[:2]


def test_nothing_of_visits_is_kept_on_the_disk(
    server: Deployed, host: "testinfra.host.Host"
) -> None:
    """
    The journal is in memory; no list of logins exists, after all these logins.
    """
    assert host.file("/run/log/journal").is_directory
    for name in ("journal", "wtmp", "btmp", "lastlog", "auth.log", "syslog"):
        assert not host.file(f"/var/log/{name}").exists, name
    assert "" == server.machine.run("grep -rlF 10.77.0.1 /var/log || true")


def test_ssh_asks_for_a_key_and_leads_nowhere_else(
    server: Deployed, host: "testinfra.host.Host"
) -> None:
    """
    No password, no forwarding, no old algorithm.
    """
    name = server.machine.name

    def refusal(*arguments: str) -> str:
        done = by_ssh(server, *arguments)
        assert done.returncode != 0
        return done.stderr

    assert "Permission denied (publickey)" in refusal(
        "-o", "PubkeyAuthentication=no", name, "true"
    )
    assert "prohibited" in refusal("-o", "LogLevel=INFO", "-W", "127.0.0.1:22", name)
    for old in ("Ciphers=aes128-ctr", "KexAlgorithms=diffie-hellman-group14-sha256"):
        assert "no matching" in refusal("-o", "LogLevel=INFO", "-o", old, name, "true")
    effective = host.check_output("sshd -T").splitlines()
    assert {
        "permitrootlogin without-password",
        "passwordauthentication no",
        "disableforwarding yes",
        "maxauthtries 3",
    } <= set(effective)


def test_tor_is_never_root_and_can_do_nothing_else(
    server: Deployed, host: "testinfra.host.Host"
) -> None:
    """
    No capability, a filter of system calls, and no port that it listens on.
    """
    process = host.check_output(
        "systemctl show --value --property=MainPID tor@default.service"
    )
    status = server.machine.run(f"cat /proc/{process}/status")
    found = dict(re.findall(r"^(\w+):\s+(.*)$", status, re.MULTILINE))
    tor = host.user("debian-tor").uid
    assert [str(tor)] * 4 == found["Uid"].split()
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert 0 == int(found[kind], 16), kind
    assert ("1", "2") == (found["NoNewPrivs"], found["Seccomp"])
    assert {"22"} == {
        one.rpartition(":")[2]
        for one in host.socket.get_listening_sockets()
        if not one.startswith("unix://")
    }
    inside = f"nsenter --target={process} --mount --"
    assert "0" == server.machine.run(f"{inside} ls -A /var/lib/bisik | wc -l").strip()
    assert server.machine.tried(f"{inside} touch /etc/x /var/lib/x").returncode != 0
    said = server.machine.run(
        f"systemd-analyze security --threshold={TOR_EXPOSURE} tor@default.service"
    )
    assert "Overall exposure level" in said


def test_tor_reloads(server: Deployed) -> None:
    """
    Confined as it is, it still reads its files again when systemd tells it to.
    """
    process = "systemctl show --value --property=MainPID tor@default.service"
    before = server.machine.run(process)
    server.machine.run("systemctl reload tor@default.service && sleep 2")
    assert before == server.machine.run(process)
    said = server.machine.run("journalctl --unit=tor@default --no-pager")
    assert "Received reload signal (hup)" in said


def test_an_auditor_finds_what_is_explained(server: Deployed) -> None:
    """
    Lynis gives 80 at least, and whatever it still finds is on a page with its reason.
    """
    machine = server.machine
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


def test_nobody_locks_themselves_out(server: Deployed) -> None:
    """
    A run that would close the door by which it came is refused, and changes nothing.
    """
    before = server.machine.run("nft list ruleset; sshd -T")
    with pytest.raises(PlaybookFailed, match="only the onion service"):
        server.deploy("locked out", "--tags=firewall", firewall_ssh_sources=[])
    assert before == server.machine.run("nft list ruleset; sshd -T")


def test_a_stranger_finds_no_ssh(server: Deployed) -> None:
    """
    Who knows the administrators' address and has no key for it reaches nothing.
    """
    assert "" == greeting(server, server.tor.client("stranger"))


def test_whoever_left_is_out(server: Deployed) -> None:
    """
    The inventory is the list: who is on the machine's and not on it is shut out.
    """
    listed = server.machine.run(ACCESS)
    key = new_client(lambda size: ENTROPY[:size]).public_key
    server.machine.run(f"bisik administrators grant-access budi {key}")
    recap = server.deploy("left", "--tags=tor")
    shut_out = "tor : Shut out who is not named, or has another key"
    assert (shut_out,) == recap.changed_tasks
    assert listed == server.machine.run(ACCESS)


def test_a_hang_up_in_the_middle_locks_nobody_out(server: Deployed) -> None:
    """
    Somebody who shuts themselves out loses the terminal, and not the service: whoever
    is let in afterwards comes in.
    """
    address = server.administrators
    server.ministry.keep_administrator_key(address)
    keys = server.ministry.administrator_keys
    client = server.tor.client("hanging-up", key_directory=keys)
    assert greeting_soon(server, client).startswith("SSH-2.0-")
    through_tor = f"ProxyCommand={shlex.join(way_to_ssh(server, client))}"

    name, key = server.machine.run(ACCESS).split()
    revoke = f"bisik administrators revoke-access {name}"
    over_tor = by_ssh(server, "-o", through_tor, "-tt", server.machine.name, revoke)
    assert over_tor.returncode != 0
    assert "Nobody can reach this machine" in server.machine.run(ACCESS)
    server.machine.run(f"bisik administrators grant-access {name} {key}")
    assert greeting_soon(server, client).startswith("SSH-2.0-")


def test_people_have_accounts_of_their_own(
    server: Deployed, bare: Container, tmp_path: Path
) -> None:
    """
    Once somebody is named, they come in by their key and become root by sudo; root
    comes in no longer, and the playbook goes on as one of them, but not against them.
    """
    other = replace(server, machine=bare, folder=tmp_path)
    sari = {"name": "sari", "ssh_keys": [server.lab.public_key.strip()]}
    other.deploy("people", "--tags=base", base_administrators=[sari])
    assert bare.tried("true").returncode == 255

    look = "id -un; sudo id -un; ls /root"
    done = by_ssh(server, "-l", "sari", bare.name, look)
    assert ["sari", "root"] == done.stdout.split(), done
    assert "Permission denied" in done.stderr
    as_sari = {"ansible_user": "sari"}
    again = other.deploy(
        "as sari", "--tags=base", base_administrators=[sari], **as_sari
    )
    assert (0, ()) == (again.changed, again.changed_tasks)
    with pytest.raises(PlaybookFailed, match="take away the sudo"):
        other.deploy("without sari", "--tags=base", **as_sari)
