import hashlib
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select
from support.reporters import DAY, Reporter, Sealer, make_bundle

from casework.item import ItemKind
from casework.outbox import Outbox, read_outbox
from casework.reply import REPLY_BYTES, CaseStatus, ReplyKind
from crypto.slots import SLOT_BYTES
from journalist_app.workstation import casebook
from journalist_app.workstation.cases import ReplyShown, show_case
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import (
    NotEnrolledYet,
    NothingToExport,
    UnknownCase,
    UnknownOutbox,
    UnusableReply,
)
from journalist_app.workstation.exporting import Export, prepare_outbox, write_again
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.names import case_name
from journalist_app.workstation.queueing import list_cases
from journalist_app.workstation.replying import Draft, write_reply

ANSWER = Draft(ReplyKind.ANSWER, "Terima kasih, sedang kami periksa.")


@pytest.fixture
def name(desk: Desk, sealer: Sealer, ani: Reporter) -> str:
    """The name of Ani's case, whose report is on the desk."""
    import_bundle(desk, make_bundle({1: sealer.seal(ani.write())}), today=DAY)
    return case_name(ani.keys.case_id)


def slots_on(desk: Desk) -> dict[bytes, bytes]:
    """Return the sealed slots on a desk."""
    with desk.casebook.transaction() as connection:
        table = casebook.slot
        rows = connection.execute(select(table.c.slot, table.c.sealed))
        return {row.slot: row.sealed for row in rows}


def outbox_bytes(desk: Desk, number: int) -> bytes:
    """Return an outbox whole."""
    stream = io.BytesIO()
    write_again(desk, number, stream.write)
    return stream.getvalue()


def believed(content: bytes) -> Outbox[None]:
    """Read an outbox without asking for its signature."""
    return read_outbox(io.BytesIO(content), lambda _manifest, _signature: None)


def test_a_reporter_opens_the_reply(desk: Desk, ani: Reporter, name: str) -> None:
    """What an officer writes is what the reporter reads."""
    write_reply(desk, name, ANSWER, today=DAY)
    reply = ani.open_reply(slots_on(desk), desk.desk_id)
    assert ANSWER.text == reply.letter.text
    assert (ReplyKind.ANSWER, DAY, "id") == (
        reply.letter.kind,
        reply.letter.day,
        reply.letter.language,
    )


def test_replies_take_slots_one_after_another(
    desk: Desk, ani: Reporter, name: str, tmp_path: Path
) -> None:
    """A long reply and a short one behind it are both found, in order."""
    file = tmp_path / "Surat penetapan.pdf"
    file.write_bytes(bytes(range(256)) * 200)
    long = Draft(ReplyKind.ANSWER, "Lihat lampiran.", files=[file])
    used = write_reply(desk, name, long, today=DAY).slots
    write_reply(desk, name, ANSWER, today=DAY)

    assert used > 1
    slots = slots_on(desk)
    first = ani.open_reply(slots, desk.desk_id)
    assert [("Surat penetapan.pdf", file.read_bytes())] == [
        (found.name, found.content) for found in first.files
    ]
    assert ANSWER.text == ani.open_reply(slots, desk.desk_id, used).letter.text


def test_a_status_changes_the_case(desk: Desk, name: str) -> None:
    """The list shows what the reporter was told."""
    draft = Draft(
        ReplyKind.STATUS,
        status=CaseStatus.REGISTERED,
        registration_number="WBS-2026-0001",
        due=date(2026, 12, 11),
    )
    (before,) = list_cases(desk, today=DAY)
    write_reply(desk, name, draft, today=DAY)
    (after,) = list_cases(desk, today=DAY)
    assert (CaseStatus.RECEIVED, date(2026, 12, 1), True) == (
        before.status,
        before.due,
        before.unanswered,
    )
    assert (CaseStatus.REGISTERED, date(2026, 12, 11), False) == (
        after.status,
        after.due,
        after.unanswered,
    )
    assert "WBS-2026-0001" == after.registration_number


@pytest.mark.parametrize(
    "draft",
    [
        Draft(ReplyKind.ANSWER),
        Draft(ReplyKind.QUESTION, " \n "),
        Draft(ReplyKind.STATUS, "Tanpa status."),
        Draft(ReplyKind.ANSWER, "x" * 20_001),
        Draft(ReplyKind.ANSWER, "ya", registration_number=" "),
        Draft(ReplyKind.ANSWER, "ya", registration_number="1" * 101),
    ],
)
def test_unusable_replies_change_nothing(desk: Desk, name: str, draft: Draft) -> None:
    """A draft that contradicts itself is refused, and nothing is sealed."""
    before = list_cases(desk, today=DAY)
    with pytest.raises(UnusableReply):
        write_reply(desk, name, draft, today=DAY)
    assert before == list_cases(desk, today=DAY)
    assert {} == slots_on(desk)


def test_too_large_a_file_is_refused(desk: Desk, name: str, tmp_path: Path) -> None:
    """A reply has a limit, and what is beyond it is not sealed in part."""
    file = tmp_path / "besar.bin"
    file.write_bytes(bytes(REPLY_BYTES))
    draft = Draft(ReplyKind.ANSWER, "Besar.", files=[file])
    with pytest.raises(UnusableReply, match="larger"):
        write_reply(desk, name, draft, today=DAY)
    assert {} == slots_on(desk)


def test_a_reply_key_that_is_none_is_refused(
    desk: Desk, sealer: Sealer, budi: Reporter
) -> None:
    """Nothing is sealed to a key that cannot be one, and the desk works on."""
    sealed = sealer.seal(budi.write(reply_public_key="00" * 1216))
    import_bundle(desk, make_bundle({1: sealed}), today=DAY)
    with pytest.raises(UnusableReply, match="reply key"):
        write_reply(desk, case_name(budi.keys.case_id), ANSWER, today=DAY)
    assert {} == slots_on(desk)


def test_an_unknown_case_is_refused(desk: Desk, name: str) -> None:
    """A misspelt name seals nothing."""
    with pytest.raises(UnknownCase):
        write_reply(desk, name + "x", ANSWER, today=DAY)
    assert {} == slots_on(desk)


def test_an_outbox_takes_everything_new_once(
    desk: Desk, ani: Reporter, name: str
) -> None:
    """Slots and holds go into one outbox, and the next has only what is newer."""
    write_reply(desk, name, ANSWER, today=DAY)
    assert Export(1, 1, 1, 0, more=False) == prepare_outbox(desk, today=DAY)
    with pytest.raises(NothingToExport):
        prepare_outbox(desk, today=DAY)
    write_reply(desk, name, ANSWER, today=DAY)
    assert Export(2, 1, 0, 0, more=False) == prepare_outbox(desk, today=DAY)

    outbox = believed(outbox_bytes(desk, 1))
    slots = dict(outbox.slots())
    assert ANSWER.text == ani.open_reply(slots, desk.desk_id).letter.text
    assert [1] == [hold.number for hold in outbox.manifest.holds]


def test_an_outbox_can_be_made_again(desk: Desk, name: str) -> None:
    """A lost stick costs nothing: the same number is the same bytes."""
    write_reply(desk, name, ANSWER, today=DAY)
    prepare_outbox(desk, today=DAY)
    first = outbox_bytes(desk, 1)
    write_reply(desk, name, ANSWER, today=DAY)
    prepare_outbox(desk, today=DAY)
    assert first == outbox_bytes(desk, 1)
    with pytest.raises(UnknownOutbox):
        outbox_bytes(desk, 3)


def test_the_order_of_slots_tells_nothing(
    desk: Desk, name: str, tmp_path: Path
) -> None:
    """Slots are in the order of their random names, not of their reply."""
    file = tmp_path / "berkas.bin"
    file.write_bytes(bytes(10 * SLOT_BYTES))
    write_reply(desk, name, Draft(ReplyKind.ANSWER, "a", files=[file]), today=DAY)
    prepare_outbox(desk, today=DAY)
    manifest = believed(outbox_bytes(desk, 1)).manifest
    names = [announced.slot for announced in manifest.slots]
    assert len(names) > 10
    assert sorted(names) == names


def test_without_a_bundle_there_is_no_outbox(desk: Desk) -> None:
    """A desk that knows no installation cannot address an outbox."""
    with pytest.raises(NotEnrolledYet):
        prepare_outbox(desk, today=DAY)


def test_an_outbox_that_never_arrived_is_noticed(
    desk: Desk, sealer: Sealer, ani: Reporter
) -> None:
    """When the server sends again what was signed for, the outbox is named."""
    bundle = make_bundle({1: sealer.seal(ani.write())})
    import_bundle(desk, bundle, today=DAY)
    prepare_outbox(desk, today=DAY)
    bundle.seek(0)
    assert (1,) == import_bundle(desk, bundle, today=DAY).unconfirmed


def test_read_marks_are_shown(
    desk: Desk, sealer: Sealer, ani: Reporter, name: str
) -> None:
    """The officer sees which replies the reporter has read."""
    write_reply(desk, name, ANSWER, today=DAY)
    write_reply(desk, name, ANSWER, today=DAY)
    mark = ani.write(ItemKind.READ_RECEIPT, read={desk.record.desk_id: 1})
    import_bundle(desk, make_bundle({2: sealer.seal(mark)}, after=1), today=DAY)
    thread = show_case(desk, name, today=DAY).thread
    replies = [entry for entry in thread if isinstance(entry, ReplyShown)]
    assert [True, False] == [reply.read for reply in replies]
    (case,) = list_cases(desk, today=DAY)
    assert not case.unanswered


@pytest.fixture(autouse=True)
def _digests_of_slots_are_distinct(desk: Desk) -> Iterator[None]:
    """No two slots on a desk are ever the same."""
    yield
    sealed = slots_on(desk).values()
    digests = {hashlib.sha256(one).digest() for one in sealed}
    assert len(digests) == len(sealed)
