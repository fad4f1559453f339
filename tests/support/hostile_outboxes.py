"""Archives of anything, and the outboxes that somebody on the way may make of one."""

import io
from collections.abc import Iterator

from support.office import Office
from support.reporters import DAY, Reporter

from casework.journal import Noted
from casework.reply import ReplyKind
from crypto.container import BLOCK_BYTES, member_header
from journalist_app.workstation.acting import act
from journalist_app.workstation.names import case_name
from journalist_app.workstation.replying import Draft, write_reply


def eventful_outbox(office: Office, name: str, colleague: str) -> bytes:
    """Return a desk's outbox with two answers, what it holds, and a parcel."""
    reporter = Reporter("pelapor")
    office.send(reporter.write(), to=(name, colleague))
    office.exchange()
    case = case_name(reporter.keys.case_id)
    desk = office.desks[name]
    for text in ("Satu.", "Dua."):
        write_reply(desk, case, Draft(ReplyKind.ANSWER, text), today=DAY)
    act(desk, case, Noted(text="Untuk rekan."), today=DAY)
    outbox = office.outbox_of(name)
    assert outbox is not None
    return outbox


def hostile_outboxes(outbox: bytes) -> Iterator[bytes]:
    """Yield an outbox cut off, altered, reordered, and with members too many."""
    members = members_of(outbox)
    slots = [number for number, one in enumerate(members) if one[0].startswith("slots")]
    assert 2 == len(slots)
    first, second = slots
    swapped_slots = list(members)
    swapped_slots[first] = (members[first][0], members[second][1])
    swapped_slots[second] = (members[second][0], members[first][1])
    hostile = [
        *(outbox[:size] for size in range(0, len(outbox) - 1024, len(outbox) // 11)),
        *(flipped(outbox, place) for place in range(700, len(outbox) - 1024, 12007)),
        archive_of(*members[1:]).getvalue(),
        archive_of(members[1], members[0], *members[2:]).getvalue(),
        archive_of(*members[:-1]).getvalue(),
        archive_of(*members, ("slots/000009", bytes(16_384))).getvalue(),
        archive_of(*members, ("../../etc/cron.d/x", b"x")).getvalue(),
        archive_of(*swapped_slots).getvalue(),
        outbox + b"x",
    ]
    yield from (content for content in hostile if content != outbox)


def archive_of(*members: tuple[str, bytes]) -> io.BytesIO:
    """Write an archive of anything."""
    stream = io.BytesIO()
    for name, content in members:
        stream.write(member_header(name, len(content), day=DAY) + content)
        stream.write(bytes(-len(content) % BLOCK_BYTES))
    stream.write(bytes(2 * BLOCK_BYTES))
    stream.seek(0)
    return stream


def members_of(archive: bytes) -> list[tuple[str, bytes]]:
    """Cut an archive into its members."""
    members, place = [], 0
    while archive[place : place + 100].strip(b"\0"):
        name = archive[place : place + 100].rstrip(b"\0").decode()
        size_bytes = int(archive[place + 124 : place + 135], 8)
        start = place + BLOCK_BYTES
        members.append((name, archive[start : start + size_bytes]))
        place = start + size_bytes + -size_bytes % BLOCK_BYTES
    return members


def flipped(content: bytes, place: int) -> bytes:
    """Return bytes of which one is another."""
    return content[:place] + bytes([content[place] ^ 0x41]) + content[place + 1 :]
