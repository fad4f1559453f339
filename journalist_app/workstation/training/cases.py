"""
Ready-made cases and exercises, read from cases.toml.

Everything in them is invented.  Days are relative, so that there is always something
due today.
"""

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from casework.item import ItemKind
from casework.profile import LocalText
from casework.reply import CaseStatus, ReplyKind
from casework.report import Report


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LaterItem(_Part):
    """
    What a reporter sends after the report.

    Attributes:
        day: So many days after the report, and never later than today.

        late: Whether colleagues have not collected it yet.

        second: Whether it comes with the bundle of the second day.

        to: Whom it is sealed to; everybody who receives reports if nobody is named.
    """

    day: int
    kind: ItemKind
    message: str
    files: tuple[str, ...] = ()
    late: bool = False
    second: bool = False
    to: tuple[str, ...] = ()


class Act(_Part):
    """What a colleague did to a case; which further fields count depends on `what`."""

    day: int
    by: Literal["verifier", "reviewer"]
    what: Literal["step", "confirm", "reply", "label", "note", "assess", "assign"]
    after: CaseStatus | None = None
    reason: str = ""
    kind: ReplyKind = ReplyKind.ANSWER
    status: CaseStatus | None = None
    text: str = ""
    label: str = ""
    subject: Literal["completeness", "competence", "retaliation"] | None = None
    verdict: Literal["yes", "no", "unsure"] | None = None


class ReadyCase(_Part):
    """A case that is ready-made."""

    working_days_ago: Annotated[int, Field(ge=0, le=70)]
    language: Literal["id", "en"]
    report: Report
    files: tuple[str, ...] = ()
    second: bool = False
    items: tuple[LaterItem, ...] = ()
    acts: tuple[Act, ...] = ()


@dataclass(frozen=True)
class Exercise:
    """
    Something that trainees do.

    Attributes:
        title: Of the report it is about; None if it is about no single one.
    """

    key: str
    task: LocalText
    title: str | None = field(repr=False)


@cache
def ready_cases() -> dict[str, ReadyCase]:
    """Return all cases by their keys, in the order of the file."""
    return {
        key: ReadyCase.model_validate(one)
        for key, one in _content().items()
        if key != "exercises"
    }


@cache
def exercises() -> tuple[Exercise, ...]:
    """Return all exercises in the order in which they are done."""
    cases = ready_cases()
    return tuple(
        Exercise(
            key=key,
            task=LocalText(id=one["id"], en=one["en"]),
            title=cases[one["case"]].report.title if one["case"] else None,
        )
        for key, one in _content()["exercises"].items()
    )


def _content() -> dict[str, dict[str, dict[str, str]]]:
    text = (
        resources.files("journalist_app.workstation.training")
        .joinpath("cases.toml")
        .read_text("utf-8")
    )
    return tomllib.loads(text)
