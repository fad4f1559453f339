"""
A Debian machine as a virtual one: Debian's own kernel, with what a container lacks.

    container's disk --mke2fs(8) -d--> an ext4 disk --> QEMU, Debian's kernel

There is AppArmor, limits of control groups are enforced, and sysctl says what it means.
Killed, it loses what its kernel had not written: a power cut of a real kind.  The disk
is written when the guest says so (a write-back cache that honours its flushes), so that
fsync(2) is honest.

It emulates the processor (TCG), needs no KVM, and is some ten times slower for it.
Needs root, qemu-system-x86 and e2fsprogs.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from support.lab.container import Container
from support.lab.machine import END_SECONDS, Machine
from support.lab.network import BRIDGE, Network

from tor.program import WITH_PARENT

BOOT_SECONDS = 240.0
MEMORY_MIB = 2048
DISK_SIZE = "3G"
_FSTAB = "/dev/vda / ext4 errors=remount-ro 0 1\n"
_KERNEL_LINE = "root=/dev/vda rw console=ttyS0 quiet"
# $1: the new folder.
_COPY = """\
set -eu; to=$1; from=$PWD/root
cp "$from"/boot/vmlinuz-* "$to/vmlinuz"
cp "$from"/boot/initrd.img-* "$to/initrd"
mke2fs -q -t ext4 -d "$from" -E root_owner=0:0 "$to/disk" "$2"
"""


class VirtualMachine(Machine):
    """One machine; made by `support.lab.laboratory.Lab`."""

    boot_seconds = BOOT_SECONDS

    def __init__(
        self,
        container: Container,
        *,
        directory: Path,
        network: Network,
        ssh: Sequence[str | Path],
    ) -> None:
        """
        Make a machine with a copy of the disk of a container.

        Args:
            container: It is switched off.

            directory: A new folder for its disk and its console.

            network: Where it is.

            ssh: The command that leads to it, without its name.
        """
        super().__init__(
            container.name,
            container.address,
            directory=directory,
            network=network,
            ssh=ssh,
        )
        directory.mkdir()
        container.give_packages_back()
        container.on_disk(
            ["bash", "-c", f"printf '{_FSTAB.strip()}\\n' >> root/etc/fstab"]
        )
        container.on_disk(["bash", "-c", _COPY, "copy", directory, DISK_SIZE])
        # A name of an interface has 15 bytes at most.
        self._tap = f"tap-{container.name}"[:15]
        network.run(["ip", "tuntap", "add", "dev", self._tap, "mode", "tap"])
        network.run(["ip", "link", "set", self._tap, "master", BRIDGE, "up"])

    @property
    def _mac(self) -> str:
        """A locally administered address, made of the other one."""
        return "52:54:" + ":".join(
            f"{int(part):02x}" for part in self.address.split(".")
        )

    def switch_on(self) -> None:
        """Switch it on, and wait for nothing."""
        assert not self.running
        network = f"tap,id=net,ifname={self._tap},script=no,downscript=no"
        card = f"virtio-net-pci,netdev=net,mac={self._mac},romfile="
        with self.console.open("ab") as console:
            self._process = subprocess.Popen(
                [
                    *WITH_PARENT,
                    *self._network.entering(
                        [
                            *("qemu-system-x86_64", "-machine", "q35"),
                            *("-accel", "tcg,thread=multi", "-cpu", "max"),
                            *("-smp", "2", "-m", str(MEMORY_MIB)),
                            *("-nodefaults", "-nographic", "-serial", "stdio"),
                            # To boot again is to be switched on again.
                            "-no-reboot",
                            *("-kernel", self.directory / "vmlinuz"),
                            *("-initrd", self.directory / "initrd"),
                            *("-append", _KERNEL_LINE),
                            "-drive",
                            f"file={self.directory}/disk,format=raw,if=virtio"
                            ",cache=writeback",
                            *("-netdev", network),
                            *("-device", card),
                            *("-object", "rng-random,filename=/dev/urandom,id=random"),
                            *("-device", "virtio-rng-pci,rng=random"),
                        ]
                    ),
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """Cut its power: what it has not written is lost.  May be called twice."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait(END_SECONDS)
        self._process = None

    def reboot(self) -> None:
        """Let it boot anew, and wait until ssh answers again."""
        self.tried("systemctl reboot")
        self._ended("reboot")
        self.boot()

    def shut_down(self) -> None:
        """Let it end what it does, and switch itself off."""
        self.tried("systemctl poweroff")
        self._ended("power off")
