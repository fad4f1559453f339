"""Figures: what was measured, beside what was aimed at."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """
    One line of the table.

    Attributes:
        what: What was measured.

        measured: The value with its unit, ready to be read.

        goal: What was aimed at; "" where nothing was promised.

        met: Whether it was reached; None without a goal.
    """

    what: str
    measured: str
    goal: str = ""
    met: bool | None = None


def below(what: str, value: float, limit: float, *, unit: str = "") -> Figure:
    """Make a figure that must not exceed a limit."""
    return Figure(what, f"{value:.2f}{unit}", f"<= {limit:g}{unit}", value <= limit)


def spread(seconds: Sequence[float]) -> str:
    """Write times as median and 95th percentile."""
    return (
        f"{milliseconds(statistics.median(seconds))}, "
        f"p95 {milliseconds(percentile(seconds, 95))}"
    )


def milliseconds(seconds: float) -> str:
    """Write a time."""
    return f"{seconds * 1000:.0f} ms"


def percentile(values: Iterable[float], percent: int) -> float:
    """Return the smallest value that *percent* of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def render(figures: Iterable[Figure]) -> str:
    """Write the table as Markdown, so that it can go into a document as it is."""
    rows = [("", "measured", "goal")]
    for figure in figures:
        verdict = {None: "", True: ": met", False: ": MISSED"}[figure.met]
        rows.append((figure.what, figure.measured, figure.goal + verdict))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, _line(tuple("-" * width for width in widths), widths))
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"
