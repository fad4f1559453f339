"""Casebooks as older versions made them: tests/vectors/casebook-VERSION.sql."""

from pathlib import Path
from typing import Any

import sqlcipher3.dbapi2 as sqlcipher  # type: ignore[import-untyped]  # No hints.

KEY = b"k" * 32
VECTORS = Path(__file__).parents[1] / "vectors"
FROZEN = {
    int(path.stem.rpartition("-")[2]): path.read_text("utf-8")
    for path in VECTORS.glob("casebook-*.sql")
}

Shape = dict[str, list[tuple[object, ...]]]


def connect(path: Path) -> Any:
    """Open a casebook of a test as the driver does, in no transaction."""
    connection = sqlcipher.connect(str(path), isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{KEY.hex()}'\"")
    return connection


def make(path: Path, script: str) -> None:
    """Make the casebook that an SQL script describes."""
    connection = connect(path)
    connection.executescript(script)
    connection.close()


def rows_of(path: Path) -> Shape:
    """Return all rows of a casebook, table by table."""
    connection = connect(path)
    found = {
        name: sorted(connection.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)
        for name in _tables(connection)
    }
    connection.close()
    return found


def shape_of(path: Path) -> Shape:
    """Return what a casebook is made of, however its SQL was written."""
    connection = connect(path)
    found = {
        f"{name} {about}": connection.execute(f'PRAGMA {about}("{name}")').fetchall()
        for name in _tables(connection)
        for about in ("table_xinfo", "foreign_key_list")
    }
    for name, table, unique in connection.execute(
        'SELECT il.name, m.name, il."unique" FROM sqlite_master AS m, '
        "pragma_index_list(m.name) AS il WHERE m.type = 'table'"
    ).fetchall():
        columns = connection.execute(f'PRAGMA index_info("{name}")').fetchall()
        found[f"index {name}"] = [(table, unique), *columns]
    found["version"] = connection.execute("PRAGMA user_version").fetchall()
    connection.close()
    return found


def shape_of_script(script: str, path: Path) -> Shape:
    """Return what the casebook of an SQL script is made of."""
    make(path, script)
    return shape_of(path)


def _tables(connection: Any) -> list[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return [name for (name,) in rows.fetchall()]
