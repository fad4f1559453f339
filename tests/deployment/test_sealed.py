"""
The sealed room on a booted machine: the roles make it, and a site lives in it.

AppArmor is not in the kernel of containers; what it adds is tried on Debian's own.
"""

import contextlib
import http.client
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from support import telling_files
from support.circuits import visitor_on
from support.lab.container import Container
from support.lab.deployed import Deployed
from support.lab.playbook import PlaybookFailed, Recap
from support.units import SEALED
from support.visitor import Upload, Visitor

pytestmark = [pytest.mark.deployment, pytest.mark.slow]

PROBE = Path(__file__).with_name("probe.py")
# A start takes two or three, when nothing else is tested at the same time.
BACK_SECONDS = 120.0
TEMPORARY = "/tmp"  # noqa: S108 - The room's own.
SETS = ("Bnd", "Eff", "Prm")
# Some packages keep programs there, which only AppArmor refuses to run.
LIBRARIES = ("/lib/x86_64-linux-gnu/", "/usr/lib/x86_64-linux-gnu/")
# What of the playbook this is about.
TAGS = "--tags=application,source_site,courier"


class Ground:
    """A deployed server, and strangers in the place of what its units run."""

    def __init__(self, server: Deployed) -> None:
        self.server = server

    @property
    def machine(self) -> Container:
        """The machine, which is a container."""
        return self.server.container

    def run(self, *arguments: str, **changes: object) -> Recap:
        """Run the roles."""
        return self.server.deploy("sealed", TAGS, *arguments, **changes)

    def visitor(self, number: int) -> Visitor:
        """Open a browser window on a circuit of its own, in the place of tor."""
        root = Path(f"/proc/{self.machine.leader}/root")
        return visitor_on(root / "run/bisik/site.sock", number, host=self.server.site)

    def probe(self, unit: str) -> dict[str, Any]:
        """Let a stranger in, in the place of what a unit runs."""
        folder = f"/run/systemd/system/{unit}.service.d"
        self.machine.run(
            f"cat > /run/bisik-memory/probe.py && mkdir -p {folder}",
            stdin=PROBE.read_bytes(),
        )
        # In the place of ExecStart, and nothing else is different.
        self.machine.run(
            f"cat > {folder}/probe.conf && systemctl daemon-reload && "
            f"systemctl stop {unit}.service",
            stdin="[Service]\nType=oneshot\nRestart=no\nExecStart=\n"
            "ExecStart=/usr/bin/python3 -I /run/bisik-memory/probe.py\n"
            "StandardOutput=truncate:/run/probe.json\n",
        )
        try:
            self.machine.run(f"systemctl start {unit}.service")
            told: dict[str, Any] = json.loads(self.machine.run("cat /run/probe.json"))
        finally:
            self.machine.run(f"rm -r {folder} && systemctl daemon-reload")
        return told


@pytest.fixture(scope="module")
def ground(server: Deployed) -> Ground:
    """The deployed server."""
    return Ground(server)


def test_looking_once_more_finds_nothing_to_do(ground: Ground) -> None:
    """
    After one run, a look at what a second one would do (--check) finds nothing.
    """
    assert () == ground.run("--check").changed_tasks


@pytest.mark.parametrize("unit", SEALED)
def test_nothing_leads_out_of_the_room(ground: Ground, unit: str) -> None:
    """
    Whoever takes a site over reaches no network, runs no code that they brought, sees
    nothing of the machine, and writes to the server directory and to memory only.
    """
    told = ground.probe(unit)

    assert {"0000000000000000"} == {told["status"][f"Cap{kind}"] for kind in SETS}
    assert ("1", "2") == (told["status"]["NoNewPrivs"], told["status"]["Seccomp"])
    assert {"EAFNOSUPPORT"} == set(told["sockets"].values())
    assert {"EPERM"} == set(told["calls"].values()), told["calls"]
    assert {"EPERM", "EACCES"} == set(told["code"].values()), told["code"]
    assert [
        *("/dev/mqueue", "/run/bisik-memory", TEMPORARY, "/var/lib/bisik/server"),
        *("/var/lib/bisik/server/keyring", "/var/lib/bisik/server/spool"),
    ] == told["writable"]
    assert ["/usr/bin/gpg", "/usr/bin/python3", "/usr/bin/python3.11"] == [
        path for path in told["programs"] if not path.startswith(LIBRARIES)
    ]
    assert {"ENOENT", "EACCES"} >= set(told["unseen"].values()), told["unseen"]
    assert {"EROFS"} == set(told["settings"].values())
    assert ["python3"] == told["processes"]


def test_a_photograph_is_looked_into_and_sealed(ground: Ground) -> None:
    """
    In the room, a report is sealed by gpg, and the inspector names what a file tells;
    nothing goes wrong on the way.
    """
    reporter = ground.visitor(1)
    reporter.draw_codename()
    assert "sudah kami terima" in reporter.send_report().text

    page = reporter.send_files(
        Upload("foto.jpg", telling_files.jpeg_with_position()),
        Upload("besar.bin", bytes(5 * 1000 * 1000)),
    )

    assert "sudah disegel" in page.text
    assert "-6.17500, 106.82667" in page.text
    warnings = "journalctl --unit bisik-site --priority warning --output cat --quiet"
    assert "" == ground.machine.run(warnings)


def test_forgetting_works_in_its_room(ground: Ground) -> None:
    """
    The daily run ends well, and the timer will begin the next one.
    """
    ground.machine.run("systemctl start bisik-tidy.service")
    said = ground.machine.run("journalctl --unit bisik-tidy --output cat --lines 20")
    assert "bisik: error" not in said
    assert "Finished bisik-tidy.service" in said
    assert "active\n" == ground.machine.run("systemctl is-active bisik-tidy.timer")


@pytest.mark.parametrize("victim", ["main process", "workers"])
def test_a_killed_site_comes_back(ground: Ground, victim: str) -> None:
    """
    Whoever comes meanwhile waits at the socket, or comes again, and is answered.
    """
    ground.machine.run("systemctl start bisik-site.service")
    main = ground.machine.run("systemctl show --property MainPID --value bisik-site")
    end = "kill -9" if victim == "main process" else "pkill -KILL -P"
    begun = time.monotonic()
    ground.machine.run(f"{end} {main}")

    status = 0
    while status != 200 and time.monotonic() - begun < BACK_SECONDS:
        # Who is with a process when it dies is cut off with it.
        with contextlib.suppress(OSError, http.client.HTTPException):
            status = ground.visitor(2).get("/safety").status
    assert 200 == status
    assert "active\n" == ground.machine.run("systemctl is-active bisik-site.service")


@pytest.mark.parametrize("socket", ["bisik", "bisik-courier"])
def test_nobody_but_tor_gets_in(ground: Ground, socket: str) -> None:
    """
    The socket opens for tor's user, and neither for others nor for the site's own.
    """
    ask = (
        f"python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); "
        f's.connect("/run/{socket}/site.sock")\''
    )
    came_in = {
        user: ground.machine.tried(f"runuser -u {user} -- {ask}").returncode == 0
        for user in ("debian-tor", "bisik", "nobody")
    }
    assert {"debian-tor": True, "bisik": False, "nobody": False} == came_in


def test_changed_settings_count_at_once(ground: Ground) -> None:
    """
    What is not a setting is refused before it replaces those in use; a new one makes
    the sites begin anew, and so does taking it back.
    """
    before = ground.machine.run("cat /var/lib/bisik/server/bisik.toml")
    with pytest.raises(PlaybookFailed, match="sopan"):
        ground.run(application_settings={"sopan": True})
    assert before == ground.machine.run("cat /var/lib/bisik/server/bisik.toml")

    started = "systemctl show --property MainPID --value bisik-site bisik-courier"
    first = ground.machine.run(started)
    more = {**ground.server.application_settings, "patience_seconds": 30}
    changed = ground.run(application_settings=more).changed_tasks

    assert "application : Restart the sites that are running" in changed
    assert first != ground.machine.run(started)
    assert 200 == ground.visitor(3).get("/safety").status
    ground.run()
    assert before == ground.machine.run("cat /var/lib/bisik/server/bisik.toml")


@pytest.mark.parametrize("altered", ["package", "digests"])
def test_an_altered_release_is_refused(
    ground: Ground, tmp_path: Path, altered: str
) -> None:
    """
    A package whose digest is not the signed one, or digests that nobody signed, stay
    outside: nothing is installed.
    """
    release = tmp_path / "release"
    shutil.copytree(ground.server.release, release)
    (package,) = release.glob("*.deb")
    other = package.rename(release / "bisik-server-9.9_9.9_amd64.deb")
    if altered == "digests":
        sums = release / "SHA256SUMS"
        sums.write_text(sums.read_text().replace(package.name, other.name))
    task = "Verify who signed it" if altered == "digests" else "Verify every digest"

    with pytest.raises(PlaybookFailed, match=task):
        ground.run(application_release=str(release))

    assert "/opt/bisik/releases/9.9" not in ground.machine.run("ls -d /opt/bisik/*/*")
    assert 200 == ground.visitor(4).get("/safety").status
