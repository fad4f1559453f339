"""Posting: whether the daily messages go out, and whom they can be sealed to."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from crypto.lifetimes import Purpose, lifetime_in
from ops.doctor.finding import Finding, Verdict
from ops.doctor.keys import KeyLife, judge_keys
from ops.machine import Machine
from ops.notifying.posting import POSTED, Posted, read_posted
from ops.notifying.recipients import read_recipients

STATE: Final = "/var/lib/bisik-notify"
POSTING_DAYS: Final = 2
BRING: Final = (
    "let its owner renew it, then: bisik notify recipients remove, and add it again"
)


@dataclass(frozen=True)
class Looked:
    """
    What was seen of the sender's notes.

    Attributes:
        wanted: Whether this machine sends messages at all.

        posted: What became of them; None if this user may not see.
    """

    wanted: bool
    posted: Posted | None


def look_at_posting(machine: Machine) -> Looked:
    """Look at what the sender has noted."""
    folder = machine.path(STATE)
    if not folder.is_dir():
        return Looked(wanted=False, posted=None)
    try:
        known = POSTED in {path.name for path in folder.iterdir()}
    except PermissionError:
        return Looked(wanted=True, posted=None)
    return Looked(wanted=True, posted=read_posted(folder) if known else Posted())


def judge_posting(looked: Looked, *, today: date) -> Iterator[Finding]:
    """Judge whether the messages go out; nothing is said where they are off."""
    if not looked.wanted:
        return
    posted = looked.posted
    if posted is None:
        yield Finding(
            Verdict.LOOK,
            "messages",
            "this user may not see whether they were sent",
            "run bisik doctor as root",
        )
        return
    why = "see why: journalctl --unit bisik-notify --unit tor@bisik-notify"
    if posted.day is None or (today - posted.day).days > POSTING_DAYS:
        yield Finding(
            Verdict.BAD,
            "messages",
            f"the last ones were sent on {posted.day}"
            if posted.day
            else "none was ever sent",
            why,
        )
    elif posted.failures:
        yield Finding(
            Verdict.LOOK,
            "messages",
            f"sending has failed {posted.failures} times since {posted.day}",
            why,
        )
    else:
        yield Finding(Verdict.GOOD, "messages", f"sent on {posted.day}")


def judge_recipients(directory: Path, today: date) -> Iterator[Finding]:
    """Judge the certificates that messages are sealed to."""
    lives = []
    for one in read_recipients(directory):
        life = lifetime_in(one.certificate.encode(), Purpose.SEALING, today=today)
        lives.append(KeyLife(f"that of {one.address}", life.ends, life.unfit_because))
    yield from judge_keys("messages", lives, today=today, way_out=BRING)
