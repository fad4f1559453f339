"""
Seeds: the 32 bytes that an Ed25519 key is, out of gpg and back into it.

    gpg --export-secret-keys --passphrase--> seed            (to be split on paper)
    seed, public key --new passphrase--> gpg --import        (from paper)

A public key that is on every server and the seed from paper are the whole key.  The
seed passes through this process's memory and through pipes, and is never in a file,
on a command line or in an error.

Secret-key packets are RFC 9580 section 5.5.3 (RFC 4880 section 5.5.3), string-to-key
is section 3.7.1.3, EdDSALegacy keys are section 5.5.5.5.  The protection read and
written here is the one that GnuPG 2.2 knows: AES in CFB with a SHA-1 checksum (usage
254) and iterated, salted S2K.  For the keeper of the organisation's key only.
Specified in docs/spec/enrolment.md.
"""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from crypto.admission import read_key_file
from crypto.agent import AgentHome
from crypto.errors import CryptoError
from crypto.fingerprint import Fingerprint
from crypto.gpg import GpgCall
from crypto.packets import (
    SECRET_KEY,
    IncompleteMessage,
    split_packets,
)
from crypto.passphrase import as_passphrase

SEED_BYTES = 32

_EDDSA_LEGACY = 22  # RFC 9580, section 9.1.
# The curve's object identifier with its length, and the prefix of a point that is
# written as it is (sections 9.2 and 11.2).
_ED25519 = bytes.fromhex("092b06010401da470f01")
_NATIVE_POINT = 0x40
_CLEAR, _SHA1_CHECKED = 0, 254
_SALTED_ITERATED = 3
_AES_KEY_BYTES = {7: 16, 8: 24, 9: 32}  # Section 9.3.
_HASHES = {2: "sha1", 8: "sha256", 10: "sha512"}  # Section 9.5.
_AES_256, _SHA256 = 9, 8
_BLOCK_BYTES = 16
_SALT_BYTES = 8
# The byte for 65,011,712: the most that can be said (section 3.7.1.3).
_MOST_HASHED = 0xFF
_CHECKSUM_BYTES = 20
# Cipher, S2K specifier with its hash, salt and count, and the initial block.
_PROTECTION_BYTES = 3 + _SALT_BYTES + 1 + _BLOCK_BYTES


class SeedNotRead(CryptoError):
    """The private key could not be read: is the passphrase right?"""


class SeedRefused(CryptoError):
    """These bytes are not the private key of this public key."""


def read_seed(
    home: Path,
    key: Fingerprint,
    *,
    passphrase: bytes | None,
    gpg_binary: str = "gpg",
) -> bytes:
    """
    Return the seed of an Ed25519 primary key.

    Args:
        home: The GNUPGHOME with the key pair.

        key: Its fingerprint.

        passphrase: Of the key pair, if it has one.

        gpg_binary: Name or path of gpg 2.2 or newer.

    Raises:
        SeedNotRead: If gpg does not give it, or gives another kind of key.

    Returns:
        32 bytes; whoever has them has the key.
    """
    with AgentHome(home) as agent:
        call = GpgCall(agent.path, gpg_binary, autostart=True).new_call(at=None)
        result = call.result_map["export"](call)
        if passphrase is None:
            call.options = [*call.options, "--pinentry-mode", "loopback"]
            call.options += ["--passphrase", ""]
        try:
            # Not python-gnupg's export_keys, which wants to know less.
            call._handle_io(
                ["--export-secret-keys", key],
                io.BytesIO(),
                result,
                passphrase=as_passphrase(passphrase),
                binary=True,
            )
        finally:
            call.clean_up()
    if result.returncode != 0:
        raise SeedNotRead(SeedNotRead.__doc__)
    return _seed_in(result.data, passphrase)


def import_seed(
    home: Path,
    public_key: bytes,
    seed: bytes,
    *,
    passphrase: bytes | None,
    entropy: Callable[[int], bytes],
    gpg_binary: str = "gpg",
) -> None:
    """
    Make a key pair of a public key and its seed.

    Args:
        home: A GNUPGHOME; it is made if it is missing.

        public_key: As a server has it.

        seed: 32 bytes.

        passphrase: To be the key pair's; None where the disk is encrypted.

        entropy: Gives random bytes, as `os.urandom` does.

        gpg_binary: Name or path of gpg 2.2 or newer.

    Raises:
        KeyNotAdmitted: If the file is not exactly one public key.

        SeedRefused: If the seed is another key's, or gpg does not take it.
    """
    packets = list(split_packets(read_key_file(public_key)))
    secret = _secret_body(packets[0][1], seed, passphrase, entropy)
    content = _packet(SECRET_KEY, secret) + b"".join(
        _packet(tag, body) for tag, body in packets[1:]
    )
    with AgentHome(home) as agent:
        gpg = GpgCall(agent.path, gpg_binary, autostart=True)
        call = gpg.new_call(at=None)
        if passphrase is None:
            call.options = [*call.options, "--pinentry-mode", "loopback"]
            call.options += ["--passphrase", ""]
        imported = call.import_keys(content, passphrase=as_passphrase(passphrase))
        call.clean_up()
        if imported.sec_imported != 1:
            raise SeedRefused("gpg does not take the key")
        trusted = gpg.new_call(at=None).trust_keys(
            imported.fingerprints[0], "TRUST_ULTIMATE"
        )
        if trusted.returncode != 0:
            raise SeedRefused("the trust database cannot be written")


def _seed_in(transferable: bytes, passphrase: bytes | None) -> bytes:
    """Find and unlock the seed in what gpg exported."""
    try:
        tag, body = next(iter(split_packets(transferable)), (0, b""))
    except IncompleteMessage:
        raise SeedNotRead(SeedNotRead.__doc__) from None
    public_size = _public_size(body)
    if tag != SECRET_KEY or public_size is None:
        raise SeedNotRead("the key is not an Ed25519 key as GnuPG 2.2 makes them")
    usage, protected = body[public_size], body[public_size + 1 :]
    if usage == _CLEAR:
        # RFC 9580, section 5.5.3: a checksum of two octets is at the end.
        secret = protected[:-2]
    elif usage == _SHA1_CHECKED and passphrase is not None:
        secret = _unlocked(protected, passphrase)
    else:
        raise SeedNotRead(SeedNotRead.__doc__)
    seed = _number(secret)
    if seed is None or _public_of(seed) != body[public_size - SEED_BYTES : public_size]:
        raise SeedNotRead(SeedNotRead.__doc__)
    return seed


def _unlocked(protected: bytes, passphrase: bytes) -> bytes:
    """Undo the protection of a secret key (RFC 9580, section 5.5.3)."""
    if len(protected) <= _PROTECTION_BYTES:
        raise SeedNotRead(SeedNotRead.__doc__)
    cipher, specifier, hash_id = protected[:3]
    if (
        specifier != _SALTED_ITERATED
        or cipher not in _AES_KEY_BYTES
        or hash_id not in _HASHES
    ):
        raise SeedNotRead("the key is protected in a way not used here")
    salt, protected = protected[3 : 3 + _SALT_BYTES], protected[3 + _SALT_BYTES :]
    count, iv = protected[0], protected[1 : 1 + _BLOCK_BYTES]
    key = _stretched(
        passphrase, _HASHES[hash_id], salt, count, size=_AES_KEY_BYTES[cipher]
    )
    decryptor = Cipher(AES(key), CFB(iv)).decryptor()
    opened = decryptor.update(protected[1 + _BLOCK_BYTES :]) + decryptor.finalize()
    secret, checksum = opened[:-_CHECKSUM_BYTES], opened[-_CHECKSUM_BYTES:]
    if hashlib.sha1(secret, usedforsecurity=False).digest() != checksum:
        raise SeedNotRead(SeedNotRead.__doc__)
    return secret


def _secret_body(
    public_body: bytes,
    seed: bytes,
    passphrase: bytes | None,
    entropy: Callable[[int], bytes],
) -> bytes:
    """Write the body of a secret-key packet (RFC 9580, section 5.5.3)."""
    size = _public_size(public_body)
    if size is None or size != len(public_body) or len(seed) != SEED_BYTES:
        raise SeedRefused(
            "the public key is not an Ed25519 key as GnuPG 2.2 makes them"
        )
    if _public_of(seed) != public_body[-SEED_BYTES:]:
        raise SeedRefused(SeedRefused.__doc__)
    # A number without zeros in front (section 3.2); zeros come back when it is read.
    digits = seed.lstrip(b"\0")
    bits = len(digits) * 8 - (8 - digits[0].bit_length())
    secret = bits.to_bytes(2, "big") + digits
    if passphrase is None:
        checksum = sum(secret) & 0xFFFF
        return public_body + bytes([_CLEAR]) + secret + checksum.to_bytes(2, "big")
    salt, iv = entropy(_SALT_BYTES), entropy(_BLOCK_BYTES)
    key = _stretched(
        passphrase, "sha256", salt, _MOST_HASHED, size=_AES_KEY_BYTES[_AES_256]
    )
    encryptor = Cipher(AES(key), CFB(iv)).encryptor()
    checked = secret + hashlib.sha1(secret, usedforsecurity=False).digest()
    return b"".join(
        (
            public_body,
            bytes([_SHA1_CHECKED, _AES_256, _SALTED_ITERATED, _SHA256]),
            salt,
            bytes([_MOST_HASHED]),
            iv,
            encryptor.update(checked) + encryptor.finalize(),
        )
    )


def _public_size(body: bytes) -> int | None:
    """Return where the public part ends; None if it is not an Ed25519 key."""
    # Version, time of four octets, algorithm, curve, and a point of 263 bits.
    head = 1 + 4 + 1
    point = head + len(_ED25519)
    if (
        body[:1] != b"\x04"
        or body[head - 1 : point] != bytes([_EDDSA_LEGACY]) + _ED25519
        or body[point : point + 3] != (263).to_bytes(2, "big") + bytes([_NATIVE_POINT])
        or len(body) < point + 3 + SEED_BYTES
    ):
        return None
    return point + 3 + SEED_BYTES


def _number(secret: bytes) -> bytes | None:
    """Read a multiprecision integer of at most 32 bytes (RFC 9580, section 3.2)."""
    bits, digits = int.from_bytes(secret[:2], "big"), secret[2:]
    if len(digits) != (bits + 7) // 8 or len(digits) > SEED_BYTES:
        return None
    return digits.rjust(SEED_BYTES, b"\0")


def _public_of(seed: bytes) -> bytes:
    public_key = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _stretched(
    passphrase: bytes, hash_name: str, salt: bytes, coded_count: int, *, size: int
) -> bytes:
    """Make a key of a passphrase (RFC 9580, section 3.7.1.3)."""
    count = (16 + (coded_count & 15)) << ((coded_count >> 4) + 6)
    block = salt + passphrase
    count = max(count, len(block))
    repeats, rest = divmod(count, len(block))
    key = b""
    while len(key) < size:
        # Further hashes begin with one more octet of zero each.
        digest = hashlib.new(hash_name, usedforsecurity=False)
        digest.update(bytes(len(key) // digest.digest_size))
        digest.update(block * repeats + block[:rest])
        key += digest.digest()
    return key[:size]


def _packet(tag: int, body: bytes) -> bytes:
    """Write a packet with a length of five octets (RFC 9580, section 4.2.1.3)."""
    return bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4, "big") + body
