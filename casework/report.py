"""
The report: what happened, told as 5W + 2H.

    title                                    what a list of cases shows
    what where when who why how how_much     the seven questions
    first_hand reported_elsewhere risk       what ISO 37002:2021, 8.2, asks, too
    not_for                                  public roles that must not see it

Only a title and *what* are required.  A reporter who knows one fact must be
able to report it; what is missing is asked for later.

Specified in docs/spec/item.md.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field

from casework import strict
from casework.errors import CaseworkError
from casework.strict import StrictModel
from casework.text import CleanLine, CleanText

TITLE_CHARACTERS = 200
FIELD_CHARACTERS = 20_000
MOST_ROLES = 20
# Nine long fields of four bytes a character, and what JSON adds to them.
REPORT_BYTES = 1024 * 1024

SEVEN_QUESTIONS = ("what", "where", "when", "who", "why", "how", "how_much")

Title = Annotated[str, Field(max_length=TITLE_CHARACTERS), CleanLine]
Answer = Annotated[str, Field(max_length=FIELD_CHARACTERS), CleanText]
FirstHand = Literal["first-hand", "hearsay", "unsure", ""]
RoleKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class MalformedReport(CaseworkError):
    """The report is not written in the form that this software writes."""


class Report(StrictModel):
    """
    A report as its reporter wrote it; an empty field was not answered.

    Texts must be clean already (`casework.text`): the record refuses what
    cleaning would change.
    """

    version: Literal[1] = 1
    title: Annotated[Title, Field(min_length=1, repr=False)]
    what: Annotated[Answer, Field(min_length=1, repr=False)]
    where: Annotated[Answer, Field(repr=False)] = ""
    when: Annotated[Answer, Field(repr=False)] = ""
    who: Annotated[Answer, Field(repr=False)] = ""
    why: Annotated[Answer, Field(repr=False)] = ""
    how: Annotated[Answer, Field(repr=False)] = ""
    how_much: Annotated[Answer, Field(repr=False)] = ""
    first_hand: Annotated[FirstHand, Field(repr=False)] = ""
    reported_elsewhere: Annotated[Answer, Field(repr=False)] = ""
    risk: Annotated[Answer, Field(repr=False)] = ""
    not_for: Annotated[
        tuple[RoleKey, ...],
        Field(max_length=MOST_ROLES, repr=False, exclude_if=strict.is_absent),
    ] = ()

    def to_json(self) -> bytes:
        """Write report.json."""
        return strict.render(self)

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """
        Read report.json.

        Raises:
            MalformedReport: If it is not exactly as `to_json` writes it, but for
                white space and the order of keys.
        """
        return strict.parse(
            cls, content, limit_bytes=REPORT_BYTES, malformed=MalformedReport
        )


@dataclass(frozen=True)
class Completeness:
    """Which of the seven questions have an answer, in the order of the form."""

    answered: tuple[str, ...]
    open: tuple[str, ...]


def completeness(report: Report) -> Completeness:
    """Say which of the seven questions *report* answers and which stay open."""
    answered = tuple(name for name in SEVEN_QUESTIONS if getattr(report, name))
    return Completeness(
        answered=answered,
        open=tuple(name for name in SEVEN_QUESTIONS if name not in answered),
    )
