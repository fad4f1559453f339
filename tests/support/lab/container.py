"""
A Debian machine as a container: systemd is its first process, and boots in a second.

    base tree (shared, read-only)  <--overlay--  upper folder (this machine's disk)

It is booted by systemd-nspawn(1), as a machine is.  Killed, it loses its processes all
at once, as in a power cut, and boots again from what is on its disk.  There it ends to
be like a power cut: what the kernel had not written yet survives (`support.lab.virtual`
loses that, too).

There is no AppArmor in a container, limits of control groups are not enforced, and
/proc/sys/kernel is read-only; `support.lab.virtual` has them all.
Needs root, systemd-container and an OpenSSH client.
"""

import contextlib
import io
import os
import signal
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from support.lab.base import keep_packages, lend_packages
from support.lab.machine import (
    END_SECONDS,
    RUN_SECONDS,
    Machine,
    MachineFault,
    run_text,
)
from support.lab.network import BRIDGE, PREFIX_BITS, ROUTER, Network

from tor.program import WITH_PARENT

# What systemd-nspawn ends with, for systemd to start it again.
_WANTS_TO_REBOOT = 133
# systemd(1), "Signals": halt and power off.
_POWER_OFF = signal.SIGRTMIN + 4

# $1: its folder, $2: the base tree; then a command.
_MOUNTED = """\
set -eu; machine=$1 base=$2; shift 2
mount -t overlay overlay "$machine/root" \
    -o "lowerdir=$base,upperdir=$machine/upper,workdir=$machine/work"
exec "$@"
"""
# systemd wants to see control groups of version 2 and no others, and mounts /tmp itself
# if nobody has done it before.
_BOOT = """\
set -eu; machine=$1 group=$2; shift 2
umount --recursive /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup/$group"
echo $$ > "/sys/fs/cgroup/$group/cgroup.procs"
mkdir -p /run/systemd/nspawn
mount -t tmpfs -o mode=755 run /run/systemd/nspawn
SYSTEMD_NSPAWN_TMPFS_TMP=0 exec systemd-nspawn --boot --directory "$machine/root" "$@"
"""
_FORGET_GROUP = """\
umount --recursive /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup
[ ! -d "/sys/fs/cgroup/$1" ] || find "/sys/fs/cgroup/$1" -depth -type d -exec rmdir {} +
"""
# Apt looks at the age of its lists; and its folder becomes part of the upper one.
_FIRST_TIME = """\
set -eu; cd root
touch --date=@0 var/lib/apt/lists
touch var/cache/apt/archives/lock
mkdir -p etc/systemd/system/multi-user.target.wants
ln -s /lib/systemd/system/systemd-networkd.service \
    etc/systemd/system/multi-user.target.wants
"""
_PRIVATE_MOUNTS = ("unshare", "--mount", "--propagation", "private", "--")


class Container(Machine):
    """One machine; made by `support.lab.laboratory.Lab`."""

    def __init__(
        self,
        name: str,
        address: str,
        *,
        directory: Path,
        base: Path,
        network: Network,
        ssh: Sequence[str | Path],
        public_key: str,
    ) -> None:
        """
        Make a machine that has never been booted.

        Args:
            name: Its host name.

            address: In the lab's network.

            directory: A new folder for its disk and its console.

            base: The tree that it begins with.

            network: Where it is.

            ssh: The command that leads to it, without its name.

            public_key: Of whoever may come in as root.
        """
        super().__init__(name, address, directory=directory, network=network, ssh=ssh)
        self._base = base
        self._group = f"bisik-lab-{os.getpid()}-{directory.parent.name}-{name}"
        for folder in ("upper", "work", "root"):
            (directory / folder).mkdir(parents=True)
            (directory / folder).chmod(0o755)
        self.write_files(_first_files(name, address, public_key))
        self.on_disk(["bash", "-c", _FIRST_TIME])
        lend_packages(directory / "upper")

    @property
    def upper(self) -> Path:
        """What its disk has beyond the base tree."""
        return self.directory / "upper"

    @property
    def leader(self) -> int:
        """
        The number of its first process, as this machine counts.

        Raises:
            MachineFault: If it is not running.
        """
        process = self._process
        if process is None:
            raise MachineFault(f"{self.name} is switched off")
        for child in _children(process.pid):
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{child}/status").read_text()
                numbers = status.partition("NSpid:")[2].splitlines()[0].split()
                if len(numbers) > 1 and numbers[-1] == "1":
                    return child
        raise MachineFault(f"{self.name} has no first process: {self.last_words()}")

    def switch_on(self) -> None:
        """Switch it on, and wait for nothing."""
        assert not self.running
        with self.console.open("ab") as console:
            self._process = subprocess.Popen(
                [
                    *WITH_PARENT,
                    *self._network.entering(
                        [
                            *_PRIVATE_MOUNTS,
                            *self._mounting(
                                [
                                    *("bash", "-c", _BOOT, "boot"),
                                    *(self.directory, self._group),
                                    f"--machine={self.name}",
                                    # There may be no systemd here to be told of it.
                                    *("--register=no", "--keep-unit"),
                                    f"--network-bridge={BRIDGE}",
                                    *("--resolv-conf=off", "--timezone=off"),
                                    *("--link-journal=no", "--console=pipe"),
                                ]
                            ),
                        ]
                    ),
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
            )

    def at_console(
        self,
        command: str,
        *,
        stdin: str | bytes = b"",
        seconds: float = RUN_SECONDS,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a shell command as root without any network, whatever comes of it."""
        inside = ["nsenter", f"--target={self.leader}", "--all", "--"]
        # As after a login, not as this process is.
        login = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"]
        return run_text([*inside, *login, "sh", "-c", command], stdin, seconds)

    def reboot(self) -> None:
        """Let it boot anew, and wait until ssh answers again."""
        self.at_console("systemctl reboot")
        if self._ended("reboot") != _WANTS_TO_REBOOT:
            raise MachineFault(f"{self.name} does not reboot: {self.last_words()}")
        self._forget()
        self.boot()

    def shut_down(self) -> None:
        """Let it end what it does, and switch itself off."""
        os.kill(self.leader, _POWER_OFF)
        self._ended("power off")
        self._forget()

    def kill(self) -> None:
        """Cut its power: every process is gone at once.  May be called twice."""
        if self._process is None:
            return
        # The kernel ends the others with the first, before that one is gone itself.
        with contextlib.suppress(MachineFault, ProcessLookupError):
            os.kill(self.leader, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
        self._process.kill()
        self._forget()

    def discard(self) -> None:
        """Cut its power for good; the packages it has loaded are kept for others."""
        self.kill()
        self.give_packages_back()

    def give_packages_back(self) -> None:
        """Keep the packages that it has loaded for others, and no longer here."""
        keep_packages(self.upper)

    def write_files(self, files: Mapping[str, str | bytes]) -> None:
        """Write files to its disk, by their paths, while it is switched off."""
        assert not self.running
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for path, content in files.items():
                raw = content.encode() if isinstance(content, str) else content
                entry = tarfile.TarInfo(path.lstrip("/"))
                entry.size = len(raw)
                entry.mode = 0o600 if "/.ssh/" in path else 0o644
                archive.addfile(entry, io.BytesIO(raw))
        self.on_disk(
            [*("tar", "--extract", "--no-overwrite-dir"), "--directory=root"],
            stdin=packed.getvalue(),
        )

    def on_disk(self, command: Sequence[str | Path], *, stdin: bytes = b"") -> bytes:
        """
        Run a command of this machine with the disk of the other one in "root".

        Args:
            command: It must succeed.  Its folder is the one that "root" is in.
        """
        assert not self.running
        return subprocess.run(
            [*_PRIVATE_MOUNTS, *self._mounting(command)],
            cwd=self.directory,
            input=stdin,
            stdout=subprocess.PIPE,
            check=True,
        ).stdout

    def _mounting(self, command: Sequence[str | Path]) -> list[str | Path]:
        return ["bash", "-c", _MOUNTED, "mount", self.directory, self._base, *command]

    def _forget(self) -> None:
        """Let nothing be left of the container but its disk."""
        assert self._process is not None
        self._process.wait(END_SECONDS)
        self._process = None
        subprocess.run(
            [*_PRIVATE_MOUNTS, "bash", "-c", _FORGET_GROUP, "forget", self._group],
            check=False,
            stderr=subprocess.DEVNULL,
        )


def _first_files(name: str, address: str, public_key: str) -> dict[str, str]:
    """Return what makes it a machine of its own in the lab's network."""
    return {
        "/etc/hostname": f"{name}\n",
        "/etc/hosts": f"127.0.0.1 localhost\n127.0.1.1 {name}\n",
        "/etc/resolv.conf": f"nameserver {ROUTER}\n",
        "/etc/machine-id": "",
        "/root/.ssh/authorized_keys": public_key,
        "/etc/systemd/network/80-container-host0.network": f"""\
[Match]
Name=host0 en*
[Network]
Address={address}/{PREFIX_BITS}
Gateway={ROUTER}
DHCP=no
LinkLocalAddressing=no
LLDP=no
""",
    }


def _children(parent: int) -> list[int]:
    """List the children of a process (proc(5))."""
    with contextlib.suppress(OSError):
        # Of its one thread.
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        return [int(child) for child in children.split()]
    return []
