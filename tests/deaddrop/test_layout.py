"""
What a seizer reads in the raw SQLite file: docs/adr/0004, measured.

These tests look at bytes and their offsets, not through SQLite.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from support.deaddrop_samples import (
    DAY,
    ITEM_BYTES,
    Entropy,
    new_slot,
    read_mailbox,
    rewrite,
    sealed_item,
    spearman,
)

from deaddrop import DeadDrop, SlotWrite
from deaddrop.accounts import Account, CourierSession

REPORTERS = 60
# |rho| of 60 independent pairs stays below this in 99 of 100 cases.
UNRELATED = 0.33


def database_path(drop: DeadDrop) -> Path:
    """Return the path of the drop's SQLite file."""
    with drop.database.reading() as connection:
        row = connection.exec_driver_sql("PRAGMA database_list").one()
    return Path(row[2])


def offsets(drop: DeadDrop, contents: list[bytes]) -> list[int]:
    """Return where in the file the middle of each content lies."""
    raw = database_path(drop).read_bytes()
    found = [raw.find(content[5_000:5_032]) for content in contents]
    assert -1 not in found
    return found


@dataclass
class Traffic:
    """A busy time: reports, sessions, second visits, collections and replies."""

    drop: DeadDrop
    entropy: Entropy
    slots: list[SlotWrite] = field(default_factory=list)
    item_offsets: list[int] = field(default_factory=list)

    def run(self) -> None:
        """Let sixty reporters report while officers collect and answer."""
        officer = self.drop.officers.add(
            fingerprint="A" * 40, name="Officer A", certificate=b"A", desk_id=b"d" * 16
        )
        sessions: list[bytes] = []
        for reporter in range(REPORTERS):
            sessions.append(self.entropy(32))
            self.drop.sessions.save(sessions[-1], self.entropy(4_096), reporter)
            self._report()
            if reporter % 4 == 3:
                earlier = reporter // 2
                self.slots[earlier] = rewrite(self.slots[earlier], self.entropy)
                self.drop.mailbox.write([self.slots[earlier]], day=DAY)
                self.drop.sessions.delete(sessions.pop(0))
            if reporter % 10 == 9:
                # Frees the pages of ten items at once, for whoever writes next.
                self.drop.apply_outbox(
                    officer.desk_id,
                    reporter // 10 + 1,
                    bytes(32),
                    [(self.entropy(32), self.entropy(16_384)) for _ in range(3)],
                    [(item.number, item.sha256) for item in self.drop.intake.entries()],
                    DAY,
                )

    def _report(self) -> None:
        self.slots.append(new_slot(self.entropy))
        content = self.entropy(ITEM_BYTES)
        self.drop.intake.accept(sealed_item(content), day=DAY, writes=[self.slots[-1]])
        self.item_offsets += offsets(self.drop, [content])

    def slot_offsets(self) -> list[int]:
        """Return where the reporters' slots lie, in the order they were made."""
        return offsets(self.drop, [write.sealed for write in self.slots])


def test_places_in_the_file_tell_no_order(
    sqlite_drop: DeadDrop, entropy: Entropy
) -> None:
    """Where a real row lies does not tell when it was first written."""
    traffic = Traffic(sqlite_drop, entropy)
    traffic.run()
    assert abs(spearman(range(REPORTERS), traffic.slot_offsets())) < UNRELATED


def test_places_in_the_file_tie_no_row_to_an_item(
    sqlite_drop: DeadDrop, entropy: Entropy
) -> None:
    """Where a real row lies has nothing to do with where its item lay."""
    traffic = Traffic(sqlite_drop, entropy)
    traffic.run()
    # Items lay one after another until collection gave their pages away; what
    # matters is that the rows do not follow them.
    assert abs(spearman(traffic.item_offsets, traffic.slot_offsets())) < UNRELATED


def test_rows_never_move(sqlite_drop: DeadDrop, entropy: Entropy) -> None:
    """All rows lie exactly where the first block of dummies was laid."""
    laid = offsets(
        sqlite_drop, [sealed for _, sealed in read_mailbox(sqlite_drop).values()]
    )
    Traffic(sqlite_drop, entropy).run()
    now = offsets(
        sqlite_drop, [sealed for _, sealed in read_mailbox(sqlite_drop).values()]
    )
    assert sorted(laid) == sorted(now)


def test_tidying_lays_rows_in_the_order_of_their_places(
    sqlite_drop: DeadDrop, entropy: Entropy
) -> None:
    """After tidying, blocks of different age lie mixed, in a random order."""
    traffic = Traffic(sqlite_drop, entropy)
    traffic.run()
    sqlite_drop.mailbox.write([new_slot(entropy) for _ in range(150)], day=DAY)
    sqlite_drop.tidy(DAY)

    with sqlite_drop.database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT sealed FROM mailbox ORDER BY place")
        found = offsets(sqlite_drop, list(rows.scalars()))
    assert sorted(found) == found


def test_the_log_is_empty(sqlite_drop: DeadDrop, entropy: Entropy) -> None:
    """After each write the write-ahead log, a history of transactions, is empty."""
    log = Path(f"{database_path(sqlite_drop)}-wal")
    write = new_slot(entropy)
    sqlite_drop.intake.accept(sealed_item(entropy(ITEM_BYTES)), day=DAY, writes=[write])
    assert 0 == log.stat().st_size
    sqlite_drop.sessions.save(entropy(32), entropy(4_096), 1)
    assert 0 == log.stat().st_size
    sqlite_drop.tidy(DAY)
    assert 0 == log.stat().st_size


def test_a_reader_does_not_hold_up_a_writer(
    sqlite_drop: DeadDrop, entropy: Entropy
) -> None:
    """A reader keeps the log from being emptied; the next write makes up for it."""
    log = Path(f"{database_path(sqlite_drop)}-wal")
    with sqlite_drop.database.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM mailbox").scalar_one()
        sqlite_drop.mailbox.write([new_slot(entropy)], day=DAY)
        assert log.stat().st_size > 0
    sqlite_drop.mailbox.write([new_slot(entropy)], day=DAY)
    assert 0 == log.stat().st_size


def test_what_is_gone_is_gone(sqlite_drop: DeadDrop, entropy: Entropy) -> None:
    """Overwritten rows, collected items and old sessions leave no byte behind."""
    first = new_slot(entropy)
    content, session = entropy(ITEM_BYTES), entropy(4_096)
    officer = sqlite_drop.officers.add(
        fingerprint="A" * 40, name="Officer A", certificate=b"A", desk_id=b"d" * 16
    )
    item = sealed_item(content)
    sqlite_drop.intake.accept(item, day=DAY, writes=[first])
    sqlite_drop.sessions.save(entropy(32), session, 1)
    raw = database_path(sqlite_drop).read_bytes()
    gone = [first.sealed, content, session]
    assert all(some[2_000:2_016] in raw for some in gone)

    sqlite_drop.mailbox.write([rewrite(first, entropy)], day=DAY)
    sqlite_drop.sessions.purge(3)
    sqlite_drop.apply_outbox(officer.desk_id, 1, bytes(32), [], [(1, item.sha256)], DAY)
    raw = database_path(sqlite_drop).read_bytes()
    for some in gone:
        windows = (some[start : start + 16] for start in range(0, len(some), 512))
        assert not any(window in raw for window in windows)


def test_the_daily_tidying_leaves_no_byte_of_what_went(
    sqlite_drop: DeadDrop, entropy: Entropy
) -> None:
    """
    Nor a free page: expired rows, and officers' sessions, are gone from the raw file.
    """
    write = new_slot(entropy)
    sqlite_drop.mailbox.write([write], day=DAY)
    sqlite_drop.officers.add(
        fingerprint="A" * 40, name="Officer A", certificate=b"A", desk_id=b"d" * 16
    )
    phc = entropy(50).hex()
    account = Account("A" * 40, "ani", phc, b"sealed", 0)
    sqlite_drop.accounts.put(account, code_digests=[])
    name = entropy(32)
    sqlite_drop.accounts.start_session(name, CourierSession("A" * 40, 1, 1))
    path = database_path(sqlite_drop)
    gone = [write.sealed, write.slot, name, phc.encode()]
    raw = path.read_bytes()
    assert all(some[:16] in raw for some in gone)

    sqlite_drop.officers.retire("A" * 40)
    sqlite_drop.accounts.forget_sessions(begun_before=2, seen_before=2)
    sqlite_drop.accounts.forget_retired()
    sqlite_drop.tidy(DAY + timedelta(days=600))
    raw = path.read_bytes()
    for some in gone:
        # The names of the officers' keys stay, and nothing else does.
        windows = (some[start : start + 16] for start in range(0, len(some) - 15, 16))
        assert not any(window in raw for window in windows)
    with sqlite_drop.database.reading() as connection:
        free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
    assert 0 == free


def test_the_file_is_its_owners(sqlite_drop: DeadDrop) -> None:
    """The database and its log are readable by their owner only."""
    path = database_path(sqlite_drop)
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        assert 0 == name.stat().st_mode & 0o077
