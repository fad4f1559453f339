"""
Release: officers' answers appear at one fixed hour of the day.

    outbox carried in            answers appear
    Monday 05:59           -->   Monday  06:00
    Monday 06:00           -->   Tuesday 06:00
    Monday 17:30           -->   Tuesday 06:00

A reporter knows when to look in, and nobody learns from the hour of an answer when an
officer worked, nor from the hour of a visit which answer it was for.

Days and hours are those of the institution's time zone.  This module does no I/O: the
time is passed in.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class ReleaseHour:
    """
    The hour at which answers appear.

    Attributes:
        hour: 0 to 23.

        zone: In which the hour is counted.
    """

    hour: int
    zone: ZoneInfo

    def next_after(self, now: float) -> date:
        """
        Return the day at whose hour appears what arrives now.

        Args:
            now: Seconds since the epoch.
        """
        return self.last_before(now) + timedelta(days=1)

    def last_before(self, now: float) -> date:
        """Return the last day whose hour has come; its answers can be seen."""
        local = datetime.fromtimestamp(now, self.zone)
        return local.date() - timedelta(days=local.hour < self.hour)
