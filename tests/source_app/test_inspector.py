"""The inspector's child: what goes wrong in it goes wrong nowhere else."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from support import telling_files
from support.site import Site
from support.visitor import Upload, Visitor

from casework.traces import NOT_LOOKED, TraceKind
from source_app.inspector import COMMAND, Inspector

JPEG = telling_files.jpeg_with_position()


def child(script: str) -> Sequence[str]:
    """Return the command of a child that does something else."""
    return (sys.executable, "-I", "-c", f"import os, sys, time\n{script}")


def children() -> set[str]:
    """Return the processes that this one has started, ended but not waited for, too."""
    return {
        number
        for task in Path(f"/proc/{os.getpid()}/task").iterdir()
        for number in (task / "children").read_text().split()
    }


def test_many_files_in_one_child() -> None:
    """
    One child looks into all files of a request, also those it cannot read.
    """
    with Inspector() as inspector:
        seen = [inspector.look(one) for one in (JPEG, b"teks", b"", JPEG)]

    assert [True, False, False, True] == [one.looked_inside for one in seen]
    assert TraceKind.POSITION is seen[3].traces[0].kind


def test_largest_file_crosses() -> None:
    """
    Five megabytes behind a picture's header do not stop its reading.
    """
    with Inspector() as inspector:
        assert inspector.look(JPEG + bytes(5 * 1024 * 1024)).traces


@pytest.mark.parametrize(
    "script",
    [
        "sys.exit(1)",
        "os.write(1, b'R'); sys.exit(1)",
        "os.write(1, b'R'); time.sleep(60)",
        "os.write(1, b'R'); os.read(0, 99); os.write(1, b'\\xff' * 99); time.sleep(60)",
        "os.write(1, b'R'); os.read(0, 99)\n"
        "os.write(1, b'\\0\\0\\0\\2{]'); time.sleep(9)",
        "os.write(1, b'R'); os.read(0, 99)\n"
        'os.write(1, b\'\\0\\0\\0\\x0d[["name","x"]]\'); time.sleep(9)',
        "os.write(1, b'X'); time.sleep(60)",
    ],
    ids=["dead", "dies", "hangs", "too long", "no JSON", "unknown kind", "not ready"],
)
def test_bad_child_costs_only_its_findings(script: str) -> None:
    """
    A child that dies, hangs or lies makes a file "not looked into", and is ended.
    """
    before = children()
    with Inspector(command=child(script), look_seconds=0.3) as inspector:
        seen = [inspector.look(JPEG) for _ in range(5)]

    assert [NOT_LOOKED] * 5 == seen
    assert before == children()


def test_child_has_no_rights(tmp_path: Path) -> None:
    """
    In the child no file can be written, memory is bounded, and nothing is dumped.
    """
    script = (
        f"sys.path.insert(0, {COMMAND[-1]!r})\n"
        "from source_app.inspector import _give_up_rights\n"
        "import resource, signal\n"
        "_give_up_rights()\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "try:\n"
        f"    open({str(tmp_path / 'x')!r}, 'wb', 0).write(b'x')\n"
        "    print('written')\n"
        "except OSError: print('refused')\n"
        "try: bytearray(2**30); print('taken')\n"
        "except MemoryError: print('bounded')\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE))\n"
        "print(sorted(os.environ.keys() - {'LC_CTYPE'}))\n"
    )
    done = subprocess.run(
        child(script), capture_output=True, text=True, check=True, env={}
    )

    assert ["refused", "bounded", "(0, 0)", "[]"] == done.stdout.splitlines()
    assert not (tmp_path / "x").exists()


NOWHERE_TO_GO = """
import errno, mmap, socket, signal
from pathlib import Path
from source_app.inspector import _give_up_rights
import casework.inspection

def tried(what):
    try: what()
    except OSError as error: return errno.errorcode[error.errno]
    return "done"

home, parent = Path(sys.argv[1]), os.getppid()
_give_up_rights()
print(tried((home / "secret").read_bytes))
print(tried(lambda: list(home.iterdir())))
print(tried(lambda: (home / "new").touch()))
print(tried(lambda: (home / "secret").unlink()))
print(tried(lambda: open(f"/proc/{parent}/mem", "rb")))
print(tried(lambda: open(f"/proc/{parent}/environ", "rb")))
print(tried(lambda: socket.socket(socket.AF_UNIX)))
print(tried(lambda: socket.socket(socket.AF_INET)))
print(tried(lambda: os.kill(parent, 0)))
print(tried(os.fork))
print(tried(lambda: os.execv(sys.executable, ["python"])))
print(tried(lambda: os.memfd_create("code")))
"""


def test_child_has_nowhere_to_go(tmp_path: Path) -> None:
    """
    Whatever takes the child over opens no file of the site's user, reaches no socket,
    and no other process: it can only answer.
    """
    (tmp_path / "secret").write_text("sealed")
    script = f"sys.path.insert(0, {COMMAND[-1]!r})\n{NOWHERE_TO_GO}"

    done = subprocess.run(
        [*child(script), tmp_path], capture_output=True, text=True, check=True, env={}
    )

    opened, others = ["EACCES"] * 6, ["EPERM"] * 6
    assert opened + others == done.stdout.splitlines()
    assert ["secret"] == [path.name for path in tmp_path.iterdir()]


def test_a_call_in_another_tongue_is_deadly() -> None:
    """
    The 32-bit way to call the kernel, whose numbers mean other calls, ends the child.
    """
    script = (
        f"sys.path.insert(0, {COMMAND[-1]!r})\n"
        "import ctypes, mmap\n"
        "from source_app.giving_up import call_nobody\n"
        # mov eax, 20; int 0x80; ret: getpid(2) of i386.
        "code = mmap.mmap(-1, 4096, prot=7)\n"
        "code.write(bytes.fromhex('b814000000cd80c3'))\n"
        "at = ctypes.addressof(ctypes.c_char.from_buffer(code))\n"
        "getpid = ctypes.CFUNCTYPE(ctypes.c_int)(at)\n"
        "assert getpid() == os.getpid()\n"
        "call_nobody()\n"
        "getpid()\n"
    )

    done = subprocess.run(child(script), capture_output=True, check=False, env={})

    assert -signal.SIGSYS == done.returncode, done.stderr


def test_reporter_reads_what_a_photograph_tells(site: Site, reporter: Visitor) -> None:
    """
    After sending, the page names the position; the officers get the very bytes.
    """
    page = reporter.send_files(Upload("foto.jpg", JPEG))

    assert "sudah disegel" in page.text
    assert "-6.17500, 106.82667" in page.text
    assert "Tempat pengambilan" in page.text
    assert (("foto.jpg", JPEG),) == site.opened_items()[1].files


def test_looking_first_sends_nothing(site: Site, reporter: Visitor) -> None:
    """
    Who wants to know first, reads what every file says, and nothing is stored.
    """
    before = site.sealed_items()
    form = reporter.get("/case/").hidden("/case/files")

    page = reporter.upload(
        "/case/files",
        {**form, "look": "1"},
        [
            Upload("foto.jpg", JPEG),
            Upload("polos.jpg", telling_files.plain_jpeg()),
            Upload("catatan.txt", b"teks"),
        ],
    )

    assert "Belum ada yang terkirim" in page.text
    assert "-6.17500, 106.82667" in page.text
    assert "Tidak ada keterangan tersembunyi" in page.text
    assert "tidak dapat kami periksa" in page.text
    assert before == site.sealed_items()
