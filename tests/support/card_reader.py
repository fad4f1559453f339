"""
A card reader without plastic: pcscd as Debian ships it, and a slot to put cards into.

    libpcsclite  --- pcscd.comm --->  pcscd + vpcd  --- TCP 35963 --->  a card
    (scdaemon)      PCSCLITE_CSOCK_NAME                  this process

pcscd runs in a network and a /run of its own: nothing of this machine is touched, and
a real reader or card that may be plugged in is out of reach.  Needs root.

vpcd is the virtual reader of the project "vsmartcard"; what it says to a card is a
length of two bytes and so many bytes, one of them for power and many for a command
(its README, "Virtual Smart Card Reader").  What the cards do is in openpgp_card.py.
"""

import contextlib
import socket
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from support.lab.network import entered
from support.openpgp_card import OpenPGPCard

from tor.program import WITH_PARENT

_DRIVER = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
_PORT = 35963
_READER = f"""\
FRIENDLYNAME "Virtual PCD"
DEVICENAME   /dev/null:{_PORT}
LIBPATH      {_DRIVER}
CHANNELID    {_PORT}
"""
# What pcscd listens at is written into it; here another folder lies there.
_SCRIPT = """\
mount --bind "$1" /run && ip link set lo up
exec "$2" --foreground --error --config "$3"
"""
_OFF, _ON, _RESET, _ASK_FOR_ATR = b"\0", b"\1", b"\2", b"\4"
_READY_SECONDS = 30.0
# pcscd looks twice a second whether a card is still there.
_SEEN_SECONDS = 1.0


class CardReader:
    """A reader with one slot; a context manager that takes it away again."""

    def __init__(self, folder: Path) -> None:
        """
        Args:
            folder: An empty one; its path must be short (`unix(7)`).
        """
        run, config = folder / "run", folder / "reader.conf.d"
        run.mkdir(parents=True)
        config.mkdir()
        (config / "vpcd").write_text(_READER)
        self._socket = run / "pcscd" / "pcscd.comm"
        self._log = (folder / "pcscd.log").open("wb")
        self._connection: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._process = subprocess.Popen(
            [
                *(*WITH_PARENT, "unshare", "--mount", "--net", "sh", "-ec", _SCRIPT),
                *("sh", run, "/usr/sbin/pcscd", config),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            until = time.monotonic() + _READY_SECONDS
            while not self._is_listening():
                assert self._process.poll() is None, (folder / "pcscd.log").read_text()
                assert time.monotonic() < until
                time.sleep(0.05)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which programs find this reader, and no other."""
        return {"PCSCLITE_CSOCK_NAME": str(self._socket)}

    @property
    def has_card(self) -> bool:
        """Whether one is in the slot."""
        return self._connection is not None

    def insert(self, card: OpenPGPCard) -> None:
        """Put a card into the slot, which is empty."""
        assert self._connection is None
        connection = self._connect()
        thread = threading.Thread(target=_answer, args=(connection, card), daemon=True)
        thread.start()
        self._connection, self._thread = connection, thread

    def remove(self) -> None:
        """Pull the card out, whatever it is doing."""
        assert self._connection is not None
        assert self._thread is not None
        self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(_READY_SECONDS)
        self._connection.close()
        self._connection = self._thread = None
        time.sleep(_SEEN_SECONDS)

    def close(self) -> None:
        """End pcscd; a card that is in the slot is pulled out."""
        if self._connection is not None:
            self.remove()
        self._process.terminate()
        self._process.wait(_READY_SECONDS)
        self._log.close()

    def _is_listening(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(str(self._socket)) == 0

    def _connect(self) -> socket.socket:
        """Return a connection to the slot, which is in another network."""
        until = time.monotonic() + _READY_SECONDS
        with entered(Path(f"/proc/{self._process.pid}/ns/net")):
            connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        while connection.connect_ex(("127.0.0.1", _PORT)) != 0:
            assert time.monotonic() < until
            time.sleep(0.05)
        return connection


def _answer(connection: socket.socket, card: OpenPGPCard) -> None:
    """Answer as the card until it is pulled out."""
    with contextlib.suppress(OSError, EOFError):
        while True:
            message = _receive(connection, int.from_bytes(_receive(connection, 2)))
            if message == _ASK_FOR_ATR:
                _send(connection, card.answer_to_reset)
            elif message in (_OFF, _ON, _RESET):
                card.power_off()
            else:
                _send(connection, card.respond(message))
    card.power_off()


def _receive(connection: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        piece = connection.recv(length - len(received))
        if not piece:
            raise EOFError
        received += piece
    return received


def _send(connection: socket.socket, message: bytes) -> None:
    connection.sendall(len(message).to_bytes(2, "big") + message)
