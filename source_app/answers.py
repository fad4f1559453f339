"""
Answers: find and open what officers have left for a reporter.

Each desk counts its slots for a reporter from 0, and only who knows the mailbox
key can say the names.  An answer may take several slots in a row; a slot may be
missing because it has expired, so the search goes on for a stretch before it
believes that nothing more will come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from casework.reply import CaseStatus, MalformedReply, Reply, parse_reply
from crypto.keys import ReporterKeys
from crypto.replies import ReplyPrivateKey, join_reply_parts, open_reply_part
from crypto.slots import STRETCH_SLOTS, CannotOpenSlot, Part, reply_slot
from deaddrop import DeadDrop


@dataclass(frozen=True)
class Answer:
    """
    One answer of one desk.

    Attributes:
        desk_id: Of the desk, 32 hex digits.

        number: Its first slot, counted from 0.

        next_number: The slot behind its last.
    """

    desk_id: str
    number: int
    next_number: int
    reply: Reply = field(repr=False)

    def is_unread(self, read: Mapping[str, int]) -> bool:
        """Tell whether the reporter has not marked it as read."""
        return self.number >= read.get(self.desk_id, 0)


@dataclass(frozen=True)
class Answers:
    """
    What the officers have left.

    Attributes:
        found: All answers that could be opened, the newest day first.  A desk's
            own stand in their order; of two desks on one day, whoever takes the
            case further comes later.

        unreadable: How many begin in a slot that is there, but cannot be opened
            whole.
    """

    found: tuple[Answer, ...]
    unreadable: int


def collect_answers(
    drop: DeadDrop,
    keys: ReporterKeys,
    read: Mapping[str, int],
    *,
    released_through: date | None = None,
) -> Answers:
    """
    Look under the names that this reporter has for every desk, and open.

    Args:
        read: The reporter's read marks.  However many answers before a mark have
            expired, the search goes on behind it.

        released_through: Leave out what is released after this day; nothing if None.
    """
    withheld = drop.desks.withheld(through=released_through) if released_through else ()
    private_key = ReplyPrivateKey.from_seed(keys.reply_seed)
    found: list[Answer] = []
    unreadable = 0
    for officer in drop.officers.list(retired=True):
        read_until = read.get(officer.desk_id.hex(), 0)
        parts = _parts(drop, keys, private_key, officer.desk_id, read_until)
        answers, broken = _assemble(officer.desk_id.hex(), parts)
        found += [
            answer
            for answer in answers
            if (officer.desk_id, answer.reply.letter.outbox) not in withheld
        ]
        unreadable += broken
    return Answers(_newest_first(found), unreadable)


def _newest_first(answers: Sequence[Answer]) -> tuple[Answer, ...]:
    stages = list(CaseStatus)
    reached: dict[tuple[str, date], int] = {}
    keys: dict[tuple[str, int], tuple[date, int, int]] = {}
    for answer in sorted(answers, key=lambda one: one.number):
        letter = answer.reply.letter
        at = answer.desk_id, letter.day
        stage = stages.index(letter.status) if letter.status else 0
        # Never behind what this desk had said before: numbers count its answers only.
        reached[at] = max(stage, reached.get(at, 0))
        keys[answer.desk_id, answer.number] = letter.day, reached[at], answer.number
    return tuple(
        sorted(answers, key=lambda one: keys[one.desk_id, one.number], reverse=True)
    )


def _parts(
    drop: DeadDrop,
    keys: ReporterKeys,
    private_key: ReplyPrivateKey,
    desk_id: bytes,
    read_until: int,
) -> dict[int, Part | None]:
    parts: dict[int, Part | None] = {}
    start = 0
    while True:
        names = {
            reply_slot(keys.mailbox_key, desk_id, number): number
            for number in range(start, start + STRETCH_SLOTS)
        }
        sealed_slots = drop.mailbox.fetch(list(names))
        if not sealed_slots and start >= read_until:
            return parts
        for slot, sealed in sealed_slots.items():
            try:
                parts[names[slot]] = open_reply_part(
                    sealed,
                    slot=slot,
                    private_key=private_key,
                    mailbox_key=keys.mailbox_key,
                )
            except CannotOpenSlot:
                parts[names[slot]] = None
        start += STRETCH_SLOTS


def _assemble(
    desk_id: str, parts: Mapping[int, Part | None]
) -> tuple[Sequence[Answer], int]:
    answers = []
    unreadable = 0
    number = 0
    last = max(parts, default=-1)
    while number <= last:
        first = parts.get(number)
        if first is None or first.index != 0:
            unreadable += number in parts and first is None
            number += 1
            continue
        run = [parts.get(number + index) for index in range(first.count)]
        try:
            content = join_reply_parts([part for part in run if part])
            reply = parse_reply(content)
        except (CannotOpenSlot, MalformedReply):
            unreadable += 1
        else:
            answers.append(Answer(desk_id, number, number + first.count, reply))
        number += first.count
    return answers, unreadable
