"""
Upgrades of a deployed server, while reporters go on sending.

    releases:  first --> wider (one more step of the database) --> third
                                                    broken (its sites do not start)

The first one comes by the playbook, as an administrator brings it, and its reporters
come over Tor.  Those whose upgrades end badly knock at the site's socket, in the place
of tor, so that they are there at once when the machine is back.
"""

import contextlib
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.building import copied_source
from support.circuits import visitor_on
from support.lab.container import Container
from support.lab.deployed import Deployed
from support.lab.journeys import assert_nothing_lost, empty_intake
from support.lab.machine import MachineFault
from support.sending_on import CUT_OFF, Ledger, Reporter
from support.signing import Signer
from support.upgrading import add_step
from support.visitor import Visitor

pytestmark = [pytest.mark.deployment, pytest.mark.slow]

REPORTERS = 3
PATIENCE_SECONDS = 240.0
CUT_WITHIN_SECONDS = 120.0
PAUSE_SECONDS = 0.5
SERVER = "/var/lib/bisik/server"


class Ground:
    """A deployed server, its reporters, and the releases that come to it."""

    def __init__(self, server: Deployed, signer: Signer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self._signer = signer
        self._windows = iter(range(1, 10_000))
        empty_intake(server)

    @property
    def machine(self) -> Container:
        """The machine, which is a container."""
        return self.server.container

    def release(self, source: Path, minutes: int) -> Path:
        """Build a later release from some source, and return its folder."""
        return self._signer.release(
            self.folder / f"later-{minutes}", source=source, minutes=minutes
        )

    def install(self, release: Path) -> str:
        """Install a release beside the one in use, and return its version."""
        (package,) = release.glob("bisik-server-*.deb")
        self.machine.run(
            "cat > /root/later.deb && dpkg --install /root/later.deb",
            stdin=package.read_bytes(),
        )
        return version_of(release)

    def activate(self, version: str) -> "subprocess.CompletedProcess[str]":
        """Let a release take over, as an administrator does."""
        return self.machine.tried(f"bisik release activate {version} --no-backup")

    def over_tor(self) -> Visitor:
        """Open a browser window that comes over Tor."""
        return self.server.visitor(f"upgrade-{next(self._windows)}")

    def at_socket(self) -> Visitor:
        """Open a browser window in the place of tor."""
        return visitor_on(
            self.inside("/run/bisik/site.sock"),
            next(self._windows),
            host=self.server.site,
            timeout_seconds=PATIENCE_SECONDS,
        )

    @contextmanager
    def reporters(self, visit: Callable[[], Visitor]) -> Iterator[None]:
        """
        Let reporters send one thing after the other, whatever comes between.

        In the end, all that was acknowledged is there.
        """
        ledger = Ledger()
        enough = threading.Event()

        def go_on(number: int) -> None:
            while not enough.is_set():
                reporter = Reporter(visit, ledger, random.Random())
                # Where there is no power there is no machine either.
                with contextlib.suppress(*CUT_OFF, MachineFault):
                    reporter.draw()
                    reporter.work(enough)
                enough.wait(PAUSE_SECONDS)

        with ThreadPoolExecutor(REPORTERS) as pool:
            running = [pool.submit(go_on, number) for number in range(REPORTERS)]
            try:
                yield
            finally:
                enough.set()
        for one in running:
            one.result()
        assert_nothing_lost(self.server, ledger)

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


def version_of(release: Path) -> str:
    """Return the version of a release."""
    (package,) = release.glob("bisik-server-*.deb")
    return package.name.split("_")[1]


@pytest.fixture(scope="module")
def ground(
    server: Deployed, signer: Signer, tmp_path_factory: pytest.TempPathFactory
) -> Ground:
    """The deployed server."""
    return Ground(server, signer, tmp_path_factory.mktemp("upgraded"))


@pytest.fixture(scope="module")
def wider(ground: Ground) -> Path:
    """A release with one more step of the database, which the first can read."""
    source = copied_source(ground.folder / "wider")
    add_step(source / "deaddrop/migrations/versions")
    return ground.release(source, 1)


@pytest.fixture(scope="module")
def third(ground: Ground, wider: Path) -> str:
    """The release after that, which is installed."""
    assert wider.is_dir()
    return ground.install(ground.release(ground.folder / "wider", 2))


@pytest.fixture(scope="module")
def broken(ground: Ground) -> str:
    """A release that migrates, and whose reporters' site cannot start."""
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
    return ground.install(ground.release(source, 3))


def test_an_upgrade_under_load(ground: Ground, wider: Path) -> None:
    """
    While reporters send over Tor, the playbook brings another release: they wait, and
    nothing is lost.
    """
    first, step = ground.current, ground.step
    ground.server.release = wider
    with ground.reporters(ground.over_tor):
        time.sleep(5)
        recap = ground.server.deploy("upgrade", "--tags=application")
        time.sleep(5)

    assert "application : Let it take over" in recap.changed_tasks
    assert first != ground.current
    assert version_of(wider) == ground.current
    assert step != ground.step
    assert [] == ground.left()
    verified = ground.machine.tried(f"dpkg --verify bisik-server-{ground.current}")
    assert (0, "") == (verified.returncode, verified.stdout)


def test_a_broken_release_is_undone(ground: Ground, wider: Path, broken: str) -> None:
    """
    A release that fails its trial leaves tables, reports and sites as they were.
    """
    assert version_of(wider) == ground.current
    step = ground.step
    with ground.reporters(ground.at_socket):
        time.sleep(3)
        done = ground.activate(broken)
        time.sleep(3)

    assert 1 == done.returncode, done.stdout
    before = version_of(wider)
    assert f"nothing has changed, and {before} counts as before" in done.stderr
    assert (before, step) == (ground.current, ground.step)
    assert [] == ground.left()


@pytest.mark.parametrize("phase", ["stopping", "changing", "opening"])
def test_power_is_cut_during_an_upgrade(ground: Ground, third: str, phase: str) -> None:
    """
    The machine comes back by itself, with the release that counted, and nothing lost.
    """
    before = ground.current
    with ground.reporters(ground.at_socket):
        time.sleep(3)
        with ThreadPoolExecutor(1) as administrator:
            going = administrator.submit(ground.activate, third)
            _wait_for(ground, phase)
            ground.server.cut_power()
            assert 0 != going.result().returncode
        ground.server.restore_power()
        page = _first_page(ground)
        time.sleep(3)

    assert 200 == page
    assert ground.current == (third if phase == "opening" else before)
    assert [] == ground.left()


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
        with contextlib.suppress(*CUT_OFF, MachineFault):
            return ground.at_socket().get("/").status
        time.sleep(0.5)
    raise AssertionError("the site never came back")
