"""
Upgrades on a booted machine, while reporters go on sending.

    releases:  first --> wider (one more step of the database) --> third
                                                    broken (its sites do not start)
"""

import contextlib
import random
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.building import EPOCH, build, copied_source
from support.circuits import visitor_on
from support.lab.container import Container
from support.lab.laboratory import Lab, running_lab
from support.lab.ministry import OFFICER, Ministry
from support.pages import ROOT
from support.sending_on import CUT_OFF, Ledger, Reporter
from support.upgrading import add_step
from support.visitor import Visitor

pytestmark = [pytest.mark.deployment, pytest.mark.slow]

REPORTERS = 3
PATIENCE_SECONDS = 240.0
CUT_WITHIN_SECONDS = 120.0
SERVER = "/var/lib/bisik/server"
# What the roles do for both sites, without what stands around them.
SET_UP = """\
set -eu
apt-get -qq update
apt-get -qq --yes --no-install-recommends install /root/first.deb > /dev/null
groupadd --system debian-tor
useradd --system --user-group --home-dir /var/lib/bisik --no-create-home bisik
install -d -o bisik -g bisik -m 0700 /var/lib/bisik
cat > /usr/local/bin/bisik <<'END'
#!/bin/sh
export BISIK_DIRECTORY=/var/lib/bisik/server
exec /usr/bin/python3 -IS /opt/bisik/current/bin/bisik "$@"
END
chmod 0755 /usr/local/bin/bisik
/opt/bisik/releases/*/bin/bisik release activate {version} \
    --directory /var/lib/bisik/server
units=/opt/bisik/current/systemd
cd /etc/systemd/system
ln -s $units/bisik-.service.d $units/bisik-recover.service .
mkdir -p sockets.target.wants multi-user.target.wants
for site in bisik-site bisik-courier; do
    ln -s $units/$site.socket $units/$site.service .
    mkdir $site.service.d
    ln -s $units/sealed.conf $site.service.d
    ln -s ../$site.socket sockets.target.wants/
    ln -s ../$site.service multi-user.target.wants/
done
ln -s /opt/bisik/current/tmpfiles/bisik.conf /etc/tmpfiles.d/
systemd-tmpfiles --create /etc/tmpfiles.d/bisik.conf
bisik init --organisation-key /root/organisation.asc
cat > /var/lib/bisik/server/bisik.toml <<'END'
version = 1
hosts = ["site.onion"]
socket = "/run/bisik/site.sock"
courier_hosts = ["courier.onion"]
courier_socket = "/run/bisik-courier/site.sock"
memory = "/run/bisik-memory"
END
bisik officers add --role verifikator /root/certified.json
systemctl daemon-reload
systemctl start bisik-site.socket bisik-courier.socket bisik-site bisik-courier
"""


class Ground:
    """A machine with both sites, reporters at its socket, and an officer elsewhere."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.folder = folder
        self.ministry = Ministry.made(folder / "ministry")
        self.machine: Container = lab.machine("server", "10.77.0.14")
        self.machine.boot()
        self.ledger = Ledger()
        self._circuits = iter(range(1, 10_000))
        first = build("scripts.release", ROOT, folder / "first", "--package-only")
        for name, content in (
            ("first.deb", first.read_bytes()),
            ("organisation.asc", self.ministry.organisation_key.read_bytes()),
            ("certified.json", self.ministry.certified.read_bytes()),
        ):
            self.machine.run(f"cat > /root/{name}", stdin=content)
        version = first.name.split("_")[1]
        self.machine.run(f"sh -s {version}", stdin=SET_UP.replace("{version}", "$1"))

    def install(self, source: Path, minutes: int) -> str:
        """Build a later release from some source, install it; return its version."""
        package = build(
            "scripts.release",
            source,
            self.folder / f"later-{minutes}",
            "--package-only",
            env={"SOURCE_DATE_EPOCH": str(int(EPOCH) + 60 * minutes)},
        )
        self.machine.run(
            "cat > /root/later.deb && dpkg --install /root/later.deb",
            stdin=package.read_bytes(),
        )
        return package.name.split("_")[1]

    def activate(self, version: str) -> "subprocess.CompletedProcess[str]":
        """Let a release take over, as an administrator does."""
        return self.machine.tried(f"bisik release activate {version} --no-backup")

    def visitor(self) -> Visitor:
        """Open a browser window, in the place of tor."""
        return visitor_on(
            self.inside("/run/bisik/site.sock"),
            next(self._circuits),
            timeout_seconds=PATIENCE_SECONDS,
        )

    @contextmanager
    def reporters(self) -> Iterator[None]:
        """Let reporters send one thing after the other, whatever comes between."""
        enough = threading.Event()

        def go_on(number: int) -> None:
            while not enough.is_set():
                reporter = Reporter(self.visitor, self.ledger, random.Random(number))
                with contextlib.suppress(*CUT_OFF):
                    reporter.draw()
                    reporter.work(enough)

        with ThreadPoolExecutor(REPORTERS) as pool:
            running = [pool.submit(go_on, number) for number in range(REPORTERS)]
            try:
                yield
            finally:
                enough.set()
        for one in running:
            one.result()

    def assert_nothing_lost(self) -> None:
        """Open all that is there with the officer's key, and compare."""
        self.machine.run(
            f"rm -f /root/bundle.tar && bisik courier export --desk '{OFFICER}' "
            "--to /root/bundle.tar --since 0"
        )
        bundle = self.folder / "bundle.tar"
        bundle.write_bytes(self.inside("/root/bundle.tar").read_bytes())
        self.ledger.compare(self.ministry.open_items(bundle))

    @property
    def current(self) -> str:
        """The release that counts."""
        return self.inside("/opt/bisik/current").readlink().name

    @property
    def step(self) -> str:
        """The last step of the database."""
        return self.machine.run(
            "runuser -u bisik -- python3 -c '"
            "import sqlite3; "
            f'database = sqlite3.connect("{SERVER}/deaddrop.db"); '
            'print(*database.execute("SELECT version_num FROM alembic_version"))'
            "'"
        )

    def inside(self, path: str) -> Path:
        """Return where a path of the machine is on this one."""
        return Path(f"/proc/{self.machine.leader}/root{path}")

    def left(self) -> list[str]:
        """List what an upgrade must not leave."""
        names = [
            *self.inside(SERVER).glob("*before-upgrade*"),
            *self.inside("/opt/bisik").glob("upgrade.json"),
        ]
        return [path.name for path in names]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A machine on which the roles have run, with the release of this repository."""
    with running_lab() as lab:
        yield Ground(lab, tmp_path_factory.mktemp("upgrade"))


@pytest.fixture(scope="module")
def wider(ground: Ground) -> str:
    """A release with one more step of the database, which the first can read."""
    source = copied_source(ground.folder / "wider")
    add_step(source / "deaddrop/migrations/versions")
    return ground.install(source, 1)


@pytest.fixture(scope="module")
def third(ground: Ground, wider: str) -> str:
    """The release after that."""
    assert wider
    return ground.install(ground.folder / "wider", 2)


@pytest.fixture(scope="module")
def broken(ground: Ground, wider: str) -> str:
    """A release that migrates, and whose reporters' site cannot start."""
    assert wider
    source = copied_source(ground.folder / "broken")
    versions = source / "deaddrop/migrations/versions"
    add_step(versions)
    add_step(versions)
    app = source / "source_app/app.py"
    text = app.read_text().replace(
        "def create_app(",
        "def create_app(*_: object) -> Flask:\n"
        '    """Fail."""\n    raise RuntimeError("broken")\n\n\ndef former_app(',
        1,
    )
    app.write_text(text)
    return ground.install(source, 3)


def test_an_upgrade_under_load(ground: Ground, wider: str) -> None:
    """
    While reporters send, another release takes over: they wait, and nothing is lost.
    """
    first, step = ground.current, ground.step
    with ground.reporters():
        time.sleep(5)
        done = ground.activate(wider)
        time.sleep(5)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert (first, wider) != (wider, first)
    assert wider == ground.current
    assert step != ground.step
    assert [] == ground.left()
    ground.assert_nothing_lost()
    verified = ground.machine.tried(f"dpkg --verify bisik-server-{wider}")
    assert (0, "") == (verified.returncode, verified.stdout)


def test_a_broken_release_is_undone(ground: Ground, broken: str) -> None:
    """
    A release that fails its trial leaves tables, reports and sites as they were.
    """
    before, step = ground.current, ground.step
    with ground.reporters():
        time.sleep(3)
        done = ground.activate(broken)
        time.sleep(3)

    assert 1 == done.returncode, done.stdout
    assert f"nothing has changed, and {before} counts as before" in done.stderr
    assert (before, step) == (ground.current, ground.step)
    assert [] == ground.left()
    ground.assert_nothing_lost()


@pytest.mark.parametrize("phase", ["stopping", "changing", "opening"])
def test_power_is_cut_during_an_upgrade(
    ground: Ground, third: str, wider: str, phase: str
) -> None:
    """
    The machine comes back by itself, with one release or the other, and nothing lost.
    """
    back = third if ground.current == wider else wider
    with ground.reporters():
        time.sleep(3)
        with ThreadPoolExecutor(1) as administrator:
            going = administrator.submit(ground.activate, back)
            _wait_for(ground, phase)
            ground.machine.kill()
            assert 0 != going.result().returncode
        ground.machine.boot()
        page = _first_page(ground)
        time.sleep(3)

    assert 200 == page
    assert ground.current in {wider, third}
    assert (ground.current == back) == (phase == "opening")
    assert [] == ground.left()
    ground.assert_nothing_lost()


def _wait_for(ground: Ground, phase: str) -> None:
    record = ground.inside("/opt/bisik/upgrade.json")
    until = time.monotonic() + CUT_WITHIN_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(FileNotFoundError):
            if f'"{phase}"' in record.read_text():
                return
        time.sleep(0.005)
    raise AssertionError(f"the upgrade never got to {phase}")


def _first_page(ground: Ground) -> int:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(*CUT_OFF):
            return ground.visitor().get("/").status
        time.sleep(0.5)
    raise AssertionError("the site never came back")
