"""A desk whose passphrase no program of ours ever sees."""

import os
from pathlib import Path

import pytest
from support.pinentry import Pinentry
from support.reporters import DAY, Reporter, Sealer, make_bundle

from casework.enrolment import Enrolment
from crypto.agent import NotAnswered
from journalist_app.workstation.desk import (
    Institution,
    create_desk,
    open_desk,
    read_record,
    unlocked_once,
)
from journalist_app.workstation.errors import DeskLocked
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.queueing import list_cases

PASSPHRASE = "enam kata yang diacak"


@pytest.fixture
def pinentry(tmp_path: Path) -> Pinentry:
    """A pinentry that knows the passphrase."""
    return Pinentry(tmp_path / "pinentry", PASSPHRASE)


@pytest.fixture
def asking(
    tmp_path: Path, institution: Institution, pinentry: Pinentry
) -> tuple[Path, Enrolment]:
    """A desk that was made with it."""
    path = tmp_path / "desk"
    return (
        path,
        create_desk(
            path,
            name="Petugas Uji",
            email=None,
            passphrase=None,
            institution=institution,
            today=DAY,
            entropy=os.urandom,
            pinentry=True,
            pinentry_program=pinentry.program,
        ),
    )


def test_the_agents_pinentry_asks(
    asking: tuple[Path, Enrolment], pinentry: Pinentry, tmp_path: Path, ani: Reporter
) -> None:
    """
    A desk is made, opened, works and signs with a passphrase that only gpg-agent and
    its pinentry know; it is asked for once each time.
    """
    path, enrolment = asking
    # Chosen once, typed twice, for the key and all its subkeys.
    made = pinentry.asked()
    assert 2 == made
    record = read_record(path)
    assert (True, True) == (record.protected, record.pinentry)
    sealer = Sealer.to(tmp_path / "sealer", enrolment.certificate.encode())
    with open_desk(path, passphrase=None, entropy=os.urandom) as desk:
        import_bundle(desk, make_bundle({1: sealer.seal(ani.write())}), today=DAY)
        assert 1 == len(list_cases(desk, today=DAY))
        assert desk.keys.sign_detached(b"x", signer=desk.fingerprint, day=DAY)
        asked = pinentry.asked() - made
        # Signing and opening use two keys of the same passphrase.
        assert 1 <= asked <= 2
        # For a year of new subkeys it is asked for once.
        later = DAY.replace(year=DAY.year + 1)
        assert 12 == desk.keys.make_subkeys(desk.fingerprint, today=later)
        assert 1 == pinentry.asked() - made - asked


def test_a_wrong_answer_opens_nothing(
    asking: tuple[Path, Enrolment], pinentry: Pinentry
) -> None:
    """
    The agent lets one try three times; then the desk stays locked.
    """
    path, _enrolment = asking
    before = pinentry.asked()
    pinentry.answer("salah")
    with (
        pytest.raises(DeskLocked),
        open_desk(path, passphrase=None, entropy=os.urandom),
    ):
        pass
    assert 3 == pinentry.asked() - before


def test_nobody_answers(
    tmp_path: Path, institution: Institution, pinentry: Pinentry
) -> None:
    """
    Without a passphrase no desk is made, instead of one without protection.
    """
    pinentry.answer("")
    with pytest.raises(NotAnswered):
        create_desk(
            tmp_path / "desk",
            name="Petugas Uji",
            email=None,
            passphrase=None,
            institution=institution,
            today=DAY,
            entropy=os.urandom,
            pinentry=True,
            pinentry_program=pinentry.program,
        )
    assert [tmp_path / "pinentry"] == list(tmp_path.iterdir())


def test_opened_twice_and_asked_once(
    asking: tuple[Path, Enrolment], pinentry: Pinentry
) -> None:
    """
    The browser's desk is opened twice behind one question, and forgets afterwards.
    """
    path, _enrolment = asking
    before = pinentry.asked()
    with unlocked_once(path):
        for _time in range(2):
            with open_desk(path, passphrase=None, entropy=os.urandom):
                pass
    assert 1 == pinentry.asked() - before
    with open_desk(path, passphrase=None, entropy=os.urandom):
        pass
    assert 2 == pinentry.asked() - before
