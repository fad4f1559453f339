"""
Coarse numbers: what a count may say where others read it.

    0 ... 15    fewer than 16          an exact count, read every day, tells the day on
    16 ... 63   fewer than 64          which somebody came; a step that begins with none
    64 ... 255  fewer than 256, ...    does not even tell whether anybody did

Specified in docs/spec/watching.md.  This module does no I/O.
"""

from collections.abc import Sequence
from datetime import date

FIRST_STEP = 16
STEP_FACTOR = 4
DAYS_OF_A_WEEK = 7


def step_above(count: int) -> int:
    """
    Return the step below which *count* lies: 16, 64, 256, ...

    Raises:
        ValueError: If *count* is negative.
    """
    if count < 0:
        raise ValueError("a count cannot be negative")
    step = FIRST_STEP
    while count >= step:
        step *= STEP_FACTOR
    return step


def at_least(value: float, steps: Sequence[int]) -> int:
    """Return the highest of the rising *steps* that *value* reaches, or 0."""
    return max((step for step in steps if value >= step), default=0)


def whole_weeks(day: date, today: date) -> int:
    """
    Return how many calendar weeks lie between the weeks of two days; 0 at least.

    It only changes on Mondays: it tells the week of *day*, and not the day.
    """
    first = day.toordinal() - day.weekday()
    last = today.toordinal() - today.weekday()
    return max(0, last - first) // DAYS_OF_A_WEEK
