"""The sandbox: what a program that was taken over could see and do in there."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from journalist_app.workstation.viewing.errors import CannotShow, SandboxMissing
from journalist_app.workstation.viewing.sandbox import Limits, run

PYTHON = "/usr/bin/python3"
SECONDS = 3.0


def probe(
    code: str,
    *,
    output_bytes: int = 1024 * 1024,
    memory_together_bytes: int = 512 * 1024 * 1024,
) -> str:
    """Run a few lines of Python in the sandbox, as an attacker would."""
    limits = Limits(
        seconds=SECONDS,
        output_bytes=output_bytes,
        memory_bytes=512 * 1024 * 1024,
        memory_together_bytes=memory_together_bytes,
        scratch_bytes=16 * 1024 * 1024,
    )
    command = [PYTHON, "-I", "-c", code]
    return b"".join(run(command, b"isi berkas", limits=limits)).decode()


def test_it_sees_its_file_and_no_other(tmp_path: Path) -> None:
    """No home, no desk, no accounts, no environment, no other process."""
    secret = tmp_path / "rahasia"
    secret.write_text("kunci")
    seen = probe(
        "import os\n"
        "print(open('/box/in').read(), sorted(os.environ), os.getuid())\n"
        "print([p for p in os.listdir('/proc') if p.isdigit()])\n"
        f"print([p for p in ('/root', '/home', '/var', '/etc/passwd', {str(secret)!r})"
        " if os.path.exists(p)])"
    )
    first, processes, files = seen.splitlines()
    assert "isi berkas ['HOME', 'LANG', 'PATH', 'PWD'] 65534" == first
    assert len(processes.split()) <= 3
    assert "[]" == files


def test_it_has_no_network() -> None:
    """There is no interface but an unconnected loopback, and no socket to use it."""
    devices = probe("print(open('/proc/net/dev').read())").splitlines()[2:]
    assert ["lo"] == [line.split(":")[0].strip() for line in devices if line.strip()]
    assert "[Errno 97]" in probe(
        "import socket\n"
        "for family in (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, 40):\n"
        "  try: socket.socket(family, socket.SOCK_DGRAM)\n"
        "  except OSError as error: print(error)\n"
        "  else: raise SystemExit(family)"
    )


@pytest.mark.parametrize(
    "path",
    ["/usr/bin/x", "/box/in", "/box/code/casework/x", "/etc/x", "/x", "/dev/x"],
)
def test_it_can_write_to_its_own_memory_only(path: str) -> None:
    """Programs, the file itself and our own code cannot be changed."""
    with pytest.raises(CannotShow):
        probe(f"open({path!r}, 'w').write('x')\nprint('written')")


@pytest.mark.parametrize(
    "call",
    [
        "libc.unshare(0x10000000)",
        "libc.ptrace(0, 0, 0, 0)",
        "libc.mount(b'x', b'/tmp', b'tmpfs', 0, 0)",
        "libc.syscall(321, 0, 0, 0)",
        "libc.syscall(250, 0, 0, 0)",
        "libc.memfd_create(b'x', 0)",
        "libc.shmget(0, 4096, 0o1600)",
    ],
)
def test_it_cannot_attack_the_kernel(call: str) -> None:
    """Namespaces, tracing, mounts, bpf, keys, memory of no process are refused."""
    said = probe(
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
        f"print({call}, ctypes.get_errno())"
    )
    assert "-1 1" == said.strip()


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("while True: pass", "too long"),
        ("import time; time.sleep(99)", "too long"),
        ("bytearray(2 * 1024 ** 3)", "gave up"),
        ("f = open('/tmp/x', 'wb')\nwhile True: f.write(bytes(1 << 20))", "gave up"),
        ("import os\nwhile True: os.write(1, bytes(1 << 16))", "wrote too much"),
        ("import os\nfor _ in range(40): os.fork()\nwhile True: pass", "too long"),
        ("raise SystemExit(3)", "gave up"),
        ("import os; os.kill(os.getpid(), 9)", "gave up"),
    ],
)
def test_whatever_it_does_it_is_ended(code: str, complaint: str) -> None:
    """Endless work, sleep, memory, files, output and processes have an end."""
    if "fork" in code:
        code = code.replace("range(40)", "range(4)")
    begun = time.monotonic()
    with pytest.raises(CannotShow, match=complaint):
        probe(code)
    assert time.monotonic() - begun < SECONDS + 5


@pytest.mark.parametrize("sharing", ["MAP_PRIVATE", "MAP_SHARED"])
def test_its_processes_have_one_limit_of_memory_together(sharing: str) -> None:
    """Each of them may have what it takes, and all of them may not."""
    hoard = (
        "import mmap, os, time\n"
        "for _ in range(6):\n"
        "  if not os.fork():\n"
        f"    m = mmap.mmap(-1, 60 << 20, flags=mmap.{sharing} | mmap.MAP_ANONYMOUS)\n"
        "    for at in range(0, len(m), 4096): m[at] = 1\n"
        "    time.sleep(1); os._exit(0)\n"
        "while True:\n"
        "  try: os.wait()\n"
        "  except ChildProcessError: print('had it'); break"
    )
    assert "had it\n" == probe(hoard)
    with pytest.raises(CannotShow, match="too much memory"):
        probe(hoard, memory_together_bytes=200 * 1024 * 1024)


def test_nothing_stays_behind() -> None:
    """Processes that the program started are gone when it was ended."""
    with pytest.raises(CannotShow):
        probe("import os, time\nif os.fork(): time.sleep(99)\ntime.sleep(98.7654)")
    time.sleep(0.2)
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True)
    assert "98.7654" not in running.stdout


def test_it_works_without_rights_and_counts_processes() -> None:
    """An ordinary user has the sandbox, too, and a fork bomb in it fizzles out."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from journalist_app.workstation.viewing.sandbox import run\n"
        "bomb = 'import os\\nfor n in range(500):\\n  try:\\n    if not os.fork(): "
        "import time; time.sleep(2); os._exit(0)\\n  except OSError: print(n); break'\n"
        "print(b''.join(run(['/usr/bin/python3', '-I', '-c', bomb], b'')).decode())"
    )
    root = Path(__file__).resolve().parents[3]
    said = subprocess.run(
        ["runuser", "-u", "nobody", "--", sys.executable, "-c", code, str(root)],
        capture_output=True,
        text=True,
        cwd="/",
        timeout=60,
    )
    # The user called nobody must be able to read this folder and its Python.
    assert "Permission denied" not in said.stderr
    assert int(said.stdout) < Limits().processes, said.stderr


def test_without_bubblewrap_there_is_no_viewing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file is never opened without the sandbox."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxMissing, match="install bubblewrap"):
        probe("print(1)")
