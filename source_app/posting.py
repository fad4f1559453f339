"""
Where the operator's notice stands: above every page, in a room that is always there.

    without a notice   |head of the page|          room, blank          |page ...|
    with one           |head of the page|notice       |      blank      |page ...|

A page with a notice takes as many bytes as the same page without one, whatever the
notice says.  So a notice moves no page from one size to the next (`source_app.wire`),
and who watches a circuit does not learn that there is one.
"""

from typing import Final

from markupsafe import Markup

# The longest text, each of its letters written as a reference, and what frames it.
ROOM_BYTES: Final = 4096


class NoticeTooLarge(ValueError):
    """The notice is larger than its room; `casework.notice` lets none be so long."""


def in_its_room(rendered: Markup) -> Markup:
    """
    Fill the notice up to the size of its room.

    Args:
        rendered: As a template made it, escaped; blank if there is no notice.

    Raises:
        NoticeTooLarge: If it does not fit.
    """
    blank = ROOM_BYTES - len(rendered.strip().encode())
    if blank < 0:
        raise NoticeTooLarge(NoticeTooLarge.__doc__)
    return rendered.strip() + Markup("\n" * blank)  # noqa: S704 - Only newlines.
