import os
from functools import partial
from pathlib import Path

import pytest
from support.deaddrop_samples import seeded
from support.reporters import DAY, Reporter, Sealer, make_bundle

from casework.enrolment import Enrolment
from casework.profile import MalformedProfile
from crypto.admission import fingerprint_in
from journalist_app.workstation.desk import (
    Desk,
    Institution,
    create_desk,
    open_desk,
    read_record,
)
from journalist_app.workstation.errors import (
    CasebookUnreadable,
    DeskInUse,
    DeskLocked,
    NoDesk,
)
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.queueing import list_cases

PASSPHRASE = b"kata sandi uji"


def test_a_desk_with_a_passphrase(
    tmp_path: Path, institution: Institution, ani: Reporter
) -> None:
    """The passphrase opens the desk, another or none does not, nothing leaks."""
    path = tmp_path / "desk"
    enrolment = create_desk(
        path,
        name="Petugas Uji",
        email=None,
        passphrase=PASSPHRASE,
        institution=institution,
        today=DAY,
        entropy=os.urandom,
    )
    for wrong in (b"kata sandi lain", None):
        with (
            pytest.raises(DeskLocked),
            open_desk(path, passphrase=wrong, entropy=os.urandom),
        ):
            pass
    sealer = Sealer.to(tmp_path / "sealer", enrolment.certificate.encode())
    with open_desk(path, passphrase=PASSPHRASE, entropy=os.urandom) as desk:
        import_bundle(desk, make_bundle({1: sealer.seal(ani.write())}), today=DAY)
        assert 1 == len(list_cases(desk, today=DAY))
        assert "kata sandi" not in repr(desk)
    assert read_record(path).protected


def test_the_enrolment_introduces_the_desk(desk: Desk) -> None:
    """The file for the keeper names the desk and holds its officer's public key."""
    enrolment = Enrolment.parse((desk.path / "enrolment.json").read_bytes())
    assert (desk.record.name, desk.record.desk_id) == (
        enrolment.name,
        enrolment.desk_id,
    )
    assert desk.fingerprint == fingerprint_in(enrolment.certificate.encode())


def test_a_desk_is_made_whole_or_not_at_all(
    tmp_path: Path, institution: Institution
) -> None:
    """A failure leaves nothing, and what exists is never replaced."""
    make = partial(
        create_desk,
        tmp_path / "desk",
        name="Petugas Uji",
        email=None,
        passphrase=None,
        today=DAY,
        entropy=seeded(13),
    )
    with pytest.raises(MalformedProfile):
        make(institution=Institution("version = 2", institution.calendar))
    with pytest.raises(ValueError, match="days"):
        make(institution=institution, expires_days=0)
    assert [] == list(tmp_path.iterdir())
    (tmp_path / "desk").mkdir()
    with pytest.raises(FileExistsError):
        make(institution=institution)
    assert [] == list((tmp_path / "desk").iterdir())


def test_one_program_at_a_time(desk: Desk) -> None:
    """A desk that is open is not opened again."""
    with (
        pytest.raises(DeskInUse),
        open_desk(desk.path, passphrase=None, entropy=os.urandom),
    ):
        pass


def test_a_folder_that_is_no_desk(tmp_path: Path) -> None:
    """An empty folder, a missing one and a malformed record are no desk."""
    (tmp_path / "desk.json").write_bytes(b"{}")
    for path in (tmp_path, tmp_path / "missing"):
        with (
            pytest.raises(NoDesk),
            open_desk(path, passphrase=None, entropy=os.urandom),
        ):
            pass


def test_a_damaged_casebook_is_refused(desk_path: Path) -> None:
    """One flipped byte in the first page is noticed before anything is shown."""
    file = desk_path / "casebook.db"
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    with (
        pytest.raises(CasebookUnreadable),
        open_desk(desk_path, passphrase=None, entropy=os.urandom),
    ):
        pass


def test_everything_belongs_to_the_officer_alone(desk: Desk) -> None:
    """No other user of the machine can get into the folder."""
    paths = [desk.path, *desk.path.iterdir()]
    assert not [path for path in paths if path.lstat().st_mode & 0o077]
