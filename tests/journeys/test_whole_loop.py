"""
The ministry's whole loop, by the very commands that people type.

    organisation init --> desk init --> certify --> init --> officers add --> serve
    reporter reports --> courier export --> desk import, show, reply, export
    --> courier apply --> reporter reads, answers --> ... --> the server forgets
"""

import base64
import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.postgres import PostgresServer
from support.server import COMMAND, ROOT, Service, free_port
from support.visitor import Upload

from ops.edge import Edge
from ops.memory import private_memory

pytestmark = [pytest.mark.journey, pytest.mark.slow]

PASSPHRASE = b"kata sandi uji"

# One grey pixel.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP////////////////////////////////////////////"
    "//////////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAA"
    "AAAAAAAAAP/aAAgBAQABPxA="
)
TEXT = "Catatan: dua puluh karung, Desa Contoh: “lihat foto”.\r\n".encode()


def make_pdf(line: str) -> bytes:
    """Write a PDF of one page with one line on it."""
    stream = f"BT /F1 12 Tf 72 720 Td ({line}) Tj ET".encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    content = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return content + (
        b"xref\n0 %d\n0000000000 65535 f \n%s"
        b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (size, table, size, len(content))
    )


class People:
    """Those who type the commands, each with what their machine knows."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.organisation = base / "organisation"
        self.desk = base / "desk-1"
        self.server = base / "server"

    def bisik(
        self, *arguments: str | Path, succeeds: bool = True, stdin: str = ""
    ) -> str:
        """Run a command, typing the passphrase whenever one is asked for."""
        read_end, write_end = os.pipe()
        # The pipe holds it until it is asked for.
        os.write(write_end, PASSPHRASE)
        os.close(write_end)
        try:
            done = subprocess.run(
                [*COMMAND, *arguments],
                cwd=ROOT,
                env={
                    **os.environ,
                    "BISIK_DIRECTORY": str(self.server),
                    "BISIK_DESK": str(self.desk),
                    "BISIK_DESK_PASSPHRASE_FD": str(read_end),
                    "BISIK_ORGANISATION_PASSPHRASE_FD": str(read_end),
                },
                pass_fds=[read_end],
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        finally:
            os.close(read_end)
        assert (done.returncode == 0) == succeeds, done.stdout
        assert "Traceback" not in done.stdout
        return done.stdout


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> list[str]:
    """The option that names the database, if it needs one."""
    if request.param == "sqlite":
        return []
    server: PostgresServer = request.getfixturevalue("postgres")
    return ["--database", server.create_database("loop")]


@pytest.fixture
def people(tmp_path: Path) -> People:
    """People without any folder yet."""
    return People(tmp_path)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Service]:
    """A machine on which `bisik init` has not been run yet."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    # Nothing is set, so that the commands find their folder in memory themselves.
    memory = private_memory(None, uid=os.getuid())
    service = Service(tmp_path, memory, temporary, Edge(), free_port())
    try:
        yield service
    finally:
        service.kill()
        name = hashlib.sha256(os.fsencode(service.directory)).hexdigest()[:32]
        (memory / f"{name}.dummies").unlink()


def install(people: People, database: list[str]) -> None:
    """Make organisation, desk and server, and enrol the officer."""
    bisik = people.bisik
    bisik("organisation", "init", people.organisation, "--name", "Organisasi Uji")
    shown = bisik("desk", "init", people.desk, "--name", "Petugas Uji")
    fingerprint = re.search(r"Fingerprint: ([0-9A-F]{40})", shown)
    assert fingerprint
    certified = people.base / "certified.json"
    bisik(
        *("organisation", "certify", people.organisation),
        *(people.desk / "enrolment.json", "--to", certified),
        *("--fingerprint", fingerprint[1]),
    )
    bisik("init", *database)
    # Nobody is admitted before the server knows whom to believe.
    assert "organisation" in bisik("officers", "add", certified, succeeds=False)
    bisik("organisation", "trust", people.organisation / "organisation.asc")
    bisik("officers", "add", certified)
    assert "  fit" in bisik("officers", "list")


def test_whole_loop(people: People, machine: Service, database: list[str]) -> None:
    """
    A report with a PDF, a photograph and a text reaches the desk byte for byte,
    the answer reaches the reporter, and then the server forgets the items.
    """
    bisik, base = people.bisik, people.base
    install(people, database)
    machine.start()

    # The reporter reports.
    reporter = machine.visitor()
    codename = reporter.draw_codename()
    title = "Bantuan beras berkurang, Desa Contoh"
    page = reporter.send_report(title=title, what="Karung hilang.", where="Gudang")
    assert "sudah kami terima" in page.text
    sent = {"bukti.pdf": make_pdf("Bukti"), "foto.jpg": JPEG, "catatan.txt": TEXT}
    page = reporter.send_files(*(Upload(*file) for file in sent.items()))
    assert all(name in page.text for name in sent)

    # The courier carries, the officer reads and answers.
    bundle, outbox = base / "bundle-1.tar", base / "outbox-1.tar"
    assert "2 items" in bisik(
        *("courier", "export", "--desk", "Petugas Uji", "--to", bundle)
    )
    assert 2 == bisik("desk", "import", bundle).count(": new")
    assert 2 == bisik("desk", "import", bundle).count(": already there")
    listed = bisik("desk", "list")
    assert title in listed
    case = listed.splitlines()[1].split()[0]
    shown = bisik("desk", "show", case, "--save", base / "saved", stdin="Uji.\n")
    assert "Karung hilang." in shown
    saved = sorted(path.read_bytes() for path in (base / "saved").iterdir())
    assert sorted(sent.values()) == saved
    answer_text, answer_file = base / "jawaban.txt", base / "surat.pdf"
    answer_text.write_text("Terima kasih. Kapan karung terakhir dihitung?")
    answer_file.write_bytes(make_pdf("Surat"))
    bisik(
        *("desk", "reply", case, "--text-file", answer_text, "--kind", "question"),
        *("--status", "registered", "--registration-number", "WBS-2026-0001"),
        *("--file", answer_file),
    )
    bisik("desk", "export", "--to", outbox)
    applied = bisik("courier", "apply", outbox)
    assert "items deleted from the server  2" in applied
    assert re.search(r"reporters see the replies from \d{4}-\d\d-\d\d, 06:00", applied)
    assert "was applied before" in bisik("courier", "apply", outbox)

    # Before the hour there is nothing to see, unless this is to try things out.
    assert "Kapan karung" not in machine.visitor().sign_in(codename).text
    settings = machine.directory / "bisik.toml"
    settings.write_text(
        settings.read_text().replace(
            "answers_at_once = false", "answers_at_once = true"
        )
    )
    machine.stop()
    machine.start()

    # The reporter comes back, reads, and answers.
    reporter = machine.visitor()
    page = reporter.sign_in(codename)
    for expected in (
        "Kapan karung terakhir dihitung?",
        "WBS-2026-0001",
        "Terdaftar",
        "surat.pdf",
    ):
        assert expected in page.text
    (link,) = re.findall(r'href="(/case/answer/[^"]+)"', page.text)
    assert answer_file.read_bytes() == reporter.get(link).body
    (read,) = re.findall(r'action="(/case/read/[^"]+)"', page.text)
    assert 200 == reporter.press(read).status
    assert "bulan Maret" in reporter.send_message("Dihitung bulan Maret.").text

    # The second round: only what is new, and then nothing is left.
    bundle, outbox = base / "bundle-2.tar", base / "outbox-2.tar"
    assert "2 items" in bisik(
        *("courier", "export", "--desk", "Petugas Uji", "--to", bundle)
    )
    bisik("desk", "import", bundle)
    shown = bisik("desk", "show", case)
    assert "Dihitung bulan Maret." in shown
    assert "read by the reporter" in shown
    bisik("desk", "export", "--to", outbox)
    bisik("courier", "apply", outbox)
    bisik("tidy")
    intake, pieces, mailbox = machine.counts()
    assert (0, 0, 0) == (intake, pieces, mailbox % 256)
    assert "bulan Maret" in machine.visitor().sign_in(codename).text
