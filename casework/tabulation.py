"""
Tabulation: the figures of a quarter as a table that spreadsheets read.

    quarter,through,table,row,value,remark
    2027-Q1,2027-03-31,stage,concluded,12,
    2027-Q1,2027-03-31,stage,forwarded,,hidden

RFC 4180, UTF-8.  A cell that a spreadsheet would calculate (CWE-1236) gets an
apostrophe in front; the only ones that officers write are labels.

Specified in docs/spec/statistics.md.
"""

import csv
import io
from collections.abc import Iterator

from casework.statistics import Figures

COLUMNS = ("quarter", "through", "table", "row", "value", "remark")
HIDDEN = "hidden"
_CALCULATED = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_csv(figures: Figures) -> bytes:
    """Write all figures of a quarter, one a line."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in _rows(figures):
        place = (str(figures.quarter), figures.through.isoformat())
        writer.writerow([_inert(cell) for cell in (*place, *row)])
    return text.getvalue().encode()


def _rows(figures: Figures) -> Iterator[tuple[str, str, str, str]]:
    yield ("received", "all", *_value(figures.received))
    for breakdown in figures.breakdowns:
        for cell in breakdown.cells:
            yield (breakdown.key, cell.key, *_value(cell.count))
    for duration in figures.durations:
        table = f"days-to-{duration.key}"
        yield (table, "median", *_value(duration.median_days))
        yield (table, "90th-percentile", *_value(duration.ninetieth_days))
    for cell in figures.labels:
        yield ("label", cell.key, *_value(cell.count))


def _value(number: int | None) -> tuple[str, str]:
    return ("", HIDDEN) if number is None else (str(number), "")


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_CALCULATED) else cell
