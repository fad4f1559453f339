r"""
HPKE in base mode, written once more from the specifications.

    shared secret --LabeledExtract, LabeledExpand--> key, nonce --> ChaCha20-Poly1305

The published vectors carry associated data, which the public interface of
`cryptography` does not take.  So the vectors are opened by this second
implementation, and the tests let it and the library open each other's messages.

RFC 9180 (sections 4.1, 5.1 and 5.2), for KDF HKDF-SHA256 and AEAD
ChaCha20-Poly1305; X-Wing is draft-connolly-cfrg-xwing-kem, section 5.
"""

import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.mlkem import (
    MLKEM768PrivateKey,
    MLKEM768PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

X25519_KEM = 0x0020
XWING_KEM = 0x647A
ENCAPSULATED_BYTES = {X25519_KEM: 32, XWING_KEM: 1120}
MLKEM_CIPHERTEXT_BYTES = 1088
MLKEM_PUBLIC_BYTES = 1184

_KDF_AND_AEAD = bytes.fromhex("00010003")
_XWING_LABEL = rb"\.//^" + b"\\"


def open_by_hand(
    kem: int, message: bytes, *, private: bytes, info: bytes, aad: bytes = b""
) -> bytes:
    """Open a message; *private* is an X25519 key or an X-Wing seed, 32 bytes."""
    share = message[: ENCAPSULATED_BYTES[kem]]
    open_share = x25519_open if kem == X25519_KEM else xwing_open
    key, nonce = key_and_nonce(kem, open_share(share, private), info)
    return ChaCha20Poly1305(key).decrypt(nonce, message[len(share) :], aad)


def seal_by_hand(kem: int, content: bytes, *, public: bytes, info: bytes) -> bytes:
    """Seal a message to a public key."""
    if kem == X25519_KEM:
        ours = X25519PrivateKey.generate()
        share = ours.public_key().public_bytes_raw()
        shared = ours.exchange(X25519PublicKey.from_public_bytes(public))
        secret = _dhkem(shared, share + public)
    else:
        secret, share = xwing_seal(public)
    key, nonce = key_and_nonce(kem, secret, info)
    return share + ChaCha20Poly1305(key).encrypt(nonce, content, b"")


def key_and_nonce(kem: int, secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Derive what seals message 0: RFC 9180, section 5.1, without a PSK."""
    suite = b"HPKE" + kem.to_bytes(2, "big") + _KDF_AND_AEAD
    context = b"\0" + _extract(suite, b"", b"psk_id_hash", b"")
    context += _extract(suite, b"", b"info_hash", info)
    base = _extract(suite, secret, b"secret", b"")
    return (
        _expand(suite, base, b"key", context, 32),
        _expand(suite, base, b"base_nonce", context, 12),
    )


def x25519_open(share: bytes, private: bytes) -> bytes:
    """Decapsulate: RFC 9180, section 4.1."""
    ours = X25519PrivateKey.from_private_bytes(private)
    shared = ours.exchange(X25519PublicKey.from_public_bytes(share))
    return _dhkem(shared, share + ours.public_key().public_bytes_raw())


def xwing_open(share: bytes, seed: bytes) -> bytes:
    """Decapsulate: draft-connolly-cfrg-xwing-kem, section 5.5."""
    expanded = hashlib.shake_256(seed).digest(96)
    mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
    ours = X25519PrivateKey.from_private_bytes(expanded[64:])
    theirs = share[MLKEM_CIPHERTEXT_BYTES:]
    return _xwing_combine(
        mlkem.decapsulate(share[:MLKEM_CIPHERTEXT_BYTES]),
        ours.exchange(X25519PublicKey.from_public_bytes(theirs)),
        theirs,
        ours.public_key().public_bytes_raw(),
    )


def xwing_seal(public: bytes) -> tuple[bytes, bytes]:
    """Encapsulate: the secret and the share that carries it, section 5.4."""
    mlkem = MLKEM768PublicKey.from_public_bytes(public[:MLKEM_PUBLIC_BYTES])
    theirs = public[MLKEM_PUBLIC_BYTES:]
    ours = X25519PrivateKey.generate()
    share = ours.public_key().public_bytes_raw()
    secret, ciphertext = mlkem.encapsulate()
    shared = ours.exchange(X25519PublicKey.from_public_bytes(theirs))
    return _xwing_combine(secret, shared, share, theirs), ciphertext + share


def _xwing_combine(mlkem: bytes, shared: bytes, share: bytes, public: bytes) -> bytes:
    return hashlib.sha3_256(mlkem + shared + share + public + _XWING_LABEL).digest()


def _dhkem(shared: bytes, context: bytes) -> bytes:
    suite = b"KEM" + X25519_KEM.to_bytes(2, "big")
    key = _extract(suite, b"", b"eae_prk", shared)
    return _expand(suite, key, b"shared_secret", context, 32)


def _extract(suite: bytes, salt: bytes, label: bytes, content: bytes) -> bytes:
    return hmac.digest(salt, b"HPKE-v1" + suite + label + content, "sha256")


def _expand(suite: bytes, key: bytes, label: bytes, info: bytes, size: int) -> bytes:
    # One round of HKDF-Expand is enough for up to 32 bytes.
    text = size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info + b"\1"
    return hmac.digest(key, text, "sha256")[:size]
