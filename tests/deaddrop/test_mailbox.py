"""The mailbox hides real rows among dummies and keeps their number round."""

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from support.deaddrop_samples import (
    DAY,
    ITEM_BYTES,
    Entropy,
    count_rows,
    new_slot,
    read_everything,
    read_mailbox,
    rewrite,
    sealed_item,
    seeded,
)

from deaddrop import DeadDrop, KnownDummies, SlotWrite, StaleSlot, open_deaddrop
from deaddrop.mailbox import BLOCK, FUZZ_DAYS, KEPT_DAYS


def test_the_first_block_is_laid(drop: DeadDrop, known: KnownDummies) -> None:
    """A new installation has 256 rows, all of them known dummies."""
    assert read_mailbox(drop).keys() == known.peek()
    assert BLOCK == len(known.peek())


def test_a_new_row_takes_a_place(
    drop: DeadDrop, known: KnownDummies, entropy: Entropy
) -> None:
    """
    For one new row two names vanish and two appear, so that half of those are dummies.
    """
    before = read_mailbox(drop)
    write = new_slot(entropy)
    drop.mailbox.write([write], day=DAY)
    after = read_mailbox(drop)

    assert 2 == len(before.keys() - after.keys())
    appeared = after.keys() - before.keys()
    assert 2 == len(appeared)
    assert {write.slot} == appeared - known.peek()
    assert write.sealed == after[write.slot][1]


def test_a_rewritten_row_does_not_stand_out(
    drop: DeadDrop, known: KnownDummies, entropy: Entropy
) -> None:
    """For one rewritten row two contents change under their names, one a dummy's."""
    write = new_slot(entropy)
    drop.mailbox.write([write], day=DAY)
    before = read_mailbox(drop)
    drop.mailbox.write([rewrite(write, entropy)], day=DAY)
    after = read_mailbox(drop)

    assert before.keys() == after.keys()
    changed = {slot for slot in after if before[slot] != after[slot]}
    assert 2 == len(changed)
    assert {write.slot} == changed - known.peek()


def test_forgotten_dummies_cost_one_block(
    drop: DeadDrop, url: str, tmp_path_factory: pytest.TempPathFactory, entropy: Entropy
) -> None:
    """After a power-cut the next write adds one block, and the one after it none."""
    elsewhere = tmp_path_factory.mktemp("boot") / "known"
    rebooted = open_deaddrop(
        url, known_dummies=KnownDummies(elsewhere, entropy=seeded(6)), entropy=seeded(7)
    )
    for _ in range(10):
        rebooted.mailbox.write([new_slot(entropy)], day=DAY)
    assert 2 * BLOCK == count_rows(rebooted)
    rebooted.close()


def test_many_rows_at_once(drop: DeadDrop, entropy: Entropy) -> None:
    """More new rows than dummies add as many blocks as it takes."""
    writes = [new_slot(entropy) for _ in range(600)]
    drop.mailbox.write(writes, day=DAY)
    assert {write.slot: write.sealed for write in writes} == drop.mailbox.fetch(
        [write.slot for write in writes]
    )
    assert 0 == count_rows(drop) % BLOCK


def test_names_that_are_gone_are_skipped(
    drop: DeadDrop, known: KnownDummies, entropy: Entropy
) -> None:
    """Known dummies that no longer exist are passed over."""
    known.take(250)
    known.add(entropy(32) for _ in range(250))
    for _ in range(20):
        drop.mailbox.write([new_slot(entropy)], day=DAY)
    assert 0 == count_rows(drop) % BLOCK
    assert known.peek() & read_mailbox(drop).keys()


@pytest.mark.parametrize(
    "write",
    [
        SlotWrite(bytes(31), bytes(16_384), None),
        SlotWrite(bytes(33), bytes(16_384), None),
        SlotWrite(bytes(32), bytes(16_383), None),
        SlotWrite(bytes(32), bytes(16_385), None),
    ],
)
def test_a_wrong_size_is_refused(drop: DeadDrop, write: SlotWrite) -> None:
    """A row of another size, which would stand out, is refused."""
    before = read_everything(drop)
    with pytest.raises(ValueError, match=r"is (32|16384) bytes"):
        drop.mailbox.write([write], day=DAY)
    assert before == read_everything(drop)


def test_a_slot_twice_is_refused(drop: DeadDrop, entropy: Entropy) -> None:
    """One request cannot write a slot twice."""
    write = new_slot(entropy)
    with pytest.raises(ValueError, match="a slot occurs twice"):
        drop.mailbox.write([write, write], day=DAY)
    assert {} == drop.mailbox.fetch([write.slot])


def test_slot_writes_keep_secrets_out_of_repr(entropy: Entropy) -> None:
    """Neither names nor contents of slots are in the `repr` of a write."""
    assert "SlotWrite()" == repr(new_slot(entropy))


def test_rows_expire(drop: DeadDrop, known: KnownDummies, entropy: Entropy) -> None:
    """
    A row is kept for 400 days at least and 580 at most, and goes without a trace.
    """
    write = new_slot(entropy)
    drop.mailbox.write([write], day=DAY)
    assert 0 == drop.mailbox.expire(DAY + timedelta(days=KEPT_DAYS))
    assert 1 == len(drop.mailbox.fetch([write.slot]))

    drop.mailbox.expire(DAY + timedelta(days=KEPT_DAYS + FUZZ_DAYS + 1))
    assert {} == drop.mailbox.fetch([write.slot])
    assert 0 == count_rows(drop) % BLOCK
    assert read_mailbox(drop).keys() & known.peek()


def test_a_rewritten_row_lives_longer(drop: DeadDrop, entropy: Entropy) -> None:
    """Rewriting a row starts its time anew."""
    write = new_slot(entropy)
    drop.mailbox.write([write], day=DAY)
    later = DAY + timedelta(days=KEPT_DAYS)
    again = rewrite(write, entropy)
    drop.mailbox.write([again], day=later)
    drop.mailbox.expire(later + timedelta(days=KEPT_DAYS))
    assert {write.slot: again.sealed} == drop.mailbox.fetch([write.slot])


def test_whole_blocks_go_when_they_expire(drop: DeadDrop, entropy: Entropy) -> None:
    """When more than a block has expired, the table becomes smaller again."""
    drop.mailbox.write([new_slot(entropy) for _ in range(300)], day=DAY)
    before = count_rows(drop)
    expired = drop.mailbox.expire(DAY + timedelta(days=KEPT_DAYS + FUZZ_DAYS + 1))
    assert before == expired
    assert 0 == count_rows(drop)
    drop.mailbox.write([new_slot(entropy)], day=DAY)
    assert BLOCK == count_rows(drop)


def test_a_day_without_reporters_does_not_look_like_one(
    drop: DeadDrop, known: KnownDummies
) -> None:
    """
    The daily expiry replaces now and then a dummy, each about once in its life.
    """
    before = read_mailbox(drop).keys()
    for _ in range(100):
        assert 0 == drop.mailbox.expire(DAY)
    after = read_mailbox(drop).keys()
    # 256 dummies, 100 days, one chance in 490 a day: 52 on average, less a few twice.
    assert 25 < len(before - after) < 75
    assert after == known.peek()


def test_expiry_tells_no_dummy(
    drop: DeadDrop, known: KnownDummies, entropy: Entropy
) -> None:
    """
    The expiries of real rows and of dummies are drawn from one distribution.

    Kolmogorov and Smirnov's two-sample test, at one per cent.
    """
    writes = [new_slot(entropy) for _ in range(100)]
    for write in writes:
        drop.mailbox.write([write], day=DAY)
    for write in writes[:50]:
        drop.mailbox.write([rewrite(write, entropy)], day=DAY)
    rows = read_mailbox(drop)
    dummies = [rows[slot][0] for slot in rows.keys() & known.peek()]
    real = [rows[write.slot][0] for write in writes]

    assert len(rows) == len(dummies) + len(real)
    days = range(DAY.toordinal(), DAY.toordinal() + KEPT_DAYS + FUZZ_DAYS + 1)
    difference = max(
        abs(
            sum(one <= day for one in dummies) / len(dummies)
            - sum(one <= day for one in real) / len(real)
        )
        for day in days
    )
    assert difference < 1.63 * (1 / len(dummies) + 1 / len(real)) ** 0.5


def test_content_tells_no_dummy(sqlite_drop: DeadDrop, known: KnownDummies) -> None:
    """The bytes of dummies are uniform (chi-square, 255 degrees, at one per cent)."""
    contents = [
        sealed
        for slot, (_, sealed) in read_mailbox(sqlite_drop).items()
        if slot in known.peek()
    ]
    assert {16_384} == {len(content) for content in contents}
    counted = Counter(b"".join(contents))
    mean = len(contents) * 16_384 / 256
    chi_square = sum((counted[byte] - mean) ** 2 / mean for byte in range(256))
    assert 200 < chi_square < 311


def test_rows_have_nothing_in_common(sqlite_drop: DeadDrop, entropy: Entropy) -> None:
    """No eight bytes occur in two mailbox rows, or in a row and an item."""
    for _ in range(5):
        sqlite_drop.intake.accept(
            sealed_item(entropy(ITEM_BYTES)), day=DAY, writes=[new_slot(entropy)]
        )
    rows = [slot + sealed for slot, (_, sealed) in read_mailbox(sqlite_drop).items()]
    texts = rows[:40] + [b"".join(sqlite_drop.intake.read(1))]
    windows = [
        {text[start : start + 8] for start in range(len(text) - 7)} for text in texts
    ]
    assert sum(len(those) for those in windows) == len(set().union(*windows))


class MailboxMachine(RuleBasedStateMachine):
    """Anything that happens to a mailbox, against a plain dictionary."""

    drop: DeadDrop
    known: KnownDummies
    # One source for all examples: they share a mailbox, and names must not recur.
    entropy = staticmethod(seeded(8))

    def __init__(self) -> None:
        super().__init__()
        self.day: date = DAY
        self.expected: dict[bytes, SlotWrite] = {}
        self.written: dict[bytes, date] = {}
        self.items = len(self.drop.intake.entries(0))

    @initialize()
    def start_empty(self) -> None:
        """Forget what the example before has left: its rows are strangers' now."""
        self.known.take(10**6)

    @rule(new=st.integers(0, 5), again=st.integers(0, 5), with_item=st.booleans())
    def write(self, new: int, again: int, with_item: bool) -> None:
        """Write new rows and rewrite old ones."""
        writes = [new_slot(self.entropy) for _ in range(new)]
        old = list(self.expected.values())[:again]
        writes += [rewrite(write, self.entropy) for write in old]
        if with_item:
            item = sealed_item(self.entropy(100))
            self.drop.intake.accept(item, day=self.day, writes=writes)
            self.items += 1
        else:
            self.drop.mailbox.write(writes, day=self.day)
        for write in writes:
            self.expected[write.slot] = write
            self.written[write.slot] = self.day

    @rule()
    def write_stale(self) -> None:
        """Write rows of which one is stale."""
        stale = SlotWrite(self.entropy(32), bytes(16_384), bytes(16_384))
        with pytest.raises(StaleSlot):
            self.drop.mailbox.write([new_slot(self.entropy), stale], day=self.day)

    @rule(days=st.integers(1, 300))
    def expire(self, days: int) -> None:
        """Let days pass, and expire."""
        self.day += timedelta(days=days)
        self.drop.mailbox.expire(self.day)
        there = self.drop.mailbox.fetch(list(self.expected))
        for slot in list(self.expected):
            age = (self.day - self.written[slot]).days
            assert slot in there or age > KEPT_DAYS
            assert slot not in there or age <= KEPT_DAYS + FUZZ_DAYS
            if slot not in there:
                del self.expected[slot]

    @rule()
    def lose_power(self) -> None:
        """Forget all known dummies."""
        self.known.take(10**6)

    @rule()
    def crash_before_noting(self) -> None:
        """Remember names that are gone, as after a crash."""
        self.known.add([self.entropy(32)])

    @invariant()
    def the_number_is_round(self) -> None:
        """The number of rows is a multiple of 256."""
        assert 0 == count_rows(self.drop) % BLOCK

    @invariant()
    def no_real_row_is_lost(self) -> None:
        """Every row is there with its content, and none is called a dummy."""
        assert {
            slot: write.sealed for slot, write in self.expected.items()
        } == self.drop.mailbox.fetch(list(self.expected))
        assert not self.expected.keys() & self.known.peek()
        assert self.items == len(self.drop.intake.entries(0))


def test_the_number_of_rows_is_always_round(
    drop: DeadDrop, known: KnownDummies
) -> None:
    """Whatever happens, the number of rows is a multiple of 256 and no row is lost."""

    class Machine(MailboxMachine):
        """The machine on this database."""

    Machine.drop, Machine.known = drop, known
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=12,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
