"""Monthly subkeys: made ahead, used by the calendar, destroyed behind it."""

import io
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from support.opening import opened
from support.openpgp_world import World, run_gpg
from support.smartcard import move_to_card

from crypto.admission import KEY_FILE_BYTES, key_ids_in
from crypto.certificates import certify, generate_officer_key
from crypto.fingerprint import Fingerprint
from crypto.opening import CannotOpen, SecretKeyring
from crypto.openpgp import Keyring, RecipientRefused
from crypto.packets import read_envelope
from crypto.subkeys import Kept, NoKeyPair, NotDestroyed, first_of_next_month

MADE = date(2026, 11, 24)
# Two years, and the leap day in them.
ENDS = date(2028, 11, 23)


class Officer:
    """An officer's home, and a server that seals to it."""

    def __init__(self, base: Path, organisation: World, key: Fingerprint) -> None:
        self.home = base / "officer"
        self.key = key
        self.server = Keyring(base / "server")
        self.server.trust_organisation(organisation.organisation_file)
        certified = certify(
            organisation.organisation_home,
            organisation=organisation.organisation,
            officer_key=self.certificate(),
            passphrase=None,
            today=MADE,
        )
        self.server.admit(certified, today=MADE)

    def certificate(self) -> bytes:
        """Return the public key as the officer has it."""
        return Keyring(self.home).export(self.key)

    def seal(self, content: bytes, *, day: date) -> bytes:
        """Seal on the server."""
        pieces: list[bytes] = []
        with self.server.sealing([self.key], sink=pieces.append, day=day) as sealing:
            sealing.write(content)
        return b"".join(pieces)

    def open(self, sealed: bytes) -> bytes:
        """Open at the officer's."""
        with SecretKeyring(self.home) as keys:
            return opened(keys, sealed)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Fingerprint]:
    """Make an officer's key once, to be copied."""
    home = tmp_path_factory.mktemp("made") / "officer"
    key = generate_officer_key(
        home,
        name="Petugas Uji",
        email="petugas@example.test",
        expires_days=730,
        passphrase=None,
        today=MADE,
    )
    return home, key


@pytest.fixture
def officer(tmp_path: Path, world: World, made: tuple[Path, Fingerprint]) -> Officer:
    """An officer who was certified, and a server that knows them."""
    home, key = made
    shutil.copytree(
        home, tmp_path / "officer", ignore=shutil.ignore_patterns("S.gpg-agent*")
    )
    return Officer(tmp_path, world, key)


def test_a_year_of_subkeys_without_a_gap(officer: Officer) -> None:
    """
    The first begins today, the next ones with their months; each serves half a year
    longer than its month, in case the officer is late.
    """
    with SecretKeyring(officer.home) as keys:
        found = keys.officer_keys(officer.key)
    assert ENDS == found.ends
    begins = [MADE, *(first_of_next_month(MADE, month) for month in range(1, 13))]
    assert begins == [subkey.begins for subkey in found.subkeys]
    assert date(2027, 6, 1) == found.subkeys[0].ends
    assert date(2028, 6, 1) == found.subkeys[-1].ends
    assert {Kept.ON_DISK} == {subkey.kept for subkey in found.subkeys}
    certificate = officer.certificate()
    assert [subkey.key_id for subkey in found.subkeys] == [*key_ids_in(certificate)[1:]]
    # A hundred years of subkeys would still be a key file.
    assert len(certificate) * 100 / 13 * 12 < KEY_FILE_BYTES * 12


@pytest.mark.parametrize(
    ("day", "position"),
    [
        (MADE, 0),
        (date(2026, 11, 30), 0),
        (date(2026, 12, 1), 1),
        (date(2026, 12, 31), 1),
        (date(2027, 1, 1), 2),
        (date(2027, 11, 30), 12),
        # Nobody came with new ones: the last one serves on.
        (date(2028, 5, 31), 12),
    ],
)
def test_a_sender_takes_the_subkey_of_the_month(
    officer: Officer, day: date, position: int
) -> None:
    """
    A certificate that was carried once is rotated by the sender's calendar alone.
    """
    with SecretKeyring(officer.home) as keys:
        subkey = keys.officer_keys(officer.key).subkeys[position]
    sealed = officer.seal(b"isi", day=day)
    assert (subkey.key_id,) == read_envelope(io.BytesIO(sealed)).recipient_key_ids
    assert b"isi" == officer.open(sealed)


def test_a_destroyed_subkey_opens_nothing(officer: Officer) -> None:
    """
    What was sealed in November is lost with its subkey, to gpg on the officer's own
    home too; December's opens as before, and the key still signs.
    """
    november = officer.seal(b"november", day=MADE)
    december = officer.seal(b"desember", day=date(2026, 12, 1))
    with SecretKeyring(officer.home) as keys:
        doomed = keys.officer_keys(officer.key).subkeys[0]
        file = officer.home / "private-keys-v1.d" / f"{doomed.keygrip}.key"
        with file.open("rb") as inode:
            before = inode.read()
            keys.destroy(officer.key, [doomed])
            # What was in the file's blocks is gone as well, not only its name.
            inode.seek(0)
            assert bytes(len(before)) == inode.read()
        assert Kept.NOWHERE is keys.officer_keys(officer.key).subkeys[0].kept
        assert keys.sign_detached(b"masih", signer=officer.key, day=MADE)
    assert not file.exists()
    with pytest.raises(CannotOpen):
        officer.open(november)
    assert b"desember" == officer.open(december)
    # The public half stays, so that it can be told what an item was for.
    assert doomed.key_id in key_ids_in(officer.certificate())


def test_what_is_gone_is_not_destroyed_twice(officer: Officer) -> None:
    """
    Destroying names what is not there, and touches nothing else.
    """
    with SecretKeyring(officer.home) as keys:
        doomed = keys.officer_keys(officer.key).subkeys[:1]
        keys.destroy(officer.key, doomed)
        with pytest.raises(NotDestroyed, match="cannot be destroyed"):
            keys.destroy(officer.key, doomed)
        with pytest.raises(NotDestroyed, match="destroyed"):
            keys.destroy(officer.key, keys.officer_keys(officer.key).subkeys[:1])
        left = keys.officer_keys(officer.key).subkeys[1:]
    assert {Kept.ON_DISK} == {subkey.kept for subkey in left}


@pytest.mark.parametrize(
    "late",
    # Only the subkeys have ended, or the primary key as well.
    [date(2028, 10, 5), date(2029, 2, 5)],
)
def test_a_key_is_extended_and_stays_certified(officer: Officer, late: date) -> None:
    """
    The officer alone gives the key a later end and new subkeys: the organisation's
    certification holds, and the server takes the renewed certificate.
    """
    after = late + timedelta(days=120)
    ends = late + timedelta(days=730)
    with SecretKeyring(officer.home) as keys:
        keys.extend(officer.key, ends=ends, today=late)
        assert 13 == keys.make_subkeys(officer.key, today=late)
        assert 0 == keys.make_subkeys(officer.key, today=late)
        assert ends == keys.officer_keys(officer.key).ends
    with pytest.raises(RecipientRefused, match="expired"):
        officer.seal(b"isi", day=late)
    admitted = officer.server.admit(officer.certificate(), today=late)
    assert first_of_next_month(late, 12 + 7) == admitted.expires
    assert (officer.key,) == officer.server.usable([officer.key], today=after).usable
    assert b"isi" == officer.open(officer.seal(b"isi", day=after))


def test_a_key_is_extended_on_the_day_it_was_made(officer: Officer) -> None:
    """
    Two self-signatures of one day differ by a second, and the later one counts.
    """
    with SecretKeyring(officer.home) as keys:
        for ends in (date(2029, 1, 1), date(2027, 12, 1)):
            keys.extend(officer.key, ends=ends, today=MADE)
            assert ends == keys.officer_keys(officer.key).ends


def test_subkeys_end_with_the_key(tmp_path: Path) -> None:
    """
    A key of forty days has no subkeys that begin or end behind it.
    """
    key = generate_officer_key(
        tmp_path,
        name="Petugas Uji",
        email="petugas@example.test",
        expires_days=40,
        passphrase=None,
        today=MADE,
    )
    with SecretKeyring(tmp_path) as keys:
        found = keys.officer_keys(key)
    ends = date(2027, 1, 3)
    assert [MADE, date(2026, 12, 1), date(2027, 1, 1)] == [
        subkey.begins for subkey in found.subkeys
    ]
    assert {ends} == {subkey.ends for subkey in found.subkeys} | {found.ends}


def test_a_key_with_one_long_subkey_changes_over(tmp_path: Path) -> None:
    """
    A key of an earlier version, one subkey for two years, gets the coming months, and
    senders leave the long one when the next month begins.
    """
    run_gpg(
        tmp_path,
        *("--quick-generate-key", "Uji <uji@example.test>", "ed25519", "sign", "730d"),
        at="20261124T000000",
    )
    key = Fingerprint(
        run_gpg(tmp_path, "--with-colons", "--list-keys", at="20261124T000000")
        .decode()
        .split("fpr:::::::::")[1][:40]
    )
    run_gpg(
        tmp_path,
        *("--quick-add-key", key, "cv25519", "encr", "730d"),
        at="20261124T000000",
    )
    with SecretKeyring(tmp_path) as keys:
        assert 12 == keys.make_subkeys(key, today=MADE)
        long, december, *_rest = keys.officer_keys(key).subkeys
    assert ENDS == long.ends
    server = Keyring(tmp_path / "server")
    server.trust_organisation(Keyring(tmp_path).export(key))
    for day, subkey in ((MADE, long), (date(2026, 12, 1), december)):
        pieces: list[bytes] = []
        with server.sealing([key], sink=pieces.append, day=day) as sealing:
            sealing.write(b"isi")
        envelope = read_envelope(io.BytesIO(b"".join(pieces)))
        assert (subkey.key_id,) == envelope.recipient_key_ids


def test_somebody_elses_keys(officer: Officer, world: World) -> None:
    """
    Only key pairs of this home have a calendar.
    """
    with (
        SecretKeyring(officer.home) as keys,
        pytest.raises(NoKeyPair, match="not in this home"),
    ):
        keys.officer_keys(world.key["ani"])


def test_a_subkey_on_a_card_is_not_destroyed(officer: Officer) -> None:
    """
    gpg names the card in its listing; the key is told from those on this disk, and what
    stands for it here is left alone.
    """
    with SecretKeyring(officer.home) as keys:
        first = keys.officer_keys(officer.key).subkeys[0]
    move_to_card(officer.home, first.keygrip, slot=2)
    stub = officer.home / "private-keys-v1.d" / f"{first.keygrip}.key"
    before = stub.read_bytes()
    with SecretKeyring(officer.home) as keys:
        found = keys.officer_keys(officer.key)
        assert found.on_disk
        assert Kept.ON_CARD is found.subkeys[0].kept
        assert {Kept.ON_DISK} == {subkey.kept for subkey in found.subkeys[1:]}
        with pytest.raises(NotDestroyed, match="is on a smartcard"):
            keys.destroy(officer.key, found.subkeys[:1])
        assert found == keys.officer_keys(officer.key)
    assert before == stub.read_bytes()


def test_a_signing_key_on_a_card(officer: Officer) -> None:
    """
    The monthly subkeys stay on the disk, open what is sealed to them, and can be
    destroyed there as before.
    """
    sealed = officer.seal(b"november", day=MADE)
    listed = run_gpg(
        officer.home,
        *("--with-colons", "--with-keygrip", "--list-secret-keys", officer.key),
        at="20261124T120000",
    ).decode()
    records = [line.split(":") for line in listed.splitlines()]
    primary = next(record[9] for record in records if record[0] == "grp")
    move_to_card(officer.home, primary, slot=1)
    with SecretKeyring(officer.home) as keys:
        found = keys.officer_keys(officer.key)
        assert not found.on_disk
        assert {Kept.ON_DISK} == {subkey.kept for subkey in found.subkeys}
        assert b"november" == officer.open(sealed)
        keys.destroy(officer.key, found.subkeys[:1])
        assert Kept.NOWHERE is keys.officer_keys(officer.key).subkeys[0].kept
    with pytest.raises(CannotOpen):
        officer.open(sealed)
