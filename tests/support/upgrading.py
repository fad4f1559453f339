"""
A machine with releases side by side, in folders of a test.

The services are real processes, but systemctl and dpkg are programs of the tests: what
they are asked for is written down, and what they answer is the test's to say.
"""

import os
import signal
import sys
import textwrap
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from support.pages import ROOT

from ops.host import Host
from ops.releases import Releases
from ops.server import DATABASE
from ops.upgrade import COURIER, SITE, Upgrade

_ENDED_SECONDS = 60

_SYSTEMCTL = """\
#!{python} -I
import os, signal, subprocess, sys, time
from pathlib import Path

services, current, server = Path("{services}"), "{current}/bin/bisik", "{server}"
commands = {{
    "bisik-site.service": [current, "serve", "--directory", server],
    "bisik-courier.service": [current, "courier", "serve", "--directory", server],
}}


def alive(path):
    return path.exists() and Path("/proc", path.read_text()).exists()


verb, *units = (word for word in sys.argv[1:] if not word.startswith("--"))
with (services / "asked").open("a") as asked:
    asked.write(" ".join(sys.argv[1:]) + "\\n")
if (services / f"refuse-{{verb}}").exists():
    sys.exit("the tests want it so")
for unit in units:
    path = services / unit
    if verb == "show":
        print("active" if alive(path) else "inactive")
    elif verb == "start" and not alive(path):
        child = subprocess.Popen(
            commands[unit],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(services / f"{{unit}}.said").open("ab"),
            start_new_session=True,
        )
        path.write_text(str(child.pid))
    elif verb == "stop" and alive(path):
        os.kill(int(path.read_text()), signal.SIGTERM)
        while alive(path) and "Z" not in Path("/proc", path.read_text(), "stat").read_text():
            time.sleep(0.05)
"""

_DPKG = """\
#!/bin/sh
cat {services}/altered 2> /dev/null
exit 0
"""

_REAL = """\
#!{python} -I
import sys
sys.path[:0] = {paths!r}
sys.dont_write_bytecode = True
from ops.server_cli import main
main()
"""

_STAND_IN = """\
#!/usr/bin/python3 -IS
import sqlite3, sys
known, reader, fails = {known!r}, {reader!r}, {fails!r}
words = [word for word in sys.argv[1:] if not word.startswith("-")]
if words[-1] != "tables":
    database = sqlite3.connect(words[-1] + "/deaddrop.db")
    columns = [row[1] for row in database.execute("PRAGMA table_info(report)")]
if words[:2] == ["release", "tables"]:
    print('{{"known": ' + str(known).replace("'", '"') + ', "oldest_reader": "' + reader + '"}}')
elif words[0] == "migrate" and "wide" not in columns:
    with database:
        database.execute("ALTER TABLE report ADD COLUMN wide")
        database.execute("UPDATE report SET wide = 1")
if words[0] in fails or words[:2] == ["release", *fails]:
    sys.exit("bisik: error: the tests want it so")
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
        """Where systemctl of the tests keeps its notes."""
        return self.path / "services"

    def prepare(self) -> None:
        """Make the folders and the programs."""
        (self.path / "opt").mkdir(parents=True)
        self.services.mkdir()
        for name, text in (("systemctl", _SYSTEMCTL), ("dpkg", _DPKG)):
            self._write(
                self.path / name,
                text.format(
                    python=sys.executable,
                    services=self.services,
                    current=self.path / "opt/current",
                    server=self.server,
                ),
            )

    def install(self, version: str, *, deaddrop: Path | None = None) -> None:
        """
        Install a release that is this very repository.

        Args:
            version: As which it is installed.

            deaddrop: A folder with a package that replaces ours.
        """
        paths = [str(path) for path in (deaddrop, ROOT) if path is not None]
        self._write(
            self._program(version), _REAL.format(python=sys.executable, paths=paths)
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
        text = _STAND_IN.format(known=known, reader=reader, fails=fails)
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

    def start_sites(self) -> None:
        """Start both services, as at boot."""
        Host(systemctl=str(self.path / "systemctl")).start([SITE, COURIER])

    def end_services(self) -> None:
        """End what was started here and nothing else."""
        for path in self.services.glob("*.service"):
            with suppress(ProcessLookupError, ValueError):
                os.killpg(int(path.read_text()), signal.SIGTERM)
        until = time.monotonic() + _ENDED_SECONDS
        for path in self.services.glob("*.service"):
            while Path("/proc", path.read_text()).exists() and time.monotonic() < until:
                with suppress(ChildProcessError):
                    os.waitpid(int(path.read_text()), os.WNOHANG)
                time.sleep(0.05)

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
