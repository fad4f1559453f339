"""
The sandbox: one program, one file, and nothing else in the world.

    file --memory--> /box/in     read-only programs and fonts, a bounded /tmp,
    limits of time, memory,      no network, no home, no /proc of others,
    processes and output         no environment, no rights, seccomp

The program is ended with everything that it has started when its time is over, when it
writes more than it may, or when whoever asked goes away.  No byte of the file is
written to a disk: it lies in memory, and so does everything the program writes.

bubblewrap is bwrap(1); limits are setrlimit(2).
"""

import itertools
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from journalist_app.workstation.viewing.errors import CannotShow, SandboxMissing
from journalist_app.workstation.viewing.memory import MemoryWatch
from journalist_app.workstation.viewing.seccomp import seccomp_filter

INPUT = "/box/in"
PIECE_BYTES = 256 * 1024
_MEBIBYTE = 1024 * 1024
_ROOT = Path(__file__).resolve().parents[3]
# What of our own code the programs in the sandbox may read.
# What programs read of /etc: fonts, libraries, and LibreOffice its own settings.
_SETTINGS = (
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/libreoffice",
)
_OWN_CODE = ("casework", "crypto", "journalist_app")


@dataclass(frozen=True)
class Limits:
    """
    What a program in the sandbox gets.

    Attributes:
        seconds: Of the clock, and of each processor.

        memory_bytes: Of address space for each process.

        memory_together_bytes: That all its processes may hold.

        output_bytes: That it may write to its output.

        scratch_bytes: Of its /tmp, which is in memory.

        processes: And threads, together.
    """

    seconds: float = 60.0
    memory_bytes: int = 2048 * _MEBIBYTE
    memory_together_bytes: int = 1536 * _MEBIBYTE
    output_bytes: int = 512 * _MEBIBYTE
    scratch_bytes: int = 256 * _MEBIBYTE
    processes: int = 32


def run(
    command: Sequence[str],
    content: bytes,
    *,
    suffix: str = "",
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[bytes]:
    """
    Run a program on a file and yield what it writes, in pieces.

    Args:
        command: The program; `INPUT` with *suffix* is the file.

        content: Of the file.

        suffix: Some programs want one.  It is ours, never the reporter's.

        limits: What it gets.

        clock: Seconds that only go forward.

    Raises:
        SandboxMissing: If there is no bubblewrap, or it may not be used.

        CannotShow: If the program failed, took too long, wrote too much or held too
            much memory.  What it wrote before must not be used.
    """
    allowed = limits or Limits()
    with ExitStack() as stack:
        arguments = _bubblewrap(stack, content, suffix, allowed)
        # Set inside: outside, the officer's own programs would count as well.
        counted = ["prlimit", f"--nproc={allowed.processes}", "--"]
        process = _start([*arguments, *counted, *command], stack, allowed)
        watch = MemoryWatch(
            process.pid,
            most_bytes=allowed.memory_together_bytes,
            end=lambda: _kill(process),
        )
        watch.start()
        stack.callback(watch.stop)
        try:
            yield from _output(process, allowed, clock)
        except CannotShow:
            if watch.exceeded:
                raise CannotShow("it needed too much memory") from None
            raise


def python(module: str, *arguments: str) -> list[str]:
    """Return a command that runs `main` of one of our modules in the sandbox."""
    paths = ", ".join(repr(path) for path in ("/box/code", *_site_packages()))
    start = f"import sys; sys.path[:0] = [{paths}]; from {module} import main; main()"
    return [str(_interpreter()), "-I", "-c", start, *arguments]


def _bubblewrap(
    stack: ExitStack, content: bytes, suffix: str, limits: Limits
) -> list[str]:
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxMissing(SandboxMissing.__doc__)
    arguments = [
        program,
        *("--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534"),
        *("--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"),
        *("--hostname", "box"),
        *("--setenv", "PATH", "/usr/bin:/bin"),
        *("--setenv", "HOME", "/tmp"),  # noqa: S108 - Inside: a memory of its own.
        *("--setenv", "LANG", "C.UTF-8"),
        *("--ro-bind", "/usr", "/usr"),
        *("--symlink", "usr/bin", "/bin"),
        *("--symlink", "usr/lib", "/lib"),
        *("--symlink", "usr/lib64", "/lib64"),
        *("--proc", "/proc", "--dev", "/dev"),
        *("--size", str(limits.scratch_bytes), "--tmpfs", "/tmp"),  # noqa: S108 - As above.
    ]
    for path in _SETTINGS:
        arguments += ["--ro-bind-try", path, path]
    for path in {str(Path(sys.base_prefix)), *_site_packages()}:
        if not path.startswith("/usr/"):
            arguments += ["--ro-bind-try", path, path]
    for package in _OWN_CODE:
        arguments += ["--ro-bind", str(_ROOT / package), f"/box/code/{package}"]
    file = _in_memory(stack, content)
    arguments += ["--ro-bind-data", str(file), f"{INPUT}{suffix}"]
    refused = seccomp_filter()
    if refused is not None:
        arguments += ["--seccomp", str(_in_memory(stack, refused))]
    # Memory that nothing bounds would be a way to exhaust the machine.
    arguments += ["--size", str(_MEBIBYTE), "--tmpfs", "/dev/shm"]  # noqa: S108 - As above.
    for path in ("/dev", "/"):
        arguments += ["--remount-ro", path]
    return [*arguments, "--chdir", "/tmp", "--"]  # noqa: S108 - As above.


def _in_memory(stack: ExitStack, content: bytes) -> int:
    memory = os.memfd_create("bisik")
    stack.callback(os.close, memory)
    view = memoryview(content)
    while view:
        view = view[os.write(memory, view) :]
    os.lseek(memory, 0, os.SEEK_SET)
    os.set_inheritable(memory, True)
    return memory


def _start(
    arguments: Sequence[str], stack: ExitStack, limits: Limits
) -> subprocess.Popen[bytes]:
    inherited = [
        int(value)
        for name, value in itertools.pairwise(arguments)
        if name in ("--ro-bind-data", "--seccomp")
    ]
    try:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=inherited,
            env={},
            cwd="/",
            start_new_session=True,
            preexec_fn=lambda: _limit(limits),
            bufsize=0,
        )
    except OSError:
        raise SandboxMissing(SandboxMissing.__doc__) from None
    stack.callback(_end, process)
    return process


def _limit(limits: Limits) -> None:
    seconds = max(1, round(limits.seconds))
    for what, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.scratch_bytes),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _output(
    process: subprocess.Popen[bytes], limits: Limits, clock: Callable[[], float]
) -> Iterator[bytes]:
    output, complaints = process.stdout, process.stderr
    if output is None or complaints is None:
        raise CannotShow(CannotShow.__doc__)
    until = clock() + limits.seconds
    left_bytes = limits.output_bytes
    said = b""
    waiting = [output, complaints]
    while waiting:
        ready, _, _ = select.select(waiting, [], [], max(0.0, until - clock()))
        if not ready:
            raise CannotShow("it took too long")
        for pipe in ready:
            piece = os.read(pipe.fileno(), PIECE_BYTES)
            if not piece:
                waiting.remove(pipe)
            elif pipe is complaints:
                said = (said + piece)[:4096]
            else:
                left_bytes -= len(piece)
                if left_bytes < 0:
                    raise CannotShow("it wrote too much")
                yield piece
    try:
        code = process.wait(max(0.1, until - clock()))
    except subprocess.TimeoutExpired:
        raise CannotShow("it took too long") from None
    if code != 0:
        if said.startswith(b"bwrap:") and b"execvp" not in said:
            raise SandboxMissing(SandboxMissing.__doc__)
        raise CannotShow("the program that opens such files gave up")


def _end(process: subprocess.Popen[bytes]) -> None:
    _kill(process)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    process.wait()


def _kill(process: subprocess.Popen[bytes]) -> None:
    # Once it was waited for, its number may be another's.
    if process.poll() is None:
        # bubblewrap is the first process of its namespace: when it goes, all go.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _interpreter() -> Path:
    """Return the Python that the virtual environment, if any, was made with."""
    return Path(os.path.realpath(sys.executable))


def _site_packages() -> tuple[str, ...]:
    """Return the folders with the libraries that our code imports."""
    return tuple(
        path for path in sys.path if path.endswith(("site-packages", "dist-packages"))
    )
