"""
A desk with its keys on a card: gpg, gpg-agent, scdaemon and pcscd as Debian ships them.

The reader and the card are ours (support/card_reader.py, support/openpgp_card.py).
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support.card_reader import CardReader
from support.office import (
    Office,
    OfficeTemplate,
    make_office_template,
    running_office,
    texts_on,
)
from support.openpgp_card import ADMIN_PIN, TRIES, USER_PIN, OpenPGPCard
from support.pinentry import Pinentry
from support.reporters import DAY, Reporter
from support.smartcard import OPENING, SIGNING, keytocard

from casework.journal import Noted
from crypto.opening import CardCannotSign
from crypto.subkeys import Kept
from journalist_app.workstation.acting import act
from journalist_app.workstation.desk import Desk, Institution
from journalist_app.workstation.errors import CardNeeded
from journalist_app.workstation.exporting import prepare_outbox
from journalist_app.workstation.import_report import Verdict
from journalist_app.workstation.names import case_name
from journalist_app.workstation.queueing import list_cases
from journalist_app.workstation.rotation import renew

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="The reader needs its own network."),
]

ANI = "Petugas Ani"
PASSPHRASE = "enam kata yang diacak"
NUMBER = "FFFE 00000001"


@pytest.fixture(scope="module")
def slot() -> Iterator[CardReader]:
    """A reader, for all tests here."""
    # Not pytest's folder: the path of pcscd's socket must be short.
    with (
        TemporaryDirectory(prefix="bisik-") as folder,
        CardReader(Path(folder)) as slot,
    ):
        yield slot


@pytest.fixture
def reader(slot: CardReader, monkeypatch: pytest.MonkeyPatch) -> Iterator[CardReader]:
    """A reader with nothing in it, which programs find."""
    for name, path in slot.environment.items():
        monkeypatch.setenv(name, path)
    yield slot
    if slot.has_card:
        slot.remove()


@pytest.fixture(scope="module")
def officer(tmp_path_factory: pytest.TempPathFactory) -> Pinentry:
    """Whoever types for the officer."""
    return Pinentry(tmp_path_factory.mktemp("officer") / "pinentry", PASSPHRASE)


@pytest.fixture(scope="module")
def asking_template(
    tmp_path_factory: pytest.TempPathFactory,
    institution: Institution,
    officer: Pinentry,
) -> OfficeTemplate:
    """A certified desk whose passphrase is asked for by its agent."""
    template = make_office_template(
        tmp_path_factory.mktemp("asking"),
        institution,
        [ANI],
        pinentry_program=officer.program,
    )
    # A card of whoever runs the tests must never meet a wrong PIN of ours.
    settings = template.path / "desks" / ANI / "gnupg" / "scdaemon.conf"
    settings.write_text("disable-ccid\n")
    return template


@pytest.fixture
def card(reader: CardReader, officer: Pinentry) -> OpenPGPCard:
    """A new card, which is in the reader."""
    card = OpenPGPCard()
    reader.insert(card)
    officer.answer_for_card(pin=USER_PIN, admin_pin=ADMIN_PIN)
    return card


@pytest.fixture
def office(
    asking_template: OfficeTemplate, card: OpenPGPCard, tmp_path: Path
) -> Iterator[Office]:
    """One desk and a dead drop."""
    with running_office(tmp_path, asking_template, ANI) as office:
        yield office


def desk_with_card(office: Office, *keys: tuple[str, ...]) -> Desk:
    """Move keys of the desk to the card in the reader, and open it again."""
    desk = office.desks[ANI]
    office.close_desks()
    for typed in keys:
        home = desk.path / "gnupg"
        keytocard(home, desk.fingerprint, typed, at="20261124T120000")
    return office.open(ANI)


def test_keys_move_to_the_card(
    office: Office, card: OpenPGPCard, officer: Pinentry
) -> None:
    """
    `keytocard` leaves no private half on the disk of what it moved, and the desk tells
    where each key is.
    """
    before = office.desks[ANI].keys.officer_keys(office.desks[ANI].fingerprint)
    desk = desk_with_card(office, OPENING, SIGNING)

    keys = desk.keys.officer_keys(desk.fingerprint)

    first = before.subkeys[0]
    assert (desk.fingerprint, first.fingerprint) == card.fingerprints
    assert not keys.on_disk
    assert [Kept.ON_CARD, *[Kept.ON_DISK] * 12] == [one.kept for one in keys.subkeys]
    assert keys.card == keys.subkeys[0].card
    stub = desk.path / "gnupg" / "private-keys-v1.d" / f"{first.keygrip}.key"
    assert b"shadowed-private-key" in stub.read_bytes()


@pytest.mark.journey
def test_an_officer_works_with_a_card(
    office: Office, card: OpenPGPCard, officer: Pinentry, ani: Reporter
) -> None:
    """
    The desk opens, a sealed report is opened, a note and the outbox that takes it away
    are signed, and the server believes them; the PIN is asked for once.
    """
    before = officer.asked_for_pin()
    desk = desk_with_card(office, OPENING, SIGNING)
    assert (1, 1) == (card.opened, officer.asked_for_pin() - before)
    office.send(ani.write(), to=[ANI])

    report = office.fetch(ANI)
    act(desk, case_name(ani.keys.case_id), Noted(text="Catatan."), today=DAY)
    delivered = office.bring(ANI)

    assert [Verdict.NEW] == [outcome.verdict for outcome in report.outcomes]
    assert delivered is not None
    # The casebook's key and the report; the note and the outbox.
    assert (2, 2) == (card.opened, card.signatures)
    assert 1 == officer.asked_for_pin() - before
    assert TRIES == card.tries_left


def test_a_wrong_pin_opens_nothing(
    office: Office, card: OpenPGPCard, officer: Pinentry
) -> None:
    """
    It uses up one try, which is said, and changes nothing; the right one opens.
    """
    desk_with_card(office, OPENING)
    office.close_desks()
    before = contents(office.folder_of(ANI))
    officer.answer_for_card(pin="000000", admin_pin=ADMIN_PIN)

    with pytest.raises(
        CardNeeded, match=f"{NUMBER} .*PIN was wrong.*left: {TRIES - 1}"
    ):
        office.open(ANI)

    assert TRIES - 1 == card.tries_left
    assert before == contents(office.folder_of(ANI))
    officer.answer_for_card(pin=USER_PIN, admin_pin=ADMIN_PIN)
    assert () == list_cases(office.open(ANI), today=DAY)
    assert TRIES == card.tries_left


def test_a_wrong_pin_signs_nothing(
    office: Office, card: OpenPGPCard, officer: Pinentry, ani: Reporter
) -> None:
    """Neither the note nor the outbox is made; with the right one, both are."""
    desk = desk_with_card(office, SIGNING)
    office.send(ani.write(), to=[ANI])
    office.fetch(ANI)
    before, signed = texts_on(desk), card.signatures
    officer.answer_for_card(pin="000000", admin_pin=ADMIN_PIN)

    with pytest.raises(CardCannotSign, match=f"left: {TRIES - 1}"):
        act(desk, case_name(ani.keys.case_id), Noted(text="Catatan."), today=DAY)
    with pytest.raises(CardCannotSign, match=f"left: {TRIES - 2}"):
        prepare_outbox(desk, today=DAY)

    assert (before, signed) == (texts_on(desk), card.signatures)
    officer.answer_for_card(pin=USER_PIN, admin_pin=ADMIN_PIN)
    act(desk, case_name(ani.keys.case_id), Noted(text="Catatan."), today=DAY)
    assert office.bring(ANI) is not None


def test_a_blocked_pin_is_told(
    office: Office, card: OpenPGPCard, officer: Pinentry
) -> None:
    """After three wrong ones, the sentence is another: only the admin PIN helps."""
    desk_with_card(office, OPENING)
    office.close_desks()
    officer.answer_for_card(pin="000000", admin_pin=ADMIN_PIN)
    for _time in range(TRIES - 1):
        with pytest.raises(CardNeeded, match="tries left"):
            office.open(ANI)
    with pytest.raises(CardNeeded, match=f"{NUMBER} is blocked.*admin PIN"):
        office.open(ANI)


@pytest.mark.journey
def test_a_card_that_is_pulled_out(
    office: Office,
    reader: CardReader,
    card: OpenPGPCard,
    officer: Pinentry,
    ani: Reporter,
    budi: Reporter,
) -> None:
    """
    The agent asks for it by its number. An item is kept unopened, nothing is signed and
    the desk does not open; everything is done once the card is back.
    """
    desk = desk_with_card(office, OPENING, SIGNING)
    office.send(ani.write(), to=[ANI])
    office.fetch(ANI)
    reader.remove()
    missing = f"{NUMBER}, which is not in the reader: put it in"

    office.send(budi.write(), to=[ANI])
    kept = office.fetch(ANI).outcomes[-1]
    before = texts_on(desk)
    with pytest.raises(CardCannotSign, match=missing):
        act(desk, case_name(ani.keys.case_id), Noted(text="Catatan."), today=DAY)
    assert before == texts_on(desk)
    office.close_desks()
    with pytest.raises(CardNeeded, match=missing):
        office.open(ANI)

    assert Verdict.UNOPENED is kept.verdict
    assert missing in kept.note
    assert NUMBER in officer.asked_for_card()[-1]
    reader.insert(card)
    desk = office.open(ANI)
    assert (kept.number,) == office.fetch(ANI).opened_later
    assert 2 == len(list_cases(desk, today=DAY))
    act(desk, case_name(ani.keys.case_id), Noted(text="Catatan."), today=DAY)
    assert office.bring(ANI) is not None


def test_another_card(office: Office, reader: CardReader, card: OpenPGPCard) -> None:
    """Both are named, so that nobody tries PINs on the wrong one."""
    desk_with_card(office, OPENING)
    office.close_desks()
    reader.remove()
    other = OpenPGPCard(number=2)
    reader.insert(other)

    with pytest.raises(CardNeeded, match=f"{NUMBER}, and another one.*FFFE 00000002"):
        office.open(ANI)

    assert TRIES == other.tries_left


def test_no_reader(
    office: Office, card: OpenPGPCard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where pcscd does not run, the sentence names what has to be there."""
    desk_with_card(office, OPENING)
    office.close_desks()
    monkeypatch.setenv("PCSCLITE_CSOCK_NAME", str(tmp_path / "nobody"))

    with pytest.raises(CardNeeded, match=r"no card reader.*install pcscd"):
        office.open(ANI)


def test_no_program_for_cards(office: Office, card: OpenPGPCard) -> None:
    """Where scdaemon is not installed, its name is told."""
    desk_with_card(office, OPENING)
    office.close_desks()
    with (office.folder_of(ANI) / "gnupg" / "gpg-agent.conf").open("a") as settings:
        settings.write("scdaemon-program /nonexistent/scdaemon\n")

    with pytest.raises(CardNeeded, match=f"{NUMBER}.*install scdaemon"):
        office.open(ANI)


def test_the_months_go_on_beside_a_card(
    office: Office, card: OpenPGPCard, officer: Pinentry
) -> None:
    """
    With the key that opens the casebook on the card, the next year's subkeys are made
    on the disk; the passphrase is asked for once and the card for nothing.
    """
    desk = desk_with_card(office, OPENING)
    asked, pins, opened = officer.asked(), officer.asked_for_pin(), card.opened

    assert renew(desk, today=DAY + timedelta(days=200))

    assert (asked + 1, pins, opened) == (
        officer.asked(),
        officer.asked_for_pin(),
        card.opened,
    )
    keys = desk.keys.officer_keys(desk.fingerprint)
    assert [Kept.ON_CARD, *[Kept.ON_DISK] * (len(keys.subkeys) - 1)] == [
        subkey.kept for subkey in keys.subkeys
    ]
    assert len(keys.subkeys) > 13


def test_the_months_go_on_with_a_signing_key_on_a_card(
    office: Office, card: OpenPGPCard, officer: Pinentry
) -> None:
    """
    The card certifies new subkeys. Nobody knows a passphrase that could be used again,
    so the agent asks for one, twice, for each.
    """
    desk = desk_with_card(office, SIGNING)
    before = len(desk.keys.officer_keys(desk.fingerprint).subkeys)
    asked = officer.asked()

    assert renew(desk, today=DAY + timedelta(days=200))

    made = desk.keys.officer_keys(desk.fingerprint).subkeys[before:]
    assert {Kept.ON_DISK} == {subkey.kept for subkey in made}
    assert asked + 2 * len(made) + 1 == officer.asked()


@pytest.mark.journey
def test_a_lost_card_costs_nothing_if_there_is_a_copy(
    office: Office, reader: CardReader, card: OpenPGPCard, officer: Pinentry
) -> None:
    """
    The one key that is kept in the safe opens the desk without the card, and a copy has
    none of the others, which are destroyed by the month.
    """
    kept = office.folder_of(ANI) / "gnupg" / "private-keys-v1.d"
    copy = shutil.copytree(kept, office.path / "copy")
    first = desk_with_card(office, OPENING).keys.officer_keys(
        office.desks[ANI].fingerprint
    )
    office.close_desks()
    # As docs/guides/officer.en.md says.
    subprocess.run(
        [
            *("sh", "-c"),
            'for key in *.key; do grep -q shadowed "$0"/$key || shred -u $key; done',
            kept,
        ],
        cwd=copy,
        check=True,
    )
    copied = [f"{first.subkeys[0].keygrip}.key"]
    assert copied == [path.name for path in copy.iterdir()]
    reader.remove()
    with pytest.raises(CardNeeded):
        office.open(ANI)

    shutil.copy(copy / copied[0], kept)

    assert () == list_cases(office.open(ANI), today=DAY)


def contents(folder: Path) -> dict[Path, bytes]:
    """Return what is in a desk's folder, but for what scdaemon notes about readers."""
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("reader_")
    }
