"""
Officers' keys: the database says who, each machine's keyring follows.

Several machines may share one database.  Each has a keyring of its own, made
from the certificates in the database whenever the server directory is opened, and
when the reporters' site meets a key that it does not know or that is unfit; what was
admitted is noted beside it, so that this is cheap when nothing changed.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from casework.enrolment import Enrolment
from crypto.admission import AdmittedKey, KeyNotAdmitted
from crypto.fingerprint import Fingerprint
from crypto.openpgp import Keyring, UnknownKey
from deaddrop import DeadDrop, DeadDropError, Officer, UnknownOfficer
from journalist_app.durable import new_file
from ops.errors import NoOrganisationKey

# In the keyring's folder: by fingerprint, the digest of the admitted certificate.
_ADMITTED = "admitted.json"


@dataclass(frozen=True)
class OfficerListed:
    """
    An officer, and whether reports can be sealed to them.

    Attributes:
        expires: When the key stops being good; None if never, or unknown.

        unfit_because: Why nothing is sealed to them today, or None.
    """

    officer: Officer
    expires: date | None
    unfit_because: str | None


def synchronise(
    keyring: Keyring, home: Path, officers: Sequence[Officer], *, today: date
) -> Mapping[Fingerprint, str]:
    """
    Bring a machine's keyring to what the database says.

    Args:
        keyring: Of this machine.

        home: Its folder.

        officers: The active ones.

        today: The day the keys must be good on.

    Returns:
        The keys that could not be admitted, each with the reason.
    """
    noted = _read_noted(home)
    wanted = {
        Fingerprint(officer.fingerprint): _digest(officer.certificate)
        for officer in officers
    }
    kept = {key: digest for key, digest in noted.items() if key in wanted}
    for retired in noted.keys() - wanted.keys():
        with suppress(UnknownKey):
            keyring.remove(retired)
    refused = {}
    for officer in officers:
        key = Fingerprint(officer.fingerprint)
        if kept.get(key) == wanted[key]:
            continue
        try:
            keyring.admit(officer.certificate, today=today)
        except KeyNotAdmitted as error:
            refused[key] = str(error)
        else:
            kept[key] = wanted[key]
    if kept != noted:
        with new_file(home / _ADMITTED, replace=True) as file:
            file.write(json.dumps(kept, indent=1).encode())
    return refused


def enrol(
    drop: DeadDrop,
    keyring: Keyring,
    enrolment: Enrolment,
    *,
    today: date,
    role: str | None = None,
    receives: bool = True,
) -> AdmittedKey:
    """
    Enrol a certified officer, or renew the certificate of one who is.

    Args:
        drop: Where the officer is enrolled.

        keyring: Admits the key.

        enrolment: As the officer's desk made it, certified.

        today: The day the key must be good on.

        role: Key of the officer's public role; that of a renewed one stays if None.

        receives: Whether new reports are sealed to a new officer; for a renewed one
            it stays as it was.

    Raises:
        NoOrganisationKey: If this server has nothing to judge a certification by.

        KeyNotAdmitted: If the key is not certified, expired, and so on.

        OfficerExists: If the fingerprint or the desk belongs to another enrolment.
    """
    if keyring.organisation() is None:
        raise NoOrganisationKey(NoOrganisationKey.__doc__)
    certificate = enrolment.certificate.encode("ascii")
    admitted = keyring.admit(certificate, today=today)
    desk_id = bytes.fromhex(enrolment.desk_id)
    try:
        present = drop.officers.get(admitted.fingerprint)
    except UnknownOfficer:
        present = None
    if present is not None and present.desk_id == desk_id and not present.retired:
        # As the desk renews it, it lacks the certification that this server has.
        merged = keyring.export(admitted.fingerprint)
        drop.officers.replace_certificate(admitted.fingerprint, merged)
        if role is not None:
            drop.officers.set_role(admitted.fingerprint, role)
        return admitted
    try:
        drop.officers.add(
            fingerprint=admitted.fingerprint,
            name=enrolment.name,
            certificate=certificate,
            desk_id=desk_id,
            role=role,
            receives=receives,
        )
    except DeadDropError:
        if present is None or present.retired:
            keyring.remove(admitted.fingerprint)
        raise
    return admitted


def list_officers(
    drop: DeadDrop, keyring: Keyring, *, today: date, retired: bool = False
) -> tuple[OfficerListed, ...]:
    """Return the officers, each with what keeps reports from being sealed to them."""
    officers = drop.officers.list(retired=retired)
    active = [officer for officer in officers if not officer.retired]
    usable = keyring.usable(
        [Fingerprint(officer.fingerprint) for officer in active], today=today
    )
    return tuple(
        _listed(keyring, officer, usable.refused, today) for officer in officers
    )


def _listed(
    keyring: Keyring,
    officer: Officer,
    refused: Mapping[Fingerprint, str],
    today: date,
) -> OfficerListed:
    if officer.retired:
        return OfficerListed(officer, None, "retired")
    reason = refused.get(Fingerprint(officer.fingerprint))
    try:
        # Says until when, and more of a key that is not even in the keyring.
        admitted = keyring.admit(officer.certificate, today=today)
    except KeyNotAdmitted as error:
        return OfficerListed(officer, None, reason or str(error))
    return OfficerListed(officer, admitted.expires, reason)


def _read_noted(home: Path) -> dict[Fingerprint, str]:
    try:
        noted = json.loads((home / _ADMITTED).read_bytes())
    except (FileNotFoundError, ValueError):
        # Lost or torn: the keys are admitted once more.
        return {}
    return {Fingerprint(key): str(digest) for key, digest in noted.items()}


def _digest(certificate: bytes) -> str:
    return hashlib.sha256(certificate).hexdigest()
