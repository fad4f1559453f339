"""A Debian machine in a folder, for the doctor: files of the kernel, and answers."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ops.machine import Machine, Room

GIB = 1 << 30
# As Debian 12 prints them.
NO_SWAP = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
MUST_RUN = (
    "bisik-site.socket",
    "bisik-courier.socket",
    "bisik-tidy.timer",
    "bisik-backup.timer",
    "bisik-doctor.timer",
    "tor@default.service",
)


def shown(
    name: str,
    load: str = "loaded",
    active: str = "active",
    *,
    file: str = "static",
) -> str:
    """Return what `systemctl show` prints of a unit."""
    properties = {
        "Result": "exit-code" if active == "failed" else "success",
        "Id": name,
        "LoadState": load,
        "ActiveState": active,
        "UnitFileState": file,
    }
    return "".join(f"{key}={value}\n" for key, value in properties.items())


@dataclass
class Debian:
    """
    A machine that is well, until a test spoils it.

    Attributes:
        root: Stands for "/".

        units: By name, what systemctl prints of those that differ.

        upgrades: What apt-get prints.

        rooms: What file systems have left; the others have plenty.
    """

    root: Path
    units: dict[str, str] = field(default_factory=dict)
    upgrades: str | None = "Reading package lists...\n"
    rooms: dict[Path, Room] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in ("run/systemd/system", "var/lib/apt/lists", "var/backups/bisik"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self.write("/proc/swaps", NO_SWAP)
        self.write("/sys/module/apparmor/parameters/enabled", "Y\n")
        self.write("/etc/apparmor.d/bisik", "profile bisik-site flags=() {\n}\n")
        self.write(
            "/sys/kernel/security/apparmor/profiles",
            "system_tor (enforce)\nbisik-site (enforce)\nlsb_release (complain)\n",
        )

    def write(self, path: str, content: str) -> Path:
        """Write a file of the machine."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
        return place

    def dated(self, second: float) -> None:
        """Let apt's lists and a backup be of this time."""
        for old in (self.root / "var/backups/bisik").iterdir():
            old.unlink()
        day = datetime.fromtimestamp(second, UTC).date()
        for name in (f"bisik-{day}.gpg", ".half.gpg", "bisik-2026-02-30.gpg"):
            self.write(f"/var/backups/bisik/{name}", "sealed")
        os.utime(self.root / "var/lib/apt/lists", (second, second))

    @property
    def machine(self) -> Machine:
        """The machine as the doctor sees it."""
        return Machine(root=self.root, run=self._run, room=self._room)

    def _run(self, words: Sequence[str]) -> str | None:
        if words[0] == "apt-get":
            return self.upgrades
        answers: Mapping[str, str] = {
            name: self.units.get(
                name, shown(name, active="active" if name in MUST_RUN else "inactive")
            )
            for name in words
            if name.startswith(("bisik-", "tor@", "nftables", "apparmor"))
        }
        return "\n".join(answers.values())

    def _room(self, path: Path) -> Room | None:
        plenty = Room(device=0, free_bytes=50 * GIB, free_inodes=None)
        return self.rooms.get(path, plenty)
