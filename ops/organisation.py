"""
The organisation's key: it says who is an officer, and does nothing else.

    DIR/organisation.json   which key, and whether it has a passphrase
    DIR/organisation.asc    the public key, for every server
    DIR/gnupg/              the key pair; never on a machine with a network

Specified in docs/spec/enrolment.md.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from casework import strict
from casework.enrolment import Enrolment
from casework.errors import CaseworkError
from casework.strict import StrictModel
from crypto.admission import fingerprint_in
from crypto.certificates import (
    certify,
    extend_organisation_key,
    generate_organisation_key,
)
from crypto.fingerprint import Fingerprint, parse_fingerprint
from crypto.openpgp import Keyring
from crypto.seeds import import_seed, read_seed
from journalist_app.durable import new_directory, new_file
from ops.errors import FingerprintDiffers, NoOrganisation

EXPIRES_DAYS = 3650
RECORD_BYTES = 16 * 1024

PUBLIC_KEY = "organisation.asc"
_RECORD = "organisation.json"
_KEYS = "gnupg"


class MalformedRecord(CaseworkError):
    """The file organisation.json is not one that this software wrote."""


class OrganisationRecord(StrictModel):
    """Which key it is (organisation.json)."""

    version: Literal[1] = 1
    fingerprint: Annotated[str, Field(pattern=r"^[0-9A-F]{40}$")]
    protected: bool


def create_organisation(
    directory: Path, *, name: str, passphrase: bytes | None, today: date
) -> Fingerprint:
    """
    Make the organisation's key, everything or nothing.

    Raises:
        FileExistsError: If there is something of that name.

        CryptoError: If the key cannot be made.
    """
    with new_directory(directory) as partial:
        fingerprint = generate_organisation_key(
            partial / _KEYS,
            name=name,
            email="organisation@bisik.invalid",
            expires_days=EXPIRES_DAYS,
            passphrase=passphrase,
            today=today,
        )
        _write_record(partial, fingerprint, protected=passphrase is not None)
    return fingerprint


def extend_organisation(
    directory: Path, *, ends: date, passphrase: bytes | None, today: date
) -> Fingerprint:
    """
    Give the organisation's key another end, and write its public key anew.

    Raises:
        NoOrganisation: If there is none.

        NotExtended: If gpg did not do it.
    """
    fingerprint = parse_fingerprint(read_organisation(directory).fingerprint)
    home = directory / _KEYS
    extend_organisation_key(
        home, fingerprint, ends=ends, passphrase=passphrase, today=today
    )
    with new_file(directory / PUBLIC_KEY, replace=True) as file:
        file.write(Keyring(home).export(fingerprint))
    return fingerprint


def seed_of_organisation(directory: Path, *, passphrase: bytes | None) -> bytes:
    """
    Return the 32 bytes that the organisation's key is, to be split on paper.

    Raises:
        NoOrganisation: If there is none.

        SeedNotRead: If the passphrase is wrong.
    """
    record = read_organisation(directory)
    fingerprint = parse_fingerprint(record.fingerprint)
    return read_seed(directory / _KEYS, fingerprint, passphrase=passphrase)


def rebuild_organisation(
    directory: Path,
    *,
    public_key: bytes,
    seed: bytes,
    passphrase: bytes | None,
    entropy: Callable[[int], bytes],
) -> Fingerprint:
    """
    Make the organisation's folder of a public key and the seed, everything or nothing.

    Raises:
        FileExistsError: If there is something of that name.

        KeyNotAdmitted: If the file is not exactly one public key.

        SeedRefused: If the seed is not that key's.
    """
    fingerprint = fingerprint_in(public_key)
    with new_directory(directory) as partial:
        import_seed(
            partial / _KEYS, public_key, seed, passphrase=passphrase, entropy=entropy
        )
        _write_record(partial, fingerprint, protected=passphrase is not None)
    return fingerprint


def read_organisation(directory: Path) -> OrganisationRecord:
    """
    Read which key is in a folder; needs no passphrase.

    Raises:
        NoOrganisation: If there is none.
    """
    try:
        content = (directory / _RECORD).read_bytes()
        return strict.parse(
            OrganisationRecord,
            content,
            limit_bytes=RECORD_BYTES,
            malformed=MalformedRecord,
        )
    except (OSError, MalformedRecord):
        raise NoOrganisation(f"there is no organisation's key in {directory}") from None


def certify_enrolment(
    directory: Path,
    enrolment: Enrolment,
    *,
    fingerprint_read_out: Fingerprint,
    passphrase: bytes | None,
    today: date,
) -> Enrolment:
    """
    Certify the key in an enrolment.

    Args:
        directory: Of the organisation's key.

        enrolment: As the desk wrote it.

        fingerprint_read_out: As the officer reads it from their own screen.

        passphrase: Of the organisation's key, if it has one.

        today: The day in the certification.

    Raises:
        NoOrganisation: If there is no organisation's key.

        FingerprintDiffers: If the file holds another key than the officer has.

        CryptoError: If gpg does not certify it.
    """
    record = read_organisation(directory)
    certificate = enrolment.certificate.encode("ascii")
    if fingerprint_in(certificate) != fingerprint_read_out:
        raise FingerprintDiffers(FingerprintDiffers.__doc__)
    certified = certify(
        directory / _KEYS,
        organisation=parse_fingerprint(record.fingerprint),
        officer_key=certificate,
        passphrase=passphrase,
        today=today,
    )
    return enrolment.certified(certified)


def _write_record(
    directory: Path, fingerprint: Fingerprint, *, protected: bool
) -> None:
    record = OrganisationRecord(fingerprint=fingerprint, protected=protected)
    files = {
        PUBLIC_KEY: Keyring(directory / _KEYS).export(fingerprint),
        _RECORD: strict.render(record),
    }
    for file_name, content in files.items():
        with new_file(directory / file_name) as file:
            file.write(content)
