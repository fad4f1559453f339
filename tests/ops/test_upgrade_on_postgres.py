"""
One release takes over from another on PostgreSQL, of which there is no copy.

The tests tell one story, and follow one another: two web machines have one dead drop,
and while one of them is upgraded, the other serves, with the release before.
"""

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from support.pages import ROOT
from support.postgres import running_postgres
from support.server import Service, made_service
from support.upgrading import Premises, add_step

from deaddrop import this_versions_steps
from ops.organisation import PUBLIC_KEY
from ops.server import create_server, open_server
from ops.upgrade import UpgradeUndone, recover

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

BEFORE = "1.0"
ACKNOWLEDGED = "sudah kami terima"
REVISION = this_versions_steps().head
NEXT_REVISION = f"{int(REVISION) + 1:04}"


@dataclass(frozen=True)
class Machines:
    """
    Two web machines on one PostgreSQL.

    Attributes:
        premises: The machine that is upgraded.

        other: The other one.
    """

    premises: Premises
    other: Service
    url: str

    def tables(self) -> tuple[str, bool]:
        """Return the last step taken, and whether the column of the next is there."""
        url = sa.make_url(self.url).set(drivername="postgresql+psycopg")
        with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
            taken = connection.exec_driver_sql("SELECT * FROM alembic_version")
            columns = sa.inspect(connection).get_columns("intake")
            names = {column["name"] for column in columns}
            return taken.scalar_one(), f"wider{NEXT_REVISION}" in names

    def send_report(self) -> None:
        """Send one by the other machine, and see it by the release before."""
        visitor = self.other.visitor()
        visitor.draw_codename()
        before = self.items()
        assert ACKNOWLEDGED in visitor.send_report().text
        assert before + 1 == self.items()

    def items(self) -> int:
        """Count what is there, as the release before does on the upgraded machine."""
        with open_server(self.premises.server, self.other.edge) as server:
            return sum(1 for _ in server.drop.intake.entries())


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Two web machines of the release of this tree."""
    folder = tmp_path_factory.mktemp("machines")
    (folder / "other").mkdir()
    with running_postgres() as postgres:
        url = postgres.create_database("shared")
        with made_service(folder / "other", database=url) as other:
            premises = Premises(folder, folder / "server")
            premises.prepare()
            create_server(
                premises.server,
                other.edge,
                database=url,
                organisation_key=(other.organisation / PUBLIC_KEY).read_bytes(),
                join=True,
                trial=True,
            )
            with (premises.server / "bisik.toml").open("a") as settings:
                settings.write(f'\nmemory = "{other.memory}"\n')
            premises.install_this_tree(BEFORE)
            premises.releases.switch(BEFORE)
            other.start()
            yield Machines(premises, other, url)


@pytest.fixture
def wider(tmp_path: Path) -> Path:
    """The package of the dead drop with one more step."""
    package = tmp_path / "deaddrop"
    shutil.copytree(ROOT / "deaddrop", package)
    add_step(package / "migrations/versions")
    return package


def test_a_step_that_fails_changes_nothing(machines: Machines, wider: Path) -> None:
    """
    What the step did before it failed is undone by the database itself.
    """
    (step,) = (wider / "migrations/versions").glob(f"{NEXT_REVISION}_*.py")
    step.write_text(f"{step.read_text()}    op.drop_table('table_of_nobody')\n")
    machines.premises.install_this_tree("1.1", wider)

    with pytest.raises(UpgradeUndone, match="bisik migrate failed"):
        machines.premises.upgrade().activate("1.1")

    assert BEFORE == machines.premises.releases.current()
    assert (REVISION, False) == machines.tables()
    machines.send_report()


def test_power_is_cut_after_the_migration(machines: Machines, wider: Path) -> None:
    """
    When the machine is back, the release before counts, and works with the new tables.
    """
    premises = machines.premises
    premises.install_this_tree("1.2", wider)

    def die_before_the_trial(step: str) -> None:
        if step == "try":
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        premises.upgrade(tell=die_before_the_trial).activate("1.2")
        os._exit(1)
    assert signal.SIGKILL == os.WTERMSIG(os.waitpid(child, 0)[1])
    assert (NEXT_REVISION, True) == machines.tables()

    assert recover(premises.releases) is not None

    assert BEFORE == premises.releases.current()
    assert (NEXT_REVISION, True) == machines.tables()
    machines.send_report()


def test_a_release_that_does_not_serve_is_undone(
    machines: Machines, wider: Path, tmp_path: Path
) -> None:
    """
    The tables stay as they are by now, the release before works with them, and what
    was sent to the other machine meanwhile is there.
    """
    site = tmp_path / "source_app"
    shutil.copytree(ROOT / "source_app", site)
    app = site / "app.py"
    broken = "def create_app(*_):\n    raise RuntimeError\n\n\ndef former_app("
    app.write_text(app.read_text().replace("def create_app(", broken, 1))
    machines.premises.install_this_tree("1.3", wider, site)
    items = machines.items()

    def send_during_the_trial(step: str) -> None:
        if step == "try":
            visitor = machines.other.visitor()
            visitor.draw_codename()
            assert ACKNOWLEDGED in visitor.send_report().text

    with pytest.raises(UpgradeUndone, match=r"1\.0 counts as before, with the tables"):
        machines.premises.upgrade(tell=send_during_the_trial).activate("1.3")

    assert BEFORE == machines.premises.releases.current()
    assert (NEXT_REVISION, True) == machines.tables()
    assert items + 1 == machines.items()
    machines.send_report()


def test_a_release_takes_over(machines: Machines, wider: Path) -> None:
    """
    Nothing is copied, and the machine that is still of the release before goes on.
    """
    machines.premises.install_this_tree("1.4", wider)
    told: list[str] = []

    assert machines.premises.upgrade(tell=told.append).activate("1.4")

    assert ["verify", "stop", "migrate", "try", "open", "start", "look"] == told
    assert "1.4" == machines.premises.releases.current()
    assert (NEXT_REVISION, True) == machines.tables()
    machines.send_report()
