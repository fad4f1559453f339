"""Intake stores an item whole, with its slots, or not at all."""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from support.deaddrop_samples import (
    DAY,
    ITEM_BYTES,
    Entropy,
    count_rows,
    new_slot,
    read_everything,
    rewrite,
    sealed_item,
    seeded,
)

from deaddrop import (
    DamagedItem,
    DeadDrop,
    IntakeEntry,
    KnownDummies,
    NotInstalled,
    StaleSlot,
    UnknownItem,
    open_deaddrop,
)


def test_an_accepted_item_reads_back(drop: DeadDrop, entropy: Entropy) -> None:
    """An item of several pieces reads back byte for byte, with its slots."""
    content = entropy(2_500_000)
    item = sealed_item(content)
    write = new_slot(entropy)

    number = drop.intake.accept(item, day=DAY, writes=[write])

    assert [IntakeEntry(1, DAY, len(content), item.sha256)] == drop.intake.entries(0)
    pieces = list(drop.intake.read(number))
    assert [1_048_576, 1_048_576, 402_848] == [len(piece) for piece in pieces]
    assert content == b"".join(pieces)
    assert {write.slot: write.sealed} == drop.mailbox.fetch([write.slot])


def test_numbers_have_no_gaps(drop: DeadDrop, entropy: Entropy) -> None:
    """A refused item uses up no number, and `entries` starts after the one named."""
    item = sealed_item(entropy(ITEM_BYTES))
    first = drop.intake.accept(item, day=DAY, writes=[])
    with pytest.raises(DamagedItem):
        drop.intake.accept(replace(item, sha256=bytes(32)), day=DAY, writes=[])
    second = drop.intake.accept(item, day=DAY, writes=[])

    assert (1, 2) == (first, second)
    assert [2] == [entry.number for entry in drop.intake.entries(1)]


def test_a_stale_slot_leaves_nothing(
    drop: DeadDrop, known: KnownDummies, entropy: Entropy
) -> None:
    """If one expectation of several fails, neither item nor any slot is stored."""
    there = new_slot(entropy)
    drop.mailbox.write([there], day=DAY)
    before = read_everything(drop)
    dummies = known.peek()
    item = sealed_item(entropy(ITEM_BYTES))

    for stale in (
        replace(there, expected=None),
        replace(there, expected=entropy(16_384)),
        replace(new_slot(entropy), expected=entropy(16_384)),
    ):
        with pytest.raises(StaleSlot):
            drop.intake.accept(item, day=DAY, writes=[new_slot(entropy), stale])

    assert before == read_everything(drop)
    assert dummies == known.peek()


@pytest.mark.parametrize("size_bytes", [65_535, 65_537])
def test_a_wrong_size_is_refused(
    drop: DeadDrop, entropy: Entropy, size_bytes: int
) -> None:
    """An item that is shorter or longer than announced changes nothing."""
    before = read_everything(drop)
    item = replace(sealed_item(entropy(ITEM_BYTES)), size_bytes=size_bytes)

    with pytest.raises(DamagedItem):
        drop.intake.accept(item, day=DAY, writes=[new_slot(entropy)])

    assert before == read_everything(drop)


def test_a_spool_that_breaks_changes_nothing(drop: DeadDrop, entropy: Entropy) -> None:
    """An error while the item is read passes through and undoes everything."""
    before = read_everything(drop)

    def broken() -> Iterator[bytes]:
        yield entropy(2_000_000)
        raise OSError("the spool is gone")

    item = replace(sealed_item(entropy(3_000_000)), chunks=broken)
    with pytest.raises(OSError, match="the spool is gone"):
        drop.intake.accept(item, day=DAY, writes=[new_slot(entropy)])

    assert before == read_everything(drop)


def test_no_such_item(drop: DeadDrop) -> None:
    """Reading an unknown item says so."""
    with pytest.raises(UnknownItem):
        list(drop.intake.read(1))


def test_a_drop_without_installation_accepts_nothing(
    url: str, known: KnownDummies, entropy: Entropy
) -> None:
    """Before the installation is made, no item is accepted."""
    drop = open_deaddrop(url, known_dummies=known, entropy=entropy)
    with pytest.raises(NotInstalled):
        drop.intake.accept(sealed_item(entropy(ITEM_BYTES)), day=DAY, writes=[])
    assert [] == drop.intake.entries(0)
    drop.close()


def test_eight_threads_accept_at_once(drop: DeadDrop) -> None:
    """Items accepted at the same time all arrive whole, numbered without a gap."""
    contents: dict[int, bytes] = {}

    def accept(seed: int) -> None:
        entropy = seeded(seed)
        for _ in range(3):
            content = entropy(ITEM_BYTES)
            number = drop.intake.accept(
                sealed_item(content), day=DAY, writes=[new_slot(entropy)]
            )
            contents[number] = content

    threads = [threading.Thread(target=accept, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert list(range(1, 25)) == sorted(contents)
    for number, content in contents.items():
        assert content == b"".join(drop.intake.read(number))
    assert 0 == count_rows(drop) % 256


def test_two_writers_of_one_slot_lose_nothing(drop: DeadDrop, entropy: Entropy) -> None:
    """Two threads that count in one slot, trying again when stale, both count."""
    slot = entropy(32)
    zero = bytes(16_384)
    start = replace(new_slot(entropy), slot=slot, sealed=zero)
    drop.mailbox.write([start], day=DAY)

    def count_to(times: int) -> None:
        done = 0
        while done < times:
            now = drop.mailbox.fetch([slot])[slot]
            following = (int.from_bytes(now, "big") + 1).to_bytes(16_384, "big")
            try:
                drop.mailbox.write(
                    [replace(start, sealed=following, expected=now)], day=DAY
                )
            except StaleSlot:
                continue
            done += 1

    threads = [threading.Thread(target=count_to, args=(15,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 30 == int.from_bytes(drop.mailbox.fetch([slot])[slot], "big")


def test_a_killed_writer_leaves_whole_items(url: str, known: KnownDummies) -> None:
    """
    Killed at any moment, a writer leaves what it acknowledged and nothing by half.
    """
    # Seeded, every child would inherit the same state and draw the same names.
    drop = open_deaddrop(url, known_dummies=known, entropy=os.urandom)
    drop.create_installation(os.urandom, day=DAY)
    chance = random.Random(5)
    acknowledged: set[int] = set()
    for killing in range(20):
        acknowledged |= _accept_until_killed(drop, killing, chance.uniform(0.01, 0.08))

    entries = drop.intake.entries(0)
    numbers = [entry.number for entry in entries]
    assert list(range(1, len(entries) + 1)) == numbers
    assert acknowledged, "no writer lived long enough to show anything"
    assert acknowledged <= set(numbers)
    for entry in entries:
        content = b"".join(drop.intake.read(entry.number))
        assert sealed_item(content).sha256 == entry.sha256
        # The item carries the name of the slot that was written with it.
        assert 1 == len(drop.mailbox.fetch([content[:32]]))
    assert 0 == count_rows(drop) % 256
    drop.close()


def _accept_until_killed(drop: DeadDrop, seed: int, seconds: float) -> set[int]:
    """Accept items in a child process, kill it, return what it acknowledged."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        # The child leaves by the kill or by _exit, never through pytest.
        try:
            entropy = seeded(100 + seed)
            while True:
                write = new_slot(entropy)
                content = write.slot + entropy(ITEM_BYTES)
                number = drop.intake.accept(
                    sealed_item(content), day=DAY, writes=[write]
                )
                os.write(sender, number.to_bytes(4, "big"))
        finally:
            os._exit(1)
    os.close(sender)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert signal.SIGKILL == os.WTERMSIG(status)
    with os.fdopen(receiver, "rb") as pipe:
        told = pipe.read()
    return {
        int.from_bytes(told[start : start + 4], "big")
        for start in range(0, len(told), 4)
    }


def test_slots_are_rewritten_with_an_item(drop: DeadDrop, entropy: Entropy) -> None:
    """An item can rewrite one slot and fill another at the same time."""
    first, second = new_slot(entropy), new_slot(entropy)
    drop.mailbox.write([first], day=DAY)
    again = rewrite(first, entropy)
    drop.intake.accept(
        sealed_item(entropy(ITEM_BYTES)), day=DAY, writes=[again, second]
    )
    assert {
        first.slot: again.sealed,
        second.slot: second.sealed,
    } == drop.mailbox.fetch([first.slot, second.slot, entropy(32)])


@pytest.mark.parametrize(
    "start", [0, 1, 49_999, 1_048_575, 1_048_576, 1_048_577, 2_300_000]
)
def test_an_item_is_read_from_anywhere(drop: DeadDrop, start: int) -> None:
    """A download that broke off goes on where it was."""
    content = random.Random(start).randbytes(2_300_000)
    number = drop.intake.accept(sealed_item(content), day=DAY, writes=[])
    assert content[start:] == b"".join(drop.intake.read(number, start=start))
