"""
Recipients from outside: sealing to a key that the organisation did not certify.

    key file --fingerprint compared on paper--> scratch keyring, thrown away --> sealed

An auditor's key is nobody's officer key: it must not get into a keyring that reports
are sealed with, and the organisation's key says nothing about it.  What stands in for
the certification is a person: whoever seals has the whole fingerprint from the
recipient, on paper or by voice, and not from the file.

The key must be fit in every other respect, as an officer's must.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from crypto.admission import fingerprint_in
from crypto.errors import CryptoError
from crypto.fingerprint import Fingerprint
from crypto.openpgp import Keyring
from crypto.sealing import RecipientRefused, Sealing


class FingerprintNotThatOfTheKey(CryptoError):
    """The fingerprint is not that of the key in the file."""


@contextmanager
def sealing_to_stranger(
    key_file: bytes,
    *,
    fingerprint_on_paper: Fingerprint,
    sink: Callable[[bytes], object],
    day: date,
) -> Iterator[Sealing]:
    """
    Seal to the key in a file, once; yields what `Keyring.sealing` returns.

    Args:
        key_file: The recipient's public key.

        fingerprint_on_paper: As the recipient said it; all 40 digits.

        sink: Takes the ciphertext in pieces, called from another thread.

        day: The only date in the message, and the day the key must be good on.

    Raises:
        FingerprintNotThatOfTheKey: If the file holds another key.

        KeyNotAdmitted: If the file is not exactly one public key.

        RecipientRefused: If the key has expired, was revoked, or cannot encrypt.

        SealingFailed: As `Sealing` says.
    """
    if fingerprint_in(key_file) != fingerprint_on_paper:
        raise FingerprintNotThatOfTheKey(FingerprintNotThatOfTheKey.__doc__)
    with tempfile.TemporaryDirectory(prefix="bisik-keys-") as name:
        keyring = Keyring(Path(name))
        # Ultimate trust in a keyring that ends with this block: gpg takes the key
        # because of it, and its own trust model still refuses all that is unfit.
        key = keyring.trust_organisation(key_file)
        refused = keyring.usable([key], today=day).refused
        if key in refused:
            raise RecipientRefused(f"the key {key} is refused: {refused[key]}")
        with keyring.sealing([key], sink=sink, day=day) as sealing:
            yield sealing
