"""
The place of the onion folder, before root does anything there.

    bisik.toml (bisik's) --names--> /var/lib/tor/bisik --in--> /var/lib/tor --in--> ...
                                    tor's                      tor's           root's

Root acts for tor in a folder that a file of the service's user names.  A process of
that user that was taken over could name another one, or lay a link, and root's next
command would make folders there, give them away and hand over a cookie.  So root goes
only where that user can change nothing, up to the root of the file system, and only to
what is tor's.  What was looked at stays as it is: whoever could replace it is refused.

It makes no difference to anybody but root, nor where the server directory is root's.
Specified in docs/spec/tor.md.
"""

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from ops.acting import ROOT, Owner
from ops.errors import OpsError
from ops.onion import Onion

WAY_OUT = (
    'name a folder in one of tor\'s in bisik.toml, as onion = "/var/lib/tor/bisik" '
    "(when restoring: --onion)"
)
# Debian's package makes it, and takes it as it is: a server may be restored before
# tor is installed.
TORS = Path("/var/lib/tor")
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class UntrustedPlace(OpsError):
    """Root does not go where the owner of the server directory could lead it."""


def check_place(
    onion: Onion,
    server_directory: Path,
    *,
    making: bool = False,
    user: str | None = None,
) -> None:
    """
    Make sure that root may act in the onion folder and ask tor where it says.

    Args:
        onion: As the settings of the server directory have it.

        server_directory: Whose owner is not believed.

        making: Whether the folder may be made, and is given to somebody.

        user: Whom tor runs as; by default whoever has the folder.

    Raises:
        UntrustedPlace: With the place, and what is wrong with it.
    """
    owner = Owner.of(server_directory)
    if not owner.differs:
        return
    for path in (onion.directory, onion.control_socket.parent):
        for folder in _existing(path):
            _check_folder(folder, owner)
    if making and user is None:
        raise UntrustedPlace("say whom tor runs as: --user")
    if onion.directory.exists():
        _check_tors(onion.directory, user)
    elif making and (onion.directory.parent != TORS or TORS.exists()):
        # Where tor may make what it likes, and nothing else reads what is there.
        _check_tors(onion.directory.parent, user)


def _existing(path: Path) -> Iterator[Path]:
    """List the folders on the way to *path*, from above, as far as there are any."""
    if not path.is_absolute() or ".." in path.parts:
        raise UntrustedPlace(f"{path} is no plain path")
    for folder in (*reversed(path.parents), path):
        if not os.path.lexists(folder):
            return
        yield folder


def _check_folder(folder: Path, owner: Owner) -> None:
    status = folder.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise UntrustedPlace(f"{folder} is a link")
    if not stat.S_ISDIR(status.st_mode):
        raise UntrustedPlace(f"{folder} is not a folder")
    if status.st_uid == owner.uid:
        raise UntrustedPlace(
            f"{folder} belongs to the owner of the server directory, who could lead "
            "root elsewhere"
        )
    # In a folder like /tmp nobody replaces what is another's.
    if status.st_mode & _OTHERS_WRITE and not status.st_mode & stat.S_ISVTX:
        raise UntrustedPlace(f"{folder} can be changed by others than its owner")


def _check_tors(folder: Path, user: str | None) -> None:
    if not folder.exists():
        raise UntrustedPlace(f"there is no {folder}")
    uid = folder.stat().st_uid
    if user is None and uid == ROOT:
        raise UntrustedPlace(f"{folder} belongs to root, and not to tor")
    if user is not None and uid != _number_of(user):
        raise UntrustedPlace(f"{folder} does not belong to {user}")


def _number_of(user: str) -> int:
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        raise UntrustedPlace(f"there is no user {user}") from None
