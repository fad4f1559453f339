"""
The real service: made by what the commands call, run by `bisik serve`.

    with made_service(directory) as service:
        service.start()
        service.visitor().get("/")
        service.kill()

Everything that is started is in a process group of its own, so that `kill` ends
the gunicorn master, its workers and every gpg at the same instant, as a power-cut
would.
"""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from support.circuits import Connection
from support.site import OpenedItem, open_item
from support.visitor import Visitor

from casework.profile import shipped_profile
from crypto.admission import fingerprint_in
from crypto.fingerprint import Fingerprint
from crypto.opening import SecretKeyring
from journalist_app.workstation.desk import Institution, create_desk
from ops.edge import Edge
from ops.officer_keys import enrol
from ops.organisation import PUBLIC_KEY, certify_enrolment, create_organisation
from ops.server import (
    Server,
    create_server,
    open_server,
)
from ops.shipped import local_zone, shipped_calendar

ROOT = Path(__file__).parents[2]
# As the installed command does it; works before it is installed, too.
COMMAND = (sys.executable, "-c", "from ops.cli import main; main()")
READY_SECONDS = 30.0
END_SECONDS = 30.0
POLL_SECONDS = 0.02
DAY_SECONDS = 24 * 60 * 60


class ServiceFault(Exception):
    """The service did not do what it was told."""


@dataclass
class Service:
    """
    A server directory with its officers, and the service that runs on it.

    Attributes:
        base: The folder that everything is in.

        memory: The folder in memory for the names of dummies.

        temporary: The TMPDIR of the service, used by nothing else.

        port: Where it listens, on 127.0.0.1.

        socket: Where it listens in place of that, after `start_on_socket`.
    """

    base: Path
    memory: Path
    temporary: Path
    edge: Edge
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    socket: Path | None = None

    @property
    def directory(self) -> Path:
        """The server directory."""
        return self.base / "server"

    @property
    def log(self) -> Path:
        """What the service has written to its standard error."""
        return self.base / "log"

    @property
    def organisation(self) -> Path:
        """The folder of the organisation's key."""
        return self.base / "organisation"

    def desk(self, number: int = 1) -> Path:
        """Return the folder of a desk, counted from 1."""
        return self.base / f"desk-{number}"

    @property
    def today(self) -> date:
        """The day it is for the service."""
        return self.edge.today(local_zone())

    def add_officer(self, number: int = 1, *, expires_days: int = 365) -> Fingerprint:
        """Make a desk, certify its officer, and enrol them."""
        enrolment = create_desk(
            self.desk(number),
            name=f"Petugas Uji {number}",
            email=f"petugas{number}@example.test",
            passphrase=None,
            institution=Institution(shipped_profile(), shipped_calendar()),
            today=self.today,
            entropy=self.edge.entropy,
            expires_days=expires_days,
        )
        fingerprint = fingerprint_in(enrolment.certificate.encode("ascii"))
        certified = certify_enrolment(
            self.organisation,
            enrolment,
            fingerprint_read_out=fingerprint,
            passphrase=None,
            today=self.today,
        )
        with self.opened() as server:
            enrol(server.drop, server.keyring, certified, today=self.today)
            server.synchronise(self.edge)
        return fingerprint

    @contextmanager
    def opened(self) -> Iterator[Server]:
        """Open the server directory in this process, beside the service."""
        with open_server(self.directory, self.edge) as server:
            yield server

    def start(
        self,
        *,
        before: Sequence[str | Path] = (),
        environment: Mapping[str, str] | None = None,
        site: Sequence[str] = ("serve",),
    ) -> None:
        """
        Start `bisik serve`, and wait until it answers.

        Args:
            before: A program that starts it, such as strace or unshare.

            environment: Variables besides the usual ones.

            site: The command, for another site than the reporters'.

        Raises:
            ServiceFault: If it does not answer in time, with its log.
        """
        arguments: list[str | Path] = [*site, "--directory", self.directory]
        if self.socket is None:
            arguments += ["--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*before, *COMMAND, *arguments],
                cwd=ROOT,
                env={
                    **os.environ,
                    "TMPDIR": str(self.temporary),
                    **(environment or {}),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_until_ready()

    def start_on_socket(self, path: Path) -> None:
        """Start as behind Tor: on a Unix socket, with a circuit for each visitor."""
        with (self.directory / "bisik.toml").open("a") as settings:
            settings.write(f'socket = "{path}"\n')
        self.socket = path
        self.start()

    def wait_until_ready(self) -> None:
        """Wait until the first page comes."""
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if self.process is None or self.process.poll() is not None:
                raise ServiceFault(f"it ended by itself: {self.log.read_text()}")
            if time.monotonic() > deadline:
                raise ServiceFault(f"it does not answer: {self.log.read_text()}")
            time.sleep(POLL_SECONDS)

    def kill(self) -> None:
        """End every process of the service at once, as a power-cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask the service to end, and see to it that it does."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGTERM)
        deadline = time.monotonic() + END_SECONDS
        while self.members() and time.monotonic() < deadline:
            self.process.poll()
            time.sleep(POLL_SECONDS)
        self._end(signal.SIGKILL)

    def members(self) -> list[int]:
        """List the processes of the service that are alive."""
        if self.process is None:
            return []
        group = self.process.pid
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal():
                continue
            with contextlib.suppress(OSError):
                # proc(5): behind the name come state, parent and process group.
                behind_name = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(behind_name[2]) == group and behind_name[0] != "Z":
                    found.append(int(entry.name))
        return found

    def visitor(self, *, timeout_seconds: float = 60) -> Visitor:
        """Open a browser window."""
        return Visitor.over_http(self.port, timeout_seconds=timeout_seconds)

    def bisik(self, *arguments: str | Path, desk: int = 1) -> str:
        """
        Run a command as an officer or operator does, and return what it prints.

        Raises:
            ServiceFault: If it refuses, with what it says.
        """
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env={
                **os.environ,
                "BISIK_DIRECTORY": str(self.directory),
                "BISIK_DESK": str(self.desk(desk)),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ServiceFault(f"bisik {' '.join(map(str, arguments))}: {done.stdout}")
        return done.stdout

    def carry(self, stick: Path, *, desk: int = 1, reply: Sequence[str] = ()) -> None:
        """
        Carry new items to a desk, let it reply to its first case, and carry that back.

        Args:
            stick: A new folder for bundle and outbox.

            desk: Which one, counted from 1.

            reply: Options of `bisik desk reply`.
        """
        stick.mkdir()
        bundle, outbox = stick / "bundle.tar", stick / "outbox.tar"
        name = f"Petugas Uji {desk}"
        self.bisik("courier", "export", "--desk", name, "--to", bundle)
        self.bisik("desk", "import", bundle, desk=desk)
        if reply:
            self.bisik("desk", "reply", self.first_case(desk), *reply, desk=desk)
        self.bisik("desk", "export", "--to", outbox, desk=desk)
        self.bisik("courier", "apply", outbox)

    def first_case(self, desk: int = 1) -> str:
        """Return the name of the first case on a desk's list."""
        return self.bisik("desk", "list", desk=desk).splitlines()[1].split()[0]

    def counts(self) -> tuple[int, int, int]:
        """Count the rows of intake, of its pieces and of the mailbox."""
        with self.opened() as server, server.drop.database.reading() as connection:
            intake, pieces, mailbox = (
                connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
                for table in ("intake", "intake_chunk", "mailbox")
            )
        return intake, pieces, mailbox

    def opened_items(self, number: int = 1) -> list[OpenedItem]:
        """Open the whole intake with the keys of a desk, in order."""
        with (
            self.opened() as server,
            SecretKeyring(self.desk(number) / "gnupg", passphrase=None) as officer,
        ):
            return [
                open_item(officer, b"".join(server.drop.intake.read(entry.number)))
                for entry in server.drop.intake.entries()
            ]

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        if self.socket is not None:
            # Nobody's circuit is used up by asking.
            connection = Connection(self.socket, b"", timeout_seconds=5)
        try:
            connection.request("GET", "/safety")
            return connection.getresponse().read() != b""
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        self.process.wait(END_SECONDS)
        deadline = time.monotonic() + END_SECONDS
        # Only when the last one is gone is the port free, and are the locks.
        while self.members():
            if time.monotonic() > deadline:
                raise ServiceFault(f"still alive: {self.members()}")
            time.sleep(POLL_SECONDS)
        self.process = None


@contextmanager
def made_service(
    base: Path,
    *,
    officers: int = 1,
    profile: str | None = None,
    database: str | None = None,
    days_ago: int = 0,
) -> Iterator[Service]:
    """
    Make organisation, server and desks in *base*; end whatever was started.

    Args:
        base: An existing folder.

        officers: How many are enrolled.

        profile: The text of a profile in place of the shipped one.

        database: Of PostgreSQL, in place of a file.

        days_ago: The day on which all this is done; it is served today.
    """
    memory = Path(tempfile.mkdtemp(prefix="bisik-test-", dir="/dev/shm"))
    temporary = base / "tmp"
    temporary.mkdir()
    present = Edge(memory=memory)
    past = replace(present, now=lambda: time.time() - days_ago * DAY_SECONDS)
    service = Service(base, memory, temporary, past, free_port())
    try:
        create_organisation(
            service.organisation,
            name="Organisasi Uji",
            passphrase=None,
            today=service.today,
        )
        create_server(
            service.directory,
            service.edge,
            profile=profile,
            organisation_key=(service.organisation / PUBLIC_KEY).read_bytes(),
            database=database,
            # Thousands of requests, and none of the tests is about their pace.
            trial=True,
        )
        with (service.directory / "bisik.toml").open("a") as settings:
            settings.write(f'\nmemory = "{memory}"\n')
        for number in range(1, officers + 1):
            service.add_officer(number)
        service.edge = present
        yield service
    finally:
        service.kill()
        shutil.rmtree(memory)


def free_port() -> int:
    """Find a port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
