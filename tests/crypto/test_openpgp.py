"""Public keys: who is let in, who is fit today, and whose signature counts."""

import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.opening import opened
from support.openpgp_world import World

from crypto.admission import KEY_FILE_BYTES, read_key_file
from crypto.certificates import certify, generate_officer_key, generate_organisation_key
from crypto.opening import SecretKeyring
from crypto.openpgp import (
    Fingerprint,
    KeyNotAdmitted,
    Keyring,
    KeyringUnsound,
    MalformedFingerprint,
    OrganisationRefused,
    PrivateKeyFound,
    SecretKeyRefused,
    SignatureRefused,
    UnknownKey,
    parse_fingerprint,
)
from crypto.packets import read_envelope

TODAY = date(2026, 11, 24)
CONTENT = b"isi kotak keluar"
VECTOR = json.loads(
    (Path(__file__).parents[1] / "vectors" / "openpgp-sealed-item.json").read_text()
)


def digests(home: Path) -> dict[str, str]:
    """Return what the files of a home hold, byte for byte."""
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in home.iterdir()
        if file.is_file()
    }


# Fingerprints.


@pytest.mark.parametrize(
    "text",
    [
        "0123456789abcdef0123456789ABCDEF01234567",
        "0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567",
    ],
)
def test_fingerprint_as_people_copy_it(text: str) -> None:
    """
    Case and spaces do not matter.
    """
    assert "0123456789ABCDEF0123456789ABCDEF01234567" == parse_fingerprint(text)


@pytest.mark.parametrize(
    "text",
    ["", "89ABCDEF01234567", "0x" + "0" * 40, "0" * 39, "0" * 41, "0" * 39 + "\u0660"]
    + ["--output=/tmp/x", "ani@example.test", "0" * 40 + "\n", "0" * 39 + "G"],
)
def test_nothing_else_is_a_fingerprint(text: str) -> None:
    """
    Key IDs, names and options never reach a command line as a key.
    """
    with pytest.raises(MalformedFingerprint):
        parse_fingerprint(text)


def test_every_name_of_a_key_is_checked(keyring: Keyring) -> None:
    """
    Where a fingerprint is expected, an address of a real key is refused.
    """
    name = Fingerprint("ani@example.test")
    with pytest.raises(MalformedFingerprint):
        keyring.sealing([name], sink=print, day=TODAY)
    with pytest.raises(MalformedFingerprint):
        keyring.usable([name], today=TODAY)
    with pytest.raises(MalformedFingerprint):
        keyring.export(name)
    with pytest.raises(MalformedFingerprint):
        keyring.remove(name)


# The organisation.


def test_home_is_private(tmp_path: Path) -> None:
    """
    A new home can be read by its owner only.
    """
    Keyring(tmp_path / "new" / "home")
    assert 0o700 == stat.S_IMODE((tmp_path / "new" / "home").stat().st_mode)


@pytest.mark.parametrize("letters", [60, 200])
def test_a_home_may_be_deep_down(world: World, tmp_path: Path, letters: int) -> None:
    """
    A path in which gpg's sockets have no room is no hindrance, and leaves nothing.
    """
    home = tmp_path / ("d" * letters) / "keyring"
    before = set(Path(tempfile.gettempdir()).glob("bisik-*/home"))
    keyring = Keyring(home)
    keyring.trust_organisation(world.organisation_file)
    assert (home / "pubring.kbx").exists()
    assert world.organisation == keyring.organisation()

    del keyring
    links = set(Path(tempfile.gettempdir()).glob("bisik-*/home")) - before
    assert not [link for link in links if link.resolve() == home.resolve()]


def test_organisation_is_the_only_trusted_key(world: World, tmp_path: Path) -> None:
    """
    It is trusted once, may come again, and no other takes its place.
    """
    keyring = Keyring(tmp_path / "home")
    assert None is keyring.organisation()

    for _ in range(2):
        assert world.organisation == keyring.trust_organisation(world.organisation_file)
    with pytest.raises(OrganisationRefused, match=world.organisation):
        keyring.trust_organisation(world.file["impostor"])

    assert world.organisation == keyring.organisation()


def test_organisation_that_was_removed_is_not_trusted_again(
    world: World, tmp_path: Path
) -> None:
    """
    gpg remembers trust in keys it does not have; removing takes that away too.
    """
    keyring = Keyring(tmp_path / "home")
    keyring.trust_organisation(world.organisation_file)
    keyring.remove(world.organisation)
    assert None is keyring.organisation()

    keyring.trust_organisation(world.file["impostor"])
    with pytest.raises(KeyNotAdmitted):
        keyring.admit(world.organisation_file, today=TODAY)
    assert world.key["impostor"] == keyring.organisation()


def test_two_trusted_keys_are_a_fault(world: World, keyring: Keyring) -> None:
    """
    If something else trusted a second key, that is said and not picked from.
    """
    keyring._set_ownertrust(world.key["ani"], "TRUST_ULTIMATE")
    with pytest.raises(KeyringUnsound, match=world.key["ani"]):
        keyring.organisation()


@pytest.mark.parametrize("content", ["secret", "two"])
def test_organisation_must_be_one_public_key(
    world: World, tmp_path: Path, content: str
) -> None:
    """
    A secret key or two keys cannot be trusted.
    """
    keyring = Keyring(tmp_path / "home")
    bad = {
        "secret": world.secret_file,
        "two": world.organisation_file + world.file["ani"],
    }[content]
    with pytest.raises(KeyNotAdmitted):
        keyring.trust_organisation(bad)
    assert None is keyring.organisation()


def test_without_an_organisation_nobody_is_admitted(
    world: World, tmp_path: Path
) -> None:
    """
    The reason names what is missing.
    """
    with pytest.raises(KeyNotAdmitted, match="no organisation key"):
        Keyring(tmp_path / "home").admit(world.file["ani"], today=TODAY)


# Admission.


def test_admitted_key(world: World, keyring: Keyring) -> None:
    """
    What is told about a key that was let in.
    """
    admitted = keyring.admit(world.file["ani"], today=TODAY)

    assert world.key["ani"] == admitted.fingerprint
    assert "Petugas Uji ani <ani@example.test>" == admitted.user_id
    assert date(2027, 11, 2) == admitted.expires
    # November's, and those of the year to come.
    assert 13 == len(admitted.encryption_subkeys)
    assert admitted.encryption_subkeys[0] != world.key["ani"]


def test_binary_key_file_is_admitted_too(world: World, keyring: Keyring) -> None:
    """
    Armor is a wrapping, not a rule.
    """
    binary = read_key_file(world.file["other"])
    assert world.key["other"] == keyring.admit(binary, today=TODAY).fingerprint


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("uncertified", "not certified by the organisation"),
        ("impostor-certified", "not certified by the organisation"),
        ("impostor", "no encryption subkey"),
        ("unwanted", "certification revoked by the organisation"),
        ("expired", "expired on 2026-11-12"),
        ("revoked", "revoked"),
        ("sign-only", "no encryption subkey"),
        ("subkey-expired", "encryption subkey expired on 2026-11-12"),
        ("young", "not valid before 2026-11-26"),
    ],
)
def test_unfit_key_is_refused(
    world: World, keyring: Keyring, tmp_path: Path, name: str, reason: str
) -> None:
    """
    The refusal names the key and the reason, and the keyring is the same as
    before, byte for byte.
    """
    before = digests(tmp_path / "server")

    with pytest.raises(KeyNotAdmitted) as refusal:
        keyring.admit(world.file[name], today=TODAY)

    expected = f"the key {world.key[name]} is refused: {reason}"
    assert expected == str(refusal.value)
    assert before == digests(tmp_path / "server")


def test_file_that_is_no_key_is_refused(
    world: World, keyring: Keyring, tmp_path: Path
) -> None:
    """
    Everything that is not exactly one public key, each with its reason.
    """
    ani, binary = world.file["ani"], read_key_file(world.file["ani"])
    # A public key with one secret subkey packet (type 7) put behind it.
    smuggled = binary + b"\xc7\x01\x04"
    secret = world.secret_file.replace(b"PRIVATE", b"PUBLIC")
    before = digests(tmp_path / "server")

    for content, error, reason in (
        (b"", KeyNotAdmitted, "not an OpenPGP key"),
        (b"\x99", KeyNotAdmitted, "not an OpenPGP key"),
        (b"halo", KeyNotAdmitted, "not an OpenPGP key"),
        (b"%PDF-1.7\n" + bytes(100), KeyNotAdmitted, "not an OpenPGP key"),
        (ani[:-60], KeyNotAdmitted, "not an OpenPGP key"),
        (binary[:-1], KeyNotAdmitted, "not an OpenPGP key"),
        (binary[200:], KeyNotAdmitted, "not an OpenPGP key"),
        (ani + world.file["budi"], KeyNotAdmitted, "more than one key"),
        (binary * 2, KeyNotAdmitted, "more than one key"),
        (binary + b"\xcb\x01b", KeyNotAdmitted, "more than an OpenPGP key"),
        (bytes(KEY_FILE_BYTES + 1), KeyNotAdmitted, "larger than 256 KiB"),
        (world.secret_file, SecretKeyRefused, "secret key"),
        (ani + world.secret_file, SecretKeyRefused, "secret key"),
        (secret, SecretKeyRefused, "secret key"),
        (smuggled, SecretKeyRefused, "secret key"),
    ):
        with pytest.raises(error, match=reason):
            keyring.admit(content, today=TODAY)

    assert before == digests(tmp_path / "server")
    keyring.assert_public_only()


@given(st.binary(max_size=400), st.booleans())
def test_junk_is_no_key(junk: bytes, armored: bool) -> None:
    """
    Arbitrary bytes are refused in one way only, armored or not.
    """
    if armored:
        junk = (
            b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"
            + junk
            + b"\n-----END PGP PUBLIC KEY BLOCK-----\n"
        )
    try:
        read_key_file(junk)
    except KeyNotAdmitted:
        return
    # Only something that begins like a public key packet can come this far.
    assert junk[0] in (0x98, 0x99, 0x9A, 0xC6) or armored


def test_damaged_key_is_refused(world: World, keyring: Keyring, tmp_path: Path) -> None:
    """
    A key with a bit turned over in its key material or binding signature is not
    let in as it was.
    """
    binary = bytearray(read_key_file(world.file["other"]))
    before = digests(tmp_path / "server")
    for place in (20, 40):
        damaged = bytearray(binary)
        damaged[place] ^= 1
        with pytest.raises(KeyNotAdmitted):
            keyring.admit(bytes(damaged), today=TODAY)
    assert before == digests(tmp_path / "server")


def test_old_copy_does_not_undo_a_revocation(
    world: World, keyring: Keyring, tmp_path: Path
) -> None:
    """
    A key that is known to be revoked is refused even by a file from before.
    """
    keyring.admit(world.file["revoked-before"], today=TODAY)
    keyring._import(
        keyring._gpg, read_key_file(world.file["revoked"]), world.key["revoked"]
    )

    with pytest.raises(KeyNotAdmitted, match="revoked"):
        keyring.admit(world.file["revoked-before"], today=TODAY)
    assert () == keyring.usable([world.key["revoked"]], today=TODAY).usable


# Use and removal.


def test_usable_sorts(world: World, keyring: Keyring) -> None:
    """
    The fit come in the order asked for, the others with their reasons.
    """
    answer = keyring.usable(
        [world.key[name] for name in ("budi", "other", "ani", "budi")], today=TODAY
    )

    assert (world.key["budi"], world.key["ani"]) == answer.usable
    assert {world.key["other"]: "not in the keyring"} == dict(answer.refused)


def test_usable_on_later_days(world: World, keyring: Keyring) -> None:
    """
    An expired key is left out and does not take the others with it.
    """
    keyring.admit(world.file["expired"], today=date(2026, 11, 5))
    wanted = [world.key[name] for name in ("expired", "ani")]

    assert tuple(wanted) == keyring.usable(wanted, today=date(2026, 11, 5)).usable
    later = keyring.usable(wanted, today=TODAY)
    assert (world.key["ani"],) == later.usable
    assert {world.key["expired"]: "expired on 2026-11-12"} == dict(later.refused)
    far = keyring.usable(wanted, today=date(2028, 1, 1))
    assert () == far.usable


def test_nobody_is_usable_of_nobody(keyring: Keyring) -> None:
    """
    To ask about no key is no question about all keys.
    """
    assert () == keyring.usable([], today=TODAY).usable


def test_usable_is_cheap(world: World, keyring: Keyring) -> None:
    """
    It runs before every form: the best of a few runs is far below a blink.
    """
    wanted = [world.key["ani"], world.key["budi"]]
    durations = []
    for _ in range(10):
        start = time.perf_counter()
        keyring.usable(wanted, today=TODAY)
        durations.append(time.perf_counter() - start)
    assert min(durations) < 0.05  # 6 ms where it was measured.


def test_expired_organisation_closes_intake_and_says_so(tmp_path: Path) -> None:
    """
    When the organisation's key has expired, nobody is usable, and the reason is
    that and not the officer.
    """
    made = date(2026, 11, 2)
    organisation = generate_organisation_key(
        tmp_path / "o",
        name="Organisasi Uji",
        email="o@example.test",
        expires_days=5,
        passphrase=None,
        today=made,
    )
    officer = generate_officer_key(
        tmp_path / "p",
        name="Petugas Uji",
        email="p@example.test",
        expires_days=365,
        passphrase=None,
        today=made,
    )
    certified = certify(
        tmp_path / "o",
        organisation=organisation,
        officer_key=Keyring(tmp_path / "p").export(officer),
        passphrase=None,
        today=made,
    )
    keyring = Keyring(tmp_path / "s")
    keyring.trust_organisation(Keyring(tmp_path / "o").export(organisation))
    keyring.admit(certified, today=made)
    assert (officer,) == keyring.usable([officer], today=made).usable

    late = keyring.usable([officer], today=made + timedelta(days=30))

    assert {
        officer: f"not certified: the organisation's key {organisation} "
        "is expired on 2026-11-07"
    } == dict(late.refused)


def test_export_is_what_was_admitted(
    world: World, keyring: Keyring, tmp_path: Path
) -> None:
    """
    A key goes from one server to another whole.
    """
    other = Keyring(tmp_path / "other")
    other.trust_organisation(keyring.export(world.organisation))
    admitted = other.admit(keyring.export(world.key["ani"]), today=TODAY)
    assert world.key["ani"] == admitted.fingerprint


def test_remove(world: World, keyring: Keyring) -> None:
    """
    A key that was removed is gone, and cannot be removed or exported again.
    """
    keyring.remove(world.key["ani"])

    assert (world.key["budi"],) == keyring.usable(
        [world.key["ani"], world.key["budi"]], today=TODAY
    ).usable
    with pytest.raises(UnknownKey):
        keyring.remove(world.key["ani"])
    with pytest.raises(UnknownKey):
        keyring.export(world.key["ani"])


def test_key_pair_is_not_removed(world: World) -> None:
    """
    The public half of a key pair stays with its secret half.
    """
    with pytest.raises(KeyringUnsound):
        Keyring(world.workshop).remove(world.key["other"])


def test_public_only(world: World, keyring: Keyring, tmp_path: Path) -> None:
    """
    Any private key in the home is found, with or without an agent to list it.
    """
    keyring.assert_public_only()

    (tmp_path / "server" / "private-keys-v1.d").mkdir()
    keyring.assert_public_only()
    (tmp_path / "server" / "private-keys-v1.d" / ("0" * 40 + ".key")).write_bytes(b"x")
    with pytest.raises(PrivateKeyFound):
        keyring.assert_public_only()
    shutil.rmtree(tmp_path / "server" / "private-keys-v1.d")

    (tmp_path / "server" / "secring.gpg").write_bytes(b"x")
    with pytest.raises(PrivateKeyFound):
        keyring.assert_public_only()
    with pytest.raises(PrivateKeyFound):
        Keyring(world.workshop).assert_public_only()


def test_server_starts_no_agent(world: World, keyring: Keyring, tmp_path: Path) -> None:
    """
    Nothing that a server does leaves a socket of an agent in its home.
    """
    keyring.usable([world.key["ani"]], today=TODAY)
    keyring.export(world.key["ani"])
    sockets = [file for file in (tmp_path / "server").iterdir() if file.is_socket()]
    assert [] == sockets


# Signatures.


def signed(
    desk: SecretKeyring, world: World, name: str, content: bytes = CONTENT
) -> bytes:
    """Sign as one of the officers."""
    return desk.sign_detached(content, signer=world.key[name], day=TODAY)


def test_signature_that_counts(
    world: World, keyring: Keyring, desk: SecretKeyring
) -> None:
    """
    An allowed officer's signature gives their fingerprint.
    """
    assert world.key["ani"] == keyring.verify_detached(
        CONTENT,
        signed(desk, world, "ani"),
        allowed=[world.key["budi"], world.key["ani"]],
        today=TODAY,
    )


def test_large_and_empty_content(
    world: World, keyring: Keyring, desk: SecretKeyring
) -> None:
    """
    Neither the size of a pipe nor nothing at all is in the way.
    """
    for content in (b"", os.urandom(3_000_000)):
        assert world.key["ani"] == keyring.verify_detached(
            content,
            signed(desk, world, "ani", content),
            allowed=[world.key["ani"]],
            today=TODAY,
        )


@pytest.mark.parametrize("content", [CONTENT + b"\n", CONTENT[:-1], b"", bytes(10**6)])
def test_changed_content(
    world: World, keyring: Keyring, desk: SecretKeyring, content: bytes
) -> None:
    """
    One byte more or less, nothing, or something else.
    """
    with pytest.raises(SignatureRefused, match="changed"):
        keyring.verify_detached(
            content,
            signed(desk, world, "ani"),
            allowed=[world.key["ani"]],
            today=TODAY,
        )


def test_other_officer(world: World, keyring: Keyring, desk: SecretKeyring) -> None:
    """
    A good officer who may not sign this is refused by name.
    """
    with pytest.raises(SignatureRefused, match=f"{world.key['budi']} may not sign"):
        keyring.verify_detached(
            CONTENT,
            signed(desk, world, "budi"),
            allowed=[world.key["ani"]],
            today=TODAY,
        )


def test_unknown_key(world: World, keyring: Keyring, desk: SecretKeyring) -> None:
    """
    A key that is not in the keyring counts for nothing, even when allowed.
    """
    with pytest.raises(SignatureRefused, match="not in the keyring"):
        keyring.verify_detached(
            CONTENT,
            signed(desk, world, "other"),
            allowed=[world.key["other"]],
            today=TODAY,
        )


@pytest.mark.parametrize("name", ["uncertified", "impostor-certified", "unwanted"])
def test_uncertified_key(
    world: World, keyring: Keyring, desk: SecretKeyring, name: str
) -> None:
    """
    A key that slipped into the keyring and the list is refused all the same.
    """
    keyring._import(keyring._gpg, read_key_file(world.file[name]), world.key[name])
    with pytest.raises(SignatureRefused, match="not certified"):
        keyring.verify_detached(
            CONTENT,
            signed(desk, world, name),
            allowed=[world.key[name]],
            today=TODAY,
        )


def test_key_expired_since(world: World, keyring: Keyring, desk: SecretKeyring) -> None:
    """
    A signature made in time counts no longer when its key has expired.
    """
    in_time = date(2026, 11, 5)
    keyring.admit(world.file["expired"], today=in_time)
    signature = desk.sign_detached(CONTENT, signer=world.key["expired"], day=in_time)
    allowed = [world.key["expired"]]

    assert world.key["expired"] == keyring.verify_detached(
        CONTENT, signature, allowed=allowed, today=in_time
    )
    with pytest.raises(SignatureRefused, match="signing key has expired"):
        keyring.verify_detached(CONTENT, signature, allowed=allowed, today=TODAY)


def test_key_revoked_since(world: World, keyring: Keyring) -> None:
    """
    Nor when it has been revoked.
    """
    keyring.admit(world.file["revoked-before"], today=TODAY)
    allowed = [world.key["revoked"]]
    signature = world.signed_before_revocation
    assert world.key["revoked"] == keyring.verify_detached(
        CONTENT, signature, allowed=allowed, today=TODAY
    )

    keyring._import(
        keyring._gpg, read_key_file(world.file["revoked"]), world.key["revoked"]
    )
    with pytest.raises(SignatureRefused, match="signing key was revoked"):
        keyring.verify_detached(CONTENT, signature, allowed=allowed, today=TODAY)


def test_more_or_less_than_one_signature(
    world: World, keyring: Keyring, desk: SecretKeyring
) -> None:
    """
    Two signatures, good ones in any order, none, armor, and what is no signature.
    """
    ani, budi = signed(desk, world, "ani"), signed(desk, world, "budi")
    text = world.gpg(
        "--local-user",
        world.key["ani"],
        "--textmode",
        "--detach-sign",
        at="20261124T120000",
        content=CONTENT,
    )
    clear = world.gpg(
        "--local-user",
        world.key["ani"],
        "--clear-sign",
        at="20261124T120000",
        content=CONTENT,
    )
    for signature in (
        ani + budi,
        budi + ani,
        ani + ani,
        b"",
        ani[:-1],
        ani + b"\0",
        text,
        clear,
        bytes(20_000),
        read_key_file(world.file["ani"]),
    ):
        with pytest.raises(SignatureRefused):
            keyring.verify_detached(
                CONTENT,
                signature,
                allowed=[world.key["ani"], world.key["budi"]],
                today=TODAY,
            )


def test_changed_signature(world: World, keyring: Keyring, desk: SecretKeyring) -> None:
    """
    Whichever byte of a signature is changed, it is refused or says the same.
    """
    signature = signed(desk, world, "ani")
    for place in range(len(signature)):
        changed = bytearray(signature)
        changed[place] ^= 0x55
        try:
            signer = keyring.verify_detached(
                CONTENT, bytes(changed), allowed=[world.key["ani"]], today=TODAY
            )
        except SignatureRefused:
            continue
        # The unhashed area is a hint that gpg need not have.
        assert world.key["ani"] == signer


def test_nothing_stays_of_a_signature(
    world: World,
    keyring: Keyring,
    desk: SecretKeyring,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    The temporary file of a signature is gone afterwards, refused or not.
    """
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    keyring.verify_detached(
        CONTENT, signed(desk, world, "ani"), allowed=[world.key["ani"]], today=TODAY
    )
    with pytest.raises(SignatureRefused):
        keyring.verify_detached(
            b"", signed(desk, world, "ani"), allowed=[world.key["ani"]], today=TODAY
        )
    assert [] == list(folder.iterdir())


def test_signature_carries_the_day_only(world: World, desk: SecretKeyring) -> None:
    """
    The time in a signature is the end of the day, whenever it was made.
    """
    packets = world.gpg(
        "--list-packets", at="20261124T235959", content=signed(desk, world, "ani")
    ).decode()
    assert "created 1795564799, md5len 0, sigclass 0x00" in packets


# The format, over the years.


def test_vector(tmp_path: Path) -> None:
    """
    Keys, a sealed item and a signature from the day the format was written down.
    """
    today = date.fromisoformat(VECTOR["day"])
    keyring = Keyring(tmp_path / "server")
    organisation = keyring.trust_organisation(VECTOR["organisation_key"].encode())
    officer = keyring.admit(VECTOR["officer_key"].encode(), today=today)
    sealed = bytes.fromhex(VECTOR["sealed"])

    assert (VECTOR["organisation"], VECTOR["officer"]) == (
        organisation,
        officer.fingerprint,
    )
    assert tuple(key[-16:] for key in officer.encryption_subkeys) == (
        read_envelope(BytesIO(sealed)).recipient_key_ids
    )
    assert officer.fingerprint == keyring.verify_detached(
        bytes.fromhex(VECTOR["signed_content"]),
        bytes.fromhex(VECTOR["signature"]),
        allowed=[officer.fingerprint],
        today=today,
    )
    with SecretKeyring(tmp_path / "desk") as desk:
        desk._gpg.new_call(at=None).import_keys(VECTOR["officer_secret_key"])
        assert bytes.fromhex(VECTOR["plaintext"]) == opened(desk, sealed)
