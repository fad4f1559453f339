"""
The onion folder: everything that Tor needs on one server, and nothing else.

    onion/
        torrc          written by us, read by tor before it counts
        state/         tor's own memory
        control        where tor can be asked
        site.sock      where the reporters' site listens
        courier.sock   where the courier listens
        reporters/     keys and address of the reporters' service
        officers/      the same of the officers' service
            authorized_clients/    who may reach it
        administrators/  the same of the machine's ssh server, if bisik.toml wants it
            authorized_clients/

It is in the server directory unless bisik.toml names another one, such as a folder
below /var/lib/tor.  Everything in it belongs to the user that tor runs as; root may
act for that user.  Specified in docs/spec/tor.md.
"""

import os
import pwd
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from journalist_app.durable import new_file
from ops.errors import OpsError
from ops.settings import Settings
from tor.address import OnionAddress, parse_onion_address
from tor.authorization import AuthorizedClients
from tor.program import find_tor, verify
from tor.torrc import (
    BUSY_INTRODUCTION_POINTS,
    LoginService,
    OnionService,
    ProofOfWork,
    Service,
    Torrc,
)

FOLDER: Final = "onion"
HOSTNAME: Final = "hostname"
SECRET_KEY: Final = "hs_ed25519_secret_key"  # noqa: S105 - A file name.
PUBLIC_KEY: Final = "hs_ed25519_public_key"
FRONT_FILE: Final = "ob_config"
ADDRESS_SECONDS: Final = 30
_PAUSE_SECONDS: Final = 0.05


class NoOnion(OpsError):
    """This server has no onion folder yet."""


class NoAddress(OpsError):
    """Tor has not made the address yet."""


@dataclass(frozen=True)
class Onion:
    """
    Where the parts are; none of them has to be there.

    Attributes:
        directory: The onion folder.

        site_socket: Where the reporters' site listens.

        courier_socket: Where the courier listens.

        control_socket: Where tor can be asked.

        front: Address of the Onionbalance front, if there is one.

        has_administrators: Whether there is a service for administrators.
    """

    directory: Path
    site_socket: Path
    courier_socket: Path
    control_socket: Path
    front: str | None = None
    has_administrators: bool = False

    @classmethod
    def of(cls, server_directory: Path, settings: Settings) -> "Onion":
        """Find the onion folder of a server directory."""
        directory = Path(settings.onion or server_directory.absolute() / FOLDER)
        return cls(
            directory=directory,
            site_socket=Path(settings.socket or directory / "site.sock"),
            courier_socket=Path(settings.courier_socket or directory / "courier.sock"),
            control_socket=Path(settings.tor_control or directory / "control"),
            front=settings.onion_front,
            has_administrators=settings.administrators,
        )

    @property
    def reporters(self) -> OnionService:
        """The service that everybody may reach."""
        return OnionService(
            directory=self.directory / "reporters",
            socket=self.site_socket,
            proof_of_work=ProofOfWork(),
            introduction_points=BUSY_INTRODUCTION_POINTS,
            front=self.front,
        )

    @property
    def officers(self) -> OnionService:
        """The service that only authorized clients may reach."""
        return OnionService(
            directory=self.directory / "officers", socket=self.courier_socket
        )

    @property
    def administrators(self) -> LoginService:
        """The service of ssh, for authorized clients only; it need not be wanted."""
        return LoginService(directory=self.directory / "administrators")

    @property
    def services(self) -> tuple[Service, ...]:
        """All that there are."""
        return self.reporters, *self.guarded

    @property
    def guarded(self) -> tuple[Service, ...]:
        """Those that only authorized clients may reach."""
        if self.has_administrators:
            return self.officers, self.administrators
        return (self.officers,)

    @property
    def torrc(self) -> Path:
        """Where the configuration is written by default."""
        return self.directory / "torrc"

    @property
    def state(self) -> Path:
        """Where tor keeps what it remembers."""
        return self.directory / "state"

    @property
    def clients(self) -> AuthorizedClients:
        """Who may reach the officers' service."""
        return self.clients_of(self.officers)

    def clients_of(self, service: Service) -> AuthorizedClients:
        """Say who may reach one of the guarded services."""
        return AuthorizedClients(service.directory, write=write_for_owner)

    def check_guarded(self) -> None:
        """
        Make sure that tor will let nobody in who has no key.

        Raises:
            UnsafeAuthorization: With what is wrong.
        """
        for service in self.guarded:
            self.clients_of(service).check()

    def address(self, service: Service) -> OnionAddress:
        """
        Return the address of a service.

        Raises:
            NoAddress: If tor has not run yet.

            MalformedOnionAddress: If the file is not tor's.
        """
        path = service.directory / HOSTNAME
        try:
            return parse_onion_address(path.read_bytes().decode("ascii", "replace"))
        except FileNotFoundError:
            raise NoAddress(f"there is no {path} yet") from None

    def names(self, service: OnionService) -> list[str]:
        """
        Return the names under which visitors call a service.

        Raises:
            NoAddress: If tor has not run yet.
        """
        own: list[str] = [self.address(service)]
        return own if service.front is None else [service.front, *own]

    def wait_for_address(self, service: Service) -> OnionAddress:
        """
        Return the address of a service that tor has just been told of.

        Raises:
            NoAddress: If it does not come.
        """
        until = time.monotonic() + ADDRESS_SECONDS
        while True:
            try:
                return self.address(service)
            except NoAddress:
                if time.monotonic() > until:
                    raise
                time.sleep(_PAUSE_SECONDS)


def prepare_onion(
    onion: Onion, *, entropy: Callable[[int], bytes], user: str | None = None
) -> None:
    """
    Make the folders, and the decoy without which tor would let everybody in.

    Args:
        onion: Where.

        entropy: For the decoy.

        user: Whom tor runs as, if that is not who runs this.

    Raises:
        UnsafeAuthorization: If a guarded folder would let everybody in.
    """
    for folder in (
        onion.directory,
        onion.state,
        *(service.directory for service in onion.services),
    ):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if user is not None:
            _give(folder, user)
    if onion.front is not None:
        # Tor looks for it beside the keys of a service that is one of several.
        with new_file(onion.reporters.directory / FRONT_FILE, replace=True) as file:
            file.write(f"MasterOnionAddress {onion.front}\n".encode("ascii"))
    for service in onion.guarded:
        onion.clients_of(service).prepare(entropy)
    if user is not None:
        for service in onion.services:
            for path in _below(service):
                _give(path, user)


def write_torrc(
    onion: Onion,
    to: Path,
    *,
    network: Sequence[str] = (),
    user: str | None = None,
    never_root: bool = False,
) -> None:
    """
    Write the torrc, after tor itself has read it.

    Args:
        onion: Of which server.

        to: Where; what is there is replaced.

        network: Lines for another network than the public one.

        user: Whom tor becomes when it is started as root.

        never_root: Whether it is started as that user, and so becomes nobody.

    Raises:
        TorMissing: If tor is not on this machine.

        TorRefused: If tor does not accept it; then nothing has changed.
    """
    configuration = Torrc(
        state_directory=onion.state,
        control_socket=onion.control_socket,
        services=onion.services,
        network=network,
        user=user,
    )
    text = configuration.render()
    with tempfile.NamedTemporaryFile(prefix="bisik-torrc-") as draft:
        draft.write(text.encode())
        draft.flush()
        verify(Path(draft.name), program=find_tor())
    if never_root:
        # Tor has read it as that user all the same.
        text = replace(configuration, user=None).render()
    with new_file(to, replace=True) as file:
        file.write(text.encode())
        os.fchmod(file.fileno(), 0o644)  # It holds no secret, and tor must read it.


def write_for_owner(path: Path, content: bytes) -> None:
    """Write a new file that belongs to whom its folder belongs to."""
    with new_file(path) as file:
        file.write(content)
        owner = path.parent.stat()
        if os.geteuid() == 0:
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)


def _below(service: Service) -> Iterator[Path]:
    for path in service.directory.iterdir():
        yield path
        # Root gives away what is below, and must not be led elsewhere by a link.
        if path.is_dir() and not path.is_symlink():
            yield from path.iterdir()


def _give(path: Path, user: str) -> None:
    entry = pwd.getpwnam(user)
    os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)
