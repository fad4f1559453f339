"""
Real keys for the tests of OpenPGP, made once per run with the real gpg.

One workshop home holds every key pair, good and bad; the tests copy what they
need.  Names and addresses are test data.
"""

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from support.openpgp_world import MADE, TODAY, World, run_gpg

from crypto.agent import AgentHome
from crypto.certificates import (
    certify,
    generate_officer_key,
    generate_organisation_key,
)
from crypto.opening import SecretKeyring
from crypto.openpgp import Fingerprint, Keyring


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Make the organisation, two good officers, and every kind of bad key."""
    base = tmp_path_factory.mktemp("world")
    # Agents for the whole run, so that they are not started for every key.
    with (
        AgentHome(base / "workshop") as workshop,
        AgentHome(base / "organisation") as organisation,
    ):
        yield _make_world(workshop.path, organisation.path)


@pytest.fixture
def keyring(world: World, tmp_path: Path) -> Keyring:
    """A server's keyring with the organisation and its two good officers."""
    ring = Keyring(tmp_path / "server")
    ring.trust_organisation(world.organisation_file)
    for name in ("ani", "budi"):
        ring.admit(world.file[name], today=TODAY)
    return ring


@pytest.fixture
def desk(world: World) -> Iterator[SecretKeyring]:
    """The private keys of all officers."""
    with SecretKeyring(world.workshop) as ring:
        yield ring


def _make_world(workshop: Path, organisation_home: Path) -> World:
    organisation = generate_organisation_key(
        organisation_home,
        name="Organisasi Uji",
        email="organisasi@example.test",
        expires_days=3650,
        passphrase=None,
        today=MADE,
    )
    # Somebody who calls himself the same, with another key.
    impostor = generate_organisation_key(
        workshop,
        name="Organisasi Uji",
        email="organisasi@example.test",
        expires_days=3650,
        passphrase=None,
        today=MADE,
    )
    key: dict[str, Fingerprint] = {"impostor": impostor}
    file: dict[str, bytes] = {"impostor": Keyring(workshop).export(impostor)}

    def officer(name: str, *, made: date = MADE, days: int = 365) -> None:
        key[name] = generate_officer_key(
            workshop,
            name=f"Petugas Uji {name}",
            email=f"{name}@example.test",
            expires_days=days,
            passphrase=None,
            today=made,
        )
        file[name] = Keyring(workshop).export(key[name])

    def certified(name: str, *, on: date = MADE) -> None:
        file[name] = certify(
            organisation_home,
            organisation=organisation,
            officer_key=file[name],
            passphrase=None,
            today=on,
        )

    for name in ("ani", "budi", "expired", "revoked", "unwanted", "other"):
        officer(name, days=10 if name == "expired" else 365)
        certified(name)
    for name in ("uncertified", "impostor-certified"):
        officer(name)
    officer("young", made=TODAY + timedelta(days=2))
    certified("young", on=TODAY + timedelta(days=2))

    noon = f"{MADE:%Y%m%d}T120000"
    run_gpg(
        workshop,
        "--local-user",
        impostor,
        "--quick-sign-key",
        key["impostor-certified"],
        at=noon,
    )
    file["impostor-certified"] = Keyring(workshop).export(key["impostor-certified"])

    signed_before_revocation = run_gpg(
        workshop,
        "--local-user",
        key["revoked"],
        "--detach-sign",
        at=noon,
        content=b"isi kotak keluar",
    )
    revocation = workshop / "openpgp-revocs.d" / f"{key['revoked']}.rev"
    # gpg puts a colon before the armor, lest it be used by accident.
    run_gpg(
        workshop,
        "--import",
        at=noon,
        content=revocation.read_bytes().replace(b"\n:---", b"\n---"),
    )
    revoked = Keyring(workshop).export(key["revoked"])
    file["revoked-before"] = file["revoked"]
    file["revoked"] = _merged(workshop, file["revoked"], revoked, key["revoked"])

    file["unwanted-before"] = file["unwanted"]
    run_gpg(
        organisation_home,
        "--quick-revoke-sig",
        key["unwanted"],
        organisation,
        at=f"{MADE + timedelta(days=3):%Y%m%d}T000000",
    )
    file["unwanted"] = Keyring(organisation_home).export(key["unwanted"])

    for name, usage, days in (
        ("sign-only", "", 0),
        ("subkey-expired", "encr", 10),
    ):
        run_gpg(
            workshop,
            "--quick-generate-key",
            f"Petugas Uji {name} <{name}@example.test>",
            "ed25519",
            "sign",
            "365d",
            at=f"{MADE:%Y%m%d}T000000",
        )
        key[name] = _newest(workshop)
        if usage:
            run_gpg(
                workshop,
                "--quick-add-key",
                key[name],
                "cv25519",
                usage,
                f"{days}d",
                at=f"{MADE:%Y%m%d}T000000",
            )
        file[name] = Keyring(workshop).export(key[name])
        certified(name)

    return World(
        workshop=workshop,
        organisation_home=organisation_home,
        organisation=organisation,
        organisation_file=Keyring(organisation_home).export(organisation),
        key=key,
        file=file,
        secret_file=run_gpg(
            workshop, "--armor", "--export-secret-keys", key["ani"], at=noon
        ),
        signed_before_revocation=signed_before_revocation,
    )


def _newest(home: Path) -> Fingerprint:
    listing = run_gpg(
        home, "--with-colons", "--list-keys", at=f"{TODAY:%Y%m%d}T000000"
    ).decode("utf-8", "replace")
    # The last "fpr" that follows a "pub" belongs to the key made last.
    after_pub = [part.split("fpr:")[1] for part in listing.split("\npub:")[1:]]
    return Fingerprint(after_pub[-1].split(":")[8])


def _merged(workshop: Path, one: bytes, other: bytes, key: Fingerprint) -> bytes:
    """Join what two copies of a key say, as a key server would."""
    scratch = workshop / "merge"
    # gpg starts an agent, which must be gone before its folder is removed.
    with AgentHome(scratch) as home:
        for file in (one, other):
            run_gpg(home.path, "--import", at=f"{TODAY:%Y%m%d}T000000", content=file)
        merged = Keyring(home.path).export(key)
    shutil.rmtree(scratch)
    return merged
