"""
Copying: a whole file as pages, some pages at a time, for its cleaned copy.

    bytes --view, 40 pages at a time--> PNG pictures --> PDF

Pages in memory as pixels are many times larger than the file, so they are made in
portions.  What has more pages than `MOST_COPIED_PAGES` is copied in part, and whoever
hands the copy out says so.
"""

from dataclasses import dataclass, field

from journalist_app.workstation.viewing.viewer import View, cleaned_copy, view

MOST_COPIED_PAGES = 200


@dataclass(frozen=True)
class CleanedCopy:
    """
    A PDF of the pages of a file as they are seen.

    Attributes:
        complete: Whether it has all of them.
    """

    pdf: bytes = field(repr=False)
    pages: int
    complete: bool


def copy_all_pages(content: bytes, untrusted_name: str, seen: View) -> CleanedCopy:
    """
    Make the cleaned copy of a file.

    Args:
        content: Of the file.

        untrusted_name: As whoever sent it named it.

        seen: Its first pages, as `view` has made them; there is at least one.

    Raises:
        SandboxMissing: If there is no sandbox.
    """
    pages = list(seen.pages)
    while seen.more_pages and len(pages) < MOST_COPIED_PAGES:
        seen = view(content, untrusted_name, first_page=len(pages) + 1)
        if not seen.pages:
            # What was there a moment ago cannot be shown now.
            return CleanedCopy(cleaned_copy(pages), len(pages), complete=False)
        pages += seen.pages
    return CleanedCopy(cleaned_copy(pages), len(pages), complete=not seen.more_pages)
