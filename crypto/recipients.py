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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from crypto.admission import fingerprint_in, read_key_file
from crypto.errors import CryptoError
from crypto.fingerprint import Fingerprint
from crypto.openpgp import Keyring
from crypto.sealing import RecipientRefused, Sealing


class NoRecipient(CryptoError):
    """Not one of the keys can be sealed to."""


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


@dataclass(frozen=True)
class SealingToKeys:
    """
    A message on its way to several keys.

    Attributes:
        sealing: What to write to.

        recipients: To whom it is sealed.

        refused: Who is left out, and why.
    """

    sealing: Sealing
    recipients: tuple[Fingerprint, ...]
    refused: Mapping[Fingerprint, str]


@contextmanager
def sealing_to_keys(
    key_files: Sequence[bytes],
    *,
    sink: Callable[[bytes], object],
    day: date,
) -> Iterator[SealingToKeys]:
    """
    Seal to keys that this machine was given, all those of them that are fit.

    Nobody compares a fingerprint here: whoever chose the files has done it before.

    Args:
        key_files: Public keys, one in each.

        sink: Takes the ciphertext in pieces, called from another thread.

        day: The only date in the message, and the day the keys must be good on.

    Raises:
        KeyNotAdmitted: If a file is not exactly one public key.

        NoRecipient: If no key is fit, with the reasons.

        SealingFailed: As `Sealing` says.
    """
    with tempfile.TemporaryDirectory(prefix="bisik-keys-") as name:
        keyring = _Scratch(Path(name))
        keys = [keyring.trust_for_once(key_file) for key_file in key_files]
        found = keyring.usable(keys, today=day)
        if not found.usable:
            reasons = [f"the key {key}: {why}" for key, why in found.refused.items()]
            raise NoRecipient("; ".join(reasons) or NoRecipient.__doc__)
        with keyring.sealing(found.usable, sink=sink, day=day) as sealing:
            yield SealingToKeys(sealing, found.usable, found.refused)


class _Scratch(Keyring):
    """A keyring that is thrown away, and so may trust several keys ultimately."""

    def trust_for_once(self, key_file: bytes) -> Fingerprint:
        key = read_key_file(key_file)
        fingerprint = self._fingerprint_in(key)
        self._import(self._gpg, key, fingerprint)
        self._set_ownertrust(fingerprint, "TRUST_ULTIMATE")
        return fingerprint
