"""
Cleaned copies: the attachments of a case as pages, for those outside.

    bytes --sandbox--> pictures of pages --> PDF of these pictures
                       text, made visible -> PDF drawn from it

Nothing else of a file is in its copy, and the same file gives the same bytes.  What
cannot be made into pages is refused by its number, which is how everybody calls an
attachment here: its name can tell who sent it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from casework.casefile import (
    MOST_ATTACHMENTS,
    CaseFileHeading,
    CopiedAttachment,
    Copy,
    Original,
    copy_name,
)
from journalist_app.workstation.casefile_pdf import Stretch, draw
from journalist_app.workstation.casefile_text import frame_of
from journalist_app.workstation.cases import AttachmentShown, CaseFile, ItemShown
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import ActionRefused
from journalist_app.workstation.saving import read_attachment
from journalist_app.workstation.sharing import FULL
from journalist_app.workstation.viewing.copying import copy_all_pages
from journalist_app.workstation.viewing.viewer import view


@dataclass(frozen=True)
class NumberedAttachment:
    """
    An attachment of a case.

    Attributes:
        number: Counts those of the whole case from 1, in the order they were sent.

        item: Digest of the item it came with.
    """

    number: int
    item: bytes
    file: AttachmentShown


def attachments_of(case: CaseFile) -> tuple[NumberedAttachment, ...]:
    """Number the attachments of a case."""
    files = [
        (entry.digest, file)
        for entry in case.thread
        if isinstance(entry, ItemShown) and not entry.confidential
        for file in entry.attachments
    ]
    return tuple(
        NumberedAttachment(number, item, file)
        for number, (item, file) in enumerate(files, start=1)
    )


def choose(
    attachments: Sequence[NumberedAttachment], numbers: Sequence[int]
) -> tuple[NumberedAttachment, ...]:
    """
    Return the attachments with these numbers, in their order, each once.

    Raises:
        ActionRefused: If there is none of a number.
    """
    known = {one.number: one for one in attachments[:MOST_ATTACHMENTS]}
    for number in numbers:
        if number not in known:
            raise ActionRefused(f"the case has no attachment {number}")
    return tuple(known[number] for number in sorted(set(numbers)))


def copy_attachment(
    desk: Desk, name: str, one: NumberedAttachment, heading: CaseFileHeading
) -> Copy:
    """
    Make a cleaned copy of an attachment.

    Raises:
        ActionRefused: If it cannot be made into pages.

        SavedFileDiffers: If it is not the one that was recorded.

        SandboxMissing: If there is no sandbox.
    """
    content = read_attachment(desk, name, one.item, one.file.position)
    seen = view(content, one.file.name)
    if seen.pages:
        # If it has too many pages it is copied in part, and the case file says so.
        copied = copy_all_pages(content, one.file.name, seen)
        pdf, pages, complete = copied.pdf, copied.pages, copied.complete
    elif seen.text:
        drawn = draw(
            replace(frame_of(heading), right=copy_name(one.number)),
            [Stretch(seen.text)],
        )
        pdf, pages, complete = drawn.pdf, drawn.pages, not seen.text_cut
    else:
        raise ActionRefused(
            f"attachment {one.number} cannot be made into pages: leave it out of the "
            "case file"
        )
    original = None
    if heading.form == FULL:
        original = Original(
            original_name=one.file.name,
            original_bytes=one.file.size_bytes,
            original_sha256=one.file.sha256.hex(),
        )
    attachment = CopiedAttachment(
        number=one.number, pages=pages, complete=complete, original=original
    )
    return Copy(attachment, pdf)
