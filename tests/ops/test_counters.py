"""What a monitoring system may know: coarse, daily, and nothing about people."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.command import World
from support.deaddrop_samples import sealed_item
from support.reporters import DAY

from ops.coarse import whole_weeks
from ops.counters import GIB, Seen, counters, exposition
from ops.server import open_server

QUIET = Seen(
    today=DAY,
    version="1.2.3",
    free_bytes=50 * GIB,
    items_waiting=0,
    oldest_day=None,
    key_ends=DAY + timedelta(days=200),
    tidied=DAY,
    backed_up=DAY - timedelta(days=1),
    tor_reachable=True,
)


def values(seen: Seen) -> dict[str, int]:
    """Return every counter by name."""
    return {one.name: one.value for one in counters(seen)}


def test_the_whole_list() -> None:
    """Nothing else is counted: whoever adds one must say why it is harmless."""
    assert {
        "bisik_release": 1,
        "bisik_disk_free_gibibytes_at_least": 32,
        "bisik_items_waiting_below": 16,
        "bisik_oldest_item_weeks_at_least": 0,
        "bisik_officer_key_days_left_at_least": 180,
        "bisik_tidied_days_ago": 0,
        "bisik_backup_age_days": 1,
        "bisik_onion_reachable": 1,
    } == values(QUIET)


@given(st.integers(0, 15), st.integers(0, 13))
def test_a_report_changes_no_number(items: int, days: int) -> None:
    """Fifteen items, none older than two weeks, read like none at all."""
    oldest = DAY - timedelta(days=min(days, DAY.weekday() + 7))
    busy = replace(QUIET, items_waiting=items, oldest_day=oldest if items else None)
    assert exposition(QUIET) == exposition(busy)


@given(st.dates(date(2026, 1, 1), date(2030, 1, 1)), st.integers(0, 400))
def test_weeks_change_on_mondays_only(arrived: date, later: int) -> None:
    """So the day on which an item arrived is one of seven."""
    today = arrived + timedelta(days=later)
    before = whole_weeks(arrived, today)
    after = whole_weeks(arrived, today + timedelta(days=1))
    assert before == after or (after == before + 1 and today.weekday() == 6)


@pytest.mark.parametrize(
    ("seen", "name", "value"),
    [
        (replace(QUIET, items_waiting=16), "bisik_items_waiting_below", 64),
        (
            replace(QUIET, oldest_day=DAY - timedelta(days=35)),
            "bisik_oldest_item_weeks_at_least",
            4,
        ),
        (
            replace(QUIET, key_ends=DAY + timedelta(days=29)),
            "bisik_officer_key_days_left_at_least",
            7,
        ),
        (replace(QUIET, free_bytes=GIB // 2), "bisik_disk_free_gibibytes_at_least", 0),
        (replace(QUIET, tor_reachable=False), "bisik_onion_reachable", 0),
    ],
)
def test_what_needs_somebody_is_seen(seen: Seen, name: str, value: int) -> None:
    """A full disk, a dead desk, a key about to end, no way in."""
    assert value == values(seen)[name]


def test_what_is_not_known_is_left_out() -> None:
    """It is not 0, which would be a statement."""
    unknown = replace(
        QUIET, key_ends=None, tidied=None, backed_up=None, tor_reachable=None
    )
    assert 4 == len(values(unknown))


def test_the_file_is_written_once_a_day(world: World) -> None:
    """A second look on the same day changes nothing, and its time tells no hour."""
    path = world.path / "bisik.prom"
    world.done("counters", "--without-tor", "--to", path)
    first = path.read_text()
    assert 0o644 == path.stat().st_mode & 0o777
    made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    assert (DAY, 0, 0, 0) == (made.date(), made.hour, made.minute, made.second)
    with open_server(world.server, world.edge) as server:
        for number in range(20):
            item = sealed_item(bytes([number]) * 70_000)
            server.drop.intake.accept(item, day=DAY, writes=[])
    assert "stays as it is" in world.done("counters", "--without-tor", "--to", path)
    assert first == path.read_text()
    world.at(1).done("counters", "--without-tor", "--to", path)
    assert "bisik_items_waiting_below 64\n" in path.read_text()


def test_it_is_in_the_format_of_prometheus(world: World) -> None:
    """Each number with a line of help and a type; without an onion it says so."""
    lines = world.done("counters").splitlines()
    assert 'bisik_release{version="0.1.0"} 1' in lines
    assert "bisik_onion_reachable 0" in lines
    names = [line.split(" ")[0].split("{")[0] for line in lines if line[0] != "#"]
    for name in names:
        assert f"# TYPE {name} gauge" in lines
        assert any(line.startswith(f"# HELP {name} ") for line in lines)
