"""
Charts: where the bars of a small chart are, for a template that writes the SVG.

    label   ########## 12          hidden counts are dashed boxes of one size,
    label   ## 3                   whatever they are
    label   [-----] *

Numbers only: names and colours are the template's and the style sheet's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

ROW = 30  # All lengths are in the units of the SVG's viewBox.
BAR = 18
LABEL = 190
LENGTH = 330
HIDDEN_LENGTH = 36
WIDTH = LABEL + LENGTH + 60
COLUMN = 64
COLUMNS_HEIGHT = 150
_AXIS = 26  # Below the columns, for their names.
_HEAD = 22  # Above them, for their numbers.


@dataclass(frozen=True)
class Bar:
    """One bar; it has no count where that is hidden."""

    label: str
    count: int | None
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Chart:
    """Bars within a box of some size."""

    width: int
    height: int
    bars: tuple[Bar, ...]


def rows_of(named: Sequence[tuple[str, int | None]]) -> Chart:
    """Lay bars out below each other."""
    longest = _most(named)
    bars = tuple(
        Bar(
            label,
            count,
            x=LABEL,
            y=number * ROW + (ROW - BAR) / 2,
            width=HIDDEN_LENGTH
            if count is None
            else round(LENGTH * count / longest, 1),
            height=BAR,
        )
        for number, (label, count) in enumerate(named)
    )
    return Chart(WIDTH, ROW * len(named), bars)


def columns_of(named: Sequence[tuple[str, int | None]]) -> Chart:
    """Lay bars out beside each other."""
    tallest = _most(named)
    room = COLUMNS_HEIGHT - _AXIS - _HEAD
    bars = []
    for number, (label, count) in enumerate(named):
        height = HIDDEN_LENGTH if count is None else round(room * count / tallest, 1)
        bars.append(
            Bar(
                label,
                count,
                x=number * COLUMN + COLUMN / 4,
                y=round(_HEAD + room - height, 1),
                width=COLUMN / 2,
                height=height,
            )
        )
    return Chart(COLUMN * len(named), COLUMNS_HEIGHT, tuple(bars))


def _most(named: Sequence[tuple[str, int | None]]) -> int:
    return max((count for _label, count in named if count), default=1)
