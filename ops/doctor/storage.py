"""Storage: room on disks, and whether memory reaches a disk in the clear."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from ops.doctor.finding import Finding, Verdict
from ops.machine import Machine, Room

GIB: Final = 1 << 30
LITTLE_BYTES: Final = GIB
SOME_BYTES: Final = 5 * GIB
LITTLE_INODES: Final = 10_000
# A kernel and its initial file system take some 80 MiB.
LITTLE_BOOT_BYTES: Final = 200 << 20
LITTLE_MEMORY_BYTES: Final = 16 << 20

BOOT: Final = Path("/boot")


def file_systems(machine: Machine, paths: Iterable[Path]) -> dict[Path, Room]:
    """Look at the file systems of *paths*, each one once; absent paths are left out."""
    found: dict[Path, Room] = {}
    for path in paths:
        room = machine.room(path)
        if room is not None and room.device not in {
            one.device for one in found.values()
        }:
            found[path] = room
    return found


def judge_rooms(rooms: Mapping[Path, Room]) -> Iterator[Finding]:
    """Judge what file systems have left."""
    for path, room in rooms.items():
        little, some = (
            (LITTLE_BOOT_BYTES, LITTLE_BOOT_BYTES)
            if path.name == BOOT.name
            else (LITTLE_BYTES, SOME_BYTES)
        )
        said = f"{path}: {room.free_bytes / GIB:.1f} GiB are free"
        if room.free_bytes < little:
            yield Finding(
                Verdict.BAD, "disk", said, "make room: reports and updates are refused"
            )
        elif room.free_inodes is not None and room.free_inodes < LITTLE_INODES:
            yield Finding(
                Verdict.BAD,
                "disk",
                f"{path}: only {room.free_inodes} more files can be made",
                "find the folder with the many files, and empty it",
            )
        elif room.free_bytes < some:
            yield Finding(Verdict.LOOK, "disk", said, "make room soon")
        else:
            yield Finding(Verdict.GOOD, "disk", said)


def judge_memory(folder: Path, room: Room | None) -> Finding:
    """Judge the folder in memory, which has been found to be this user's alone."""
    if room is not None and room.free_bytes < LITTLE_MEMORY_BYTES:
        return Finding(
            Verdict.LOOK,
            "memory",
            f"{folder}: hardly any room is left",
            "find what else is in it; without room, more dummies are forgotten",
        )
    return Finding(Verdict.GOOD, "memory", f"{folder} is in memory, and private")


def swap_in_the_clear(swaps: str, machine: Machine) -> list[str]:
    """
    Return the places to which memory is swapped in a form that can be read.

    Args:
        swaps: The text of /proc/swaps.

        machine: Says what a device is.
    """
    places = [line.split()[0] for line in swaps.splitlines()[1:] if line.strip()]
    return [place for place in places if not _is_sealed(place, machine)]


def judge_swap(in_the_clear: Iterable[str]) -> Finding:
    """Judge where memory goes when there is too little of it."""
    places = ", ".join(in_the_clear)
    if places:
        return Finding(
            Verdict.BAD,
            "swap",
            f"memory is written in the clear to {places}: codenames among it",
            "run: swapoff -a; take it out of /etc/fstab, or encrypt it at each boot",
        )
    return Finding(Verdict.GOOD, "swap", "no memory is written to a disk in the clear")


def _is_sealed(place: str, machine: Machine) -> bool:
    name = Path(place).name
    if name.startswith("zram"):
        # Compressed memory, unless it was told to spill over to a disk.
        return (
            machine.text(f"/sys/block/{name}/backing_dev") or "none"
        ).strip() == "none"
    # The kernel names what stands behind a mapped device: CRYPT-PLAIN-..., CRYPT-LUKS2.
    target = machine.text(f"/sys/block/{name}/dm/uuid") or ""
    return target.startswith("CRYPT-")
