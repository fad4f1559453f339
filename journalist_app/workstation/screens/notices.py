"""Notices: a sentence about what was done, on the next page, with a way to undo it."""

from dataclasses import asdict, dataclass

from flask import session

_KEY = "notices"


@dataclass(frozen=True)
class Notice:
    """
    What was done, or not.

    Attributes:
        wrong: Whether it was not.

        case: The case it is about; empty if none.

        entry: The event that can be taken back; empty if none can.
    """

    text: str
    wrong: bool = False
    case: str = ""
    entry: str = ""


def say(notice: Notice) -> None:
    """Show a notice on the next page."""
    session[_KEY] = [*session.get(_KEY, ()), asdict(notice)]


def take() -> list[Notice]:
    """Return the notices that were not shown yet, once."""
    return [Notice(**one) for one in session.pop(_KEY, ())]
