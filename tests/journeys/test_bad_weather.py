"""
Bad weather over the running service: each trouble has its own clear page, nothing
is stored in halves, and when its cause is gone the service goes on by itself.
"""

import contextlib
import http.client
import os
import re
import shutil
import signal
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from support.postgres import PostgresServer
from support.server import DAY_SECONDS, END_SECONDS, Service, made_service
from support.site import open_item
from support.visitor import Page, Upload, Visitor, multipart

from crypto.opening import SecretKeyring

pytestmark = [pytest.mark.journey, pytest.mark.slow]

MEBIBYTE = 1024 * 1024
HALVES = [3 * MEBIBYTE] * 3

STORAGE = "Penyimpanan sedang terganggu"
SEALING = "Penyegelan sedang terganggu"
NO_OFFICER = "Laporan belum dapat diterima"


def reporter_of(service: Service) -> Visitor:
    """Return a signed-in reporter who has sent a report."""
    reporter = service.visitor()
    reporter.draw_codename()
    assert 200 == reporter.send_report(title="Judul uji").status
    return reporter


def rows(database: Path) -> tuple[int, ...]:
    """Count what is stored of the reporters, in a copy."""
    # SQLite itself would not find a database by way of /proc.
    with tempfile.TemporaryDirectory() as name:
        for file in database.parent.glob(f"{database.name}*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, name)
        with contextlib.closing(sqlite3.connect(Path(name) / database.name)) as copy:
            return tuple(
                copy.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("intake", "intake_chunk", "mailbox")
            )


def message_form(reporter: Visitor, text: str) -> dict[str, str]:
    """Fill in a message, to be sent more than once."""
    return {**reporter.get("/case/").hidden("/case/message"), "text": text}


def send(reporter: Visitor, form: dict[str, str]) -> Page:
    """Send the message, and stay on the page that comes."""
    return reporter.post("/case/message", form, follow=False)


def assert_refused(page: Page, heading: str) -> None:
    """Look that a page says clearly what is wrong."""
    shown = re.search(r"<h1[^>]*>\s*(.*?)\s*</h1>", page.text, re.S)
    assert shown
    assert (503, heading) == (page.status, shown[1])
    assert "Tidak ada yang tersimpan" in page.text
    assert "Traceback" not in page.text


@pytest.fixture
def small_disk(made: Service) -> Path:
    """
    Start the service on a disk of its own, 24 MiB large.

    Only the service sees the disk; its folder is looked into by way of /proc.
    """
    disk = made.base / "disk"
    disk.mkdir()
    script = 'mount -t tmpfs -o size=24m,mode=700 disk "$1" && cp -a "$2" "$1" && shift'
    script += ' && shift && exec "$@" --directory "$DISK/server"'
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["-Ur"])]
    made.start(
        before=[*unshare, "sh", "-c", script, "sh", disk, made.directory],
        environment={"DISK": str(disk)},
    )
    assert made.process is not None
    return Path(f"/proc/{made.process.pid}/root{disk}")


def fill(disk: Path, *, but_bytes: int = 0) -> None:
    """Fill a disk up."""
    with (disk / "filler").open("ab", buffering=0) as filler:
        for piece in (bytes(64 * 1024), bytes(512)):
            with contextlib.suppress(OSError):
                while True:
                    filler.write(piece)
        if but_bytes:
            filler.truncate(max(0, filler.tell() - but_bytes))


@pytest.mark.parametrize("but_bytes", [0, 64 * 1024, 160 * 1024])
def test_full_disk(made: Service, small_disk: Path, but_bytes: int) -> None:
    """
    On a full disk nothing is accepted, whether the room ends in the spool or in
    the database; when there is room again, the same form is accepted once.
    """
    database = small_disk / "server" / "deaddrop.db"
    reporter = reporter_of(made)
    before = rows(database)
    form = message_form(reporter, "Pesan di hujan")
    fill(small_disk, but_bytes=but_bytes)

    assert_refused(send(reporter, form), STORAGE)
    assert 200 == made.visitor().get("/").status
    assert before == rows(database)
    assert "Pesan di hujan" not in reporter.get("/case/").text

    (small_disk / "filler").unlink()
    for _ in range(2):
        assert 303 == send(reporter, form).status
    assert (before[0] + 1, before[1] + 1, before[2]) == rows(database)
    assert 1 == reporter.get("/case/").text.count("Pesan di hujan")


def test_disk_that_fills_up_during_an_upload(made: Service, small_disk: Path) -> None:
    """
    An upload for which there is no room is refused whole, in the midst of it, and
    gives its room back.
    """
    database = small_disk / "server" / "deaddrop.db"
    reporter = reporter_of(made)
    before = rows(database)
    piece = os.urandom(5 * MEBIBYTE - 1000)
    files = [Upload(f"{number}.bin", piece) for number in range(6)]

    for _ in range(2):
        assert_refused(reporter.send_files(*files), STORAGE)
        assert before == rows(database)
    assert [] == list((small_disk / "server" / "spool").iterdir())
    assert "0.bin" not in reporter.get("/case/").text

    assert 200 == reporter.send_files(Upload("kecil.bin", piece[:1000])).status
    assert before[0] + 1 == rows(database)[0]


def test_locked_database(service: Service) -> None:
    """
    While another process holds the database, nothing is accepted, and pages that
    only read are shown all the same.
    """
    database = service.directory / "deaddrop.db"
    reporter = reporter_of(service)
    before = rows(database)
    form = message_form(reporter, "Pesan di depan pintu")
    lock = sqlite3.connect(database, isolation_level=None)
    try:
        lock.execute("BEGIN IMMEDIATE")

        assert_refused(send(reporter, form), STORAGE)
        assert 200 == reporter.get("/case/").status
        assert before == rows(database)
    finally:
        lock.close()

    assert 303 == send(reporter, form).status
    assert before[0] + 1 == rows(database)[0]


@pytest.mark.postgres
def test_database_out_of_reach(tmp_path: Path, postgres: PostgresServer) -> None:
    """
    When PostgreSQL sends everybody away, nothing is accepted; when it lets them in
    again, the service has lost nothing and goes on.
    """
    url = postgres.create_database("weather")
    with made_service(tmp_path, database=url) as service:
        service.start()
        reporter = reporter_of(service)
        form = message_form(reporter, "Pesan di depan pintu")
        before = service.counts()

        postgres.run("ALTER DATABASE weather ALLOW_CONNECTIONS false")
        postgres.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = 'weather'"
        )
        assert_refused(send(reporter, form), STORAGE)
        assert 200 == service.visitor().get("/").status

        postgres.run("ALTER DATABASE weather ALLOW_CONNECTIONS true")
        assert before == service.counts()
        assert 303 == send(reporter, form).status
        assert before[0] + 1 == service.counts()[0]


def test_missing_gpg(made: Service) -> None:
    """
    Without gpg nothing is accepted; when it is installed again, everything is.
    """
    programs = made.base / "bin"
    programs.mkdir()
    found = shutil.which("gpg")
    assert found
    (programs / "gpg").symlink_to(found)
    made.start(environment={"PATH": str(programs)})
    database = made.directory / "deaddrop.db"
    reporter = reporter_of(made)
    before = rows(database)
    form = message_form(reporter, "Pesan tanpa segel")
    (programs / "gpg").unlink()

    assert_refused(send(reporter, form), SEALING)
    start = made.visitor()
    fields = start.get("/report/start").hidden("/report/start")
    assert_refused(start.post("/report/start", fields), SEALING)
    assert before == rows(database)

    (programs / "gpg").symlink_to(found)
    assert 303 == send(reporter, form).status
    assert before[0] + 1 == rows(database)[0]


def test_gpg_that_dies_while_sealing(service: Service) -> None:
    """
    When gpg is killed in the midst of an upload, nothing of it is stored.
    """
    database = service.directory / "deaddrop.db"
    reporter = reporter_of(service)
    before = rows(database)
    fields = reporter.get("/case/").hidden("/case/files")

    page = upload_in_halves(
        service, reporter, fields, lambda gpg: os.kill(gpg, signal.SIGKILL)
    )

    assert_refused(page, SEALING)
    assert before == rows(database)
    assert [] == list((service.directory / "spool").iterdir())
    again = upload_in_halves(service, reporter, fields, lambda _gpg: None)
    assert 303 == again.status
    assert before[0] + 1 == rows(database)[0]


def test_end_of_the_service(service: Service) -> None:
    """
    A signal to end lets the upload at hand finish: it is stored and acknowledged.
    Then no process is left.
    """
    reporter = reporter_of(service)
    fields = reporter.get("/case/").hidden("/case/files")
    assert service.process is not None
    master = service.process.pid

    page = upload_in_halves(
        service, reporter, fields, lambda _gpg: os.kill(master, signal.SIGTERM)
    )

    assert 303 == page.status
    service.process.wait(END_SECONDS)
    assert [] == service.members()
    assert HALVES == [len(content) for _, content in service.opened_items()[-1].files]


def upload_in_halves(
    service: Service,
    reporter: Visitor,
    fields: Mapping[str, str],
    meanwhile: Callable[[int], None],
) -> Page:
    """Send files, and after half of the bytes tell *meanwhile* which gpg seals them."""
    files = [Upload(f"{n}.bin", os.urandom(size)) for n, size in enumerate(HALVES)]
    content_type, body = multipart(fields, files)
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    with contextlib.closing(connection):
        connection.putrequest("POST", "/case/files")
        connection.putheader("Content-Type", content_type)
        connection.putheader("Content-Length", str(len(body)))
        cookies = "; ".join(f"{k}={v}" for k, v in reporter.cookies.items())
        connection.putheader("Cookie", cookies)
        connection.endheaders(body[: len(body) // 2])
        meanwhile(sealing_gpg(service))
        connection.send(body[len(body) // 2 :])
        answer = connection.getresponse()
        return Page(answer.status, {}, answer.read())


def sealing_gpg(service: Service) -> int:
    """Wait for the gpg that seals, and return its number."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for pid in service.members():
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if b"--encrypt" in words:
                    return pid
        time.sleep(0.01)
    raise AssertionError("no gpg is sealing")


def test_no_officer(tmp_path: Path) -> None:
    """
    Before there is an officer, no codename is given out; afterwards it is, without
    a restart.
    """
    with made_service(tmp_path, officers=0) as service:
        service.start()
        before = rows(service.directory / "deaddrop.db")
        window = service.visitor()
        form = window.get("/report/start").hidden("/report/start")

        assert_refused(window.post("/report/start", form), NO_OFFICER)
        assert before == rows(service.directory / "deaddrop.db")

        service.add_officer()
        reporter_of(service)
        assert 1 == len(service.opened_items())


def test_expired_officer(tmp_path: Path) -> None:
    """
    When the last officer's key has expired, nothing is accepted, and the log says
    whose key it was; a new officer opens the door again, without a restart.
    """
    with made_service(tmp_path, officers=0, days_ago=3) as service:
        present = service.edge
        service.edge = replace(present, now=lambda: time.time() - 3 * DAY_SECONDS)
        expired = service.add_officer(1, expires_days=1)
        service.edge = present
        fit = service.add_officer(2)
        service.start()
        database = service.directory / "deaddrop.db"
        reporter = reporter_of(service)
        assert expired in service.log.read_text()
        form = message_form(reporter, "Pesan yang menunggu")
        before = rows(database)
        service.bisik("officers", "remove", fit)

        assert_refused(send(reporter, form), NO_OFFICER)
        assert before == rows(database)

        service.add_officer(3)
        assert 303 == send(reporter, form).status
        assert before[0] + 1 == rows(database)[0]
        assert "Pesan yang menunggu" == last_message_to(service, 3)


def last_message_to(service: Service, desk: int) -> str | None:
    """Open the last item with the keys of a desk, and return its message."""
    with (
        service.opened() as server,
        SecretKeyring(service.desk(desk) / "gnupg", passphrase=None) as officer,
    ):
        last = server.drop.intake.entries()[-1].number
        return open_item(officer, b"".join(server.drop.intake.read(last))).message
