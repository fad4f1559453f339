"""
A stranger in a site's room: tries what it must not do, and says what came of it.

It runs in the place of a site, in the very same unit, and so has nothing but Python's
own library there.  What it prints is JSON.
"""

import contextlib
import ctypes
import errno
import json
import mmap
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

SERVER = Path("/var/lib/bisik/server")
MEMORY = Path("/run/bisik-memory")
WRITABLE = (SERVER, MEMORY, Path("/tmp"))  # noqa: S108 - Of its own.
CLONE_NEWUSER = 0x10000000
# asm/unistd_64.h; with zeros, most of them harm nobody who may make them.
CALLS: dict[str, tuple[int, ...]] = {
    "bpf": (321,),
    "chroot": (161,),
    "io_uring_setup": (425,),
    "kexec_load": (246,),
    "keyctl": (250,),
    "mount": (165,),
    "perf_event_open": (298,),
    "process_vm_readv": (310,),
    "ptrace": (101,),
    "setns": (308, 0, CLONE_NEWUSER),
    "unshare": (272, CLONE_NEWUSER),
    "userfaultfd": (323,),
}
FAMILIES = ("AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK", "AF_ALG")
_LIBC = ctypes.CDLL(None, use_errno=True)


def tried(action: Callable[[], object]) -> str:
    """Say how something was refused; "done" if it was not."""
    try:
        action()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "?")
    return "done"


def call(number: int, *arguments: int) -> None:
    """Make a system call, with zeros after its arguments."""
    if _LIBC.syscall(number, *arguments, *[0] * (6 - len(arguments))) < 0:
        raise OSError(ctypes.get_errno(), "")


def run_copy(folder: Path) -> None:
    """Bring a program along, and run it."""
    path = folder / "program"
    path.write_bytes(Path("/usr/bin/gpg").read_bytes())
    try:
        path.chmod(0o700)
        subprocess.run([path, "--version"], stdout=subprocess.DEVNULL, check=False)
    finally:
        path.unlink()


def map_copy(folder: Path) -> None:
    """Bring a library along, and map it as code."""
    path = folder / "library.so"
    path.write_bytes(bytes(mmap.PAGESIZE))
    try:
        with path.open("rb") as file:
            protection = mmap.PROT_READ | mmap.PROT_EXEC
            mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE, protection)
    finally:
        path.unlink()


def written_code() -> None:
    """Have memory that can be written and run."""
    protection = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, protection)


def add_to(path: Path) -> None:
    """Open a file to write to it."""
    path.open("ab").close()


def everything() -> Iterator[tuple[Path, os.stat_result]]:
    """Walk over all files and folders but those that the kernel makes up."""
    for name, folders, files in os.walk("/"):
        here = Path(name)
        if here == Path("/"):
            folders.remove("proc")
        for path in (here, *(here / file for file in files)):
            with contextlib.suppress(OSError):
                yield path, path.lstat()


def status() -> dict[str, str]:
    """Read what the kernel says of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    wanted = ("CapBnd", "CapEff", "CapPrm", "NoNewPrivs", "Seccomp")
    return {name: fields[name].strip() for name in wanted}


def main() -> None:
    """Try everything."""
    writable, programs = set(), set()
    for path, found in everything():
        if stat.S_ISDIR(found.st_mode):
            if os.access(path, os.W_OK):
                writable.add(str(path))
        elif stat.S_ISREG(found.st_mode) and os.access(path, os.X_OK):
            with path.open("rb") as file:
                begins = file.read(4)
            if begins == b"\x7fELF" and ".so" not in path.name:
                programs.add(str(path))
    told = {
        "status": status(),
        "sockets": {
            name: tried(partial(socket.socket, getattr(socket, name)))
            for name in FAMILIES
        },
        "calls": {name: tried(partial(call, *words)) for name, words in CALLS.items()},
        "code": {
            "written": tried(written_code),
            "nameless": tried(lambda: os.memfd_create("code")),
            **{
                f"run in {place}": tried(partial(run_copy, place)) for place in WRITABLE
            },
            **{f"map {place}": tried(partial(map_copy, place)) for place in WRITABLE},
        },
        "writable": sorted(writable),
        "programs": sorted(programs),
        "unseen": {
            path: tried(partial(os.stat, path))
            for path in (
                *("/bin/sh", "/etc/shadow", "/etc/passwd", "/home", "/var/lib/tor"),
                *("/run/tor", "/run/bisik", "/opt/bisik/releases", "/root/.ssh"),
            )
        },
        "settings": {
            name: tried(partial(add_to, SERVER / name))
            for name in ("bisik.toml", "profile.toml", "calendar.csv")
        },
        "processes": [
            (path / "comm").read_text().strip()
            for path in Path("/proc").iterdir()
            if path.name.isdecimal()
        ],
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
