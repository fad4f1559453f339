"""
Acting: root acts as the owner of a server directory, and leaves nothing of its own.

    root --acts_as_owner--> bisik     the whole command, for good
    root --told_by_owner--> root      one question, by a child that has become bisik
              +--fork--> bisik

Whoever installs a server is root, and its directory belongs to the user that the
service runs as.  A root that opened the dead drop itself would leave a write-ahead log
or a keyring there that the service cannot write, and the next report would be
refused.  It would also follow whatever links the service's user has laid for it.  So a
command becomes that user before it opens anything, and cannot go back.

What root names on the command line is root's to open: files to read are opened while
the command line is read (`click.File`), and an `Output` appears where root wanted it,
made by a helper that stays root and does nothing else.

Specified in docs/spec/server-directory.md.  Users and groups are credentials(7).
"""

import errno
import functools
import os
import pwd
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

import click

from journalist_app.durable import new_file
from ops.errors import OpsError

ROOT: Final = 0
MOST_TOLD_BYTES: Final = 1024 * 1024
_MAKE: Final = b"M"
_REPLACE: Final = b"R"
_FINISH: Final = b"F"
_WELL: Final = b"\0"
# What would lead the owner's programs into root's places.
_ROOTS_OWN: Final = ("GNUPGHOME", "MAIL", "OLDPWD", "SHELL", "TMPDIR")


class CannotAct(OpsError):
    """This user may not act as the owner of the server directory."""


class OwnerFailed(OpsError):
    """What was done as the owner of the server directory did not succeed."""


@dataclass(frozen=True)
class Owner:
    """
    Whose a folder is.

    Attributes:
        uid: Number of the user.

        gid: Number of the user's own group.

        name: "" if the machine knows no user of that number.

        home: Where the user's programs may look for settings.
    """

    uid: int
    gid: int
    name: str
    home: str

    @classmethod
    def of(cls, path: Path) -> "Owner":
        """
        Find the owner of *path*, or of the nearest folder above it that exists.

        What is root's in a folder of somebody else's counts as theirs: they can put
        a link to something of root's in its place, and take it away again.
        """
        path = path.absolute()
        while not path.exists() and path != path.parent:
            path = path.parent
        status = path.stat()
        if status.st_uid == ROOT:
            places = (place.lstat() for place in (path, *path.parents))
            status = next((one for one in places if one.st_uid != ROOT), status)
        try:
            entry = pwd.getpwuid(status.st_uid)
        except KeyError:
            return cls(status.st_uid, status.st_gid, "", "/")
        return cls(entry.pw_uid, entry.pw_gid, entry.pw_name, entry.pw_dir)

    @property
    def differs(self) -> bool:
        """Whether root would have to become somebody else."""
        return os.geteuid() == ROOT and self.uid != ROOT


def become(owner: Owner) -> None:
    """
    Become *owner*, for good: user, groups, home and working folder.

    Raises:
        CannotAct: If the kernel does not let us; then nothing must be opened.
    """
    try:
        if owner.name:
            os.initgroups(owner.name, owner.gid)
        else:
            os.setgroups([])
        os.setresgid(owner.gid, owner.gid, owner.gid)
        os.setresuid(owner.uid, owner.uid, owner.uid)
    except PermissionError as error:
        raise CannotAct(CannotAct.__doc__) from error
    if os.getresuid() != (owner.uid,) * 3 or os.getresgid() != (owner.gid,) * 3:
        raise CannotAct(CannotAct.__doc__)
    os.umask(0o077)
    # The owner may not be allowed to be where root was.
    os.chdir("/")
    for name in list(os.environ):
        if name in _ROOTS_OWN or name.startswith("XDG_"):
            del os.environ[name]
    tempfile.tempdir = None
    os.environ.update(HOME=owner.home, USER=owner.name, LOGNAME=owner.name)


def acts_as_owner(command: Callable[..., Any]) -> Callable[..., Any]:
    """
    Let a command with a parameter `directory` run as the owner of that folder.

    It makes no difference to anybody but root.  A folder that is not there yet counts
    as that of the owner of the one it will be in.
    """

    @functools.wraps(command)
    def acting(*args: Any, directory: Path, **kwargs: Any) -> Any:
        directory = directory.absolute()
        owner = Owner.of(directory)
        if owner.differs:
            for value in kwargs.values():
                if isinstance(value, Output):
                    value.keep_for_root()
            become(owner)
        return command(*args, directory=directory, **kwargs)

    return acting


def told_by_owner(directory: Path, tell: Callable[[], str]) -> str:
    """
    Ask something as the owner of *directory*, while root stays root.

    Args:
        directory: Whose owner is asked.

        tell: What to do as the owner.  It runs in a process of its own, and nothing
            of it comes back but the text.

    Raises:
        OwnerFailed: If it did not come to an end, or told too much.
    """
    owner = Owner.of(directory)
    if not owner.differs:
        return tell()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _tell_and_end(owner, tell, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read(MOST_TOLD_BYTES + 1)
    _pid, status = os.waitpid(child, 0)
    if status != 0 or len(told) > MOST_TOLD_BYTES:
        raise OwnerFailed(OwnerFailed.__doc__)
    return told.decode("utf-8", "replace")


def _tell_and_end(owner: Owner, tell: Callable[[], str], writing: int) -> NoReturn:
    """Answer into a pipe, and end this process, whatever happens."""
    code = 1
    try:
        become(owner)
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(tell().encode())
        code = 0
    finally:
        # Not by an exception: the caller's own clean-up belongs to the other process.
        os._exit(code)


class Output:
    """
    A new file that a command writes, named on its command line.

    It appears whole or not at all, as with `new_file`.  Where root acts as somebody
    else it is root's file, in a folder that only root may have access to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept: _Kept | None = None

    def __str__(self) -> str:
        return str(self.path)

    def keep_for_root(self) -> None:
        """
        Make the file while we are still root.

        Raises:
            FileExistsError, OSError: As `new_file`.
        """
        self._kept = _Kept(self.path.absolute())

    @contextmanager
    def writing(self, *, replace: bool = False) -> Iterator[BinaryIO]:
        """
        Give the file; it gets its name when the block ends without an exception.

        Raises:
            FileExistsError: If there is one, and it may not be replaced.
        """
        if self._kept is None:
            with new_file(self.path, replace=replace) as file:
                yield file
            return
        with self._kept.writing(replace=replace) as file:
            yield file


class OutputFile(click.ParamType[Output]):
    """The name of a file to be written."""

    name = "file"

    def convert(
        self,
        value: object,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Output:
        """Take the name; what is there already is looked at when it is written."""
        if isinstance(value, Output):
            return value
        path = Path(str(value))
        if path.is_dir():
            self.fail(f"{path} is a folder", param, ctx)
        return Output(path)


class _Kept:
    """
    A file for which a helper waits that is still root.

        command (bisik)  --a byte----------> helper (root): makes it, hidden
                         <--its descriptor--
                         --writes it, a byte-> flushes it, gives it its name
                         --(ends)------------> removes it

    Each answer is a byte, the number of an error or 0.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket, helping = socket.socketpair()
        self._helper = os.fork()
        if self._helper == 0:
            self._socket.close()
            _help(helping, path)
        helping.close()

    @contextmanager
    def writing(self, *, replace: bool) -> Iterator[BinaryIO]:
        self._socket.send(_REPLACE if replace else _MAKE)
        answer, descriptors, _flags, _address = socket.recv_fds(self._socket, 1, 1)
        self._check(answer)
        with os.fdopen(descriptors[0], "w+b") as file:
            yield file
        self._socket.send(_FINISH)
        self._check(self._socket.recv(1))
        os.waitpid(self._helper, 0)

    def _check(self, answer: bytes) -> None:
        code = answer[0] if answer else errno.EIO
        if code == errno.EEXIST:
            raise FileExistsError(code, os.strerror(code), str(self._path))
        if code:
            raise OSError(code, os.strerror(code), str(self._path))


def _help(asked: socket.socket, path: Path) -> NoReturn:
    """Make one file for a command that is no longer root; end this process."""
    try:
        first = asked.recv(1)
        if first:
            with new_file(path, replace=first == _REPLACE) as file:
                socket.send_fds(asked, [_WELL], [file.fileno()])
                if asked.recv(1) != _FINISH:
                    raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
            asked.send(_WELL)
    except OSError as error:
        with suppress(OSError):
            asked.send(bytes([(error.errno or errno.EIO) & 0xFF]))
    finally:
        os._exit(0)
