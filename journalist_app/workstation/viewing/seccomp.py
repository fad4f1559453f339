"""
System calls that nothing in the sandbox needs, refused by the kernel.

bubblewrap takes the network and the files away; this takes the ways to attack the
kernel itself: other address families, new namespaces, keys, tracing, bpf, io_uring;
and the ways to hold memory that is counted for no process.

The filter is made by libseccomp, which knows the numbers of calls on every machine.
See seccomp(2) and seccomp_rule_add(3).
"""

import ctypes
import ctypes.util
import errno
import os
import socket
from functools import cache

_ALLOW = 0x7FFF0000  # SCMP_ACT_ALLOW
_ERRNO = 0x00050000  # SCMP_ACT_ERRNO(0)
_NOT_EQUAL = 1  # SCMP_CMP_NE
_MASKED_EQUAL = 7  # SCMP_CMP_MASKED_EQ
_CLONE_NEWUSER = 0x10000000  # sched.h

_REFUSED = (
    "acct",
    "add_key",
    "bpf",
    "chroot",
    "delete_module",
    "fanotify_init",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "init_module",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "lookup_dcookie",
    # Memory that belongs to no process is in nobody's account (memory.py).
    "memfd_create",
    "memfd_secret",
    "mount",
    "mount_setattr",
    "move_mount",
    "name_to_handle_at",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "pidfd_getfd",
    "pivot_root",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "quotactl",
    "reboot",
    "request_key",
    "setns",
    "settimeofday",
    "shmget",
    "swapoff",
    "swapon",
    "syslog",
    "umount2",
    "unshare",
    "userfaultfd",
    "vhangup",
    "vmsplice",
)


class _Comparison(ctypes.Structure):
    """struct scmp_arg_cmp of seccomp.h."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


@cache
def seccomp_filter() -> bytes | None:
    """Return the filter as bubblewrap takes it; None if there is no libseccomp."""
    name = ctypes.util.find_library("seccomp")
    if name is None:
        return None
    library = ctypes.CDLL(name, use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.POINTER(_Comparison),
    ]
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    context = library.seccomp_init(_ALLOW)
    if not context:
        return None
    try:
        for call in _REFUSED:
            _refuse(library, context, call, errno.EPERM)
        # glibc falls back to clone, whose flags a filter can see.
        _refuse(library, context, "clone3", errno.ENOSYS)
        _refuse(
            library,
            context,
            "clone",
            errno.EPERM,
            _Comparison(0, _MASKED_EQUAL, _CLONE_NEWUSER, _CLONE_NEWUSER),
        )
        _refuse(
            library,
            context,
            "socket",
            errno.EAFNOSUPPORT,
            _Comparison(0, _NOT_EQUAL, socket.AF_UNIX, 0),
        )
        return _exported(library, context)
    finally:
        library.seccomp_release(context)


def _refuse(
    library: ctypes.CDLL,
    context: int,
    call: str,
    answer: int,
    *comparisons: _Comparison,
) -> None:
    number = library.seccomp_syscall_resolve_name(call.encode())
    array = (_Comparison * len(comparisons))(*comparisons)
    # What this kernel or machine does not have is passed over (__NR_SCMP_ERROR).
    library.seccomp_rule_add_array(
        context, _ERRNO | answer, number, len(comparisons), array
    )


def _exported(library: ctypes.CDLL, context: int) -> bytes | None:
    memory = os.memfd_create("seccomp", os.MFD_CLOEXEC)
    try:
        if library.seccomp_export_bpf(context, memory) != 0:
            return None
        os.lseek(memory, 0, os.SEEK_SET)
        return os.read(memory, 1024 * 1024)
    finally:
        os.close(memory)
