"""
Checking files: which are refused, and what the others say about their makers.

A file is refused by its name, with the reason, and the others are kept.  What a file
says is named to the reporter; its bytes are sealed untouched.  Nothing of this is
kept beyond the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from casework.files import sanitise_file_name, shown_name
from casework.traces import Inspection
from source_app import texts
from source_app.inspector import Inspector
from source_app.uploads import FilePart


@dataclass(frozen=True)
class ShownTrace:
    """One trace in a file, in the reader's language."""

    label: str
    value: str = field(repr=False)
    advice: str


@dataclass(frozen=True)
class TellingFile:
    """What a file says about whoever made it."""

    name: str = field(repr=False)
    inspection: Inspection

    @property
    def looked_inside(self) -> bool:
        """Whether the file is of a kind that could be read."""
        return self.inspection.looked_inside

    @property
    def traces(self) -> Sequence[ShownTrace]:
        """What was found, as the page names it."""
        return [
            ShownTrace(
                str(texts.TRACE_LABELS[trace.kind]),
                trace.value,
                str(texts.TRACE_ADVICE[trace.kind]),
            )
            for trace in self.inspection.traces
        ]


class Looked:
    """
    What became of the files of one form.

    Attributes:
        refused: Names and reasons.

        telling: Files that say something, or all that were looked at on request.
    """

    def __init__(self) -> None:
        self.refused: list[tuple[str, str]] = []
        self.telling: list[TellingFile] = []

    def is_fit(self, file: FilePart) -> bool:
        """Tell whether there is a file at all; refuse what is empty or too large."""
        if not file.untrusted_name and not file.content:
            return False  # What a browser sends when no file was chosen.
        if file.content is None:
            self.refuse(file, texts.TOO_LARGE)
        elif not file.content:
            self.refuse(file, texts.EMPTY_FILE)
        return bool(file.content)

    def refuse(self, file: FilePart, reason: object) -> None:
        """Note that a file was not accepted."""
        self.refused.append((_name(file), str(reason)))

    def inspect(
        self, file: FilePart, inspector: Inspector, *, always: bool = False
    ) -> None:
        """Look inside a file, and note it if it says something, or *always*."""
        inspection = inspector.look(file.content or b"")
        if inspection.traces or always:
            self.telling.append(TellingFile(_name(file), inspection))


def _name(file: FilePart) -> str:
    return shown_name(sanitise_file_name(file.untrusted_name, 1))
