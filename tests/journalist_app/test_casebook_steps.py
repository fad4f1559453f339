"""Casebooks of older versions: brought to this one, whatever happens meanwhile."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.casebooks import (
    FROZEN,
    KEY,
    connect,
    make,
    rows_of,
    shape_of,
    shape_of_script,
)
from support.reporters import DAY, Reporter, Sealer, make_bundle

from journalist_app.workstation import casebook
from journalist_app.workstation.backing_up import restore_backup, write_backup
from journalist_app.workstation.casebook import create_casebook, open_casebook
from journalist_app.workstation.casebook_steps import STEPS, VERSION, bring_up
from journalist_app.workstation.desk import Desk, open_desk
from journalist_app.workstation.errors import (
    CasebookTooNew,
    CasebookTooOld,
    CasebookUnreadable,
    NoRoomForCopy,
)
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.queueing import list_cases

OPENER = """
import sys
from pathlib import Path
from journalist_app.workstation.casebook import open_casebook
open_casebook(Path(sys.argv[1]), b"k" * 32).close()
"""
WRITING = ("pwrite64", "fsync", "unlink", "rename")
MOST_CALLS = 40


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A casebook that the oldest version that counts has made."""
    path = tmp_path / "casebook.db"
    make(path, FROZEN[min(FROZEN)])
    return path


def files_in(folder: Path) -> dict[str, bytes]:
    """Return what is in a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_tables_are_those_that_were_frozen(tmp_path: Path) -> None:
    """
    Whoever changes a table makes a new version, and the vector that goes with it.
    """
    made = tmp_path / "casebook.db"
    create_casebook(made, KEY, certificate_sent=bytes(32))

    frozen = shape_of_script(FROZEN[VERSION], tmp_path / "frozen.db")
    assert frozen == shape_of(made)


def test_every_version_from_the_oldest_on_is_frozen() -> None:
    """There is a vector for each version that can be opened."""
    assert [*STEPS, VERSION] == sorted(FROZEN)


@pytest.mark.parametrize("version", sorted(FROZEN))
def test_a_casebook_of_every_version_is_opened(tmp_path: Path, version: int) -> None:
    """It has this version's tables afterwards, and its rows, and no copy is left."""
    path = tmp_path / "casebook.db"
    make(path, FROZEN[version])
    before = rows_of(path)

    opened = open_casebook(path, KEY)

    with opened.transaction() as connection:
        found = connection.exec_driver_sql(
            "SELECT rowid FROM search WHERE words MATCH 'bantuan'"
        ).scalar_one()
    opened.close()
    assert 1 == found
    after = rows_of(path)
    assert before == {name: after[name] for name in before}
    assert ["casebook.db"] == [one.name for one in tmp_path.iterdir()]
    frozen = shape_of_script(FROZEN[VERSION], tmp_path / "frozen.db")
    assert frozen == shape_of(path)


@pytest.mark.parametrize(
    ("version", "refusal"), [(VERSION + 1, CasebookTooNew), (2, CasebookTooOld)]
)
def test_other_versions_are_refused(
    tmp_path: Path, version: int, refusal: type[CasebookUnreadable]
) -> None:
    """What a newer Bisik made, or one before all steps, stays as it is."""
    path = tmp_path / "casebook.db"
    make(path, f"{FROZEN[VERSION]} PRAGMA user_version = {version};")
    before = files_in(tmp_path)

    with pytest.raises(refusal, match=f"version {version} of the tables"):
        open_casebook(path, KEY)

    assert before == files_in(tmp_path)


@contextmanager
def files_no_larger_than(size_bytes: int) -> Iterator[None]:
    """Let the system refuse to write more."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_without_a_copy_nothing_is_changed(old: Path) -> None:
    """Where the disk has no room for the copy, the casebook stays the old one."""
    before = files_in(old.parent)

    with (
        files_no_larger_than(old.stat().st_size - 1),
        pytest.raises(NoRoomForCopy, match="cannot be copied"),
    ):
        open_casebook(old, KEY)

    assert before == files_in(old.parent)


def officers_get_a_language(connection: Any) -> None:
    """Make anew, with one column more, a table that others refer to."""
    connection.execute(
        "CREATE TABLE officer_new (desk_id VARCHAR NOT NULL PRIMARY KEY, "
        "name TEXT NOT NULL, language VARCHAR NOT NULL)"
    )
    connection.execute(
        "INSERT INTO officer_new SELECT desk_id, name, 'id' FROM officer"
    )
    connection.execute("DROP TABLE officer")
    connection.execute("ALTER TABLE officer_new RENAME TO officer")


def test_steps_follow_each_other(old: Path) -> None:
    """Two steps at once, the second with a table that others refer to."""
    steps = {**STEPS, VERSION: officers_get_a_language}
    connection = connect(old)
    connection.execute("PRAGMA foreign_keys = ON")

    bring_up(old, connection, steps=steps)

    assert (VERSION + 1,) == connection.execute("PRAGMA user_version").fetchone()
    assert (1,) == connection.execute("PRAGMA foreign_keys").fetchone()
    connection.close()
    rows = rows_of(old)
    assert [("kata", "kata", "id")] == rows["officer"]
    assert [("kata", "kata")] == rows["key"]
    assert [] == rows["former"]


def loses_the_officers(connection: Any) -> None:
    """Leave keys that belong to nobody."""
    connection.execute("DELETE FROM officer")


def test_a_step_that_loses_rows_is_taken_back(old: Path) -> None:
    """If a row refers to none afterwards, no step was taken, and the copy stays."""
    before, bytes_before = rows_of(old), old.read_bytes()
    connection = connect(old)

    with pytest.raises(CasebookUnreadable, match="refer to none"):
        bring_up(old, connection, steps={**STEPS, VERSION: loses_the_officers})
    connection.close()

    assert before == rows_of(old)
    assert bytes_before == (old.parent / "casebook.db.version-3").read_bytes()
    open_casebook(old, KEY).close()
    assert ["casebook.db"] == [one.name for one in old.parent.iterdir()]


def test_who_finds_it_damaged_is_told_of_the_copy(old: Path) -> None:
    """A casebook that broke while it was updated is named with what was before."""
    copy = old.parent / "casebook.db.version-3"
    copy.write_bytes(old.read_bytes())
    content = bytearray(old.read_bytes())
    content[100] ^= 1
    old.write_bytes(content)

    with pytest.raises(CasebookUnreadable, match="version-3 beside it"):
        open_casebook(old, KEY)

    assert copy.exists()


def open_killed(path: Path, call: str, number: int) -> bool:
    """
    Open a casebook, and kill whoever does before their *number*-th call of a kind.

    Returns:
        Whether they were killed; else they had ended before.
    """
    done = subprocess.run(
        [
            *("strace", "-f", "-o", os.devnull, "-e", f"trace={call}"),
            *("-e", f"inject={call}:error=EIO:signal=KILL:when={number}"),
            *(sys.executable, "-c", OPENER, str(path)),
        ],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(casebook.__file__).parents[2]),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        check=False,
    )
    assert done.returncode in (0, 137, -9), done.stderr
    return done.returncode != 0


@pytest.mark.slow
@pytest.mark.parametrize("call", WRITING)
def test_whoever_is_killed_leaves_the_old_or_the_new(tmp_path: Path, call: str) -> None:
    """
    Killed before any of their writing calls, and once more, it is never half of both.
    """
    rows: dict[int, object] = {}
    seen = set()
    for number in range(1, MOST_CALLS):
        folder = tmp_path / f"{call}-{number}"
        folder.mkdir()
        path = folder / "casebook.db"
        make(path, FROZEN[3])
        rows[3] = rows_of(path)
        rows[VERSION] = {**rows_of(path), "former": [], "held": []}
        killed = open_killed(path, call, number)
        connection = connect(path)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        assert [] == connection.execute("PRAGMA cipher_integrity_check").fetchall()
        connection.close()
        seen.add(version)
        assert rows[version] == rows_of(path), number
        copy = folder / "casebook.db.version-3"
        assert not copy.exists() or rows[3] == rows_of(copy), number
        open_casebook(path, KEY).close()
        assert rows[VERSION] == rows_of(path), number
        assert not copy.exists()
        if not killed:
            break
    else:
        pytest.fail("it writes more often than was tried")
    assert number > 1, "nothing was killed"
    assert {3, VERSION} == seen


def made_older(desk: Desk) -> None:
    """Give a desk the casebook of the oldest version that counts."""
    with desk.casebook.transaction() as connection:
        for table in ("former", "held"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        connection.exec_driver_sql("PRAGMA user_version = 3")


def test_an_officers_desk_outlives_an_update(
    desk_path: Path, sealer: Sealer, ani: Reporter, tmp_path: Path
) -> None:
    """
    Cases of a desk, and those of its backup, are there after the program was updated.
    """
    with open_desk(desk_path, passphrase=None, entropy=os.urandom) as desk:
        item = sealer.seal(ani.write())
        import_bundle(desk, make_bundle({1: item}), today=DAY)
        before = list_cases(desk, today=DAY)
        made_older(desk)
        code = write_backup(desk, tmp_path / "backup", today=DAY).code
    restore_backup(tmp_path / "backup", tmp_path / "restored", code)

    for path in (desk_path, tmp_path / "restored"):
        with open_desk(path, passphrase=None, entropy=os.urandom) as desk:
            assert before == list_cases(desk, today=DAY)
        assert not list(path.glob("casebook.db.*"))
