"""`bisik desk import FOLDER`: all bundles of a stick, the oldest first."""

from pathlib import Path

import pytest
from support.command import World
from support.reporters import Reporter
from support.sending import send


@pytest.fixture
def stick(world: World) -> Path:
    """A stick with two bundles, of which the newer one comes first by name."""
    path = world.path / "stick"
    path.mkdir()
    for number, name in enumerate(("z.tar", "a.tar")):
        keys = Reporter(name).keys
        send(world.server, world.edge, keys, token=f"{number:032x}")
        world.done(
            *("courier", "export", "--desk", world.officer, "--since", number),
            *("--to", path / name),
        )
    return path


def test_a_folder_is_imported_in_order(world: World, stick: Path) -> None:
    """Each bundle is told of; a second time, everything is there and stays as it is."""
    said = world.done("desk", "import", stick)
    assert 0 < said.index("item 1: new") < said.index("item 2: new")
    assert said.index(f"{stick / 'z.tar'}:") < said.index(f"{stick / 'a.tar'}:")
    assert "not on this desk" not in said
    cases = world.done("desk", "list")

    again = world.done("desk", "import", stick)

    assert 2 == again.count(": already there")
    assert ": new" not in again
    assert cases == world.done("desk", "list")


def test_a_broken_bundle_does_not_stop_the_others(world: World, stick: Path) -> None:
    """It is named with its reason and the way out, and the exit code says so."""
    (stick / "0\x1b[2J.tar").write_bytes(b"bukan bundel" * 100)
    (stick / "z.tar").write_bytes((stick / "z.tar").read_bytes()[:-1024])

    result = world.bisik("desk", "import", stick)

    assert 1 == result.exit_code
    assert "! the bundle breaks off: the archive ends too early" in result.stdout
    assert "item 2: new" in result.stdout
    error, hint = result.stderr.splitlines()
    assert error == (
        f"bisik: error: '{stick}/0\\x1b[2J.tar': a member's header cannot be read"
    )
    assert "bisik courier export" in hint
    assert 3 == len(world.done("desk", "list").splitlines())


def test_a_folder_without_bundles_is_refused(world: World, tmp_path: Path) -> None:
    """An empty stick is no success."""
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no bundle is in the folder" in world.refused("desk", "import", empty)
