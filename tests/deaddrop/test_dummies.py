"""The names of known dummies are kept in one small file, and may be forgotten."""

import threading
from pathlib import Path

import pytest
from support.deaddrop_samples import seeded

from deaddrop import DeadDropUnavailable, KnownDummies

NAMES = [seeded(number)(32) for number in range(50)]


def test_names_are_taken_once(known: KnownDummies) -> None:
    """What is taken is removed; more than there is cannot be taken."""
    known.add(NAMES)
    taken = known.take(20)
    assert 20 == len(set(taken))
    assert frozenset(NAMES) - set(taken) == known.peek()
    assert 30 == len(known.take(99))
    assert [] == known.take(1)


def test_the_order_is_random(known: KnownDummies) -> None:
    """Neither the file nor `take` keeps the order in which names were added."""
    known.add(NAMES)
    assert NAMES[:10] != known.take(10)


def test_only_the_owner_reads_the_file(tmp_path: Path) -> None:
    """The file is made for its owner alone, in a directory for its owner alone."""
    path = tmp_path / "memory" / "known"
    KnownDummies(path).add(NAMES)
    assert 0o600 == path.stat().st_mode & 0o777
    assert 0o700 == path.parent.stat().st_mode & 0o777


def test_a_torn_file_is_read(tmp_path: Path) -> None:
    """A name cut short by a crash, or written twice, does no harm."""
    path = tmp_path / "known"
    path.write_bytes(b"".join([*NAMES[:3], NAMES[0], NAMES[4][:31]]))
    known = KnownDummies(path)
    assert frozenset(NAMES[:3]) == known.peek()
    assert 3 == len(known.take(9))


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """A symbolic link in the place of the file is refused, and its target left."""
    target = tmp_path / "target"
    target.write_bytes(b"untouched")
    (tmp_path / "known").symlink_to(target)
    with pytest.raises(DeadDropUnavailable, match="cannot be used"):
        KnownDummies(tmp_path / "known").add(NAMES)
    assert b"untouched" == target.read_bytes()


def test_threads_never_take_the_same_name(tmp_path: Path) -> None:
    """Four threads with the same file take every name once."""
    path = tmp_path / "known"
    KnownDummies(path).add(NAMES)
    taken: list[bytes] = []

    def take_all() -> None:
        known = KnownDummies(path)
        while names := known.take(3):
            taken.extend(names)

    threads = [threading.Thread(target=take_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(NAMES) == sorted(taken)
