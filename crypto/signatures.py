"""
Detached signatures: whether one counts.

gpg's words about a signature are easily misread: it calls a signature "valid"
whose key has expired or was revoked, leaves with exit code 0 for it, and reports
on the last of several.  So a signature is counted first, without gpg, and then
every one of gpg's statements must agree.

Specified in docs/spec/sealed-item-openpgp.md, section 8; signature packets are
RFC 9580 section 5.2.
"""

import tempfile
from collections.abc import Collection
from typing import Any

from crypto.errors import CryptoError
from crypto.fingerprint import Fingerprint
from crypto.gpg import GpgCall
from crypto.packets import SIGNATURE, IncompleteMessage, split_packets

# A signature of RSA with 4,096 bits is 566 bytes.
SIGNATURE_BYTES = 8 * 1024
# RFC 9580, section 5.2.1.1: signature over the bytes as they are.
_BINARY_SIGNATURE = 0x00


class SignatureRefused(CryptoError):
    """The signature is not one of those that count here."""


def verify_detached(
    call: GpgCall,
    content: bytes,
    signature: bytes,
    *,
    allowed: Collection[Fingerprint],
) -> Fingerprint:
    """
    Check that an allowed, certified key signed *content*, just so.

    The signature goes through a temporary file, because gpg reads two things and
    has one standard input.  It is not secret.  The content stays in memory.

    Raises:
        SignatureRefused: With the reason.

    Returns:
        The primary fingerprint of the key that signed.
    """
    _check_is_one_signature(signature)
    with tempfile.NamedTemporaryFile(prefix="bisik-signature-") as file:
        file.write(signature)
        file.flush()
        try:
            verdict = call.verify_data(file.name, content)
        except OSError as error:
            # gpg had seen enough before it had read everything.
            raise SignatureRefused("the signature cannot be read") from error
        finally:
            call.clean_up()
    if not verdict.valid or verdict.returncode != 0 or verdict.problems:
        raise SignatureRefused(_bad_signature(verdict))
    if len(verdict.sig_info) != 1:
        raise SignatureRefused("there must be exactly one signature")
    signer = Fingerprint(verdict.pubkey_fingerprint or "")
    if signer not in allowed:
        raise SignatureRefused(f"the key {signer} may not sign this")
    if (verdict.trust_level or 0) < verdict.TRUST_FULLY:
        raise SignatureRefused(f"the key {signer} is not certified by the organisation")
    return signer


def _check_is_one_signature(signature: bytes) -> None:
    if len(signature) > SIGNATURE_BYTES:
        raise SignatureRefused(f"a signature is at most {SIGNATURE_BYTES} bytes")
    try:
        packets = list(split_packets(signature))
    except IncompleteMessage as error:
        raise SignatureRefused("this is not an OpenPGP signature") from error
    if [tag for tag, _body in packets] != [SIGNATURE]:
        raise SignatureRefused("there must be exactly one signature")
    body = packets[0][1]
    # RFC 9580, section 5.2.3: version, then type.  A signature over text would
    # allow line endings to change.
    if body[:2] != bytes([4, _BINARY_SIGNATURE]):
        raise SignatureRefused("the signature is not one over binary content")


def _bad_signature(verdict: Any) -> str:
    if verdict.key_status:
        return f"the {verdict.key_status}"
    return {
        "signature bad": "the content was changed after it was signed",
        "no public key": "the key that signed is not in the keyring",
        "signature expired": "the signature has expired",
    }.get(verdict.status, "the signature is not valid")
