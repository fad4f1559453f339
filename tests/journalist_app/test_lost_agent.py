"""An agent that ends after a desk has found it running."""

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crypto.agent import AgentHome
from journalist_app.workstation.desk import open_desk


def agent_socket(home: Path) -> Path:
    """Return where gpg looks for the agent of a home."""
    listed = subprocess.run(
        ["gpgconf", "--homedir", str(home), "--list-dirs", "agent-socket"],
        capture_output=True,
        check=True,
        text=True,
    )
    return Path(listed.stdout.strip())


@contextmanager
def ending_agent(home: Path, *, greeted: int) -> Iterator[None]:
    """
    Listen in an agent's place as one does that is told to end by somebody else.

    Args:
        home: The GNUPGHOME.

        greeted: How many are greeted before it ends.
    """
    path = agent_socket(home)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        listening.listen()

        def end_soon() -> None:
            for _ in range(greeted):
                connection, _address = listening.accept()
                with connection:
                    connection.sendall(b"OK Pleased to meet you\n")
            connection, _address = listening.accept()
            path.unlink()
            listening.close()
            connection.close()

        thread = threading.Thread(target=end_soon)
        thread.start()
        yield
        thread.join(30)
        assert not thread.is_alive()


def is_listening(path: Path) -> bool:
    """Tell whether anybody answers at a socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(path)) == 0


# gpg waits some seconds for an agent that has gone.
@pytest.mark.slow
def test_a_desk_opens_although_its_agent_ends_meanwhile(desk_path: Path) -> None:
    """
    Whoever had it open before was killed while they ended the agent; that is not said
    to be a wrong passphrase, and the agent that comes instead lives no longer than us.
    """
    home = desk_path / "gnupg"
    with (
        ending_agent(home, greeted=1),
        open_desk(desk_path, passphrase=None, entropy=os.urandom) as desk,
    ):
        assert is_listening(agent_socket(home))
        assert desk.keys.has_lost_its_agent()
    assert not is_listening(agent_socket(home))


def test_an_agent_that_greets_nobody_is_not_there(desk_path: Path) -> None:
    """It is ending; the one that comes after it is ours, and we end it."""
    home = desk_path / "gnupg"
    with ending_agent(home, greeted=0), AgentHome(home) as agent:
        agent.start()
        assert not agent.has_lost_it()
        assert is_listening(agent_socket(home))
    assert not is_listening(agent_socket(home))


def test_an_agent_that_was_there_before_stays(desk_path: Path) -> None:
    """Somebody else has started it, and still wants it."""
    home = desk_path / "gnupg"
    with AgentHome(home) as before:
        before.start()
        with open_desk(desk_path, passphrase=None, entropy=os.urandom) as desk:
            assert not desk.keys.has_lost_its_agent()
        assert is_listening(agent_socket(home))
    assert not is_listening(agent_socket(home))
