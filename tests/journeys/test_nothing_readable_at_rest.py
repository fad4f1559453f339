"""
Nothing a reporter writes is ever on the server's disk in readable form.

Every field of a whole journey carries a marker.  Two looks are taken: at every
byte that is left after the service was killed again and again while things were
being sent, and at every write on the way, by strace.
"""

import base64
import contextlib
import gzip
import http.client
import os
import random
import re
import signal
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from support.markers import Markers
from support.postgres import PostgresServer
from support.server import END_SECONDS, POLL_SECONDS, Service, made_service
from support.visitor import Upload, Visitor

from crypto.codename import Codename
from crypto.keys import RFC_9106_LOW_MEMORY, ReporterKeys, Stretcher

pytestmark = [pytest.mark.journey, pytest.mark.slow]

KILLS = 8
LONGEST_LIFE_SECONDS = 0.6
LARGEST_ATTACHMENT_BYTES = 5 * 1024 * 1024
SEED = 20261124
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # It is only searched.

FIELDS = (
    *("title", "what", "where", "when", "who", "why", "how", "how_much"),
    *("reported_elsewhere", "risk"),
)


def attachment(markers: Markers, name: str, size_bytes: int) -> Upload:
    """Make a file that is full of a marker, also in its name."""
    marker = markers.new(name).encode()
    # A length without a factor of two puts the marker at every offset of a block.
    line = marker + b"." * (101 - len(marker) % 101)
    content = (line * (size_bytes // len(line) + 1))[:size_bytes]
    return Upload(f"{markers.new('nama')}.pdf", content)


def go_all_the_way(service: Service, markers: Markers, stick: Path) -> Visitor:
    """Do everything a reporter can do, and answer as an officer would."""
    visitor = service.visitor()
    codename = visitor.draw_codename()
    look_for_keys_of(service, codename, markers)
    report = {field: markers.new(field) for field in FIELDS}
    assert "sudah kami terima" in visitor.send_report(**report).text
    assert markers.stem in visitor.send_message(markers.new("pesan")).text
    small = attachment(markers, "kecil", 3_000)
    large = attachment(markers, "besar", LARGEST_ATTACHMENT_BYTES)
    too_large = attachment(markers, "terlalu", LARGEST_ATTACHMENT_BYTES + 1)
    assert "lebih besar" in visitor.send_files(small, large, too_large).text
    visitor.press("/case/progress")

    text = stick.parent / f"{stick.name}.txt"
    text.write_text(markers.new("jawaban"))
    service.carry(stick, reply=["--text-file", str(text), "--kind", "contact-request"])
    page = visitor.get("/case/")
    assert markers.stem + "jawaban" in page.text
    contact = {**page.hidden("/case/contact"), "contact": markers.new("kontak")}
    assert 200 == visitor.post("/case/contact", contact).status
    (read,) = re.findall(r'action="(/case/read/[^"]+)"', page.text)
    visitor.press(read)

    again = service.visitor()
    assert (
        "tidak kami kenali" in again.sign_in(" ".join([markers.new("kata")] * 7)).text
    )
    again.sign_in(codename)
    assert 422 == again.post("/case/message", {
        **again.get("/case/").hidden("/case/message"), "text": markers.new("x") * 20_000
    }).status  # fmt: skip
    again.get(f"/{markers.new('alamat')}?{markers.new('kueri')}")
    again.press("/case/sign-out")
    return visitor


def look_for_keys_of(service: Service, codename: str, markers: Markers) -> None:
    """Look for the codename and what is derived from it as well."""
    with service.opened() as server:
        salt = server.installation.salt
    root = Stretcher(salt, cost=RFC_9106_LOW_MEMORY).stretch(Codename(codename))
    keys = ReporterKeys.from_root(root)
    for what, secret in {
        "codename": codename.encode(),
        "root": root,
        "state key": keys.state_key,
        "mailbox key": keys.mailbox_key,
        "reply seed": keys.reply_seed,
        "case id": keys.case_id,
    }.items():
        markers.add_secret(what, secret)


def die_while_sending(service: Service, visitor: Visitor, markers: Markers) -> None:
    """Kill the service again and again while attachments and messages come in."""
    dice = random.Random(SEED)
    files = attachment(markers, "mati", LARGEST_ATTACHMENT_BYTES)

    def send() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                visitor.send_files(files, files)
                visitor.send_message(markers.new("pesan"))

    for _ in range(KILLS):
        sender = threading.Thread(target=send)
        sender.start()
        time.sleep(dice.uniform(0, LONGEST_LIFE_SECONDS))
        service.kill()
        sender.join()
        service.start()
    service.kill()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def stored(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Service, Path | None]]:
    """A service on either database, and the folder of PostgreSQL's files."""
    database, cluster = None, None
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        database, cluster = server.create_database("rest"), server.directory
    with made_service(tmp_path, database=database) as service:
        yield service, cluster


def test_nothing_readable_at_rest(
    stored: tuple[Service, Path | None], tmp_path: Path
) -> None:
    """
    After a whole journey and kills in the midst of uploads no marker, key or
    codename is in any file of the service: database, write-ahead log, spool,
    keyring, temporary folder, folder in memory, log, bundle, outbox.
    """
    service, cluster = stored
    markers = Markers()
    service.start()

    visitor = go_all_the_way(service, markers, tmp_path / "stick")
    die_while_sending(service, visitor, markers)

    # Others may be using /dev/shm as well; what is not ours cannot be read.
    places = [service.directory, service.temporary, tmp_path / "stick", SHARED_MEMORY]
    assert [] == markers.found_below(*places, *([cluster] if cluster else []))
    assert [] == markers.found_in(service.log.read_bytes())
    assert [] == list(service.temporary.iterdir())
    assert [] == list((service.directory / "spool").iterdir())


def test_search_finds_what_is_there(tmp_path: Path) -> None:
    """
    The search does find a marker, in each of the forms it looks for.
    """
    markers = Markers()
    secret = random.Random(SEED).randbytes(32)
    markers.add_secret("key", secret)
    marker = markers.new("uji").encode()
    noise = random.Random(SEED + 1).randbytes(100_001)
    forms: dict[str, Callable[[bytes], bytes]] = {
        "raw": bytes,
        "hex": lambda word: word.hex().encode(),
        "HEX": lambda word: word.hex().upper().encode(),
        "utf-16-le": lambda word: word.decode("latin-1").encode("utf-16-le"),
        "utf-16-be": lambda word: word.decode("latin-1").encode("utf-16-be"),
        "gzip": gzip.compress,
        "zlib": zlib.compress,
        **{
            f"base64-{alignment}": partial(_shifted_base64, noise, alignment)
            for alignment in range(3)
        },
    }
    for word in (marker, secret):
        for name, form in forms.items():
            if word == secret and name.startswith("utf-16"):
                continue
            folder = tmp_path / f"{name}-{len(word)}"
            folder.mkdir()
            (folder / "file").write_bytes(noise + form(word) + noise)

            assert markers.found_below(folder), name
    (tmp_path / "none").write_bytes(noise)
    assert [] == markers.found_in(noise)


# What the service may open for writing, by a name in which what differs from run
# to run is left out.
WRITABLE = {
    "server/deaddrop.db",
    "server/deaddrop.db-wal",
    "server/deaddrop.db-shm",
    "server/spool (nameless)",
    "memory/dummies",
    # gpg's own, public keys and what it thinks of them.
    "server/keyring/trustdb.gpg",
    "server/keyring/pubring.kbx.tmp",
    "gpg's lock",
    "gunicorn's heartbeat",
    # Nothing is written into it: it is there to be locked.
    "server/upgrade.lock",
    "/dev/null",
}

_CALL = re.compile(r"^\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)$")
_WRITERS = {"write", "pwrite64", "writev", "pwritev", "pwritev2"}
_DESCRIPTOR = re.compile(r"^\d+<([^>]*)>")
_OPENED_TO_WRITE = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TMPFILE")
# Bytes that reach a file without passing strace's eyes.
_BLIND = {"sendfile", "splice", "copy_file_range", "memfd_create", "creat"}


def test_no_write_to_a_file_is_readable(made: Service, tmp_path: Path) -> None:
    """
    No system call of the service or of its gpgs writes a marker into a file, and
    nothing but the database, the spool of ciphertext, the list of dummies and
    gunicorn's heartbeat is ever opened for writing.
    """
    markers = Markers()
    trace = tmp_path / "trace"
    calls = "open,openat,mmap," + ",".join(sorted(_WRITERS | _BLIND))
    made.start(
        before=[
            *("strace", "-f", "-y", "--seccomp-bpf", "-s", "200000"),
            *("-e", f"trace={calls}", "-e", "signal=none", "-o", trace),
        ],
        # A cache of compiled modules is no file of the service.
        environment={"PYTHONDONTWRITEBYTECODE": "1"},
    )

    go_all_the_way(made, markers, tmp_path / "stick")
    end_traced(made)

    opened: set[str] = set()
    written: set[str] = set()
    piped = 0
    readable = []
    with trace.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            match = _CALL.match(line)
            if match is None:
                continue
            name, rest = match.groups()
            assert name not in _BLIND, line[:200]
            if name in _WRITERS and (target := _DESCRIPTOR.match(rest)):
                path = target[1]
                if not path.startswith("/"):
                    piped += markers.stem in rest
                    continue
                written.add(known_name(made, path))
                # NUL, written out as strace does, would hide UTF-16.
                plain = rest.replace("\\0", "\0").encode("utf-8", "replace")
                if markers.found_in(plain):
                    readable.append(path)
            elif name == "mmap" and "PROT_WRITE" in rest and "MAP_SHARED" in rest:
                mapped = re.search(r", \d+<([^>]*)>", rest)
                if mapped:
                    written.add(known_name(made, mapped[1]))
            elif "open" in name and _OPENED_TO_WRITE.search(rest):
                result = re.search(r"= \d+<([^>]*)>$", rest.strip())
                if result:
                    opened.add(known_name(made, result[1]))

    assert piped > 0, "strace did not see what goes to gpg and to the browser"
    assert [] == readable
    assert set() == opened - WRITABLE
    assert "server/upgrade.lock" not in written
    assert set() == written - WRITABLE - {"log"}
    assert {"server/deaddrop.db-wal", "server/spool (nameless)"} <= written


def end_traced(service: Service) -> None:
    """End what strace watches, so that strace writes its last line and ends."""
    assert service.process is not None
    deadline = time.monotonic() + END_SECONDS
    for pid in service.members():
        if pid != service.process.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    while service.process.poll() is None and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    service.kill()


def _shifted_base64(noise: bytes, alignment: int, word: bytes) -> bytes:
    return base64.b64encode(noise[:alignment] + word + noise[:100])


def known_name(service: Service, path: str) -> str:
    """Name a file without what differs from run to run."""
    if path == str(service.log):
        return "log"
    memory = re.escape(str(service.memory))
    if re.fullmatch(rf"{memory}/wgunicorn-\w+( \(deleted\))?", path):
        return "gunicorn's heartbeat"
    if re.fullmatch(rf"{memory}/[0-9a-f]+\.dummies", path):
        return "memory/dummies"
    spool = service.directory / "spool"
    if re.fullmatch(rf"{re.escape(str(spool))}/#\d+( \(deleted\))?", path):
        return "server/spool (nameless)"
    keyring = service.directory / "keyring"
    if re.fullmatch(rf"{re.escape(str(keyring))}/(\.#lk0x\S+|\w+\.\w+\.lock)", path):
        return "gpg's lock"
    return path.replace(f"{service.base}/", "")
