"""
The keys of the onion services: saved, brought back, and made anew.

    backup   reporters/hs_ed25519_secret_key ... in a tar, under a passphrase
    restore  the same files, into an onion folder that has none
    rotate   a service gets another address, and a guarded one keeps its clients

An address *is* its key: whoever loses it loses the address that hangs on every notice
board, and whoever else has it can put up a site there.  Specified in docs/spec/tor.md.
"""

import io
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Final

from crypto.locking import lock, unlock
from journalist_app.durable import new_file
from ops.access import begin_anew, check_is_there
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
from tor.torrc import Service

KEY_FILES: Final = (SECRET_KEY, PUBLIC_KEY, HOSTNAME)
MOST_FILE_BYTES: Final = 4096
# What tor writes before the 32 bytes of the key.
PUBLIC_KEY_HEADER: Final = b"== ed25519v1-public: type0 ==\0\0\0"


class ForeignBackup(OpsError):
    """This is no backup of onion services."""


class AddressesUnreadable(OpsError):
    """This user may not read the keys of the onion services."""


class KeysThere(OpsError):
    """There are keys in the onion folder already; nothing is ever replaced."""


class TorRuns(OpsError):
    """Tor runs and would not notice: stop it first."""


class BehindFront(OpsError):
    """Reporters know the address of a front, and not this machine's own."""


class OtherAddress(OpsError):
    """This is not the address of this machine's reporters' service."""


def back_up(onion: Onion, to: Path, *, passphrase: bytes) -> list[OnionAddress]:
    """
    Save keys, addresses and clients of all services.

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
        for name, content in saved_files(onion).items():
            member = tarfile.TarInfo(name)
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
    check_free(onion)
    members = _members(unlock(backup.read_bytes(), passphrase=passphrase))
    return put_back(read_saved(onion, members), entropy=entropy, user=user)


def check_free(onion: Onion) -> None:
    """
    Make sure that keys can be brought back: no tor runs, and there are none.

    Raises:
        KeysThere, TorRuns: As their sentences say.
    """
    check_stopped(onion)
    for service in onion.services:
        if any((service.directory / name).exists() for name in KEY_FILES):
            raise KeysThere(KeysThere.__doc__)


def check_stopped(onion: Onion) -> None:
    """
    Make sure that no tor runs, which would not notice new keys.

    Raises:
        TorRuns: If one does.
    """
    if is_running(onion.control_socket):
        raise TorRuns(TorRuns.__doc__)


def check_fits(saved: "SavedOnion") -> None:
    """
    Make sure that what was saved can be put back: tor is stopped, no key in the way.

    Raises:
        KeysThere, TorRuns: As their sentences say.
    """
    check_stopped(saved.onion)
    for path, content in saved.keys.items():
        if path.exists() and path.read_bytes() != content:
            raise KeysThere(KeysThere.__doc__)


def put_back(
    saved: "SavedOnion", *, entropy: Callable[[int], bytes], user: str | None = None
) -> list[OnionAddress]:
    """
    Write what was saved into the onion folder.

    What is there already with the same content is left: who was interrupted by a
    power-cut can begin again.

    Args:
        saved: As `read_saved` returned it.

        entropy: For the decoy.

        user: Whom tor runs as, if that is not who runs this.

    Raises:
        KeysThere, TorRuns: As `check_fits`; nothing has changed then.

    Returns:
        The addresses.
    """
    check_fits(saved)
    prepare_onion(saved.onion, entropy=entropy, user=user)
    for service in saved.onion.guarded:
        clients = saved.onion.clients_of(service)
        saved_clients = saved.clients.get(service.directory.name, {})
        for name in saved_clients.keys() - clients.list().keys():
            clients.grant(name, saved_clients[name])
    for path, content in saved.keys.items():
        if not path.exists():
            write_for_owner(path, content)
    return [saved.onion.address(service) for service in saved.onion.services]


def rotate(onion: Onion, service: Service) -> OnionAddress:
    """
    Give a service a new key, and so a new address; the others do not notice.

    The old key is destroyed.  Backups that were made before have it still.

    Raises:
        BehindFront: If it is the reporters' one, and they know it by another name.

        NotServed, NoOnion, NoAddress: If it had none.

        UnsafeAuthorization: If it would be open to everybody; nothing has changed.

        TorNotRunning: If tor does not run: it makes the key.
    """
    check_is_there(onion, service)
    onion.address(service)
    if service == onion.reporters and onion.front is not None:
        raise BehindFront(BehindFront.__doc__)

    def forget() -> None:
        for name in KEY_FILES:
            # The secret one first: it is the one that must not stay.
            (service.directory / name).unlink(missing_ok=True)

    with connect(onion.control_socket) as control:
        begin_anew(onion, service, control, between=forget)
    return onion.wait_for_address(service)


def saved_files(onion: Onion) -> dict[str, bytes]:
    """
    Read what has to be saved of an onion folder, by the names below it.

    Raises:
        NoAddress: If there is nothing to save.

        AddressesUnreadable: If it is tor's, and this user neither tor nor root.
    """
    try:
        for service in onion.services:
            onion.address(service)
        return {
            path.relative_to(onion.directory).as_posix(): path.read_bytes()
            for path in _files(onion)
        }
    except PermissionError as error:
        raise AddressesUnreadable(f"{error.filename}: permission denied") from None


def _files(onion: Onion) -> Iterator[Path]:
    for service in onion.services:
        for name in KEY_FILES:
            yield service.directory / name
    for service in onion.guarded:
        for name in onion.clients_of(service).list():
            yield service.directory / FOLDER / f"{name}{SUFFIX}"


@dataclass(frozen=True)
class SavedOnion:
    """
    What is in a backup.

    Attributes:
        onion: Where it goes, with the services that the backup has.

        keys: What goes into which file.

        clients: By the folder of the service, and by name.
    """

    onion: Onion
    keys: dict[Path, bytes] = field(repr=False)
    clients: dict[str, dict[str, ClientKey]]


def read_saved(onion: Onion, members: Mapping[str, bytes]) -> SavedOnion:
    """
    Read what was saved strictly: nothing but what `saved_files` gives is accepted.

    Raises:
        ForeignBackup: If it is anything else.
    """
    left = dict(members)
    # Whatever bisik.toml says: an address that was saved is not lost for it.
    administrators = onion.administrators.directory.name
    onion = replace(
        onion,
        has_administrators=any(
            PurePosixPath(member).parts[:1] == (administrators,) for member in left
        ),
    )
    keys = {}
    for service in onion.services:
        folder = service.directory.name
        for name in KEY_FILES:
            content = left.pop(f"{folder}/{name}", None)
            if content is None:
                raise ForeignBackup(f"{folder}/{name} is missing in this backup")
            keys[service.directory / name] = content
        _check_keys(service, keys)
    clients: dict[str, dict[str, ClientKey]] = {
        service.directory.name: {} for service in onion.guarded
    }
    for member, content in left.items():
        path = PurePosixPath(member)
        folder, *below = path.parts
        if folder not in clients or below != [FOLDER, path.name]:
            raise ForeignBackup(ForeignBackup.__doc__)
        if path.suffix != SUFFIX:
            raise ForeignBackup(ForeignBackup.__doc__)
        key = parse_client_key(content.decode("ascii", "replace"))
        clients[folder][path.stem] = key
    return SavedOnion(onion, keys, clients)


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


def _check_keys(service: Service, keys: dict[Path, bytes]) -> None:
    """See to it that address and public key belong together."""
    hostname = keys[service.directory / HOSTNAME].decode("ascii", "replace")
    public_key = keys[service.directory / PUBLIC_KEY]
    try:
        address = parse_onion_address(hostname)
    except MalformedOnionAddress as error:
        raise ForeignBackup(ForeignBackup.__doc__) from error
    if public_key_in(address) != public_key.removeprefix(PUBLIC_KEY_HEADER):
        raise ForeignBackup("an address in this backup is not that of its key")
