"""
Taking out: a reporter's file leaves the casebook, and the journal says so.

    original  --read, whole?--> recorded, with a reason --> bytes
    cleaned copy, made before   --> recorded, with a reason --> its bytes may go

What an officer holds as a file can be passed on, and no desk sees it any more.  So no
file leaves without an event that every colleague reads.  A page that is printed and a
screen that is photographed leave none: nothing here could know of them.

Specified in docs/spec/journal.md (`taken-out`).
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection

from casework.journal import TakenOut
from journalist_app.workstation.cases import ItemShown, find_case, show_case
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.entries import append
from journalist_app.workstation.errors import ActionRefused
from journalist_app.workstation.saving import read_attachment, save_attachments

Form = Literal["original", "cleaned"]


def take_original(
    desk: Desk, name: str, digest: bytes, position: int, *, reason: str, today: date
) -> bytes:
    """
    Return a file as it was sent, and record who took it and why.

    Raises:
        UnknownCase: If there is no such case, item or file.

        ActionRefused: If no reason is given, or the officer is excluded.

        SavedFileDiffers: If it is not the file that was recorded.
    """
    content = read_attachment(desk, name, digest, position)
    record_taking(
        desk, name, digest, position, form="original", reason=reason, today=today
    )
    return content


def record_taking(
    desk: Desk,
    name: str,
    digest: bytes,
    position: int,
    *,
    form: Form,
    reason: str,
    today: date,
) -> None:
    """
    Record that a file is taken, before it is given.

    Raises:
        UnknownCase: If there is no case of this name.

        ActionRefused: If no reason is given, or the officer is excluded.
    """
    with desk.casebook.transaction() as connection:
        case_id = find_case(connection, name).case_id
        _record(desk, connection, case_id, digest, [position], form, reason, today)


def take_all(
    desk: Desk, name: str, directory: Path, *, reason: str, today: date
) -> tuple[Path, ...]:
    """
    Save the files of a case as they were sent, and record who took them and why.

    They are recorded first, all or none: a file that cannot be written then is one too
    many in the history, and none is outside of which nothing stands there.

    Raises:
        UnknownCase: If there is no case of this name.

        ActionRefused: If no reason is given, or the officer is excluded.

        FileExistsError: If one of the files is there already.

        SavedFileDiffers: If a file is not the one that was recorded.

        StoredItemDamaged: If the store's file is damaged.
    """
    thread = show_case(desk, name, today=today, mark_shown=False).thread
    with desk.casebook.transaction() as connection:
        case_id = find_case(connection, name).case_id
        for item in thread:
            if isinstance(item, ItemShown) and item.attachments:
                positions = sorted(file.position for file in item.attachments)
                _record(
                    *(desk, connection, case_id, item.digest, positions),
                    form="original",
                    reason=reason,
                    today=today,
                )
    return save_attachments(desk, name, directory)


def _record(
    desk: Desk,
    connection: Connection,
    case_id: bytes,
    digest: bytes,
    positions: Sequence[int],
    form: Form,
    reason: str,
    today: date,
) -> None:
    if not reason:
        raise ActionRefused("say what the file is taken for")
    action = TakenOut(
        item=digest.hex(), positions=tuple(positions), form=form, reason=reason
    )
    append(desk, connection, case_id, action, today=today)
