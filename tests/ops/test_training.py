"""Training and statistics from the command line."""

from pathlib import Path

from support.command import World
from support.reporters import DAY

from casework.statistics import Quarter

NOW = Quarter.of(DAY)


def test_a_desk_for_training_says_so_each_time(empty: World, tmp_path: Path) -> None:
    """It is made with cases, replaces nothing, and no command hides what it is."""
    desk = tmp_path / "latihan"
    assert "Nothing in it is real." in empty.done("desk", "train", desk)
    listed = empty.bisik("desk", "list", "--desk", desk)
    assert listed.stderr.startswith("LATIHAN")
    assert "[OVERDUE]" in listed.stdout
    assert "[closing proposed]" in listed.stdout
    before = sorted(desk.iterdir())
    assert "file exists" in empty.refused("desk", "train", desk)
    assert before == sorted(desk.iterdir())


def test_a_real_desk_does_not_say_that_it_is_for_training(world: World) -> None:
    """Only what was made for it does."""
    assert "LATIHAN" not in world.bisik("desk", "list").output


def test_statistics_are_written_when_the_quarter_is_over(
    world: World, tmp_path: Path
) -> None:
    """Before, and for what is no quarter, no file is made, and none is replaced."""
    path = tmp_path / "statistics.csv"
    command = ("desk", "statistics", "--to", path, "--quarter")
    assert "is not over" in world.refused(*command, NOW)
    assert "2027-Q1" in world.refused(*command, "2026")
    assert not path.exists()
    over = world.at((NOW.next.first - DAY).days)
    over.done(*command, NOW)
    written = path.read_text("ascii")
    assert f"{NOW},{NOW.last},received,all,0," in written
    assert "file exists" in over.refused(*command, NOW)
    assert written == path.read_text("ascii")
