"""The hour at which answers appear."""

from datetime import UTC, date, datetime, timedelta
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


@given(
    st.integers(0, 23),
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
)
def test_nothing_is_shown_when_it_arrives(hour: int, arrival: datetime) -> None:
    """
    Whenever an answer arrives, it is hidden then, and shown a day later.
    """
    release = ReleaseHour(hour, ZoneInfo("Asia/Jakarta"))
    day = release.next_after(arrival.timestamp())

    later = arrival + timedelta(days=1)
    assert release.last_before(arrival.timestamp()) < day
    assert release.last_before(later.timestamp()) == day
