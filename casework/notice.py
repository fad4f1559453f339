"""
The notice: what an operator says on the site to everybody alike.

    {
     "version": 1,
     "id": "Situs ini tutup pada hari Senin ...",
     "en": "This site is closed on Monday ...",
     "through": "2026-12-07"
    }

A breach, another address, a day on which nobody is there: each reporter reads the same,
whoever they are.  It is a text and nothing more, so that it can hold no link and no
picture that a browser would ask for, and so short that it fits into the room that
every page keeps for it (`source_app.posting`).

Specified in docs/spec/notice.md.
"""

from datetime import date
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, ValidationError

from casework import strict
from casework.errors import CaseworkError
from casework.strict import Day, StrictModel
from casework.text import CleanText

LONGEST_CHARACTERS: Final = 700
MOST_LINES: Final = 10
FILE_BYTES: Final = 16 * 1024


class UnusableNotice(CaseworkError):
    """The notice cannot be shown like this."""


class MalformedNotice(CaseworkError):
    """The file notice.json is not one that this software wrote."""


def _refuse_many_lines(text: str) -> str:
    if text.count("\n") >= MOST_LINES:
        raise ValueError(f"the text has more than {MOST_LINES} lines")
    return text


def _refuse_markup(text: str) -> str:
    # It would be shown as it is written; whoever wrote it meant something else.
    if "<" in text or ">" in text:
        raise ValueError("the text has < or >: nothing in it can be markup")
    return text


Wording = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_CHARACTERS),
    AfterValidator(_refuse_markup),
    AfterValidator(_refuse_many_lines),
    CleanText,
]


class Notice(StrictModel):
    """
    A text in both languages of the site.

    Attributes:
        through: The last day on which it is shown; None until it is removed.
    """

    version: Literal[1] = 1
    id: Wording
    en: Wording
    through: Day | None = None

    @classmethod
    def of(cls, untrusted_id: str, untrusted_en: str, through: date | None) -> Self:
        """
        Make a notice of what somebody has typed.

        Raises:
            UnusableNotice: Naming the language and what is wrong with its text.
        """
        try:
            return cls(
                id=untrusted_id.strip(), en=untrusted_en.strip(), through=through
            )
        except ValidationError as error:
            fault = error.errors(include_input=False, include_url=False)[0]
            language = {"id": "Indonesian", "en": "English"}[str(fault["loc"][0])]
            reason = fault["msg"].removeprefix("Value error, ")
            raise UnusableNotice(f"the {language} text: {reason}") from None

    @classmethod
    def parse(cls, untrusted_bytes: bytes) -> Self:
        """
        Read notice.json.

        Raises:
            MalformedNotice: Naming the field, and never its value.
        """
        return strict.parse(
            cls, untrusted_bytes, limit_bytes=FILE_BYTES, malformed=MalformedNotice
        )

    def to_json(self) -> bytes:
        """Write notice.json."""
        return strict.render(self)

    def in_language(self, language: str) -> str:
        """Return the text in *language*; Indonesian where it is not known."""
        return self.en if language == "en" else self.id

    def is_shown_on(self, day: date) -> bool:
        """Tell whether it is shown on a day."""
        return self.through is None or day <= self.through
