"""What comes of one check, and how it is told."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Final

COLUMN: Final = 18


class Verdict(Enum):
    """How a check came out."""

    GOOD = "ok"
    LOOK = "LOOK"
    BAD = "BAD"


@dataclass(frozen=True)
class Finding:
    """
    What came of one check.

    Attributes:
        verdict: Whether something must be done.

        subject: What was looked at.

        said: What is so, as a sentence.

        way_out: What to do; "" if nothing.
    """

    verdict: Verdict
    subject: str
    said: str
    way_out: str = ""

    def lines(self) -> Iterator[str]:
        """Write it for a terminal."""
        yield f"{self.verdict.value:5} {self.subject:{COLUMN}} {self.said}"
        if self.way_out:
            yield f"{'':5}   do: {self.way_out}"


def wrong(findings: Iterable[Finding]) -> int:
    """Count what must be mended."""
    return sum(one.verdict is Verdict.BAD for one in findings)


def to_json(findings: Iterable[Finding]) -> str:
    """Write findings for a program."""
    return json.dumps(
        [{**asdict(one), "verdict": one.verdict.value} for one in findings],
        ensure_ascii=False,
        indent=1,
    )


def from_json(text: str) -> Sequence[Finding]:
    """Read what `to_json` has written, in another process of ours."""
    return [
        Finding(**{**entry, "verdict": Verdict(entry["verdict"])})
        for entry in json.loads(text)
    ]
