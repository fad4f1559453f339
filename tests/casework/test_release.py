"""The hour at which answers appear."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.release import ReleaseHour

SIX = ReleaseHour(6, ZoneInfo("Asia/Jakarta"))


@pytest.mark.parametrize(
    ("local", "day"),
    [
        ("2026-11-23 05:59:59", date(2026, 11, 23)),
        ("2026-11-23 06:00:00", date(2026, 11, 24)),
        ("2026-11-23 23:59:59", date(2026, 11, 24)),
        ("2026-12-31 07:00:00", date(2027, 1, 1)),
    ],
)
def test_next_release(local: str, day: date) -> None:
    """
    What arrives before six appears the same day, and everything else the next.
    """
    now = datetime.fromisoformat(local).replace(tzinfo=SIX.zone).timestamp()

    assert day == SIX.next_after(now)


# From 2020 to 2040.
@given(st.integers(0, 23), st.integers(1_577_836_800, 2_208_988_800))
def test_nothing_is_shown_when_it_arrives(hour: int, arrival: int) -> None:
    """
    Whenever an answer arrives, it is hidden then, and shown a day later.
    """
    release = ReleaseHour(hour, ZoneInfo("Asia/Jakarta"))

    day = release.next_after(arrival)

    assert release.last_before(arrival) < day
    assert day == release.last_before(arrival + 24 * 60 * 60)
