"""
Onion addresses: is this the name of an onion service, letter for letter?

    base32( public key, 32 | checksum, 2 | version, 1 ) + ".onion"
      = 56 letters and digits                           + ".onion"

The checksum is there for people: it finds nearly every slip of who copied the
address.  Specified in the rendezvous specification of Tor, version 3, section 6,
https://spec.torproject.org/rend-spec/encoding-onion-addresses.html

This module asks nobody whether there is a service at the address.
"""

import base64
import hashlib
import re
from typing import NewType

from tor.errors import TorError

OnionAddress = NewType("OnionAddress", str)

LETTERS = 56  # before ".onion"
VERSION = 3
SUFFIX = ".onion"

_LETTERS_OF_VERSION_2 = 16
_PUBLIC_KEY_BYTES = 32
_CHECKSUM_BYTES = 2
_CHECKSUM_PREFIX = b".onion checksum"
_SCHEME = "http://"
_NOT_BASE32 = re.compile(r"[^a-z2-7]")


class MalformedOnionAddress(TorError):
    """An onion address is 56 letters and digits, then .onion."""


def parse_onion_address(untrusted_text: str) -> OnionAddress:
    """
    Read an onion address as people paste it.

    Args:
        untrusted_text: In capitals or not, with or without http:// before it and
            a slash behind it.

    Raises:
        MalformedOnionAddress: Saying what is wrong, the first thing first.

    Returns:
        56 small letters and digits, and ".onion".
    """
    text = untrusted_text.strip().lower()
    name = text.removeprefix(_SCHEME).removesuffix("/")
    if not name.endswith(SUFFIX):
        raise MalformedOnionAddress("the address does not end in .onion")
    letters = name.removesuffix(SUFFIX)
    if "://" in letters:
        raise MalformedOnionAddress("the address may begin with http:// only")
    if wrong := sorted(set(_NOT_BASE32.findall(letters))):
        raise MalformedOnionAddress(
            f"an onion address has the letters a to z and the digits 2 to 7 only, "
            f"and not {', '.join(map(ascii, wrong))}"
        )
    if len(letters) == _LETTERS_OF_VERSION_2:
        raise MalformedOnionAddress(
            f"the onion address is of version 2, which Tor no longer knows; "
            f"one of version {VERSION} has {LETTERS} letters before .onion"
        )
    if len(letters) != LETTERS:
        raise MalformedOnionAddress(
            f"the onion address has {len(letters)} letters before .onion, "
            f"and must have {LETTERS}"
        )
    _check(base64.b32decode(letters.upper()))
    return OnionAddress(letters + SUFFIX)


def address_of(public_key: bytes) -> OnionAddress:
    """Return the address of an Ed25519 public key."""
    version = bytes([VERSION])
    encoded = base64.b32encode(public_key + _checksum(public_key) + version)
    return OnionAddress(encoded.decode("ascii").lower() + SUFFIX)


def public_key_in(address: OnionAddress) -> bytes:
    """Return the Ed25519 public key that an address is made of."""
    decoded = base64.b32decode(address.removesuffix(SUFFIX).upper())
    return decoded[:_PUBLIC_KEY_BYTES]


def _check(decoded: bytes) -> None:
    # rend-spec-v3 6: onion_address = base32(PUBKEY | CHECKSUM | VERSION) + ".onion"
    public_key = decoded[:_PUBLIC_KEY_BYTES]
    checksum = decoded[_PUBLIC_KEY_BYTES : _PUBLIC_KEY_BYTES + _CHECKSUM_BYTES]
    version = decoded[_PUBLIC_KEY_BYTES + _CHECKSUM_BYTES :]
    if version != bytes([VERSION]):
        raise MalformedOnionAddress(
            f"the onion address says that it is of version {version[0]}, "
            f"and there is only version {VERSION}; is its last letter right?"
        )
    if checksum != _checksum(public_key):
        raise MalformedOnionAddress(
            "the checksum of the onion address is wrong: some letter of it is"
        )


def _checksum(public_key: bytes) -> bytes:
    # rend-spec-v3 6: CHECKSUM = H(".onion checksum" | PUBKEY | VERSION)[:2], and H is
    # SHA3-256.
    hashed = _CHECKSUM_PREFIX + public_key + bytes([VERSION])
    return hashlib.sha3_256(hashed).digest()[:_CHECKSUM_BYTES]
