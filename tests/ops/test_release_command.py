"""`bisik release`, as an administrator types it."""

from pathlib import Path

import pytest
from support.command import World
from support.upgrading import Premises

from ops.edge import Edge
from ops.host import Host
from ops.upgrade_record import Phase, UpgradeRecord

VERSIONS = ["1.0", "1.1", "1.2"]


@pytest.fixture
def premises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Premises:
    """A machine with three releases, the second of which counts."""
    made = Premises(tmp_path, tmp_path / "world/server")
    made.prepare()
    for version in VERSIONS:
        made.install_stand_in(version, known=["1"], reader="1")
    made.releases.switch("1.1")
    programs = Host(str(tmp_path / "systemctl"), str(tmp_path / "dpkg"))
    monkeypatch.setattr("ops.commands.release.Releases", lambda: made.releases)
    monkeypatch.setattr("ops.commands.release.Host", lambda: programs)
    return made


@pytest.fixture
def world(premises: Premises, tmp_path: Path) -> World:
    """The command on that machine."""
    assert premises.releases.current()
    return World(tmp_path / "world", Edge())


def test_it_is_shown_which_release_counts(world: World) -> None:
    """
    All releases, a star at the one that counts, and which of them nobody needs.
    """
    assert (
        "  1.0\n* 1.1\n  1.2\nNot needed any more: apt-get purge bisik-server-1.0\n"
    ) == world.done("release", "show")


def test_each_step_is_told(world: World, premises: Premises) -> None:
    """
    Who lets a release take over sees what happens; once more, and nothing happens.
    """
    said = world.done("release", "activate", "1.2", "--no-backup")
    again = world.done("release", "activate", "1.2", "--no-backup")

    assert "1.2" == premises.releases.current()
    assert said.startswith("Comparing the release with what was packaged.\n")
    assert said.endswith("The release is 1.2.\n")
    assert "The release is 1.2 already.\n" == again


def test_an_unknown_release_and_the_way_out(world: World, premises: Premises) -> None:
    """
    What is not installed is named, and how to see what is.
    """
    said = world.refused("release", "activate", "9.9")

    assert "there is no release 9.9 on this machine" in said
    assert "bisik release show" in said
    assert "1.1" == premises.releases.current()


def test_an_upgrade_that_was_cut_short_is_shown_and_undone(
    world: World, premises: Premises
) -> None:
    """
    `show` names it, `recover` mends it, and says to which end.
    """
    assert "No upgrade was cut short.\n" == world.done("release", "recover")
    UpgradeRecord(
        phase=Phase.STOPPING, before="1.1", after="1.2", directory=None
    ).write(premises.releases.root)

    assert "An upgrade to 1.2 is under way, or was cut short" in world.done(
        "release", "show"
    )
    assert "is undone: 1.1 counts as before" in world.done("release", "recover")
    assert "cut short" not in world.done("release", "show")


def test_only_root_lets_a_release_take_over(
    world: World, premises: Premises, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Others are refused before anything is looked at.
    """
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    assert "only root" in world.refused("release", "activate", "1.2")
    assert "only root" in world.refused("release", "recover")
    assert [] == premises.asked()
