"""
A network of its own for machines under test, with this machine as its router.

    machines 10.77.0.x --- bridge 10.77.0.1 --- slirp4netns(1) --- packages

It is a network namespace without a name: several labs can be up at a time, this
machine's own addresses, routes and rules stay as they are, and everything is gone when
the process that made it has ended, however that was.

Whoever wants to go there, commands or a thread of this process, enters it
(nsenter(1), setns(2)).  Needs root, slirp4netns and nftables.
"""

import ctypes
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from tor.program import WITH_PARENT

ROUTER = "10.77.0.1"
PREFIX_BITS = 24
BRIDGE = "br0"
# Of slirp4netns: an answer of this machine's resolver.
_RESOLVER = "10.0.2.3"
_READY_SECONDS = 10.0
_CLONE_NEWNET = 0x40000000
_RULES = f"""\
table ip lab {{
    chain out {{
        type nat hook postrouting priority srcnat
        ip saddr {ROUTER}/{PREFIX_BITS} oifname "tap0" masquerade
    }}
    chain in {{
        type nat hook prerouting priority dstnat
        iifname "{BRIDGE}" ip daddr {ROUTER} udp dport 53 dnat to {_RESOLVER}
        iifname "{BRIDGE}" ip daddr {ROUTER} tcp dport 53 dnat to {_RESOLVER}
    }}
}}
"""
_LIBC = ctypes.CDLL(None, use_errno=True)


class Network:
    """The network; a context manager that takes it down again."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        try:
            self._holder = self._hold()
            self._set_up()
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
    def path(self) -> Path:
        """The file by which it can be entered."""
        return Path(f"/proc/{self._holder.pid}/ns/net")

    def entering(self, command: Sequence[str | Path]) -> list[str | Path]:
        """Return a command that runs another one there."""
        # Not ip-netns(8): it mounts /sys anew, and the control groups are gone.
        return ["nsenter", f"--net={self.path}", "--", *command]

    def run(
        self, command: Sequence[str | Path], *, seconds: float = 120, stdin: str = ""
    ) -> str:
        """Run a command there that must succeed, and return what it says."""
        return subprocess.run(
            self.entering(command),
            input=stdin,
            stdout=subprocess.PIPE,
            text=True,
            timeout=seconds,
            check=True,
        ).stdout

    @contextmanager
    def entered(self) -> Iterator[None]:
        """
        Be there with this thread.

        Sockets opened meanwhile, and processes and threads begun meanwhile, stay there.
        """
        with entered(self.path):
            yield

    def close(self) -> None:
        """Take it down.  May be called twice."""
        for process in reversed(self._processes):
            process.kill()
            process.wait()
        self._processes.clear()

    def _hold(self) -> "subprocess.Popen[bytes]":
        """Start the process that the network lives with."""
        holder = subprocess.Popen(
            [*WITH_PARENT, "unshare", "--net", "--", "sleep", "infinity"],
            stdin=subprocess.DEVNULL,
        )
        self._processes.append(holder)
        own = Path("/proc/self/ns/net").readlink()
        until = time.monotonic() + _READY_SECONDS
        while Path(f"/proc/{holder.pid}/ns/net").readlink() == own:
            if time.monotonic() > until:
                raise TimeoutError("no network namespace was made")
            time.sleep(0.01)
        return holder

    def _set_up(self) -> None:
        self.run(["ip", "link", "set", "lo", "up"])
        self._connect_to_packages()
        self.run(["ip", "link", "add", BRIDGE, "type", "bridge"])
        self.run(["ip", "addr", "add", f"{ROUTER}/{PREFIX_BITS}", "dev", BRIDGE])
        self.run(["ip", "link", "set", BRIDGE, "up"])
        self.run(["sysctl", "--quiet", "--write", "net.ipv4.ip_forward=1"])
        self.run(["nft", "--file", "-"], stdin=_RULES)

    def _connect_to_packages(self) -> None:
        ready, told = os.pipe()
        try:
            self._processes.append(
                subprocess.Popen(
                    [
                        *(*WITH_PARENT, "slirp4netns", "--configure", "--mtu=1500"),
                        *("--disable-host-loopback", f"--ready-fd={told}"),
                        *("--netns-type=path", self.path, "tap0"),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[told],
                )
            )
        finally:
            os.close(told)
        with os.fdopen(ready, "rb") as pipe:
            if not pipe.read(1):
                raise RuntimeError("slirp4netns did not start")


@contextmanager
def entered(network: Path) -> Iterator[None]:
    """
    Be in another network with this thread.

    Args:
        network: The file by which it can be entered.
    """
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        away = os.open(network, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _set_namespace(away)
        finally:
            os.close(away)
        try:
            yield
        finally:
            _set_namespace(home)
    finally:
        os.close(home)


def _set_namespace(descriptor: int) -> None:
    if _LIBC.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")
