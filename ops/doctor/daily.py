"""The daily work: whether it was done, and how long ago."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from casework.deadlines import Calendar
from casework.notice import Notice
from deaddrop.mailbox import BLOCK
from ops.coarse import DAYS_OF_A_WEEK, at_least
from ops.doctor.finding import Finding, Verdict

TIDY_DAYS: Final = 2
BACKUP_LOOK_DAYS: Final = 2
BACKUP_BAD_DAYS: Final = 7
WAITING_STEPS_WEEKS: Final = (2, 4, 8, 16)
WAITING_BAD_WEEKS: Final = 8


def judge_tidying(tidied: date | None, today: date) -> Finding:
    """Judge when everything that should go last went."""
    if tidied is None:
        return Finding(
            Verdict.LOOK,
            "tidying",
            "it was never done: nothing has gone that should",
            "run: bisik tidy; see that its timer is active: bisik-tidy.timer",
        )
    days = (today - tidied).days
    if days > TIDY_DAYS:
        return Finding(
            Verdict.BAD,
            "tidying",
            f"the last time was {days} days ago",
            "run: bisik tidy; then see: systemctl status bisik-tidy.timer",
        )
    return Finding(Verdict.GOOD, "tidying", f"done on {tidied}")


def judge_backup(made: date | None, today: date) -> Finding:
    """Judge how old the newest backup is."""
    if made is None:
        return Finding(
            Verdict.LOOK,
            "backup",
            "there is none, or none that this user may see",
            "see: systemctl status bisik-backup.timer",
        )
    days = (today - made).days
    if days > BACKUP_LOOK_DAYS:
        return Finding(
            Verdict.BAD if days > BACKUP_BAD_DAYS else Verdict.LOOK,
            "backup",
            f"the newest is {days} days old",
            "see why: journalctl --unit bisik-backup; then: systemctl start "
            "bisik-backup",
        )
    return Finding(Verdict.GOOD, "backup", f"the newest is of {made}")


def judge_calendar(calendar: Calendar, today: date) -> Finding:
    """Judge whether deadlines can be told for the next two months."""
    if calendar.ends_soon(today):
        return Finding(
            Verdict.LOOK,
            "calendar",
            "the working days of the next two months are not known",
            "bring a newer calendar.csv",
        )
    return Finding(Verdict.GOOD, "calendar", "it knows the working days to come")


def judge_notice(notice: Notice | None, today: date) -> Finding:
    """Say what reporters read; a notice that is over should not lie about."""
    if notice is None:
        return Finding(Verdict.GOOD, "notice", "there is none on the site")
    if not notice.is_shown_on(today):
        return Finding(
            Verdict.LOOK,
            "notice",
            f"it was for the time through {notice.through}, and is shown no more",
            "run: bisik notice clear",
        )
    until = f"through {notice.through}" if notice.through else "until it is removed"
    return Finding(Verdict.GOOD, "notice", f"reporters read one {until}")


def judge_waiting(behind: Mapping[int, tuple[str, ...]]) -> Iterator[Finding]:
    """
    Judge whether a desk keeps items from being deleted.

    Args:
        behind: For each of the steps, in weeks, the officers whose desks have not
            signed for an item that has waited for as long.
    """
    told: set[str] = set()
    for weeks in sorted(behind, reverse=True):
        for name in behind[weeks]:
            if name in told:
                continue
            told.add(name)
            yield Finding(
                Verdict.BAD if weeks >= WAITING_BAD_WEEKS else Verdict.LOOK,
                "desks",
                f"items have waited for more than {weeks} weeks for the desk of {name}",
                "ask the officer to import and to bring the outbox; if the desk is "
                "gone: bisik officers remove",
            )
    if not told:
        yield Finding(
            Verdict.GOOD,
            "desks",
            f"none has kept an item waiting for {WAITING_STEPS_WEEKS[0]} weeks",
        )


def judge_mailbox(rows: int, *, knows_dummies: bool) -> Finding:
    """Judge whether real rows still hide among dummies."""
    if rows % BLOCK or not rows:
        return Finding(
            Verdict.BAD,
            "mailbox",
            "its rows are not whole blocks: something else has written to it",
            "stop the sites, and restore the newest backup",
        )
    if not knows_dummies:
        return Finding(
            Verdict.GOOD,
            "mailbox",
            "whole blocks; dummies are known again from the next report on",
        )
    return Finding(Verdict.GOOD, "mailbox", "whole blocks, with known dummies")


def judge_record(lines: int, first_fault: int | None) -> Finding:
    """
    Judge the chain of the courier's record.

    Args:
        lines: How many there are.

        first_fault: The first number at which one is missing or was changed.
    """
    if first_fault is not None:
        return Finding(
            Verdict.BAD,
            "record",
            f"the courier's record breaks at line {first_fault}: it is missing or was "
            "changed",
            "keep a copy of the database, compare it with backups, and tell all "
            "officers: whoever did it can write to the database",
        )
    return Finding(Verdict.GOOD, "record", f"the courier's {lines} lines are a chain")


def weeks_waited(weeks: int) -> int:
    """Return the step that a number of weeks reaches, or 0."""
    return at_least(weeks, WAITING_STEPS_WEEKS)


def arrived_before(today: date, weeks: int) -> date:
    """Return the last day on which what has waited for longer than that arrived."""
    return date.fromordinal(today.toordinal() - weeks * DAYS_OF_A_WEEK - 1)
