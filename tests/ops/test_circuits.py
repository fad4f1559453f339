"""What the sites learn of circuits, and what they do not, over a real Unix socket."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.circuits import Connection, is_listening, proxy_line

# A site that tells what it was told, under the workers of the real ones.
SITE = """
import json, sys
from pathlib import Path
from fairness.circuits import CIRCUIT
from ops.circuits import AtTheDoor
from ops.serving import Door, Site

def tell(environ, start_response):
    told = {name: repr(environ.get(name)) for name in (
        CIRCUIT, "REMOTE_ADDR", "REMOTE_PORT", "SCRIPT_NAME", "wsgi.url_scheme")}
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(json.dumps(told))))])
    return [json.dumps(told).encode()]

class Telling(Site):
    def load(self):
        return AtTheDoor(tell)

door, memory = Door("unix:" + sys.argv[1], ()), Path("/dev/shm")
Telling(Path("."), door, None, None, memory=memory).run()
"""
ROOT = Path(__file__).parents[2]
SECONDS = 30


class Asking(Connection):
    """A connection to the site that tells."""

    def told(self, **headers: str) -> dict[str, str]:
        """Return what the site was told of a request."""
        self.request("GET", "/", headers=headers)
        told: dict[str, str] = json.loads(self.getresponse().read())
        return told


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A socket with a site behind it, and its log."""
    folder = tmp_path_factory.mktemp("circuits")
    path, log = folder / "site.sock", folder / "log"
    with (
        log.open("wb") as writing,
        subprocess.Popen(
            [sys.executable, "-c", SITE, str(path)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=writing,
            stderr=writing,
        ) as process,
    ):
        deadline = time.monotonic() + SECONDS
        while not is_listening(path) and time.monotonic() < deadline:
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        try:
            yield path, log
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(SECONDS)


CIRCUIT = "fc00:dead:beef:4dad::0:4b"


def test_a_circuit_is_told_once_and_kept(served: tuple[Path, Path]) -> None:
    """The second request of a connection is of the same circuit as the first."""
    connection = Asking(served[0], proxy_line(CIRCUIT))
    told = [connection.told() for _ in range(3)]
    connection.close()
    assert [repr(CIRCUIT)] * 3 == [one["bisik.circuit"] for one in told]
    assert ["None"] * 3 == [one["REMOTE_ADDR"] for one in told]
    assert ["None"] * 3 == [one["REMOTE_PORT"] for one in told]


def test_circuits_are_told_apart(served: tuple[Path, Path]) -> None:
    """Connections of two circuits at once do not mix."""
    other = "fc00:dead:beef:4dad::1:4b"
    connections = [Asking(served[0], proxy_line(one)) for one in (CIRCUIT, other)]
    told = [one.told()["bisik.circuit"] for one in connections * 2]
    for one in connections:
        one.close()
    assert [repr(CIRCUIT), repr(other)] * 2 == told


@pytest.mark.parametrize("first", [b"", proxy_line("::1"), proxy_line("2001:db8::1")])
def test_others_have_no_circuit(served: tuple[Path, Path], first: bytes) -> None:
    """Without tor's line, or with an address that is not tor's, there is none."""
    connection = Asking(served[0], first)
    assert "None" == connection.told()["bisik.circuit"]
    connection.close()


def test_a_stranger_is_no_proxy(served: tuple[Path, Path]) -> None:
    """Path and scheme are not taken from headers, though the socket is a Unix one."""
    connection = Asking(served[0], proxy_line(CIRCUIT))
    told = connection.told(
        **{"SCRIPT_NAME": "/x", "X-Forwarded-Proto": "https", "X-Forwarded-Ssl": "on"}
    )
    connection.close()
    assert ("''", "'http'") == (told["SCRIPT_NAME"], told["wsgi.url_scheme"])


@pytest.mark.parametrize(
    "first",
    [
        b"PROXY TCP6 fc00:dead:beef:4dad::9 nonsense\r\n",
        proxy_line(CIRCUIT) + proxy_line(CIRCUIT),
        proxy_line(CIRCUIT) + b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n",
        proxy_line(CIRCUIT) + b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ],
)
def test_what_is_malformed_is_refused_and_not_logged(
    served: tuple[Path, Path], first: bytes
) -> None:
    """The answer is an error, and the log holds neither circuit nor request."""
    path, log = served
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        connection.connect(str(path))
        connection.sendall(first)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(100)
    assert b" 4" in answer[:12]
    written = log.read_text()
    assert "dead:beef" not in written
    assert "GET" not in written
