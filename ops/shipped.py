"""What comes with Bisik where an institution has brought nothing of its own."""

from importlib import resources
from zoneinfo import ZoneInfo

from casework.profile import Profile, shipped_profile


def shipped_calendar() -> str:
    """Return the text of the calendar that Bisik ships, for Indonesia."""
    file = resources.files("casework").joinpath("calendars/indonesia.csv")
    return file.read_text(encoding="utf-8")


def local_zone() -> ZoneInfo:
    """Return the shipped profile's zone, where no profile is at hand."""
    return Profile.parse(shipped_profile()).zone
