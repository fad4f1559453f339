"""What the tests of the dead drop are made of: items, slots, seeded chance."""

import hashlib
import random
from collections.abc import Callable, Sequence
from datetime import date

from deaddrop import DeadDrop, SealedItem, SlotWrite
from deaddrop.schema import SLOT_BYTES, SLOT_NAME_BYTES

DAY = date(2026, 11, 23)
ITEM_BYTES = 65_536

Entropy = Callable[[int], bytes]


def seeded(seed: int) -> Entropy:
    """Return a source of bytes that is the same for the same *seed*."""
    return random.Random(seed).randbytes


def sealed_item(content: bytes) -> SealedItem:
    """Return *content* as a sealed item that comes in uneven chunks."""
    chunks = [
        content[start : start + 50_000] for start in range(0, len(content), 50_000)
    ]
    return SealedItem(len(content), hashlib.sha256(content).digest(), lambda: chunks)


def new_slot(entropy: Entropy) -> SlotWrite:
    """Return a write of random content into a slot that must be empty."""
    return SlotWrite(entropy(SLOT_NAME_BYTES), entropy(SLOT_BYTES), None)


def rewrite(write: SlotWrite, entropy: Entropy) -> SlotWrite:
    """Return a write of new content after *write*."""
    return SlotWrite(write.slot, entropy(SLOT_BYTES), write.sealed)


def count_rows(drop: DeadDrop) -> int:
    """Return how many rows the mailbox has."""
    with drop.database.reading() as connection:
        return int(
            connection.exec_driver_sql("SELECT count(*) FROM mailbox").scalar_one()
        )


def read_mailbox(drop: DeadDrop) -> dict[bytes, tuple[int, bytes]]:
    """Return expiry and content of every mailbox row by name, as a seizer would."""
    with drop.database.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT slot, expires_day, sealed FROM mailbox"
        )
        return {slot: (expires_day, sealed) for slot, expires_day, sealed in rows}


def read_everything(drop: DeadDrop) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table: to show that nothing changed."""
    tables = (
        "installation",
        "intake",
        "intake_chunk",
        "intake_counter",
        "mailbox",
        "session",
        "officer",
        "desk_cursor",
        "holding",
        "outbox_applied",
        "courier_account",
        "courier_code",
        "courier_throttle",
        "courier_session",
        "courier_record",
    )
    with drop.database.reading() as connection:
        return {
            table: sorted(
                (
                    tuple(row)
                    for row in connection.exec_driver_sql(f"SELECT * FROM {table}")
                ),
                key=repr,
            )
            for table in tables
        }


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the rank correlation of two sequences without ties."""
    pairs = zip(_ranks(first), _ranks(second), strict=True)
    squares = sum((one - other) * (one - other) for one, other in pairs)
    count = len(first)
    return 1 - 6 * squares / (count * (count * count - 1))


def _ranks(values: Sequence[float]) -> list[int]:
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0] * len(values)
    for rank, index in enumerate(order):
        ranks[index] = rank
    return ranks
