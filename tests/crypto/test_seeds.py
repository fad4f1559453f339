"""A key out of gpg as 32 bytes, and back into gpg."""

import os
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.certificates import certify, generate_officer_key, generate_organisation_key
from crypto.fingerprint import Fingerprint
from crypto.openpgp import Keyring
from crypto.seeds import (
    SeedNotRead,
    SeedRefused,
    _public_of,
    _secret_body,
    _seed_in,
    import_seed,
    read_seed,
)

TODAY = date(2026, 11, 24)
OLD, NEW = b"kata sandi lama", b"kata sandi baru"


def make(home: Path, passphrase: bytes | None) -> tuple[Fingerprint, bytes]:
    """Make an organisation's key; return its fingerprint and public key."""
    key = generate_organisation_key(
        home,
        name="Organisasi Uji",
        email="organisasi@example.test",
        expires_days=3650,
        passphrase=passphrase,
        today=TODAY,
    )
    return key, Keyring(home).export(key)


@pytest.mark.parametrize(("before", "after"), [(OLD, NEW), (None, None)])
def test_a_key_comes_back_from_its_seed(
    tmp_path: Path, before: bytes | None, after: bytes | None
) -> None:
    """
    The key that is rebuilt has the same fingerprint and certifies officers, whom a
    server that knew the first key admits.
    """
    key, public_key = make(tmp_path / "old", before)
    seed = read_seed(tmp_path / "old", key, passphrase=before)
    home = tmp_path / "new"
    import_seed(home, public_key, seed, passphrase=after, entropy=os.urandom)
    assert key == Keyring(home).organisation()

    officer_home = tmp_path / "officer"
    officer = generate_officer_key(
        officer_home,
        name="Petugas Uji",
        email="petugas@example.test",
        expires_days=10,
        passphrase=None,
        today=TODAY,
    )
    certified = certify(
        home,
        organisation=key,
        officer_key=Keyring(officer_home).export(officer),
        passphrase=after,
        today=TODAY,
    )
    server = Keyring(tmp_path / "server")
    server.trust_organisation(public_key)
    assert officer == server.admit(certified, today=TODAY).fingerprint


def test_the_seed_is_in_no_file(tmp_path: Path) -> None:
    """
    A key with a passphrase is on the disk only under it, here and there.
    """
    key, public_key = make(tmp_path / "old", OLD)
    seed = read_seed(tmp_path / "old", key, passphrase=OLD)
    import_seed(tmp_path / "new", public_key, seed, passphrase=NEW, entropy=os.urandom)
    found = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file()
        for content in [path.read_bytes()]
        if seed in content or seed.hex().encode() in content.lower()
    ]
    assert [] == found
    assert seed == read_seed(tmp_path / "new", key, passphrase=NEW)


@pytest.mark.parametrize("wrong", [None, b"salah"])
def test_a_wrong_passphrase(tmp_path: Path, wrong: bytes | None) -> None:
    """
    Without the passphrase there is no seed, and it is not repeated.
    """
    key, _public_key = make(tmp_path / "old", OLD)
    with pytest.raises(SeedNotRead) as refusal:
        read_seed(tmp_path / "old", key, passphrase=wrong)
    assert "salah" not in str(refusal.value)


def test_the_seed_of_another_key(tmp_path: Path) -> None:
    """
    A seed that does not belong to the public key makes no key, and no home.
    """
    _key, public_key = make(tmp_path / "old", None)
    for seed in (bytes(32), b"short"):
        with pytest.raises(SeedRefused):
            import_seed(
                tmp_path / "new", public_key, seed, passphrase=None, entropy=os.urandom
            )
    assert not (tmp_path / "new").exists()


def public_body(seed: bytes) -> bytes:
    """Write the body of a public-key packet (RFC 9580, sections 5.5.2 and 5.5.5.5)."""
    return (
        b"\x04"
        + bytes(4)
        + b"\x16\x09"
        + bytes.fromhex("2b06010401da470f01")
        + (263).to_bytes(2, "big")
        + b"\x40"
        + _public_of(seed)
    )


@given(seed=st.binary(min_size=32, max_size=32), leading=st.integers(0, 2))
def test_seeds_of_all_kinds(seed: bytes, leading: int) -> None:
    """
    What is written is read again, however many zeros the seed begins with.
    """
    seed = bytes(leading) + seed[leading:]
    if not any(seed):
        return
    body = _secret_body(public_body(seed), seed, None, os.urandom)
    packet = b"\xc5\xff" + len(body).to_bytes(4, "big") + body
    assert seed == _seed_in(packet, None)


@given(content=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """
    What is no secret key is refused in words.
    """
    for passphrase in (None, b"x"):
        with pytest.raises(SeedNotRead):
            _seed_in(content, passphrase)
        packet = b"\xc5\xff" + len(content).to_bytes(4, "big") + content
        with pytest.raises(SeedNotRead):
            _seed_in(packet, passphrase)


@given(
    tail=st.binary(max_size=120),
    usage=st.sampled_from([0, 1, 9, 253, 254, 255]),
)
def test_any_protection_is_read_or_refused(tail: bytes, usage: int) -> None:
    """
    Behind a good public key, too, everything else is refused in words.
    """
    body = public_body(b"\x01" * 32) + bytes([usage]) + tail
    packet = b"\xc5\xff" + len(body).to_bytes(4, "big") + body
    with pytest.raises(SeedNotRead):
        _seed_in(packet, b"kata sandi")


def test_the_public_packets_stay(tmp_path: Path) -> None:
    """
    The rebuilt key's public half is, packet by packet, the one on the servers.
    """
    key, public_key = make(tmp_path / "old", None)
    seed = read_seed(tmp_path / "old", key, passphrase=None)
    import_seed(tmp_path / "new", public_key, seed, passphrase=None, entropy=os.urandom)
    assert public_key == Keyring(tmp_path / "new").export(key)
