"""
Keys: until when they are good.

A key that has ended is the commonest cause of a channel that is dead without anybody
noticing, so it is told two months before, and is wrong from the last month on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from ops.doctor.finding import Finding, Verdict
from ops.officer_keys import OfficerListed

LOOK_DAYS: Final = 60
BAD_DAYS: Final = 30
RENEW: Final = (
    "let the officer run bisik desk keys extend --enrolment, then: bisik officers add"
)


@dataclass(frozen=True)
class KeyLife:
    """
    A key, and how long it is good.

    Attributes:
        name: As people call it.

        ends: The day from which it is not good any more; None if never.

        unfit_because: Why it is not good today, or None.
    """

    name: str
    ends: date | None
    unfit_because: str | None = None


def judge_officers(listed: Sequence[OfficerListed], today: date) -> Iterator[Finding]:
    """Judge whether reports can be sealed, and to whom."""
    fit = [
        entry
        for entry in listed
        if entry.unfit_because is None and entry.officer.receives
    ]
    if not fit:
        yield Finding(
            Verdict.BAD,
            "officers",
            "reports can be sealed to nobody: the site accepts none",
            "see why with: bisik officers list",
        )
    else:
        yield Finding(
            Verdict.GOOD, "officers", f"reports are sealed to {len(fit)} officers"
        )
    for entry in listed:
        name = entry.officer.name
        if entry.unfit_because is not None:
            yield Finding(
                Verdict.LOOK,
                "officers",
                f"nothing is sealed to {name}: {entry.unfit_because}",
                RENEW,
            )
        else:
            life = KeyLife(f"the key of {name}", entry.expires)
            yield from judge_end("officers", life, today=today, way_out=RENEW)


def judge_end(
    subject: str, life: KeyLife, *, today: date, way_out: str
) -> Iterator[Finding]:
    """Judge a key; nothing is said of one that is good for long."""
    if life.unfit_because is not None:
        yield Finding(
            Verdict.BAD, subject, f"{life.name}: {life.unfit_because}", way_out
        )
        return
    if life.ends is None:
        return
    left = life.ends - today
    if left <= timedelta(days=LOOK_DAYS):
        verdict = Verdict.BAD if left <= timedelta(days=BAD_DAYS) else Verdict.LOOK
        yield Finding(verdict, subject, f"{life.name} ends on {life.ends}", way_out)


def judge_keys(
    subject: str, lives: Sequence[KeyLife], *, today: date, way_out: str
) -> Iterator[Finding]:
    """Judge keys of one kind together: what is wrong with each, or that all is well."""
    found = [
        finding
        for life in lives
        for finding in judge_end(subject, life, today=today, way_out=way_out)
    ]
    yield from found
    if lives and not found:
        ends = [life.ends for life in lives if life.ends is not None]
        until = f"good until {min(ends)}" if ends else "good without an end"
        yield Finding(Verdict.GOOD, subject, until)
