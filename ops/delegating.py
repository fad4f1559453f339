"""
Delegating: root does one half of some work, and the server directory's owner the other.

    root  --to_owner---> owner     bytes
          <-from_owner--           bytes
          --go on------>           a byte, once root is content
          <-refusal-----           what was wrong, in words

A backup holds the dead drop, which root must not open, and the keys of the onion
services, which the service's user must not see.  So two processes share the work, and
each of them takes from the other nothing but bytes that it checks.

For commands that are one or the other: `ops.acting`.
"""

import json
import os
import select
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

from ops.acting import Owner, OwnerFailed, become
from ops.errors import REFUSALS, OpsError, Refusal
from ops.server_refusals import SERVER_REFUSALS

_KNOWN: Final = SERVER_REFUSALS | REFUSALS
_GO_ON: Final = b"G"
_MOST_REFUSAL_BYTES: Final = 16 * 1024


class LeftAlone(OpsError):
    """The other process gave up, so nothing was done."""


@dataclass(frozen=True)
class OwnersEnd:
    """
    What the owner's half of the work has to do with.

    Attributes:
        incoming: What root sends.

        outgoing: What root gets.
    """

    incoming: BinaryIO
    outgoing: BinaryIO
    _go_on: int

    def wait(self) -> None:
        """
        Send what is left to be sent, and wait until root says to go on.

        Raises:
            LeftAlone: If root does not.
        """
        self.outgoing.flush()
        if os.read(self._go_on, 1) != _GO_ON:
            raise LeftAlone(LeftAlone.__doc__)


@dataclass(frozen=True)
class RootsEnd:
    """
    What root's half of the work has to do with.

    Attributes:
        to_owner: What the owner gets.

        from_owner: What the owner sends.
    """

    to_owner: BinaryIO
    from_owner: BinaryIO
    _go_on: int

    def go_on(self) -> None:
        """Tell the owner, who waits, that all is well."""
        os.write(self._go_on, _GO_ON)


@contextmanager
def working_with_owner(
    directory: Path, work: Callable[[OwnersEnd], None]
) -> Iterator[RootsEnd]:
    """
    Let the owner of *directory* do *work* in a process of its own, beside the block.

    Whoever is not root is the owner already; the work is shared all the same.  Start
    no thread before this.

    Raises:
        Refusal: If the work was refused; the sentence is the owner's.

        OwnerFailed: If it ended in another way.
    """
    owner = Owner.of(directory)
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    go_read, go_write = os.pipe()
    refusal_read, refusal_write = os.pipe()
    child = os.fork()
    if child == 0:
        for descriptor in (in_write, out_read, go_write, refusal_read):
            os.close(descriptor)
        _work_and_end(owner, work, (in_read, out_write, go_read), refusal_write)
    for descriptor in (in_read, out_write, go_read, refusal_write):
        os.close(descriptor)
    failed_first = False
    with os.fdopen(refusal_read, "rb") as refusal:
        try:
            with ExitStack() as open_ends:
                to_owner = open_ends.enter_context(os.fdopen(in_write, "wb", 0))
                from_owner = open_ends.enter_context(os.fdopen(out_read, "rb"))
                open_ends.callback(os.close, go_write)
                try:
                    yield RootsEnd(to_owner, from_owner, go_write)
                except BaseException:
                    # A pipe that broke is not the reason, but what the owner met.
                    failed_first = bool(select.select([refusal], [], [], 0)[0])
                    raise
        except BaseException:
            said = _end_of(child, refusal)
            if failed_first and said is not None:
                raise said from None
            raise
        said = _end_of(child, refusal)
    if said is not None:
        raise said


def _end_of(child: int, refusal: BinaryIO) -> Exception | None:
    """Wait for the owner's process, and say what it met."""
    told = refusal.read(_MOST_REFUSAL_BYTES)
    _pid, status = os.waitpid(child, 0)
    if status == 0:
        return None
    try:
        message, hint = json.loads(told)
    except ValueError:
        return OwnerFailed(OwnerFailed.__doc__)
    return Refusal(str(message), None if hint is None else str(hint))


def _work_and_end(
    owner: Owner,
    work: Callable[[OwnersEnd], None],
    ends: tuple[int, int, int],
    refusal: int,
) -> NoReturn:
    """Do the owner's half, and end this process, whatever happens."""
    code = 1
    incoming, outgoing, go_on = ends
    try:
        if owner.differs:
            become(owner)
        # Closed by the end of the process and not before: root must not meet a broken
        # pipe before it can read why.
        taken, given = os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb")
        work(OwnersEnd(taken, given, go_on))
        given.flush()
        code = 0
    except _KNOWN.kinds as error:
        known = Refusal.of(error, _KNOWN)
        os.write(refusal, json.dumps([known.message, known.hint]).encode())
    finally:
        # Not by an exception: the caller's own clean-up belongs to the other process.
        os._exit(code)
