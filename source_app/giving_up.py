"""
Giving up: what a process takes from itself before it reads what strangers have sent.

    limits      no file written, no core, bounded memory and time
    Landlock    nothing opened but the code that is still to be loaded
    seccomp     no socket, no other process started, signalled or looked into

None of it needs a privilege, and none can be taken back.  Where there is no Landlock (a
kernel before 5.13 or started without it, a container that refuses it) that part is left
out; without seccomp the process ends instead.  What the service manager takes away
comes on top (docs/spec/deployment.md).

The calls are landlock(7) and seccomp(2); the filter is a program of BPF as
linux/filter.h has it.
"""

import ctypes
import errno
import os
import platform
import resource
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LIBC = ctypes.CDLL(None, use_errno=True)

# linux/prctl.h
_SET_SECCOMP, _MODE_FILTER, _NO_NEW_PRIVS = 22, 2, 38

# The same numbers on every machine (asm-generic/unistd.h).
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
# What each version of Landlock can refuse: one bit more with the 2nd, 3rd and 5th.
_KINDS_OF_ACCESS: Final = ((5, 16), (3, 15), (2, 14), (1, 13))


@dataclass(frozen=True)
class _Machine:
    """
    How system calls are named on one kind of machine.

    Attributes:
        audit: Its number in linux/audit.h.

        calls: Numbers of those that are refused.
    """

    audit: int
    calls: tuple[int, ...]


# socket, connect, bind, clone, fork, vfork, clone3, execve, execveat, kill, tkill,
# tgkill, pidfd_open, pidfd_send_signal, pidfd_getfd, ptrace, process_vm_readv,
# process_vm_writev, unshare, io_uring_setup, memfd_create
_MACHINES: Final[Mapping[str, _Machine]] = {
    "x86_64": _Machine(
        0xC000003E,
        (
            *(41, 42, 49, 56, 57, 58, 435, 59, 322, 62, 200),
            *(234, 434, 424, 438, 101, 310, 311, 272, 425, 319),
        ),
    ),
    "aarch64": _Machine(
        0xC00000B7,
        (
            *(198, 203, 200, 220, 435, 221, 281, 129, 130),
            *(131, 434, 424, 438, 117, 270, 271, 97, 425, 279),
        ),
    ),
}
# The other way to call on x86_64, whose numbers no filter here knows.
_X32 = 0x40000000

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000


class CannotGiveUp(OSError):
    """The kernel did not let this process give up what it must."""


def set_limits(limits: Mapping[int, int]) -> None:
    """Lower limits of the process (getrlimit(2)), for good."""
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))


def code_below(root: Path) -> Iterator[Path]:
    """
    Yield what may still be imported: modules and shared libraries, and nothing else.

    Args:
        root: The folder of our own packages, which may have more in it than code.
    """
    for place in map(Path, sys.path):
        if place != root and place.exists():
            yield place
    for place in root.iterdir():
        if place.suffix in {".py", ".so", ".libs"} or (place / "__init__.py").exists():
            yield place


def open_only(places: Sequence[Path]) -> bool:
    """
    Give up opening files: from now on, these can be read, and nothing else.

    Args:
        places: Files, and folders with all that is below them.

    Raises:
        CannotGiveUp: If the kernel has Landlock for us, and then did not let us.

    Returns:
        Whether it has.
    """
    version: int = _LIBC.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    if version < 0:
        # Unknown, switched off, or kept from us by whatever we are in: in a container
        # files would otherwise never be looked into.
        if ctypes.get_errno() in (errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM):
            return False
        raise _refused("landlock_create_ruleset")
    bits = next(bits for since, bits in _KINDS_OF_ACCESS if version >= since)
    handled = struct.pack("=Q", (1 << bits) - 1)
    ruleset = _call("landlock_create_ruleset", _CREATE_RULESET, handled, 8, 0)
    try:
        for place in places:
            _allow_reading(ruleset, place)
        _prctl(_NO_NEW_PRIVS, 1)
        _call("landlock_restrict_self", _RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return True


def call_nobody() -> None:
    """
    Give up sockets, and whatever concerns other processes; threads, too.

    Raises:
        CannotGiveUp: If the kernel did not let us, or is that of another machine.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        raise CannotGiveUp(f"no filter is known for {platform.machine()}")
    count = len(machine.calls)
    # linux/seccomp.h: struct seccomp_data begins with the call and the machine.
    program = (
        _step(_LOAD, 4),
        _step(_JUMP_EQUAL, machine.audit, otherwise=count + 4),
        _step(_LOAD, 0),
        _step(_JUMP_AT_LEAST, _X32, then=count + 1),
        *(
            # Over those that follow, and over what allows.
            _step(_JUMP_EQUAL, call, then=count - index)
            for index, call in enumerate(machine.calls)
        ),
        _step(_RETURN, _ALLOW),
        _step(_RETURN, _REFUSE),
        _step(_RETURN, _KILL),
    )
    steps = ctypes.create_string_buffer(b"".join(program))
    # struct sock_fprog
    described = struct.pack("@HP", len(program), ctypes.addressof(steps))
    _prctl(_NO_NEW_PRIVS, 1)
    _prctl(_SET_SECCOMP, _MODE_FILTER, described)


def _allow_reading(ruleset: int, place: Path) -> None:
    rights = _READ_FILE | _READ_FOLDER if place.is_dir() else _READ_FILE
    opened = os.open(place, os.O_PATH | os.O_CLOEXEC)
    try:
        # struct landlock_path_beneath_attr, which is packed.
        rule = struct.pack("=Qi", rights, opened)
        _call("landlock_add_rule", _ADD_RULE, ruleset, _PATH_BENEATH, rule, 0)
    finally:
        os.close(opened)


def _step(code: int, value: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    """Return a struct sock_filter."""
    return struct.pack("=HBBI", code, then, otherwise, value)


def _call(name: str, number: int, *arguments: bytes | int) -> int:
    """Make a system call that glibc has no function for."""
    result: int = _LIBC.syscall(number, *arguments)
    if result < 0:
        raise _refused(name)
    return result


def _prctl(option: int, *arguments: bytes | int) -> None:
    # All five are read, and those that mean nothing must be zero.
    padded = (*arguments, 0, 0, 0, 0)[:4]
    if _LIBC.prctl(option, *padded) != 0:
        raise _refused("prctl")


def _refused(name: str) -> CannotGiveUp:
    number = ctypes.get_errno()
    return CannotGiveUp(number, f"{name}: {os.strerror(number)}")
