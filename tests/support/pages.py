"""
The Markdown pages of the repository, as their tests read them.

Only as much Markdown is understood as the pages use: fenced and inline code, headings
that begin with `#`, inline links and reference definitions.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_INLINE_CODE = re.compile(r"(`+)(?:(?!\1).)+\1")
_INLINE_LINK = re.compile(r"\[[^\]]*\]\(<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\)")
_DEFINITION = re.compile(r" {0,3}\[[^\]^][^\]]*\]:\s+<?([^>\s]+)>?")
_HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*$")


@dataclass(frozen=True)
class Line:
    """One line of a page."""

    path: Path
    number: int
    text: str
    is_code: bool
    """Whether it stands in a fenced block."""

    @property
    def place(self) -> str:
        """Where to look."""
        return f"{self.path.relative_to(ROOT)}:{self.number}"


def pages() -> list[Path]:
    """List every Markdown page, whatever its folder."""
    return sorted(
        path
        for path in ROOT.rglob("*.md")
        if not any(
            part.startswith(".") or part == "var"
            for part in path.relative_to(ROOT).parts
        )
    )


def lines_of(path: Path) -> Iterator[Line]:
    """Read the lines of one page; the fences themselves are left out."""
    fence: str | None = None
    text = path.read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), start=1):
        mark = _FENCE.match(line)
        if fence is None and mark:
            fence = mark[1]
        elif fence is not None and line.strip() == fence:
            fence = None
        else:
            yield Line(path, number, line, is_code=fence is not None)


def links_of(path: Path) -> Iterator[tuple[Line, str]]:
    """Find the targets of all links of one page."""
    for line in lines_of(path):
        if not line.is_code:
            prose = _INLINE_CODE.sub("", line.text)
            for target in _INLINE_LINK.findall(prose) + _DEFINITION.findall(prose):
                yield line, target


def anchors_of(path: Path) -> set[str]:
    """List the names that the headings of one page can be linked by."""
    found: dict[str, int] = {}
    anchors = set()
    for line in lines_of(path):
        if not line.is_code and (heading := _HEADING.match(line.text)):
            title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
            name = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            count = found.setdefault(name, 0)
            anchors.add(f"{name}-{count}" if count else name)
            found[name] += 1
    return anchors


def commands_of(path: Path) -> Iterator[tuple[Line, str]]:
    """
    Find what a page tells people to type, without the prompt.

    That is every line of a fenced block, continued lines joined, and every piece of
    inline code; which of them are commands, the caller must see.
    """
    begun: list[Line] = []
    for line in lines_of(path):
        if not line.is_code:
            for code in _INLINE_CODE.finditer(line.text):
                yield line, code[0].strip("` ")
            continue
        begun.append(line)
        if not line.text.endswith("\\"):
            typed = " ".join(part.text.rstrip("\\").strip() for part in begun)
            yield begun[0], re.sub(r"^[$#] +", "", typed)
            begun.clear()
