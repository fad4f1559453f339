"""
Client authorization: only who has a key can reach the officers' service, or the
administrators' one.

    client's machine                   server
    private key  --public key-->  authorized_clients/NAME.auth
    (stays there)                 authorized_clients/decoy.auth  (nobody has its key)

**Tor fails open**: when the folder has no valid file, it lets everybody in who knows
the address.  So there is a decoy that is never removed, its private half was forgotten
when it was made, and nothing lands in the folder that was not read back first.

The format is that of tor(1), "CLIENT AUTHORIZATION"; the keys are X25519 (RFC 7748).
Specified in docs/spec/tor.md.
"""

import base64
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NewType

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tor.errors import MalformedClientKey, TorError, UnsafeAuthorization

ClientKey = NewType("ClientKey", str)
"""A client's public key in base 32, as tor writes it."""

FOLDER: Final = "authorized_clients"
SUFFIX: Final = ".auth"
DECOY: Final = "decoy"
KEY_BYTES: Final = 32
_PREFIX = "descriptor:x25519:"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_BASE32 = re.compile(r"[A-Z2-7]{52}")

Write = Callable[[Path, bytes], object]


class UnusableClientName(TorError):
    """A client is called by small letters, digits and hyphens, 63 at most."""


class UnknownClient(TorError):
    """There is no client of this name."""


class ClientExists(TorError):
    """There is a client of this name: revoke it first."""


@dataclass(frozen=True)
class Client:
    """
    A client with its key pair, on the machine of its person.

    Attributes:
        public_key: Goes to the server.
    """

    public_key: ClientKey
    _private_key: bytes = field(repr=False)

    def private_line(self, address: str) -> str:
        """
        Return the line of an `.auth_private` file, which is that person's alone.

        Args:
            address: Of the service, with or without ".onion".
        """
        key = _base32(self._private_key)
        return f"{address.removesuffix('.onion')}:{_PREFIX}{key}"

    @property
    def private_key(self) -> str:
        """What Tor Browser asks for, in base 32."""
        return _base32(self._private_key)


def new_client(entropy: Callable[[int], bytes]) -> Client:
    """Make a key pair."""
    return _client(entropy(KEY_BYTES))


def client_of(untrusted_private_key: str) -> Client:
    """
    Return the client of a private key as Tor Browser takes it.

    Raises:
        MalformedClientKey: If it is none.  It is not repeated.
    """
    return _client(_decoded(untrusted_private_key))


def parse_client_key(untrusted_text: str) -> ClientKey:
    """
    Read a client's public key as people carry it.

    Args:
        untrusted_text: The bare key, or a whole line of tor.

    Raises:
        MalformedClientKey: If tor would take it for no key, and so let everybody in.
    """
    decoded = _decoded(untrusted_text.strip().removeprefix(_PREFIX))
    if not any(decoded):
        raise MalformedClientKey("the key is nothing but zeros")
    return ClientKey(_base32(decoded))


class AuthorizedClients:
    """Who may reach one onion service; never nobody."""

    def __init__(self, service: Path, *, write: Write) -> None:
        """
        Args:
            service: The service's folder, its HiddenServiceDir.

            write: Writes a new file durably, all of it or nothing, for tor to read.
        """
        self._folder = service / FOLDER
        self._write = write

    def prepare(self, entropy: Callable[[int], bytes]) -> None:
        """
        Make the folder with its decoy, before tor sees the service for the first time.

        Raises:
            UnsafeAuthorization: If what is there would let everybody in.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._path(DECOY).exists():
            # The private half is forgotten here: nobody can ever use it.
            self._write(self._path(DECOY), _line(new_client(entropy).public_key))
        self.check()

    def list(self) -> dict[str, ClientKey]:
        """
        Return the clients by name, without the decoy.

        Raises:
            UnsafeAuthorization: If a file is not one that tor would understand.
        """
        found = self._read()
        return {name: key for name, key in found.items() if name != DECOY}

    def grant(self, name: str, key: ClientKey) -> None:
        """
        Let a client in; tor has to be told to read its folder again.

        Raises:
            UnusableClientName, ClientExists: As their sentences say.

            UnsafeAuthorization: If the folder is not as it must be.
        """
        if not _NAME.fullmatch(name) or name == DECOY:
            raise UnusableClientName(UnusableClientName.__doc__)
        self.check()
        if name in self._read():
            raise ClientExists(ClientExists.__doc__)
        self._write(self._path(name), _line(key))
        self.check()

    def revoke(self, name: str) -> None:
        """
        Let a client in no more; tor has to be started anew to forget it at once.

        Raises:
            UnknownClient: If there is none of this name.

            UnsafeAuthorization: If the folder is not as it must be.
        """
        self.check()
        if name not in self.list():
            raise UnknownClient(UnknownClient.__doc__)
        self._path(name).unlink()
        _flush(self._folder)
        self.check()

    def check(self) -> None:
        """
        Make sure that tor will let in nobody but the clients.

        Raises:
            UnsafeAuthorization: With what is wrong.
        """
        if DECOY not in self._read():
            raise UnsafeAuthorization(
                f"{self._path(DECOY)} is missing: {UnsafeAuthorization.__doc__}"
            )

    def _read(self) -> dict[str, ClientKey]:
        found = {}
        try:
            paths = sorted(self._folder.iterdir())
        except OSError as error:
            raise UnsafeAuthorization(
                f"{self._folder} cannot be read: {UnsafeAuthorization.__doc__}"
            ) from error
        for path in paths:
            if path.name.startswith("."):
                continue  # On its way to its name; tor does not look at it either.
            found[path.name.removesuffix(SUFFIX)] = _key_in(path)
        return found

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{SUFFIX}"


def _client(private_key: bytes) -> Client:
    public = X25519PrivateKey.from_private_bytes(private_key).public_key()
    return Client(ClientKey(_base32(public.public_bytes_raw())), private_key)


def _decoded(untrusted_text: str) -> bytes:
    key = untrusted_text.strip().upper().rstrip("=")
    if not _BASE32.fullmatch(key):
        raise MalformedClientKey(MalformedClientKey.__doc__)
    decoded = base64.b32decode(key + "====")
    if _base32(decoded) != key:
        # The last letter has bits that mean nothing; tor wants them to be zero.
        raise MalformedClientKey("the last letter of the key is another one")
    return decoded


def _key_in(path: Path) -> ClientKey:
    try:
        line = path.read_text("ascii").strip()
        if path.suffix != SUFFIX or not line.startswith(_PREFIX):
            raise MalformedClientKey(MalformedClientKey.__doc__)
        return parse_client_key(line)
    except (OSError, UnicodeDecodeError, MalformedClientKey):
        raise UnsafeAuthorization(
            f"{path} is no client's key, and tor would pass over it"
        ) from None


def _flush(folder: Path) -> None:
    """See to it that a name that is gone stays gone after a power-cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(key: ClientKey) -> bytes:
    return f"{_PREFIX}{key}\n".encode("ascii")


def _base32(key: bytes) -> str:
    return base64.b32encode(key).decode("ascii").rstrip("=")
