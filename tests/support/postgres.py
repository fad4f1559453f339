"""
A PostgreSQL server for tests: its own cluster, its own socket, no network.

    with running_postgres() as server:
        url = server.create_database("one")
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

START_SECONDS = 60
SETTINGS = {
    # Nobody but this machine, and on it only who can open the directory.
    "listen_addresses": "",
    "unix_socket_permissions": "0777",
    # Durability as in service.
    "fsync": "on",
    "full_page_writes": "on",
    "max_connections": "60",
    "shared_buffers": "64MB",
}


@dataclass(frozen=True)
class PostgresServer:
    """A running server."""

    directory: Path
    """Of the cluster (`cluster`) and of the socket."""

    user: str

    def url(self, database: str) -> str:
        """Return the address of *database* for SQLAlchemy."""
        return f"postgresql://{self.user}@/{database}?host={self.directory}"

    def create_database(self, name: str, *, template: str = "template0") -> str:
        """Make a database and return its address for SQLAlchemy."""
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def run(self, statement: str) -> None:
        """Run one statement as the owner of the server."""
        with psycopg.connect(
            dbname="postgres", user=self.user, host=str(self.directory), autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def reload(self, statement: str) -> None:
        """Run a statement that changes a setting, and wait until it is in force."""
        loaded = "SELECT pg_conf_load_time()"
        with psycopg.connect(
            dbname="postgres", user=self.user, host=str(self.directory), autocommit=True
        ) as connection:
            before = connection.execute(loaded).fetchone()
            connection.execute(statement.encode())
            connection.execute("SELECT pg_reload_conf()")
            # The time is that of this connection's own reading.
            while connection.execute(loaded).fetchone() == before:
                time.sleep(0.01)


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Start a server in a directory of its own, and remove both at the end."""
    programs = _programs()
    # Not pytest's directory: the server's user could not enter it, and the path of
    # a socket must be short.
    directory = Path(tempfile.mkdtemp(prefix="bisik-postgres-"))
    user = _unprivileged_user()
    try:
        if os.geteuid() == 0:
            shutil.chown(directory, user)
        directory.chmod(0o711)
        cluster = directory / "cluster"
        _run_as(
            user,
            [
                programs / "initdb",
                f"--pgdata={cluster}",
                f"--username={user}",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-instructions",
            ],
        )
        settings = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        control: list[str | Path] = [
            programs / "pg_ctl",
            f"--pgdata={cluster}",
            "--wait",
        ]
        _run_as(
            user,
            [
                *control,
                f"--timeout={START_SECONDS}",
                f"--log={directory / 'log'}",
                f"--options={' '.join(settings)} -k {directory}",
                "start",
            ],
        )
        try:
            yield PostgresServer(directory, user)
        finally:
            # pg_ctl signals the process whose number stands in this cluster's file.
            _run_as(user, [*control, "--mode=immediate", "stop"])
    finally:
        shutil.rmtree(directory)


def _programs() -> Path:
    """Return the newest directory of server programs that Debian has installed."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"),
        key=lambda program: int(program.parts[-3]),
    )
    if not found:
        raise RuntimeError("PostgreSQL is missing; run: apt-get install postgresql")
    return found[-1].parent


def _unprivileged_user() -> str:
    """Return who runs the server: it refuses to run as root."""
    return "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def _run_as(user: str, command: Sequence[str | Path]) -> None:
    changed = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
    prefix = changed if os.geteuid() == 0 else []
    # Not captured by a pipe: the server would keep it open.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            [*prefix, *command],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode != 0:
            output.seek(0)
            raise RuntimeError(output.read().decode(errors="replace"))
