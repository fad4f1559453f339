"""
Making keys, and certifying them: what happens before anything can be sealed.

    organisation key          officer key
    Ed25519, certify only     Ed25519, certify and sign
         |                        +-- Cv25519 subkey, encrypt: this month
         +------certifies-------->+-- Cv25519 subkey, encrypt: next month
                                  +-- ... (crypto.subkeys)

For machines without a network.  Everything runs unattended; a passphrase goes
through a file descriptor.  Keys and certifications carry the day and no hour.

Cv25519 and Ed25519 as GnuPG 2.2 makes them are version 4 keys with the
algorithms ECDH and EdDSALegacy (RFC 9580, section 9.1).  Specified in
docs/spec/sealed-item-openpgp.md.
"""

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from crypto.admission import read_key_file
from crypto.agent import AgentHome
from crypto.errors import CryptoError
from crypto.fingerprint import Fingerprint, MalformedFingerprint, parse_fingerprint
from crypto.gpg import GpgCall, start_of_day
from crypto.passphrase import as_passphrase
from crypto.subkeys import extend, make_subkeys

# AES-256 down to AES-128, SHA-512 down to SHA-256, and no compression: it would
# undo the padding (RFC 9580, sections 9.3, 9.4 and 9.5).
PREFERENCES = "S9 S8 S7 H10 H9 H8 Z0"
LONGEST_EXPIRY_DAYS = 3660


class KeyNotMade(CryptoError):
    """The key pair could not be made."""


class NotCertified(CryptoError):
    """The key could not be certified."""


class UnusableKeyOwner(CryptoError):
    """A name and an address must be on one line and without angle brackets."""


def generate_officer_key(
    home: Path,
    *,
    name: str,
    email: str,
    expires_days: int,
    passphrase: bytes | None,
    today: date,
    asks: bool = False,
    gpg_binary: str = "gpg",
) -> Fingerprint:
    """
    Make an officer's key pair in *home*, with the subkeys of a year.

    A certificate for revoking it lands in `openpgp-revocs.d` of the same home.

    Args:
        home: The officer's GNUPGHOME, on a machine without a network.

        name: As the other officers know them; it may be a function.

        email: Need not exist; it only tells keys apart.

        expires_days: After how many days the key ends, and its subkeys at the latest.

        passphrase: None for a key that other means protect, such as an
            encrypted disk.

        today: The day in the key.

        asks: Whether the agent's own pinentry asks for the passphrase.

        gpg_binary: Name or path of gpg 2.2 or newer.

    Raises:
        KeyNotMade: If gpg did not make it.

        NotAnswered: If a passphrase was asked for, and nobody typed one.

        SubkeyNotMade: If gpg did not make a subkey.

        UnusableKeyOwner: If the name or address is not one.
    """
    parameters = [
        "Key-Type: eddsa",
        "Key-Curve: ed25519",
        "Key-Usage: sign",  # gpg adds "certify" to every primary key.
        *_owner(name, email, expires_days),
    ]
    with AgentHome(home) as agent:
        gpg = GpgCall(agent.path, gpg_binary, autostart=True)
        if asks:
            passphrase = agent.ask_passphrase(new=True)
        fingerprint = _generate(gpg, parameters, passphrase, today)
        make_subkeys(gpg, fingerprint, passphrase=passphrase, asks=False, today=today)
        # gpg trusts what it made ultimately, but only the organisation's key may
        # say who is an officer.
        outcome = gpg.new_call(at=None).trust_keys(fingerprint, "TRUST_UNDEFINED")
        if outcome.returncode != 0:
            raise KeyNotMade("the trust database cannot be written")
    return fingerprint


def generate_organisation_key(
    home: Path,
    *,
    name: str,
    email: str,
    expires_days: int,
    passphrase: bytes | None,
    today: date,
    gpg_binary: str = "gpg",
) -> Fingerprint:
    """
    Make the organisation's key pair in *home*: it can certify and nothing else.

    It has no subkeys.  See `generate_officer_key` for arguments and errors.
    """
    parameters = [
        "Key-Type: eddsa",
        "Key-Curve: ed25519",
        "Key-Usage: cert",
        *_owner(name, email, expires_days),
    ]
    with AgentHome(home) as agent:
        gpg = GpgCall(agent.path, gpg_binary, autostart=True)
        return _generate(gpg, parameters, passphrase, today)


def extend_organisation_key(
    home: Path,
    key: Fingerprint,
    *,
    ends: date,
    passphrase: bytes | None,
    today: date,
    gpg_binary: str = "gpg",
) -> None:
    """
    Give the organisation's key another end.  What it has certified stays certified.

    Args:
        home: The organisation's GNUPGHOME.

        key: Its fingerprint.

        ends: The day from which it certifies nobody any more.

        passphrase: Of the key, if it has one.

        today: The day in the new self-signature.

        gpg_binary: Name or path of gpg 2.2 or newer.

    Raises:
        NotExtended: If gpg did not do it.
    """
    with AgentHome(home) as agent:
        gpg = GpgCall(agent.path, gpg_binary, autostart=True)
        extend(gpg, key, ends=ends, passphrase=passphrase, asks=False, today=today)


def certify(
    home: Path,
    *,
    organisation: Fingerprint,
    officer_key: bytes,
    passphrase: bytes | None,
    today: date,
    gpg_binary: str = "gpg",
) -> bytes:
    """
    Certify an officer's public key with the organisation's key.

    Compare the officer's fingerprint with the officer first, face to face: that
    is what a certification says.

    Args:
        home: The organisation's GNUPGHOME, on a machine without a network.

        organisation: The key that certifies.

        officer_key: As the officer exported it.

        passphrase: Of the organisation's key, if it has one.

        today: The day in the certification.

        gpg_binary: Name or path of gpg 2.2 or newer.

    Raises:
        KeyNotAdmitted: If the file is not exactly one public key.

        NotCertified: If gpg did not certify it.

    Returns:
        The officer's public key with the certification, armored.
    """
    key = read_key_file(officer_key)
    certifier = parse_fingerprint(organisation)
    with AgentHome(home) as agent:
        gpg = GpgCall(agent.path, gpg_binary, autostart=True)
        imported = gpg.new_call(at=None).import_keys(key)
        # gpg names a key twice when it has something new in two ways.
        if len(set(imported.fingerprints)) != 1:
            raise NotCertified("the officer's key cannot be read")
        officer = Fingerprint(imported.fingerprints[0])
        if officer == certifier:
            raise NotCertified("this is the organisation's own key")
        at = _no_earlier_than_the_keys(gpg, (officer, certifier), today)
        call = gpg.new_call(at=at)
        call.quick_sign_key(certifier, officer, as_passphrase(passphrase))
        call.clean_up()
        if not _is_certified(gpg, officer, certifier, at):
            raise NotCertified(
                f"the key {officer} could not be certified{_gpg_said(call)}"
            )
        armored: str = gpg.new_call(at=None).export_keys(officer)
    return armored.encode("ascii")


def _owner(name: str, email: str, expires_days: int) -> list[str]:
    for text in (name, email):
        if not text.strip() or set("<>") & set(text) or not text.isprintable():
            raise UnusableKeyOwner(UnusableKeyOwner.__doc__)
    if not 0 < expires_days <= LONGEST_EXPIRY_DAYS:
        raise ValueError(f"a key must end after 1 to {LONGEST_EXPIRY_DAYS} days")
    return [
        f"Name-Real: {name.strip()}",
        f"Name-Email: {email.strip()}",
        f"Expire-Date: {expires_days}d",
        f"Preferences: {PREFERENCES}",
    ]


def _generate(
    gpg: GpgCall,
    parameters: Sequence[str],
    passphrase: bytes | None,
    today: date,
) -> Fingerprint:
    secret = as_passphrase(passphrase)
    lines = list(parameters)
    if secret is None:
        lines.append("%no-protection")
    lines.append("%commit")
    call = gpg.new_call(at=start_of_day(today))
    outcome = call.result_map["generate"](call)
    try:
        # Not python-gnupg's gen_key: it has no way for a passphrase but a line
        # among the parameters, whose spaces gpg would strip.
        call._handle_io(
            ["--full-generate-key"],
            io.BytesIO("\n".join(lines).encode() + b"\n"),
            outcome,
            passphrase=secret,
            binary=True,
        )
    except OSError as error:
        raise KeyNotMade(KeyNotMade.__doc__) from error
    finally:
        call.clean_up()
    try:
        return parse_fingerprint(outcome.fingerprint or "")
    except MalformedFingerprint as error:
        raise KeyNotMade(f"the key could not be made{_gpg_said(call)}") from error


def _gpg_said(call: GpgCall) -> str:
    complaint = call.complaint()
    return f" ({complaint})" if complaint else ""


def _no_earlier_than_the_keys(
    gpg: GpgCall, fingerprints: Sequence[Fingerprint], today: date
) -> datetime:
    """
    Return the first moment of the day at which both keys exist.

    Not the end of the day: until then, gpg elsewhere would ignore a certification
    that lies in the future.
    """
    listed = gpg.new_call(at=None).listed_keys(fingerprints)
    made = [datetime.fromtimestamp(int(key["date"]), UTC) for key in listed]
    return max(start_of_day(today), *made)


def _is_certified(
    gpg: GpgCall, officer: Fingerprint, certifier: Fingerprint, at: datetime
) -> bool:
    # In gpg's listing with checked signatures, field 1 is the kind, field 2 is
    # "!" for a good one, and field 13 is the issuer's fingerprint.
    return any(
        record[:2] == ["sig", "!"] and record[12:13] == [certifier]
        for record in gpg.new_call(at=at).records("--check-sigs", officer)
    )
