from datetime import date, timedelta
from pathlib import Path

import pytest
from support.reporters import DAY, Reporter, Sealer, make_bundle

from casework.item import ItemKind
from journalist_app.workstation.cases import ItemShown, show_case
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import StoredItemDamaged, UnknownCase
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.names import case_name
from journalist_app.workstation.queueing import list_cases
from journalist_app.workstation.saving import save_attachments

FILES = [("Foto bukti.jpg", b"\xff\xd8" * 1000), ("../../etc/passwd", b"root")]


@pytest.fixture
def name(desk: Desk, sealer: Sealer, ani: Reporter) -> str:
    """The name of Ani's case, with a report that has two files."""
    import_bundle(
        desk, make_bundle({1: sealer.seal(ani.write(files=FILES))}), today=DAY
    )
    return case_name(ani.keys.case_id)


def test_a_case_is_new_until_it_is_shown(desk: Desk, name: str) -> None:
    """Showing a case takes its mark away."""
    (before,) = list_cases(desk, today=DAY)
    shown = show_case(desk, name.upper(), today=DAY)
    (after,) = list_cases(desk, today=DAY)
    assert (1, 1, 0) == (before.new, shown.summary.new, after.new)


def test_a_case_is_overdue_after_its_day(desk: Desk, name: str) -> None:
    """Five working days after Tuesday 24 November is Tuesday 1 December."""
    due = date(2026, 12, 1)
    (on_time,) = list_cases(desk, today=due)
    (late,) = list_cases(desk, today=due + timedelta(days=1))
    assert (due, False) == (on_time.due, on_time.overdue)
    assert late.overdue


def test_contact_details_are_marked(
    desk: Desk, sealer: Sealer, ani: Reporter, name: str
) -> None:
    """A contact item is shown in its case only, and as confidential."""
    contact = ani.write(ItemKind.CONTACT, message="0800-contoh")
    import_bundle(desk, make_bundle({2: sealer.seal(contact)}, after=1), today=DAY)
    thread = show_case(desk, name, today=DAY).thread
    assert [False, True] == [
        entry.confidential for entry in thread if isinstance(entry, ItemShown)
    ]
    assert "0800" not in repr(list_cases(desk, today=DAY))


def test_a_withdrawal_is_marked(
    desk: Desk, sealer: Sealer, ani: Reporter, name: str
) -> None:
    """A withdrawn report is not deleted; the list says so."""
    withdrawal = sealer.seal(ani.write(ItemKind.WITHDRAWAL))
    import_bundle(desk, make_bundle({2: withdrawal}, after=1), today=DAY)
    (case,) = list_cases(desk, today=DAY)
    assert case.withdrawn


def test_a_message_before_its_report_makes_a_case(
    desk: Desk, sealer: Sealer, budi: Reporter
) -> None:
    """Items may come in any order; the gap is told until the report is there."""
    report = sealer.seal(budi.write())
    message = sealer.seal(budi.write(ItemKind.MESSAGE, message="Susulan."))
    import_bundle(desk, make_bundle({2: message}, after=1), today=DAY)
    (case,) = list_cases(desk, today=DAY)
    assert (None, 1) == (case.title, case.missing)
    import_bundle(desk, make_bundle({1: report}), today=DAY)
    (case,) = list_cases(desk, today=DAY)
    assert case.title
    assert 0 == case.missing


def test_attachments_are_saved(desk: Desk, name: str, tmp_path: Path) -> None:
    """Files come out byte for byte, under safe names, for their owner alone."""
    folder = tmp_path / "bukti"
    saved = save_attachments(desk, name, folder)
    assert ["001-001-Foto bukti.jpg", "001-002-passwd"] == [path.name for path in saved]
    assert [content for _name, content in FILES] == [
        path.read_bytes() for path in saved
    ]
    assert {0o600} == {path.stat().st_mode & 0o777 for path in saved}
    assert sorted(saved) == sorted(folder.iterdir())


def test_saving_replaces_nothing(desk: Desk, name: str, tmp_path: Path) -> None:
    """A file of the same name stays as it is, and no other is written."""
    present = tmp_path / "001-002-passwd"
    present.write_bytes(b"mine")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(FileExistsError):
        save_attachments(desk, name, tmp_path)
    assert b"mine" == present.read_bytes()
    assert before == sorted(tmp_path.iterdir())


def test_a_rotten_item_saves_nothing(desk: Desk, name: str, tmp_path: Path) -> None:
    """When what is stored is damaged, no part of its files is left behind."""
    (stored,) = (desk.path / "store").iterdir()
    content = bytearray(stored.read_bytes())
    content[-40] ^= 1
    stored.write_bytes(content)
    folder = tmp_path / "bukti"
    with pytest.raises(StoredItemDamaged):
        save_attachments(desk, name, folder)
    assert [] == list(folder.iterdir())


def test_an_unknown_case_is_not_shown(desk: Desk, name: str) -> None:
    """A name that is nobody's finds nothing."""
    with pytest.raises(UnknownCase):
        show_case(desk, "babab-babab", today=DAY)


def test_names_can_be_spoken() -> None:
    """The examples of the proposal for proquints: 127.0.0.1 is lusab-babad."""
    assert "lusab-babad" == case_name(bytes([127, 0, 0, 1]) + bytes(12))
    assert "gutih-tugad" == case_name(bytes([63, 84, 220, 193]) + bytes(12))
