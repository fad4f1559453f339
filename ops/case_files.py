"""
Verifying a case file, as its recipient does.

    organisation.asc --certified?--> officer.asc --signed?--> manifest --digests--> all

Only public keys are needed, and no desk.  The officer's key is judged as it was on the
day that the manifest names: it may have expired since.  Whether it was revoked
since, the certificate in the archive cannot know: a newer one from the organisation
says it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from casework.casefile import CaseFileManifest, CheckedCaseFile, check_case_file
from crypto.admission import KeyNotAdmitted
from crypto.fingerprint import Fingerprint
from crypto.openpgp import Keyring, SignatureRefused
from ops.errors import CaseFileNotSigned, SealedCaseFile

# Every packet of OpenPGP begins with this bit (RFC 9580, section 4.2); no name in a tar
# header does, because a case file's names are ASCII.
_PACKET = 0x80


def verify_case_file(
    stream: BinaryIO, *, organisation: bytes, certificate: bytes | None = None
) -> CheckedCaseFile[str]:
    """
    Make sure that a certified officer signed a case file just as it is.

    Args:
        stream: The file, not sealed; can be rewound.

        organisation: The organisation's public key, compared on paper before.

        certificate: The officer's public key as the organisation gives it today, in
            place of the one in the archive.

    Raises:
        SealedCaseFile: If it has to be opened first.

        MalformedCaseFile: If it is not a case file.

        CaseFileNotSigned: If the officer's key is not certified, or the manifest is
            not what the officer signed.

        CaseFileAltered: Naming what is not as it was signed.

    Returns:
        What is in it, and the name in the officer's key.
    """
    first = stream.read(1)
    stream.seek(0)
    if first and first[0] & _PACKET:
        raise SealedCaseFile(SealedCaseFile.__doc__)
    with _keyring(organisation) as keyring:

        def verify(
            manifest: CaseFileManifest,
            content: bytes,
            signature: bytes,
            enclosed: bytes,
        ) -> str:
            officer = _admit(keyring, certificate or enclosed, manifest.day)
            try:
                keyring.verify_detached(
                    content,
                    signature,
                    allowed=[Fingerprint(manifest.fingerprint)],
                    today=manifest.day,
                )
            except SignatureRefused as error:
                raise CaseFileNotSigned(f"the signature does not count: {error}") from (
                    error
                )
            return officer

        return check_case_file(stream, verify)


def _admit(keyring: Keyring, certificate: bytes, day: date) -> str:
    try:
        return keyring.admit(certificate, today=day).user_id
    except KeyNotAdmitted as error:
        raise CaseFileNotSigned(f"the officer's key does not count: {error}") from None


@contextmanager
def _keyring(organisation: bytes) -> Iterator[Keyring]:
    """Lend a keyring that trusts one organisation and is thrown away."""
    with TemporaryDirectory(prefix="bisik-keys-") as name:
        keyring = Keyring(Path(name))
        keyring.trust_organisation(organisation)
        yield keyring
