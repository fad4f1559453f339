"""
The inspector: `casework.inspection` in a process of its own, with little in it.

    site --8 bytes of length, bytes--> child --4 bytes of length, JSON--> site
                                       no files, 512 MiB, 2 s for a file

Files come from strangers, and parsers have faults.  The child holds no key, gets no
environment and no open file but its two pipes, and is ended when a request is.  It may
open no file but the code of its parsers, write none, start no process, and have no
socket (`source_app.giving_up`).  What it answers is not believed either: it is
parsed strictly, and anything odd counts as "not looked into".
"""

import json
import os
import resource
import select
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, BinaryIO, Self

from casework.text import clean_line
from casework.traces import (
    MOST_TRACES,
    NOT_LOOKED,
    VALUE_CHARACTERS,
    Inspection,
    Trace,
    TraceKind,
)
from source_app.giving_up import call_nobody, code_below, open_only, set_limits

LOOK_SECONDS = 2.0
START_SECONDS = 10.0  # Until the parsers are loaded, on a busy machine.
MOST_CHILDREN = 3  # For one request; then no file of it is looked into any more.
ANSWER_BYTES = 64 * 1024
MEMORY_BYTES = 512 * 1024 * 1024
CPU_SECONDS = 30  # For all files of a request; one file is ended by the clock.

_READY = b"R"
_ROOT = Path(__file__).resolve().parents[1]
# -I: neither the environment nor the working folder says what is imported.
COMMAND = (
    sys.executable,
    "-I",
    "-c",
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from source_app.inspector import main; main()",
    str(_ROOT),
)


class _ChildFailed(Exception):
    """The child died, took too long, or answered what it must not."""


class Inspector:
    """
    Looks into the files of one request.

    Used as a context manager.  The child starts at its beginning, so that it is ready
    when the first file has arrived.
    """

    def __init__(
        self,
        *,
        command: Sequence[str] = COMMAND,
        look_seconds: float = LOOK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = command
        self._look_seconds = look_seconds
        self._clock = clock
        self._child: subprocess.Popen[bytes] | None = None
        self._started = 0
        self._is_ready = False

    def __enter__(self) -> Self:
        # What goes wrong here is met again at the first look, and handled there.
        with suppress(OSError):
            self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def look(self, content: bytes) -> Inspection:
        """Look into one file; what goes wrong there goes wrong nowhere else."""
        try:
            return self._ask(self._running(), content)
        except (_ChildFailed, OSError):
            self._end()
            return NOT_LOOKED

    def _start(self) -> subprocess.Popen[bytes]:
        if self._started == MOST_CHILDREN:
            raise _ChildFailed
        self._started += 1
        self._is_ready = False
        self._child = child = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            env={},
            start_new_session=True,
        )
        for pipe in (child.stdin, child.stdout):
            assert pipe is not None  # noqa: S101 - Popen was asked for both.
            os.set_blocking(pipe.fileno(), False)
        return child

    def _running(self) -> subprocess.Popen[bytes]:
        child = self._child or self._start()
        if not self._is_ready:
            until = self._clock() + START_SECONDS
            if self._read(child, len(_READY), until) != _READY:
                raise _ChildFailed
            self._is_ready = True
        return child

    def _ask(self, child: subprocess.Popen[bytes], content: bytes) -> Inspection:
        until = self._clock() + self._look_seconds
        self._write(child, struct.pack(">Q", len(content)), until)
        self._write(child, content, until)
        (length,) = struct.unpack(">I", self._read(child, 4, until))
        if length > ANSWER_BYTES:
            raise _ChildFailed
        return _parse(self._read(child, length, until))

    def _write(
        self, child: subprocess.Popen[bytes], content: bytes, until: float
    ) -> None:
        assert child.stdin is not None  # noqa: S101 - Popen was asked for it.
        left = memoryview(content)
        while left:
            self._wait([], [child.stdin], until)
            left = left[child.stdin.write(left) or 0 :]

    def _read(self, child: subprocess.Popen[bytes], count: int, until: float) -> bytes:
        assert child.stdout is not None  # noqa: S101 - Popen was asked for it.
        content = b""
        while len(content) < count:
            self._wait([child.stdout], [], until)
            piece = child.stdout.read(count - len(content))
            if not piece:
                raise _ChildFailed
            content += piece
        return content

    def _wait(
        self, readers: list[IO[bytes]], writers: list[IO[bytes]], until: float
    ) -> None:
        left = until - self._clock()
        if left <= 0 or not any(select.select(readers, writers, [], left)):
            raise _ChildFailed

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


def _parse(untrusted_answer: bytes) -> Inspection:
    try:
        document = json.loads(untrusted_answer)
        if document is None:
            return NOT_LOOKED
        traces = tuple(
            Trace(TraceKind(kind), _checked(value)) for kind, value in document
        )
    except (ValueError, TypeError, RecursionError):
        raise _ChildFailed from None
    if len(traces) > MOST_TRACES:
        raise _ChildFailed
    return Inspection(traces, looked_inside=True)


def _checked(untrusted_value: object) -> str:
    if (
        not isinstance(untrusted_value, str)
        or len(untrusted_value) > VALUE_CHARACTERS
        or clean_line(untrusted_value) != untrusted_value
    ):
        raise ValueError("not a line of a trace")
    return untrusted_value


def main() -> None:
    """Be the child: look into what comes, until nothing comes."""
    # Only here: no process with a key in it loads the parsers.
    from casework.inspection import inspect

    _give_up_rights()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    _send(sink, _READY)
    while header := source.read(8):
        (length,) = struct.unpack(">Q", header)
        inspection = inspect(source.read(length))
        answer = b"null"
        if inspection.looked_inside:
            said = [[trace.kind, trace.value] for trace in inspection.traces]
            answer = json.dumps(said).encode("ascii")
        _send(sink, struct.pack(">I", len(answer)) + answer)


def _give_up_rights() -> None:
    set_limits(
        {
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_FSIZE: 0,
            resource.RLIMIT_NPROC: 0,
            resource.RLIMIT_CPU: CPU_SECONDS,
            resource.RLIMIT_AS: MEMORY_BYTES,
        }
    )
    # Parsers are loaded when their kind of file comes.
    open_only([*code_below(_ROOT)])
    call_nobody()


def _send(sink: BinaryIO, content: bytes) -> None:
    sink.write(content)
    sink.flush()
