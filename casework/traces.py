"""
Traces: what a file can say about whoever made it.

The words that the site and the desk share; the parsers are in `casework.inspection`,
and no process with a key in it imports those.
"""

from dataclasses import dataclass, field
from enum import StrEnum

VALUE_CHARACTERS = 100
MOST_TRACES = 20


class TraceKind(StrEnum):
    """What a trace tells, the most telling kind first."""

    POSITION = "position"
    AUTHOR = "author"
    EDITS = "edits"
    ORGANISATION = "organisation"
    DEVICE = "device"
    TIME = "time"
    SOFTWARE = "software"


@dataclass(frozen=True)
class Trace:
    """
    One thing that a file says.

    Attributes:
        value: One line of at most 100 characters, as the file has it.
    """

    kind: TraceKind
    value: str = field(repr=False)


@dataclass(frozen=True)
class Inspection:
    """
    What was found in a file.

    Attributes:
        looked_inside: Whether the file could be read; if not, it may say anything.
    """

    traces: tuple[Trace, ...] = ()
    looked_inside: bool = False


NOT_LOOKED = Inspection()
