"""A site on a socket that somebody else has opened, as systemd does."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.circuits import Connection, is_listening, proxy_line
from support.onions import short_folder
from support.server import COMMAND, ROOT, made_service

# Opens a socket, and becomes the program behind it (sd_listen_fds(3)).
SYSTEMD = """
import os, socket, sys
kind, path, count, *command = sys.argv[1:]
if kind == "tcp":
    handed = socket.create_server(("127.0.0.1", 0))
elif kind == "deaf":
    handed = socket.socket(socket.AF_UNIX)
elif kind == "file":
    handed = open(path, "wb")
else:
    handed = socket.socket(socket.AF_UNIX)
    handed.bind(path)
    handed.listen()
os.dup2(handed.fileno(), 3)
os.set_inheritable(3, True)  # Where it was 3 already.
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=count)
os.execv(command[0], command)
"""
ASK = (
    sys.executable,
    "-c",
    "import os; from ops.activation import activated_socket; "
    "print(activated_socket(os.environ, pid=os.getpid() + int(os.environ['OTHER'])))",
)


def systemd(kind: str, path: Path, count: str = "1") -> list[str | Path]:
    """Return the command before another one that hands it a socket."""
    return [sys.executable, "-c", SYSTEMD, kind, path, count]


def asked(
    kind: str, path: Path, count: str = "1", *, other: int = 0
) -> "subprocess.CompletedProcess[str]":
    """Ask a process which socket it was handed."""
    return subprocess.run(
        [*systemd(kind, path, count), *ASK],
        cwd=ROOT,
        env={"OTHER": str(other)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_socket_is_found_by_its_path(tmp_path: Path) -> None:
    """
    The one socket that was handed over is known by the path that it was opened at.
    """
    path = tmp_path / "site.sock"
    assert f"{path}\n" == asked("unix", path).stdout


@pytest.mark.parametrize(("count", "other"), [("1", 1), ("0", 0)])
def test_nothing_was_handed_over(tmp_path: Path, count: str, other: int) -> None:
    """
    What was meant for another process does not count, and no socket is none.
    """
    assert "None\n" == asked("unix", tmp_path / "s", count, other=other).stdout


@pytest.mark.parametrize(
    ("kind", "count"), [("tcp", "1"), ("deaf", "1"), ("file", "1"), ("unix", "2")]
)
def test_an_unfit_socket_is_refused(tmp_path: Path, kind: str, count: str) -> None:
    """
    A port of the network, a socket that does not listen, a file, or a second socket.
    """
    done = asked(kind, tmp_path / "s", count)
    assert 0 != done.returncode
    assert "UnfitSocket: " in done.stderr


@pytest.mark.slow
def test_a_site_serves_on_the_socket_it_was_handed() -> None:
    """
    With tor's line before a request and without one it answers; and when it has ended,
    the socket is still there for the next start.
    """
    with short_folder() as folder, made_service(folder) as service:
        path = folder / "site.sock"
        with (service.directory / "bisik.toml").open("a") as settings:
            settings.write(f'socket = "{path}"\n')
        service.socket = path
        service.start(before=systemd("unix", path))
        answers = []
        for first in (b"", proxy_line("fc00:dead:beef:4dad::1:2")):
            connection = Connection(path, first)
            connection.request("GET", "/safety")
            answers.append(connection.getresponse().status)
            connection.close()
        service.stop()

        assert [200, 200] == answers
        assert path.is_socket()
        assert not is_listening(path)


def test_a_socket_that_is_not_in_the_settings_is_refused() -> None:
    """
    Otherwise whoever looks whether the site answers would look in the wrong place.
    """
    with short_folder() as folder, made_service(folder) as service:
        serve = [*COMMAND, "serve", "--directory", str(service.directory)]
        done = subprocess.run(
            [*systemd("unix", folder / "other.sock"), *serve],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    assert 1 == done.returncode
    assert "bisik: error: systemd hands over " in done.stderr
    assert "bisik: hint: name the unit's ListenStream in bisik.toml" in done.stderr
