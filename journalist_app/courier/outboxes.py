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
from crypto.container import Readable
from crypto.fingerprint import Fingerprint
from crypto.openpgp import Keyring
from deaddrop import AppliedOutbox, DeadDrop, Officer
from journalist_app.courier.errors import ForeignOutbox, NotTheirDesk


@dataclass(frozen=True)
class Delivery:
    """An outbox that was applied: whose, which, and what it did."""

    officer: Officer
    number: int
    applied: AppliedOutbox


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
    applied = drop.apply_outbox(
        outbox.signer.desk_id,
        manifest.number,
        outbox.manifest_sha256,
        outbox.slots(),
        [(hold.number, bytes.fromhex(hold.sha256)) for hold in manifest.holds],
        today,
        release_day,
    )
    return Delivery(outbox.signer, manifest.number, applied)
