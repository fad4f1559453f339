"""
The Range header: which part of a bundle is asked for.

    bytes=500-999   500 to 999          bytes=500-   all from 500 on
    bytes=-500      the last 500, or all of a shorter bundle

    malformed, several parts, another unit, another snapshot --> the whole
    a part that the bundle does not have                     --> refused

Specified in RFC 9110, sections 13.1.5 (If-Range) and 14.  Parts that are asked for all
at once are not given as such: a server may ignore such a header, and programs that
fetch bundles ask for one at a time.
"""

import re
from typing import Final

from journalist_app.courier.errors import UnsatisfiableRange

# RFC 9110, section 5.6.1.2: what is empty in a list is skipped.
_ONE_PART: Final = re.compile(
    r"[ \t]*bytes=[ \t,]*(?P<first>[0-9]*)-(?P<last>[0-9]*)[ \t,]*", re.IGNORECASE
)
# More than any file has.  Python refuses to read numbers of thousands of digits.
_MOST_DIGITS: Final = 18


def wanted_part(
    untrusted_range: str | None,
    untrusted_if_range: str | None,
    *,
    size_bytes: int,
    entity_tag: str,
) -> tuple[int, int] | None:
    """
    Return which part a GET asks for.

    Args:
        untrusted_range: The Range header, if there is one.

        untrusted_if_range: The If-Range header, if there is one.  What has changed is
            given whole; bundles have no date, so that one never fits.

        size_bytes: Of the whole bundle.

        entity_tag: The bundle's, with its quotation marks.

    Raises:
        UnsatisfiableRange: If the bundle has nothing of that part.

    Returns:
        From where, and up to where; None if the whole is to be given.
    """
    if untrusted_if_range is not None and untrusted_if_range.strip() != entity_tag:
        return None
    asked = _ONE_PART.fullmatch(untrusted_range or "")
    if asked is None or not (asked["first"] or asked["last"]):
        return None
    first, last = _number(asked["first"]), _number(asked["last"])
    if first is None:
        start, stop = max(0, size_bytes - (last or 0)), size_bytes
    elif last is None:
        start, stop = first, size_bytes
    elif last < first:
        return None
    else:
        start, stop = first, min(last + 1, size_bytes)
    if start >= stop:
        raise UnsatisfiableRange(UnsatisfiableRange.__doc__)
    return start, stop


def _number(digits: str) -> int | None:
    if not digits:
        return None
    significant = digits.lstrip("0")
    if len(significant) > _MOST_DIGITS:
        return 10**_MOST_DIGITS
    return int(significant or "0")
