"""
The keys of the onion services: saved, brought back, and made anew.

    backup   reporters/hs_ed25519_secret_key ... in a tar, under a passphrase
    restore  the same files, into an onion folder that has none
    rotate   the officers' service gets another address, and keeps its clients

An address *is* its key: whoever loses it loses the address that hangs on every notice
board, and whoever else has it can put up a site there.  Specified in docs/spec/tor.md.
"""

import io
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from crypto.locking import lock, unlock
from journalist_app.durable import new_file
from ops.access import begin_anew
from ops.errors import OpsError
from ops.onion import (
    HOSTNAME,
    PUBLIC_KEY,
    SECRET_KEY,
    Onion,
    prepare_onion,
    write_for_owner,
)
from tor.address import (
    MalformedOnionAddress,
    OnionAddress,
    parse_onion_address,
    public_key_in,
)
from tor.authorization import FOLDER, SUFFIX, ClientKey, parse_client_key
from tor.control import connect, is_running
from tor.torrc import OnionService

KEY_FILES: Final = (SECRET_KEY, PUBLIC_KEY, HOSTNAME)
CLIENTS: Final = PurePosixPath("officers") / FOLDER
MOST_FILE_BYTES: Final = 4096
# What tor writes before the 32 bytes of the key.
PUBLIC_KEY_HEADER: Final = b"== ed25519v1-public: type0 ==\0\0\0"


class ForeignBackup(OpsError):
    """This is no backup of onion services."""


class KeysThere(OpsError):
    """There are keys in the onion folder already; nothing is ever replaced."""


class TorRuns(OpsError):
    """Tor runs and would not notice: stop it first."""


def back_up(onion: Onion, to: Path, *, passphrase: bytes) -> list[OnionAddress]:
    """
    Save keys, addresses and clients of both services.

    Args:
        onion: Of which server.

        to: A new file.

        passphrase: Opens it, and nothing else does.

    Raises:
        NoAddress: If there is nothing to save.

        FileExistsError, CannotLock: As they say.

    Returns:
        The addresses.
    """
    addresses = [onion.address(service) for service in onion.services]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in _files(onion):
            member = tarfile.TarInfo(path.relative_to(onion.directory).as_posix())
            content = path.read_bytes()
            member.size, member.mode = len(content), 0o600
            archive.addfile(member, io.BytesIO(content))
    locked = lock(packed.getvalue(), passphrase=passphrase)
    with new_file(to) as file:
        file.write(locked)
    return addresses


def restore(
    onion: Onion,
    backup: Path,
    *,
    passphrase: bytes,
    entropy: Callable[[int], bytes],
    user: str | None = None,
) -> list[OnionAddress]:
    """
    Bring back what `back_up` has saved.

    Args:
        onion: Of which server; may not be there yet.

        backup: The file.

        passphrase: As it was then.

        entropy: For the decoy.

        user: Whom tor runs as, if that is not who runs this.

    Raises:
        CannotUnlock, ForeignBackup: If the file is not what it should be.

        KeysThere, TorRuns: As their sentences say.

    Returns:
        The addresses.
    """
    if is_running(onion.control_socket):
        raise TorRuns(TorRuns.__doc__)
    for service in onion.services:
        if any((service.directory / name).exists() for name in KEY_FILES):
            raise KeysThere(KeysThere.__doc__)
    saved = _unpack(onion, unlock(backup.read_bytes(), passphrase=passphrase))
    prepare_onion(onion, entropy=entropy, user=user)
    for name in saved.clients.keys() - onion.clients.list().keys():
        onion.clients.grant(name, saved.clients[name])
    for path, content in saved.keys.items():
        write_for_owner(path, content)
    return [onion.address(service) for service in onion.services]


def rotate_officers(onion: Onion) -> OnionAddress:
    """
    Give the officers' service a new key, and so a new address.

    Raises:
        NoAddress: If it had none.

        UnsafeAuthorization: If it would be open to everybody; nothing has changed.

        TorNotRunning: If tor does not run: it makes the key.
    """
    service = onion.officers
    onion.address(service)
    onion.clients.check()
    with connect(onion.control_socket) as control:
        control.serve([onion.reporters])
        for name in KEY_FILES:
            # The secret one first: it is the one that must not stay.
            (service.directory / name).unlink(missing_ok=True)
        begin_anew(onion, control)
    return onion.wait_for_address(service)


def _files(onion: Onion) -> Iterator[Path]:
    for service in onion.services:
        for name in KEY_FILES:
            yield service.directory / name
    for name in onion.clients.list():
        yield onion.officers.directory / FOLDER / f"{name}{SUFFIX}"


@dataclass(frozen=True)
class _Saved:
    """What is in a backup."""

    keys: dict[Path, bytes] = field(repr=False)
    clients: dict[str, ClientKey]


def _unpack(onion: Onion, packed: bytes) -> _Saved:
    """Read a backup strictly: nothing but what `back_up` writes is accepted."""
    left = _members(packed)
    keys = {}
    for service in onion.services:
        folder = service.directory.name
        for name in KEY_FILES:
            content = left.pop(f"{folder}/{name}", None)
            if content is None:
                raise ForeignBackup(f"{folder}/{name} is missing in this backup")
            keys[service.directory / name] = content
        _check_keys(service, keys)
    clients = {}
    for member, content in left.items():
        path = PurePosixPath(member)
        if path.parent != CLIENTS or path.suffix != SUFFIX:
            raise ForeignBackup(ForeignBackup.__doc__)
        clients[path.stem] = parse_client_key(content.decode("ascii", "replace"))
    return _Saved(keys, clients)


def _members(packed: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:") as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isfile() else None
                if stream is None or member.size > MOST_FILE_BYTES:
                    raise ForeignBackup(ForeignBackup.__doc__)
                found[member.name] = stream.read()
    except tarfile.TarError as error:
        raise ForeignBackup(ForeignBackup.__doc__) from error
    return found


def _check_keys(service: OnionService, keys: dict[Path, bytes]) -> None:
    """See to it that address and public key belong together."""
    hostname = keys[service.directory / HOSTNAME].decode("ascii", "replace")
    public_key = keys[service.directory / PUBLIC_KEY]
    try:
        address = parse_onion_address(hostname)
    except MalformedOnionAddress as error:
        raise ForeignBackup(ForeignBackup.__doc__) from error
    if public_key_in(address) != public_key.removeprefix(PUBLIC_KEY_HEADER):
        raise ForeignBackup("an address in this backup is not that of its key")
