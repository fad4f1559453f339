"""Making and certifying keys."""

import subprocess
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from support.openpgp_world import World

from crypto.admission import KeyNotAdmitted, SecretKeyRefused
from crypto.certificates import (
    NotCertified,
    UnusableKeyOwner,
    certify,
    generate_officer_key,
    generate_organisation_key,
)
from crypto.openpgp import Fingerprint, Keyring

TODAY = date(2026, 11, 24)
MIDNIGHT = str(int(datetime(2026, 11, 24, tzinfo=UTC).timestamp()))


def listing(home: Path) -> list[list[str]]:
    """List public keys with checked signatures, as gpg prints them."""
    printed = subprocess.run(
        ["gpg", "--homedir", str(home), "--no-options", "--batch", "--no-autostart"]
        + ["--ignore-time-conflict", "--with-colons", "--check-sigs"],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    ).stdout
    return [line.split(":") for line in printed.splitlines()]


def test_officer_key(tmp_path: Path) -> None:
    """
    Ed25519 that certifies and signs, Cv25519 that encrypts, all dated by days.
    """
    key = generate_officer_key(
        tmp_path,
        name="Ny. Ujié 'Uji'",
        email="petugas@example.test",
        expires_days=365,
        passphrase=None,
        today=TODAY,
    )

    records = listing(tmp_path)
    (primary,) = [record for record in records if record[0] == "pub"]
    subkeys = [record for record in records if record[0] == "sub"]
    expires = str(int(MIDNIGHT) + 365 * 86400)
    assert ["ed25519", "sc"] == [primary[16], primary[11].rstrip("SCE")]
    assert {("cv25519", "e")} == {(subkey[16], subkey[11]) for subkey in subkeys}
    assert [MIDNIGHT, expires] == primary[5:7]
    assert MIDNIGHT == subkeys[0][5]
    # A subkey of another month is bound to the key on its own first day.
    begun = [record[5] for record in (primary, *subkeys)]
    assert begun == [record[5] for record in records if record[0] == "sig"]
    assert {0} == {int(moment) % 86400 for moment in begun}
    (name,) = [record[9] for record in records if record[0] == "uid"]
    assert "Ny. Ujié 'Uji' <petugas@example.test>" == name
    assert (tmp_path / "openpgp-revocs.d" / f"{key}.rev").exists()


def test_officer_key_asks_for_no_compression(tmp_path: Path) -> None:
    """
    What the key prefers: AES-256 first, and no compression at all.
    """
    key = generate_officer_key(
        tmp_path,
        name="Petugas Uji",
        email="petugas@example.test",
        expires_days=365,
        passphrase=None,
        today=TODAY,
    )
    packets = subprocess.run(
        ["gpg", "--list-packets"],
        input=Keyring(tmp_path).export(key),
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout.decode()
    assert "pref-sym-algos: 9 8 7" in packets
    assert "pref-zip-algos: 0" in packets


def test_officer_does_not_trust_themselves(tmp_path: Path) -> None:
    """
    Only the organisation's key may be trusted ultimately, on the desk as well.
    """
    generate_officer_key(
        tmp_path,
        name="Petugas Uji",
        email="petugas@example.test",
        expires_days=365,
        passphrase=None,
        today=TODAY,
    )
    assert None is Keyring(tmp_path).organisation()


def test_organisation_key_can_only_certify(world: World) -> None:
    """
    It has no subkey, and neither signs nor encrypts.
    """
    records = listing(world.organisation_home)
    primary = next(
        record
        for record in records
        if record[0] == "pub" and record[4] == world.organisation[-16:]
    )
    assert "c" == primary[11].rstrip("SCE")
    assert "ed25519" == primary[16]
    assert world.organisation == Keyring(world.organisation_home).organisation()


def test_certified_on_the_day(world: World, tmp_path: Path) -> None:
    """
    A certification carries the day and no hour.
    """
    home = tmp_path / "officer"
    key = generate_officer_key(
        home,
        name="Petugas Uji",
        email="petugas@example.test",
        expires_days=365,
        passphrase=None,
        today=TODAY,
    )
    certified = certify(
        world.organisation_home,
        organisation=world.organisation,
        officer_key=Keyring(home).export(key),
        passphrase=None,
        today=TODAY,
    )
    keyring = Keyring(tmp_path / "server")
    keyring.trust_organisation(world.organisation_file)

    assert key == keyring.admit(certified, today=TODAY).fingerprint
    assert [MIDNIGHT] == [
        record[5]
        for record in listing(tmp_path / "server")
        if record[0] == "sig"
        and record[12] == world.organisation
        and record[10].startswith("10")
    ]


def test_key_made_that_morning_is_certified_too(world: World, tmp_path: Path) -> None:
    """
    A key from another program, made at nine, is not older than its certification.
    """
    home = tmp_path / "officer"
    Keyring(home)
    subprocess.run(
        ["gpg", "--homedir", str(home), "--batch", "--passphrase", ""]
        + ["--faked-system-time", "20261124T090000!"]
        + ["--quick-generate-key", "Uji <uji@example.test>", "future-default"]
        + ["default", "1y"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    subprocess.run(
        ["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"],
        check=True,
        timeout=60,
    )
    (printed,) = [record[9] for record in listing(home) if record[0] == "fpr"][:1]
    key = Fingerprint(printed)
    certified = certify(
        world.organisation_home,
        organisation=world.organisation,
        officer_key=Keyring(home).export(key),
        passphrase=None,
        today=TODAY,
    )
    keyring = Keyring(tmp_path / "server")
    keyring.trust_organisation(world.organisation_file)
    assert key == keyring.admit(certified, today=TODAY).fingerprint


def test_passphrase_of_the_organisation(tmp_path: Path) -> None:
    """
    Without the right passphrase nothing is certified.
    """
    organisation = generate_organisation_key(
        tmp_path / "organisation",
        name="Organisasi Uji",
        email="organisasi@example.test",
        expires_days=3650,
        passphrase=b"kata sandi",
        today=TODAY,
    )
    officer = generate_officer_key(
        tmp_path / "officer",
        name="Petugas Uji",
        email="petugas@example.test",
        expires_days=365,
        passphrase=None,
        today=TODAY,
    )
    key = Keyring(tmp_path / "officer").export(officer)

    def certified(passphrase: bytes | None) -> bytes:
        return certify(
            tmp_path / "organisation",
            organisation=organisation,
            officer_key=key,
            passphrase=passphrase,
            today=TODAY,
        )

    with pytest.raises(NotCertified):
        certified(None)
    with pytest.raises(NotCertified, match="Bad passphrase") as refusal:
        certified(b"salah")
    assert "salah" not in str(refusal.value)
    assert certified(b"kata sandi").startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK")


def test_what_is_not_certified(world: World) -> None:
    """
    A secret key, no key, and the organisation's own.
    """
    for file, error in (
        (world.secret_file, SecretKeyRefused),
        (b"halo", KeyNotAdmitted),
        (world.organisation_file, NotCertified),
    ):
        with pytest.raises(error):
            certify(
                world.organisation_home,
                organisation=world.organisation,
                officer_key=file,
                passphrase=None,
                today=TODAY,
            )


@pytest.mark.parametrize(
    ("name", "email"),
    [
        ("", "a@example.test"),
        (" ", "a@example.test"),
        ("Uji", ""),
        ("Uji\n%no-protection", "a@example.test"),
        ("Uji\nExpire-Date: 0", "a@example.test"),
        ("Uji", "a@example.test\u2028"),
        ("Uji <b@example.test>", "a@example.test"),
        ("Uji\u202e", "a@example.test"),
    ],
)
def test_unusable_owner(tmp_path: Path, name: str, email: str) -> None:
    """
    A name cannot bring in a parameter of its own, and nothing is made.
    """
    with pytest.raises(UnusableKeyOwner):
        generate_officer_key(
            tmp_path / "home",
            name=name,
            email=email,
            expires_days=365,
            passphrase=None,
            today=TODAY,
        )
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("days", [0, -1, 3661])
def test_every_key_ends(tmp_path: Path, days: int) -> None:
    """
    A key without an end is not made.
    """
    with pytest.raises(ValueError, match="days"):
        generate_organisation_key(
            tmp_path / "home",
            name="Organisasi Uji",
            email="o@example.test",
            expires_days=days,
            passphrase=None,
            today=TODAY,
        )
