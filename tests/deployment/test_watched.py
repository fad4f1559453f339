"""
A booted machine that is watched, and sends its message: the doctor, the counters, and
a mail server that only Tor leads to.

AppArmor is not in the kernel of containers; its profiles are read elsewhere.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.command import World
from support.lab.container import Container
from support.lab.laboratory import Lab
from support.lab.playbook import Recap, run_playbook
from support.lab.tor import LabTor
from support.mail_server import PASSWORD, USER, MailServer, running_mail_server
from support.mailboxes import Mailbox
from support.onions import short_folder
from support.signing import Signer

from ops.edge import Edge
from ops.notifying.mail import Security
from ops.notifying.message import MESSAGE_BYTES
from ops.organisation import PUBLIC_KEY
from tor.control import wait_until_in_network
from tor.program import TorProcess, find_tor
from tor.torrc import quoted, socket_path

pytestmark = [
    pytest.mark.deployment,
    pytest.mark.slow,
    # Behind an onion service there is no TLS.
    pytest.mark.filterwarnings("ignore:Requiring AUTH while:UserWarning"),
]

READY_SECONDS = 120.0
SENT_SECONDS = 300.0
PAUSE_SECONDS = 5.0
ADDRESS = "a7f3k@example.test"
# The part of the whole playbook that this is about.
PLAY = """\
- name: Have a server that is watched
  hosts: all
  pre_tasks:
    - name: Read the archive
      ansible.builtin.apt:
        update_cache: true
        cache_valid_time: 3600
      check_mode: false
  roles: [application, monitoring, notifications]
"""
# Says whether somebody may open the socket of the sending tor.
KNOCK = """\
import socket
with socket.socket(socket.AF_UNIX) as stream:
    try:
        stream.connect("/run/bisik-notify-tor/socks")
    except PermissionError:
        print("refused")
    else:
        print("open")
"""


class Watched:
    """A machine, the mail server that it sends to, and who reads that."""

    def __init__(
        self,
        lab: Lab,
        tor: LabTor,
        signer: Signer,
        release: Path,
        folder: Path,
        mail: MailServer,
        mail_address: str,
        reader: Mailbox,
    ) -> None:
        self.machine: Container = lab.machine("watched", "10.77.0.41")
        self.machine.boot()
        self.mail = mail
        self.reader = reader
        self._lab = lab
        self._folder = folder
        world = World(folder / "world", Edge())
        world.path.mkdir()
        world.done("organisation", "init", world.organisation, "--no-passphrase")
        self.variables: dict[str, object] = {
            "application_release": str(release),
            "application_release_key": str(signer.certificate),
            "application_organisation_key": str(world.organisation / PUBLIC_KEY),
            "monitoring_counters": True,
            "notifications_enabled": True,
            "notifications_server": mail_address,
            "notifications_port": 587,
            "notifications_security": "onion",
            "notifications_sender": "harian@example.test",
            "notifications_user": USER,
            "notifications_password": PASSWORD,
            "notifications_tor_network_lines": list(tor.network.torrc_lines),
        }

    def play(self, *arguments: str, **changes: object) -> Recap:
        """Run the roles."""
        playbook = self._folder / "play.yml"
        playbook.write_text(PLAY)
        hosts: dict[str, object] = {self.machine.name: {}}
        return run_playbook(
            self._lab,
            {"all": {"hosts": hosts, "vars": {**self.variables, **changes}}},
            log=self._folder / "log",
            playbook=playbook,
            arguments=arguments,
        )[self.machine.name]

    def fails(self, unit: str) -> bool:
        """Run a unit to its end, and tell whether it failed."""
        self.machine.run(f"systemctl start {unit} || true")
        shown = f"systemctl show --property=Result --value {unit}"
        return self.machine.run(shown).strip() != "success"

    def as_user(self, user: str) -> str:
        """Knock at the socket of the sending tor as somebody."""
        who = f"setpriv --reuid {user} --regid $(id -g {user}) --init-groups"
        return self.machine.run(f"cd / && {who} python3 -I -", stdin=KNOCK).strip()


@pytest.fixture(scope="module")
def watched(
    lab: Lab,
    tor: LabTor,
    signer: Signer,
    release: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Watched]:
    """A machine on which the roles have run once, and a mail server behind Tor."""
    with ExitStack() as running:
        folder = running.enter_context(short_folder())
        with lab.network.entered():
            mail = running.enter_context(running_mail_server(folder, Security.ONION))
            behind = folder / "behind"
            for made in (behind, behind / "service"):
                made.mkdir(mode=0o700)
            (behind / "torrc").write_text(
                "\n".join(
                    [
                        f"DataDirectory {quoted(behind)}",
                        f'ControlSocket "{socket_path(behind / "control")}"',
                        *("CookieAuthentication 1", "SocksPort 0"),
                        f"HiddenServiceDir {quoted(behind / 'service')}",
                        f"HiddenServicePort 587 127.0.0.1:{mail.port}",
                        *tor.network.torrc_lines,
                        "",
                    ]
                )
            )
            process = TorProcess(
                behind / "torrc", log=behind / "log", program=find_tor()
            )
            running.enter_context(process)
        wait_until_in_network(behind / "control", seconds=READY_SECONDS)
        reader = Mailbox.made(folder / "reader", ADDRESS)
        running.callback(reader.close)
        made_of = tmp_path_factory.mktemp("watched")
        address = (behind / "service/hostname").read_text().strip()
        ground = Watched(lab, tor, signer, release, made_of, mail, address, reader)
        # On a bare machine, too, one may look before anything is done.
        ground.play("--check")
        ground.play()
        ground.machine.run("cat > /root/reader.asc", stdin=reader.certificate)
        ground.machine.run(
            f"bisik notify recipients add /root/reader.asc --address {ADDRESS} "
            f"--fingerprint {reader.fingerprint} --for operator"
        )
        yield ground


def test_a_second_run_changes_nothing(watched: Watched) -> None:
    """
    What is as it should be is left alone, also when it is only looked at.
    """
    assert () == watched.play().changed_tasks
    assert () == watched.play("--check").changed_tasks


def test_the_doctor_looks_by_itself(watched: Watched) -> None:
    """
    Without a network and with three privileges it sees everything; its unit fails,
    because no site runs here, and the log says why; nothing of root's is left behind.
    """
    assert watched.fails("bisik-doctor.service")
    said = watched.machine.run("journalctl --unit bisik-doctor --output cat --quiet")
    assert "systemd does not know bisik-site.socket" in said
    assert "bisik officers list" in said
    assert "ok    " not in said
    for subject in ("server directory", "cannot read", "does not answer"):
        assert subject not in said
    note = json.loads(watched.machine.run("cat /run/bisik-doctor/health.json"))
    assert "wrong" == note["health"]
    owners = "find /var/lib/bisik/server /run/bisik-memory ! -user bisik"
    assert "" == watched.machine.run(owners)


def test_counters_are_written_by_themselves(watched: Watched) -> None:
    """
    For everybody to read, dated by midnight, with nothing about people.
    """
    assert not watched.fails("bisik-counters.service")
    path = "/var/lib/prometheus/node-exporter/bisik.prom"
    said = watched.machine.run(f"cat {path}")
    assert "bisik_items_waiting_below 16\n" in said
    assert "bisik_onion_reachable 0\n" in said
    mode = watched.machine.run(f"stat --format '%a %U' {path}").strip()
    assert "644 root" == mode


def test_only_the_sender_may_open_the_socket(watched: Watched) -> None:
    """
    Neither the user of the sites nor anybody else.
    """
    assert "open" == watched.as_user("bisik-notify")
    for user in ("bisik", "nobody", "debian-tor"):
        assert "refused" == watched.as_user(user)


def test_a_message_leaves_the_machine(watched: Watched) -> None:
    """
    Sealed by one unit, sent by another one through Tor, opened by its reader; the
    password is in no argument and no variable of the sender.
    """
    assert not watched.fails("bisik-notify-seal.service")
    listed = watched.machine.run("ls -A /run/bisik-notify/outgoing").split()
    assert 2 == len(listed)
    until = time.monotonic() + SENT_SECONDS
    # A busy network takes its time to know a service.
    while watched.fails("bisik-notify.service"):
        assert time.monotonic() < until, watched.machine.run(
            "journalctl --unit bisik-notify --unit bisik-notify-tor --output cat"
        )
        watched.machine.run("systemctl reset-failed bisik-notify.service")
        time.sleep(PAUSE_SECONDS)
    (taken,) = watched.mail.taken
    assert MESSAGE_BYTES == len(taken.content)
    assert "[127.0.0.1]" == taken.greeting
    assert b"watched" not in taken.content
    opened = watched.reader.opened(taken.content)
    assert "There is NOTHING new" in opened
    assert ["day"] == watched.machine.run("ls -A /run/bisik-notify/outgoing").split()
    posted = json.loads(watched.machine.run("cat /var/lib/bisik-notify/posted.json"))
    assert 0 == posted["failures"]
    shown = watched.machine.run("systemctl show bisik-notify.service")
    assert PASSWORD not in shown
    secret = watched.machine.run("stat --format '%a %U' /etc/bisik/mail-password")
    assert "600 root" == secret.strip()


def test_it_can_be_switched_off(watched: Watched) -> None:
    """
    No timer and no second tor is left, and no password.
    """
    off = {"notifications_enabled": False, "monitoring_counters": False}
    watched.play(**off)
    units = "bisik-notify.timer bisik-notify-seal.timer bisik-notify-tor.service"
    active = watched.machine.run(f"systemctl is-active {units} || true").split()
    assert {"inactive"} == set(active)
    assert "" == watched.machine.run("ls /etc/bisik | grep password || true")
    prom = "ls /var/lib/prometheus/node-exporter"
    assert "" == watched.machine.run(prom)
    assert () == watched.play(**off).changed_tasks
