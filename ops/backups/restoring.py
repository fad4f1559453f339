"""
Restoring: a server directory and an onion folder from a backup, everything or nothing.

    gpg --decrypt --pipe--> root --all but the addresses--> owner
                             |                                | fills a hidden folder
                             |        <-- "it is ready" --    | and looks at it
                        puts the addresses into tor's folder  |
                                      --- "go on" -->         | gives it its name

The folder's name is what makes a server: it appears last, and by a renaming.  Who is
interrupted before begins again: addresses that are in tor's folder already are left if
they are the same, and nothing else is ever replaced.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from casework.deadlines import Calendar
from casework.profile import Profile
from crypto.container import Readable
from crypto.fingerprint import Fingerprint
from crypto.openpgp import Keyring
from deaddrop import KnownDummies, open_deaddrop, schema
from deaddrop.copying import check_sound, copy_in
from journalist_app.durable import (
    new_directory,
    new_file,
    refuse_existing,
    sync_directory,
)
from ops.backups.archive import (
    DEADDROP,
    ONION,
    SERVER,
    About,
    BackupReader,
    BackupWriter,
    MalformedBackup,
)
from ops.coarse import step_above
from ops.delegating import OwnersEnd, working_with_owner
from ops.edge import Edge
from ops.onion import Onion
from ops.onion_keys import check_fits, put_back, read_saved
from ops.onion_place import check_place
from ops.server import (
    CALENDAR,
    KEYRING,
    PROFILE,
    SETTINGS,
    SPOOL,
    database_url,
)
from ops.settings import Settings, with_setting
from tor.address import OnionAddress

_REPLY_BYTES: Final = 4096
_NEEDED: Final = (SETTINGS, PROFILE, CALENDAR)


@dataclass(frozen=True)
class Places:
    """
    Where things are on the new machine, if not where they were on the old one.

    Attributes:
        onion: The onion folder.

        database: Address of an empty database of PostgreSQL.

        tor_user: Whom tor runs as, if root prepares its folder.
    """

    onion: Path | None = None
    database: str | None = None
    tor_user: str | None = None


@dataclass(frozen=True)
class Found:
    """
    What a restored server directory holds.

    Attributes:
        organisation: The key that it trusts; compare it with the one on paper.

        officers: To whom reports are sealed, by name.

        items_below: So many sealed items or more are not in it.
    """

    organisation: Fingerprint | None
    officers: tuple[str, ...]
    items_below: int


@dataclass(frozen=True)
class Restored:
    """What was restored, and the addresses under which it will be reached."""

    about: About
    found: Found
    addresses: tuple[OnionAddress, ...]


def restore_backup(
    stream: Readable, directory: Path, edge: Edge, places: Places
) -> Restored:
    """
    Make a server directory, and bring the addresses back, from an opened backup.

    Args:
        stream: What gpg gave.

        directory: Must not exist; it will belong to the owner of the folder it is in.

        edge: Randomness.

        places: What is elsewhere than it was.

    Raises:
        FileExistsError, KeysThere, NotEmpty: If there is something already.

        TorRuns: If tor would not notice.

        UntrustedPlace: If its folder is not what root should touch.

        SealedBackup, MalformedBackup, MalformedContainer, MalformedCopy, NewerCopy:
            As they say.
    """
    directory = directory.absolute()
    refuse_existing(directory)

    def work(end: OwnersEnd) -> None:
        _receive(end, directory, places)

    reader = BackupReader(stream)
    with working_with_owner(directory, work) as owner:
        writer = BackupWriter(owner.to_owner.write, reader.about)
        saved: dict[str, bytes] = {}
        settings = Settings()
        for name, content in reader:
            if name.startswith(ONION):
                saved[name.removeprefix(ONION)] = content
                continue
            if name == f"{SERVER}{SETTINGS}":
                content = _adapted(content, places)
                settings = Settings.parse(content.decode("utf-8", "replace"))
            writer.add(name, content)
        onion = Onion.of(directory, settings)
        kept = read_saved(onion, saved) if saved else None
        if kept is not None:
            check_place(onion, directory, making=True, user=places.tor_user)
            # Before the owner has the end of it, and makes anything of it.
            check_fits(kept)
        writer.finish(padded=False)
        owner.to_owner.close()
        found = _parse_found(owner.from_owner.readline(_REPLY_BYTES))
        addresses: list[OnionAddress] = []
        inside = onion.directory.is_relative_to(directory)
        if kept is not None and not inside:
            addresses = put_back(kept, entropy=edge.entropy, user=places.tor_user)
        owner.go_on()
    if kept is not None and inside:
        # For trying out, where tor's folder is a part of the server directory.
        addresses = put_back(kept, entropy=edge.entropy, user=places.tor_user)
    return Restored(reader.about, found, tuple(addresses))


def receive_server(
    reader: BackupReader, partial: Path, *, url: str | None = None
) -> Found:
    """
    Fill an empty folder with a server directory, and look at it.

    Args:
        reader: Of a backup, with or without the addresses.

        partial: The folder, which may get its name afterwards.

        url: Of the database to fill; None for what its settings say.

    Raises:
        As `restore_backup`; the folder is rubbish then.
    """
    (partial / SPOOL).mkdir(mode=0o700)
    (partial / KEYRING).mkdir(mode=0o700)
    parts: list[bytes] = []
    entries = iter(reader)
    for name, content in entries:
        if not name.startswith(SERVER):
            parts.append(content)
            break
        with new_file(partial / name.removeprefix(SERVER)) as file:
            file.write(content)
    settings = _looked_at(partial)
    url = url or database_url(partial, settings.database)

    def rest() -> Iterator[bytes]:
        if not parts:
            raise MalformedBackup("there is no dead drop in it")
        yield parts.pop()
        for name, content in entries:
            if name.startswith(DEADDROP):
                yield content

    copy_in(url, rest(), revision=reader.about.revision)
    check_sound(url)
    found = _look(partial, url)
    for folder in (partial / KEYRING, partial):
        sync_directory(folder)
    return found


def _receive(end: OwnersEnd, directory: Path, places: Places) -> None:
    """Do the owner's half: everything but the addresses."""
    with new_directory(directory) as partial:
        reader = BackupReader(end.incoming)
        found = receive_server(reader, partial)
        told = [found.organisation, found.officers, found.items_below]
        end.outgoing.write(json.dumps(told).encode() + b"\n")
        end.wait()


def _adapted(content: bytes, places: Places) -> bytes:
    """Return bisik.toml as it must be on the new machine."""
    text = content.decode("utf-8", "replace")
    Settings.parse(text)
    if places.database is not None:
        text = with_setting(text, "database", places.database)
    if places.onion is not None:
        text = with_setting(text, "onion", str(places.onion.absolute()))
    return text.encode()


def _looked_at(partial: Path) -> Settings:
    """Read what a person may have written, before the dead drop is filled."""
    for name in _NEEDED:
        if not (partial / name).is_file():
            raise MalformedBackup(f"there is no {name} in it")
    Profile.parse((partial / PROFILE).read_bytes().decode("utf-8", "replace"))
    Calendar.parse((partial / CALENDAR).read_bytes().decode("utf-8", "replace"))
    return Settings.parse((partial / SETTINGS).read_bytes().decode("utf-8", "replace"))


def _look(partial: Path, url: str) -> Found:
    """Open the restored dead drop as a site would, and see what there is."""
    # Nothing is written, so that no dummy is needed or made.
    known = KnownDummies(Path(os.devnull))
    drop = open_deaddrop(url, known_dummies=known, entropy=os.urandom)
    try:
        # Raises if it is nobody's.
        _ = drop.installation
        officers = tuple(one.name for one in drop.officers.list() if one.receives)
        with drop.database.reading() as connection:
            items = connection.scalar(select(func.count()).select_from(schema.intake))
    finally:
        drop.close()
    keyring = Keyring(partial / KEYRING)
    keyring.assert_public_only()
    return Found(keyring.organisation(), officers, step_above(items or 0))


def _parse_found(line: bytes) -> Found:
    if not line:
        # The owner's own words say why, once its process has ended.
        raise BrokenPipeError
    organisation, officers, items_below = json.loads(line)
    return Found(organisation, tuple(officers), items_below)
