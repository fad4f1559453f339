"""Sealing to somebody whom the organisation did not certify, and to nobody else."""

import io
from datetime import date

import pytest
from support.opening import opened
from support.openpgp_world import World

from crypto.fingerprint import Fingerprint
from crypto.opening import SecretKeyring
from crypto.openpgp import KeyNotAdmitted, Keyring
from crypto.packets import read_envelope
from crypto.recipients import FingerprintNotThatOfTheKey, sealing_to_stranger
from crypto.sealing import RecipientRefused

TODAY = date(2026, 11, 24)
CONTENT = b"berkas kasus " * 10_000


def sealed_to(key_file: bytes, fingerprint: Fingerprint) -> bytes:
    """Seal to the key in a file."""
    pieces: list[bytes] = []
    with sealing_to_stranger(
        key_file, fingerprint_on_paper=fingerprint, sink=pieces.append, day=TODAY
    ) as sealing:
        sealing.write(CONTENT)
    return b"".join(pieces)


def test_a_stranger_can_open_what_is_sealed_to_them(
    world: World, desk: SecretKeyring
) -> None:
    """
    Nobody certified the key; it is the only recipient, and opens it byte for byte.
    """
    sealed = sealed_to(world.file["uncertified"], world.key["uncertified"])

    assert CONTENT == opened(desk, sealed)
    assert 1 == len(read_envelope(io.BytesIO(sealed)).recipient_key_ids)


def test_another_fingerprint_seals_nothing(world: World) -> None:
    """
    A key file that was exchanged on the way is refused before a byte is sealed.
    """
    pieces: list[bytes] = []

    with (
        pytest.raises(FingerprintNotThatOfTheKey),
        sealing_to_stranger(
            world.file["impostor"],
            fingerprint_on_paper=world.key["uncertified"],
            sink=pieces.append,
            day=TODAY,
        ),
    ):
        pytest.fail("nothing may be written")
    assert [] == pieces


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("expired", "expired"),
        ("revoked", "revoked"),
        ("sign-only", "no encryption subkey"),
        ("subkey-expired", "encryption subkey expired"),
        ("young", "not valid before"),
    ],
)
def test_a_key_that_is_unfit_is_refused(world: World, name: str, reason: str) -> None:
    """
    A fingerprint on paper says whose the key is, and not that it is good.
    """
    with pytest.raises(RecipientRefused, match=reason):
        sealed_to(world.file[name], world.key[name])


def test_a_file_with_several_keys_is_refused(world: World) -> None:
    """
    The fingerprint says nothing about a second key.
    """
    both = world.file["uncertified"] + world.file["impostor"]

    with pytest.raises(KeyNotAdmitted):
        sealed_to(both, world.key["uncertified"])


def test_a_stranger_gets_into_no_other_keyring(world: World, keyring: Keyring) -> None:
    """
    Having sealed to a key once does not make it one that reports are sealed to.
    """
    sealed_to(world.file["uncertified"], world.key["uncertified"])

    usable = keyring.usable([world.key["uncertified"]], today=TODAY)
    assert "not in the keyring" == usable.refused[world.key["uncertified"]]
