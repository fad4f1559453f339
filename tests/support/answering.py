"""What a desk and the courier do for an answer, without either."""

from collections.abc import Sequence

from support.site import OpenedItem

from casework.reply import Letter, ReplyWriter
from crypto.replies import seal_reply
from deaddrop import DeadDrop, SlotWrite


def leave_answer(
    drop: DeadDrop,
    item: OpenedItem,
    letter: Letter,
    *,
    desk_id: bytes,
    files: Sequence[tuple[str, bytes]] = (),
    first_number: int = 0,
) -> None:
    """Seal a reply to the reporter of *item*, and put it into its slots."""
    content = bytearray()
    writer = ReplyWriter(content.extend, letter=letter)
    for name, body in files:
        writer.add_file(name, body)
    writer.finish()
    slots = seal_reply(
        bytes(content),
        public_key=bytes.fromhex(item.header.reply_public_key),
        mailbox_key=bytes.fromhex(item.header.mailbox_key),
        desk_id=desk_id,
        first_number=first_number,
    )
    drop.mailbox.write(
        [SlotWrite(one.slot, one.sealed, None) for one in slots], day=letter.day
    )
