"""
A machine with releases side by side, in folders of a test.

systemctl and dpkg are programs of the tests: what they are asked for is written down,
and what they answer is the test's to say.  The releases are small, and change a real
database of SQLite; or they are this tree, changed here and there, with any database.
"""

import json
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from support.pages import ROOT

from ops.host import Host
from ops.releases import Releases
from ops.server import DATABASE
from ops.upgrade import COURIER, SITE, Upgrade

_SYSTEMCTL = """\
#!/usr/bin/python3 -IS
import os, sys
services, current = "{services}/", os.path.basename(os.readlink("{current}"))
verb, *units = (word for word in sys.argv[1:] if not word.startswith("--"))
with open(services + "asked", "a") as asked:
    asked.write(" ".join([verb, *units]) + "\\n")
if os.path.exists(services + verb + "-fails-with-" + current):
    sys.exit("the tests want it so")
for unit in units:
    if verb == "show":
        print("active" if os.path.exists(services + unit) else "inactive")
    elif verb == "start":
        open(services + unit, "w").close()
    elif verb == "stop" and os.path.exists(services + unit):
        os.remove(services + unit)
"""

_DPKG = """\
#!/bin/sh
cat {services}/altered 2> /dev/null
exit 0
"""

_STAND_IN = """\
#!/usr/bin/python3 -IS
import sqlite3, sys
fails = {fails!r}
words = [word for word in sys.argv[1:] if not word.startswith("-")]
if words[-1] != "tables":
    database = sqlite3.connect(words[-1] + "/deaddrop.db")
    columns = [row[1] for row in database.execute("PRAGMA table_info(report)")]
if words[:2] == ["release", "tables"]:
    print({steps!r})
elif words[0] == "migrate" and "wide" not in columns:
    with database:
        database.execute("ALTER TABLE report ADD COLUMN wide")
        database.execute("UPDATE report SET wide = 1")
if words[0] in fails or words[:2] == ["release", *fails]:
    sys.exit("bisik: error: the tests want it so")
"""

_THIS_TREE = """\
#!{python} -IB
import sys
sys.path[:0] = {folders!r}
from ops.cli import main
main()
"""


@dataclass(frozen=True)
class Premises:
    """The folders of one machine."""

    path: Path
    server: Path

    @property
    def releases(self) -> Releases:
        """What is installed."""
        return Releases(self.path / "opt")

    @property
    def database(self) -> Path:
        """The dead drop."""
        return self.server / DATABASE

    @property
    def services(self) -> Path:
        """Where systemctl keeps its notes: a file for each service that runs."""
        return self.path / "services"

    def prepare(self) -> None:
        """Make the folders and the programs."""
        (self.path / "opt").mkdir(parents=True)
        self.services.mkdir()
        for unit in (SITE, COURIER):
            (self.services / unit).touch()
        for name, text in (("systemctl", _SYSTEMCTL), ("dpkg", _DPKG)):
            self._write(
                self.path / name,
                text.format(
                    services=self.services,
                    current=self.path / "opt/current",
                ),
            )

    def install_stand_in(
        self,
        version: str,
        *,
        known: list[str],
        reader: str,
        fails: tuple[str, ...] = (),
    ) -> None:
        """Install a release that does nothing but widen one table, and quickly."""
        steps = json.dumps({"known": known, "oldest_reader": reader})
        text = _STAND_IN.format(steps=steps, fails=fails)
        self._write(self._program(version), text)

    def install_this_tree(self, version: str, *changed: Path) -> None:
        """
        Install a release of this tree's code, as it is run.

        Args:
            version: Its name.

            changed: Packages that are otherwise in this release.
        """
        folder = self.path / "changed" / version
        folder.mkdir(parents=True)
        for package in changed:
            (folder / package.name).symlink_to(package)
        text = _THIS_TREE.format(
            python=sys.executable, folders=[str(folder), str(ROOT)]
        )
        self._write(self._program(version), text)

    def upgrade(
        self, *, tell: Callable[[str], object] = str, backup: tuple[str, ...] = ()
    ) -> Upgrade:
        """Return what lets a release take over on this machine."""
        return Upgrade(
            releases=self.releases,
            directory=self.server,
            machine=Host(
                systemctl=str(self.path / "systemctl"), dpkg=str(self.path / "dpkg")
            ),
            tell=tell,
            backup=backup,
        )

    def asked(self) -> list[str]:
        """List what systemctl was asked to change."""
        path = self.services / "asked"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if not line.startswith("show")]

    def running(self) -> list[str]:
        """List the services that run."""
        return sorted(path.name for path in self.services.glob("*.service"))

    def _program(self, version: str) -> Path:
        return self.path / "opt/releases" / version / "bin/bisik"

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)


def add_step(versions: Path, *, oldest_reader: str = "0004") -> None:
    """
    Add a step to a copy of our migrations, as the next version might have it.

    Args:
        versions: The folder of the steps.

        oldest_reader: The step that the oldest version has that can work with it.
    """
    before = max(versions.glob("[0-9]*.py")).name[:4]
    after = f"{int(before) + 1:04}"
    (versions / f"{after}_wider.py").write_text(
        textwrap.dedent(
            f"""\
            import sqlalchemy as sa
            from alembic import op
            revision, down_revision = "{after}", "{before}"
            branch_labels = depends_on = None
            oldest_reader = "{oldest_reader}"
            def upgrade():
                op.add_column("intake", sa.Column("wider{after}", sa.Integer))
            """
        )
    )
