"""`bisik desk move`: another server, as its operator has said it."""

from pathlib import Path

import pytest
from support.command import World
from support.reporters import Reporter
from support.sending import send

from casework.installation import parse_spoken


def bundle_of(world: World, server: Path, to: Path) -> Path:
    """Fetch a bundle of a server."""
    world.done(
        *("courier", "export", "--directory", server),
        *("--desk", world.officer, "--since", "0", "--to", to),
    )
    return to


@pytest.fixture
def successor(world: World) -> Path:
    """An empty server that takes the place of the world's own."""
    server = world.path / "successor"
    certified = world.path / "again.json"
    organisation = world.organisation / "organisation.asc"
    world.done("init", "--directory", server, "--organisation-key", organisation)
    world.certify(world.desk / "enrolment.json", certified)
    world.done("officers", "add", certified, "--directory", server)
    return server


def identity(world: World, server: Path) -> str:
    """Ask the operator which server it is."""
    return world.done("courier", "identity", "--directory", server).strip()


@pytest.mark.slow
def test_a_desk_moves_when_the_operator_has_said_so(
    world: World, successor: Path
) -> None:
    """Refused before, taken afterwards; and the old one is refused from then on."""
    reporter = Reporter("ani")
    send(world.server, world.edge, reporter.keys, token="0" * 32)
    old = bundle_of(world, world.server, world.path / "old.tar")
    new = bundle_of(world, successor, world.path / "new.tar")
    world.done("desk", "import", old)
    listed = world.done("desk", "list")
    assert "bisik desk move" in world.refused("desk", "import", new)

    said = identity(world, successor)
    assert identity(world, world.server) != said
    told = world.done("desk", "move", stdin=f"{said.upper()}\ny\n")
    assert identity(world, world.server) in told
    assert "1 cases stay here" in told

    world.done("desk", "import", new)
    assert "another installation" in world.refused("desk", "import", old)
    assert listed == world.done("desk", "list")
    # The outbox is numbered anew, and the new server takes it.
    outbox = world.path / "outbox.tar"
    world.done("desk", "export", "--to", outbox)
    applied = world.done("courier", "apply", outbox, "--directory", successor)
    assert "Outbox 1 of" in applied


@pytest.mark.slow
def test_without_a_clear_word_nothing_moves(world: World, successor: Path) -> None:
    """A slip, another thing typed, or no: the old server's bundles are still taken."""
    old = bundle_of(world, world.server, world.path / "old.tar")
    assert "no server yet" in world.refused("desk", "move", "--to", "x", "--yes")
    world.done("desk", "import", old)
    said = identity(world, successor)
    slip = ("0" if said[0] != "0" else "1") + said[1:]

    assert "slip" in world.refused("desk", "move", "--to", slip, "--yes")
    assert "nine groups" in world.refused("desk", "move", stdin="\n" * 3 + "ya\n")
    own = identity(world, world.server)
    assert "already" in world.refused("desk", "move", "--to", own, "--yes")
    result = world.bisik("desk", "move", "--to", said, stdin="n\n")
    assert 1 == result.exit_code

    world.done("desk", "import", old)


@pytest.mark.slow
def test_colleagues_may_be_asked(world: World, successor: Path) -> None:
    """Without a question, for whoever has answered it on paper."""
    old = bundle_of(world, world.server, world.path / "old.tar")
    world.done("desk", "import", old)
    said = identity(world, successor)

    told = world.done("desk", "move", "--to", said, "--ask-colleagues", "--yes")

    assert f"belongs to  {said}\nNext" in told


def test_an_identity_is_that_of_the_dead_drop(world: World) -> None:
    """The same every time; it has the 16 bytes that are in every bundle."""
    said = identity(world, world.server)

    assert said == identity(world, world.server)
    assert 16 == len(parse_spoken(said))
