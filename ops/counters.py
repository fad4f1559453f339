"""
Counters: what a monitoring system may know of a server, and nothing about people.

    bisik_disk_free_gibibytes_at_least 32
    bisik_items_waiting_below 16
    ...

Every number is a step, so that two of them on following days do not tell that
somebody came.  They are made once a day at most, in the text format of Prometheus,
for node_exporter's textfile collector.  docs/spec/watching.md says of each why it is
harmless, and which ones are refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from ops.coarse import at_least, step_above, whole_weeks

DISK_STEPS_GIB: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
WEEK_STEPS: Final = (2, 4, 8, 16)
KEY_STEPS_DAYS: Final = (7, 30, 60, 180)
GIB: Final = 1 << 30


@dataclass(frozen=True)
class Seen:
    """
    What was looked at, exact; only steps of it are written.

    Attributes:
        today: The day.

        version: Of Bisik.

        free_bytes: On the disk of the server directory.

        items_waiting: How many items are here.

        oldest_day: When the oldest of them arrived.

        key_ends: When the first officer's key ends, of those that are good.

        tidied: When everything that should go last went.

        backed_up: When the newest backup was made.

        tor_reachable: Whether the network knows both services; None if not looked at.
    """

    today: date
    version: str
    free_bytes: int
    items_waiting: int
    oldest_day: date | None
    key_ends: date | None
    tidied: date | None
    backed_up: date | None
    tor_reachable: bool | None


@dataclass(frozen=True)
class Counter:
    """One number, as the text format has it."""

    name: str
    about: str
    value: int
    label: str = ""

    def lines(self) -> Iterator[str]:
        """Write it: https://prometheus.io/docs/instrumenting/exposition_formats/."""
        yield f"# HELP {self.name} {self.about}"
        yield f"# TYPE {self.name} gauge"
        yield f"{self.name}{self.label} {self.value}"


def counters(seen: Seen) -> Iterator[Counter]:
    """Make coarse numbers of what was seen; what is not known is left out."""
    yield Counter(
        "bisik_release",
        "Version of Bisik that wrote this.",
        1,
        f'{{version="{seen.version}"}}',
    )
    yield Counter(
        "bisik_disk_free_gibibytes_at_least",
        "Free room for reports, a power of two.",
        at_least(seen.free_bytes / GIB, DISK_STEPS_GIB),
    )
    yield Counter(
        "bisik_items_waiting_below",
        "Fewer sealed items than this are here; 16 says nothing.",
        step_above(seen.items_waiting),
    )
    yield Counter(
        "bisik_oldest_item_weeks_at_least",
        "Calendar weeks that the oldest item has waited; 0 is below two.",
        at_least(whole_weeks(seen.oldest_day, seen.today), WEEK_STEPS)
        if seen.oldest_day
        else 0,
    )
    if seen.key_ends is not None:
        yield Counter(
            "bisik_officer_key_days_left_at_least",
            "Until the first officer's key ends.",
            at_least((seen.key_ends - seen.today).days, KEY_STEPS_DAYS),
        )
    for name, day, about in (
        ("bisik_tidied_days_ago", seen.tidied, "Since bisik tidy last ran."),
        ("bisik_backup_age_days", seen.backed_up, "Since the newest backup."),
    ):
        if day is not None:
            yield Counter(name, about, max(0, (seen.today - day).days))
    if seen.tor_reachable is not None:
        yield Counter(
            "bisik_onion_reachable",
            "1 if the Tor network knows both services and they answer.",
            int(seen.tor_reachable),
        )


def exposition(seen: Seen) -> str:
    """Write the file that node_exporter reads."""
    return "".join(
        f"{line}\n" for counter in counters(seen) for line in counter.lines()
    )
