"""The migrations make exactly the tables that the package works with."""

import json
import stat
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import inspect, text, types
from support.deaddrop_samples import DAY, read_everything
from support.postgres import PostgresServer

from deaddrop import DeadDrop, NotMigrated, Steps, migrate
from deaddrop.engine import Database
from deaddrop.migrating import _config, check_migrated, this_versions_steps
from deaddrop.schema import metadata


def test_migrations_equal_the_metadata(url: str) -> None:
    """Alembic finds no difference between the migrated database and the metadata."""
    database = Database(url)
    with database.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_server_default": True}
        )
        assert [] == compare_metadata(context, metadata)
    database.close()


def test_database_of_the_first_version_is_brought_up(tmp_path: Path) -> None:
    """
    Officers and outboxes of the first version stay, without a role and released.
    """
    url = f"sqlite:///{tmp_path / 'old.sqlite'}"
    (tmp_path / "old.sqlite").touch()
    database = Database(url)
    with database.writing() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO officer VALUES (?, 'Petugas Uji', x'00', ?, 0)",
            ("A" * 40, b"a" * 16),
        )
        connection.exec_driver_sql(
            "INSERT INTO outbox_applied VALUES (?, 1, ?)", (b"a" * 16, bytes(32))
        )
    with pytest.raises(NotMigrated):
        check_migrated(database)

    migrate(url)

    check_migrated(database)
    with database.reading() as connection:
        officers = connection.exec_driver_sql(
            "SELECT name, role, receives FROM officer"
        ).all()
        released = connection.exec_driver_sql(
            "SELECT number, release_day FROM outbox_applied"
        ).all()
    database.close()
    assert [("Petugas Uji", None, 1)] == officers
    assert [(1, None)] == released


def test_constraints_equal_the_metadata(
    url: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Checks, which Alembic does not compare, are those of the metadata, too."""
    if url.startswith("sqlite"):
        path = tmp_path / "direct.sqlite"
        path.touch()
        direct = Database(f"sqlite:///{path}")
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        direct = Database(server.create_database(f"direct_{tmp_path.name}"))
    with direct.writing() as connection:
        metadata.create_all(connection)
    migrated = Database(url)
    with migrated.reading() as one, direct.reading() as other:
        for table in metadata.sorted_tables:
            for read in (
                "get_check_constraints",
                "get_foreign_keys",
                "get_unique_constraints",
                "get_pk_constraint",
            ):
                assert sorted(
                    map(repr, getattr(inspect(one), read)(table.name))
                ) == sorted(map(repr, getattr(inspect(other), read)(table.name)))
    migrated.close()
    direct.close()


def test_sessions_and_chunks_have_no_row_numbers(sqlite_url: str) -> None:
    """On SQLite, tables keyed by random names do not number their rows in secret."""
    database = Database(sqlite_url)
    with database.reading() as connection:
        without = {
            name
            for (name,) in connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID%'"
            )
        }
        made = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE name = 'mailbox'"
        ).scalar_one()
    assert {"session", "intake_chunk"} <= without
    # The key of the mailbox is the row number itself, and it is drawn at random.
    assert "place INTEGER NOT NULL" in made
    database.close()


def test_no_column_holds_a_time(url: str) -> None:
    """No column of any table has a type of date or time."""
    forbidden = (types.Date, types.DateTime, types.Time, types.Interval)
    database = Database(url)
    with database.reading() as connection:
        found = inspect(connection)
        for table in found.get_table_names():
            for column in found.get_columns(table):
                assert not isinstance(column["type"], forbidden), (table, column)
    database.close()


def test_migrating_again_changes_nothing(drop: DeadDrop, url: str) -> None:
    """Migrating a database of this version leaves everything as it was."""
    before = read_everything(drop)
    migrate(url)
    assert before == read_everything(drop)


def test_a_new_file_is_its_owners(tmp_path: Path) -> None:
    """The file that `migrate` makes is readable by its owner only, and has a log."""
    path = tmp_path / "new.sqlite"
    migrate(f"sqlite:///{path}")
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    database = Database(f"sqlite:///{path}")
    with database.reading() as connection:
        assert "wal" == connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        assert 2 == connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
        assert 1 == connection.exec_driver_sql("PRAGMA secure_delete").scalar_one()
        assert 1 == connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one()
    database.close()


def test_days_fit(drop: DeadDrop) -> None:
    """Days are kept as ordinals that convert back to the same day."""
    with drop.database.reading() as connection:
        first = connection.exec_driver_sql(
            "SELECT min(expires_day) FROM mailbox"
        ).scalar_one()
    assert DAY.toordinal() < first


@pytest.mark.parametrize(
    ("oldest_reader", "readable"), [("0004", True), ("0098", False), (None, False)]
)
def test_a_later_database(url: str, oldest_reader: str | None, readable: bool) -> None:
    """
    Steps of a later version are borne if it says so, and never taken back.
    """
    database = Database(url)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0099'"))
        connection.execute(text("DELETE FROM compatibility"))
        if oldest_reader is not None:
            connection.execute(
                text("INSERT INTO compatibility VALUES (1, :reader)"),
                {"reader": oldest_reader},
            )
    if readable:
        check_migrated(database)
        migrate(url)
    else:
        with pytest.raises(NotMigrated):
            check_migrated(database)
        with pytest.raises(NotMigrated):
            migrate(url)
    with database.reading() as connection:
        found = connection.execute(text("SELECT version_num FROM alembic_version"))
        assert "0099" == found.scalar_one()
    database.close()


def test_every_step_says_who_can_still_work_with_it() -> None:
    """
    From 0004 on each step names the oldest reader, which is no later than itself; and
    the step before must be able to, so that a release can be taken back.
    """
    scripts = ScriptDirectory.from_config(_config())
    for script in scripts.walk_revisions():
        if script.revision <= "0004":
            continue
        reader = script.module.oldest_reader
        assert reader <= str(script.down_revision), script.revision
    assert this_versions_steps().oldest_reader in this_versions_steps().known


def test_steps_are_read_as_they_were_written() -> None:
    """
    What one version says of its steps another one understands.
    """
    steps = this_versions_steps()

    assert steps == Steps.parse(steps.to_json())


@given(
    st.one_of(
        st.text(),
        st.recursive(
            st.none() | st.integers() | st.text(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(st.sampled_from(["known", "oldest_reader"]), inner)
            ),
        ).map(json.dumps),
    )
)
def test_malformed_steps_are_refused(untrusted_text: str) -> None:
    """
    Whatever another version says is read, or refused, and nothing else.
    """
    try:
        steps = Steps.parse(untrusted_text)
    except ValueError:
        return
    assert isinstance(steps.oldest_reader, str)
    assert all(isinstance(name, str) for name in steps.known)
