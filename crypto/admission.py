"""
Admission: which public keys we let in, and which we use today.

A key file comes from a person, by way of a USB stick.  Before gpg sees it, it is
taken apart here: it must be one public key and nothing else.  A file with
secret key material is refused before any program could store it.

    file --read_key_file--> one public key --gpg--> listing --unfit_because--> reason

Whether the organisation certified a key is decided by gpg's own trust model; the
functions here only put its verdict into words.

ASCII armor is RFC 9580 section 6 (RFC 4880 section 6.2), transferable public
keys are section 10.1.  This module does no I/O.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from crypto.armor import PUBLIC_KEY_BLOCK, armored_lines
from crypto.errors import CryptoError
from crypto.fingerprint import Fingerprint
from crypto.packets import (
    KEY_ID_BYTES,
    PUBLIC_KEY,
    PUBLIC_SUBKEY,
    SECRET_KEY,
    SECRET_SUBKEY,
    SIGNATURE,
    USER_ATTRIBUTE,
    USER_ID,
    IncompleteMessage,
    split_packets,
)

# An officer's key is under 1 KiB; one with many certifications or a photograph
# is still far below this.
KEY_FILE_BYTES = 256 * 1024

_IN_A_PUBLIC_KEY = {PUBLIC_SUBKEY, SIGNATURE, USER_ID, USER_ATTRIBUTE}
_BLOCK = re.compile(
    rb"-----BEGIN PGP PUBLIC KEY BLOCK-----[ \t]*\r?\n"
    rb"(?:[A-Za-z]+: [^\r\n]*\r?\n)*"
    rb"[ \t]*\r?\n"
    rb"(?P<base64>[A-Za-z0-9+/=\s]*?)"
    rb"(?:\n=(?P<checksum>[A-Za-z0-9+/]{4})\s*)?"
    rb"-----END PGP PUBLIC KEY BLOCK-----"
)
# One letter per state of a key, as in the field "Validity" of gpg's listing.
_CERTIFIED = ("f", "u")


class KeyNotAdmitted(CryptoError):
    """The key cannot be used here."""


class SecretKeyRefused(KeyNotAdmitted):
    """The file holds a secret key, which must never leave its owner."""


@dataclass(frozen=True)
class AdmittedKey:
    """
    A public key that reports may be sealed to.

    Attributes:
        fingerprint: Of the primary key.

        user_id: As the key says it: good for showing, never for deciding.

        expires: The day on which it stops being good, if it does.

        encryption_subkeys: Fingerprints of those that are good.
    """

    fingerprint: Fingerprint
    user_id: str
    expires: date | None
    encryption_subkeys: tuple[Fingerprint, ...]


@dataclass(frozen=True)
class UsableKeys:
    """
    The answer to the question: whom can we seal to today?

    Attributes:
        usable: Those that are fit, in the order they were asked for.

        refused: For every other, the reason.
    """

    usable: tuple[Fingerprint, ...]
    refused: Mapping[Fingerprint, str]


def read_key_file(untrusted_content: bytes) -> bytes:
    """
    Make sure that a file is one public key and nothing else.

    Args:
        untrusted_content: Armored or binary.

    Raises:
        SecretKeyRefused: If there is secret key material anywhere in it.

        KeyNotAdmitted: If it is too large, not a key, or more than one.

    Returns:
        The key in binary form: exactly the bytes that were looked at.
    """
    if len(untrusted_content) > KEY_FILE_BYTES:
        raise KeyNotAdmitted(f"the file is larger than {KEY_FILE_BYTES // 1024} KiB")
    if b"PRIVATE KEY BLOCK" in untrusted_content:
        raise SecretKeyRefused(SecretKeyRefused.__doc__)
    content = untrusted_content
    if not untrusted_content[:1] >= b"\x80":
        content = _without_armor(untrusted_content)
    try:
        tags = [tag for tag, _body in split_packets(content)]
    except IncompleteMessage as error:
        raise KeyNotAdmitted("the file is not an OpenPGP key") from error
    if SECRET_KEY in tags or SECRET_SUBKEY in tags:
        raise SecretKeyRefused(SecretKeyRefused.__doc__)
    if tags[:1] != [PUBLIC_KEY]:
        raise KeyNotAdmitted("the file is not an OpenPGP key")
    if PUBLIC_KEY in tags[1:]:
        raise KeyNotAdmitted("the file holds more than one key")
    if not set(tags[1:]) <= _IN_A_PUBLIC_KEY:
        raise KeyNotAdmitted("the file holds more than an OpenPGP key")
    return content


def armored(untrusted_content: bytes) -> str:
    """
    Return the one public key in a file, armored (RFC 9580, section 6).

    Raises:
        KeyNotAdmitted: As `read_key_file`.
    """
    content = read_key_file(untrusted_content)
    return "\n".join([*armored_lines(content, kind=PUBLIC_KEY_BLOCK), ""])


def fingerprint_in(untrusted_content: bytes) -> Fingerprint:
    """
    Return the fingerprint of the one public key in a file, without gpg.

    Raises:
        KeyNotAdmitted: As `read_key_file`, and if the key is not of version 4.
    """
    content = read_key_file(untrusted_content)
    _tag, body = next(iter(split_packets(content)))
    return _fingerprint_of(body)


def key_ids_in(untrusted_content: bytes) -> tuple[str, ...]:
    """
    Return the ids of the one public key in a file and of its subkeys, without gpg.

    For telling whom a sealed item is for (`crypto.packets.read_envelope`), and for
    nothing that must be believed: whether a subkey is the owner's, gpg says.

    Raises:
        KeyNotAdmitted: As `fingerprint_in`.

    Returns:
        Sixteen upper-case hexadecimal digits each, the primary key's first.
    """
    return tuple(
        _fingerprint_of(body)[-2 * KEY_ID_BYTES :]
        for tag, body in split_packets(read_key_file(untrusted_content))
        if tag in (PUBLIC_KEY, PUBLIC_SUBKEY)
    )


def _fingerprint_of(body: bytes) -> Fingerprint:
    if body[:1] != b"\x04":
        raise KeyNotAdmitted("the key is of a version not used here")
    # RFC 9580, section 5.5.4.2: 0x99, a length of two bytes, the packet's body.
    hashed = b"\x99" + len(body).to_bytes(2, "big") + body
    digest = hashlib.sha1(hashed, usedforsecurity=False).hexdigest()
    return Fingerprint(digest.upper())


def unfit_because(listed: Mapping[str, Any], *, now: datetime) -> str | None:
    """
    Say why nothing may be sealed to a key.

    Args:
        listed: The key in python-gnupg's listing, made for *now*.

        now: The moment at which it should be fit.

    Returns:
        A reason that completes "the key is refused:", or None if it is fit.
    """
    validity = listed["trust"]
    if validity == "r":
        return "revoked"
    if validity == "e":
        return f"expired on {_day(listed['expires'])}"
    if int(listed["date"] or 0) > now.timestamp():
        return f"not valid before {_day(listed['date'])}"
    # A capital letter is what the whole key can do now; see gpg's DETAILS file.
    if "E" not in listed["cap"]:
        return _cannot_encrypt_because(listed)
    if validity not in _CERTIFIED:
        return "not certified by the organisation"
    return None


def encryption_subkeys(listed: Mapping[str, Any]) -> tuple[Fingerprint, ...]:
    """Return the fingerprints of the encryption subkeys that are good."""
    return tuple(
        Fingerprint(subkey["fingerprint"])
        for subkey in _encrypting(listed)
        if subkey["trust"] not in ("e", "r", "i", "n", "d")
    )


def expiry(listed: Mapping[str, Any]) -> date | None:
    """
    Return the day on which nothing can be sealed to a key any more.

    That is when the primary key ends, or before that the last of its encryption
    subkeys.
    """
    ends = [int(listed["expires"])] if listed["expires"] else []
    good = set(encryption_subkeys(listed))
    of_subkeys = [
        int(subkey["expires"]) if subkey["expires"] else None
        for subkey in _encrypting(listed)
        if subkey["fingerprint"] in good
    ]
    last = [end for end in of_subkeys if end is not None]
    if last and len(last) == len(of_subkeys):
        ends.append(max(last))
    return _day(min(ends)) if ends else None


def _cannot_encrypt_because(listed: Mapping[str, Any]) -> str:
    subkeys = _encrypting(listed)
    if not subkeys:
        return "no encryption subkey"
    expired = [subkey for subkey in subkeys if subkey["trust"] == "e"]
    if expired:
        latest = max(int(subkey["expires"]) for subkey in expired)
        return f"encryption subkey expired on {_day(latest)}"
    if all(subkey["trust"] == "r" for subkey in subkeys):
        return "encryption subkey revoked"
    return "no encryption subkey that is valid today"


def _encrypting(listed: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    subkeys = listed.get("subkey_info", {}).values()
    return [subkey for subkey in subkeys if "e" in (subkey["cap"] or "")]


def _day(timestamp: str | int) -> date:
    return datetime.fromtimestamp(int(timestamp), UTC).date()


def _without_armor(untrusted_content: bytes) -> bytes:
    if untrusted_content.count(b"-----BEGIN PGP") > 1:
        raise KeyNotAdmitted("the file holds more than one key")
    block = _BLOCK.search(untrusted_content)
    if block is None:
        raise KeyNotAdmitted("the file is not an OpenPGP key")
    try:
        return base64.b64decode(b"".join(block["base64"].split()), validate=True)
    except binascii.Error as error:
        raise KeyNotAdmitted("the file is damaged") from error
