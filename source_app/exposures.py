"""
Exposures as the site shows them: where a text tells who wrote it, and why that matters.

Advice before sending.  It is made in memory from the text of the request, and
nothing of it is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from casework.exposure import Exposure, excerpt, find_exposures
from source_app import texts


@dataclass(frozen=True)
class Finding:
    """One telling place, with the words around it."""

    exposure: Exposure
    before: str = field(repr=False)
    place: str = field(repr=False)
    after: str = field(repr=False)

    @property
    def label(self) -> str:
        """What it is."""
        return str(texts.EXPOSURE_LABELS[self.exposure.kind])

    @property
    def reason(self) -> str:
        """Why it matters, and what to do."""
        return str(texts.EXPOSURE_REASONS[self.exposure.kind])


def find_in(text: str) -> tuple[Finding, ...]:
    """Find the telling places of *text*, in their order."""
    return tuple(
        Finding(exposure, *excerpt(text, exposure)) for exposure in find_exposures(text)
    )


def marked_up(text: str, findings: Sequence[Finding]) -> list[tuple[str, bool]]:
    """Cut *text* into pieces, each with whether it is a telling place."""
    pieces: list[tuple[str, bool]] = []
    done = 0
    for finding in findings:
        start, end = finding.exposure.start, finding.exposure.end
        pieces += [(text[done:start], False), (text[start:end], True)]
        done = end
    pieces.append((text[done:], False))
    return [piece for piece in pieces if piece[0]]
