"""
Outboxes: an officer's desk tells what it holds and answers, signed.

    signature of an active officer? --> for this installation? --> their desk?
        --> every digest --> ONE transaction

Nothing of an outbox is believed before its signature is verified, and nothing
unsigned is applied.
"""

from dataclasses import dataclass
from datetime import date

from casework.outbox import read_outbox
from crypto.admission import fingerprint_in
from crypto.container import Readable
from crypto.fingerprint import Fingerprint
from crypto.openpgp import KeyNotAdmitted, Keyring
from deaddrop import AppliedOutbox, DeadDrop, Officer, SealedItem
from journalist_app.courier.errors import ForeignOutbox, NotTheirDesk


@dataclass(frozen=True)
class Delivery:
    """
    An outbox that was applied: whose, which, and what it did.

    Attributes:
        renewed: Whether it brought the officer's key with something new.
    """

    officer: Officer
    number: int
    applied: AppliedOutbox
    renewed: bool


def apply_outbox(
    drop: DeadDrop,
    keyring: Keyring,
    stream: Readable,
    *,
    today: date,
    release_day: date | None,
) -> Delivery:
    """
    Apply an outbox, all of it or nothing.

    Args:
        drop: What it is applied to.

        keyring: Knows the officers' keys.

        stream: The outbox.

        today: The day it is.

        release_day: The day at whose hour the answers appear; None for at once.

    Raises:
        SignatureRefused: If no active officer's good key signed it.

        ForeignOutbox: If it is for another installation.

        NotTheirDesk: If the signer's desk is another one.

        MalformedOutbox: If it is damaged.

        OutboxConflict: If it contradicts what is stored.

        KeyNotAdmitted: If it brings a key that is not the officer's own, certified.

        DeadDropUnavailable: If it could not be stored.
    """
    officers = {officer.fingerprint: officer for officer in drop.officers.list()}

    def verify(manifest: bytes, signature: bytes) -> Officer:
        signer = keyring.verify_detached(
            manifest,
            signature,
            allowed=[Fingerprint(fingerprint) for fingerprint in officers],
            today=today,
        )
        return officers[signer]

    outbox = read_outbox(stream, verify)
    manifest = outbox.manifest
    if manifest.installation != drop.installation.installation_id.hex():
        raise ForeignOutbox(ForeignOutbox.__doc__)
    if manifest.desk_id != outbox.signer.desk_id.hex():
        raise NotTheirDesk(NotTheirDesk.__doc__)
    certificate = _own_key(keyring, outbox.signer, manifest.certificate, today)
    applied = drop.apply_outbox(
        outbox.signer.desk_id,
        manifest.number,
        outbox.manifest_sha256,
        outbox.slots(),
        [(hold.number, bytes.fromhex(hold.sha256)) for hold in manifest.holds],
        today,
        release_day,
        (
            SealedItem(parcel.size_bytes, parcel.sha256, parcel.chunks)
            for parcel in outbox.parcels()
        ),
    )
    renewed = certificate not in (None, outbox.signer.certificate)
    if certificate and renewed:
        # Behind the transaction: whoever is interrupted here brings the outbox again,
        # and its key is stored although the rest was applied before.
        drop.officers.replace_certificate(outbox.signer.fingerprint, certificate)
    return Delivery(outbox.signer, manifest.number, applied, renewed)


def _own_key(
    keyring: Keyring, officer: Officer, certificate: str | None, today: date
) -> bytes | None:
    """Merge the officer's key with what is known of it; None if there is none."""
    if certificate is None:
        return None
    fingerprint = Fingerprint(officer.fingerprint)
    armored = certificate.encode("ascii")
    if fingerprint_in(armored) != fingerprint:
        raise KeyNotAdmitted("the outbox brings the key of somebody else")
    keyring.admit(armored, today=today)
    return keyring.export(fingerprint)
