"""Notices: a sentence about what was done, on the next page, with a way to undo it."""

from dataclasses import asdict, dataclass

from flask import session

from casework.case_state import Entry
from casework.undoing import REVERSIBLE

_KEY = "notices"


@dataclass(frozen=True)
class Notice:
    """
    What was done, or not.

    Attributes:
        wrong: Whether it was not.

        case: The case it is about; empty if none.

        entry: The event that can be taken back; empty if none can.

        page: The page of the case to which undoing it returns.

        place: The part of the page in which it was done, by its id: it is said there,
            or above the page if it has no such part.
    """

    text: str
    wrong: bool = False
    case: str = ""
    entry: str = ""
    page: str = "case"
    place: str = ""


def say(notice: Notice) -> None:
    """Show a notice on the next page."""
    session[_KEY] = [*session.get(_KEY, ()), asdict(notice)]


def take(place: str | None) -> list[Notice]:
    """Return the notices of a place that were not shown yet, once; None for all."""
    waiting = [Notice(**one) for one in session.get(_KEY, ())]
    taken = [one for one in waiting if place is None or one.place == place]
    if taken:
        session[_KEY] = [asdict(one) for one in waiting if one not in taken]
    return taken


def undoable(entry: Entry | None) -> str:
    """Return the digest of an event that can be taken back, or nothing."""
    can_be = entry is not None and isinstance(entry.event.action, REVERSIBLE)
    return entry.digest if entry and can_be else ""
