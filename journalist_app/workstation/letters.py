"""
Letters: drafts of what officers write to reporters, in both of their languages.

Every step has one, and they are edited before they are sealed.  None of them asks a
reporter to look for more evidence: that is the officers' work and the reporter's risk
(ISO 37002:2021, 8.2 and 8.4.1).

    letters.toml --key, language--> text with {placeholders} --fill--> draft
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from casework.profile import LocalText
from casework.reply import CaseStatus, ReplyKind

_QUESTIONS: Mapping[str, LocalText] = {
    "what": LocalText(id="apa yang terjadi", en="what happened"),
    "where": LocalText(id="di mana kejadiannya", en="where it happened"),
    "when": LocalText(id="kapan kejadiannya", en="when it happened"),
    "who": LocalText(
        id="siapa yang terlibat dan apa perannya",
        en="who was involved, and in which role",
    ),
    "why": LocalText(
        id="mengapa hal itu terjadi, sejauh yang Anda ketahui",
        en="why it happened, as far as you know",
    ),
    "how": LocalText(id="bagaimana caranya", en="how it was done"),
    "how_much": LocalText(
        id="berapa perkiraan kerugiannya", en="how large the loss may be"
    ),
}


@dataclass(frozen=True)
class LetterTemplate:
    """
    A draft.

    Attributes:
        key: Names it in forms.

        kind: What the reply is for.

        status: Where the case is when this is written; None for anywhere.

        title: What officers choose it by.
    """

    key: str
    kind: ReplyKind
    status: CaseStatus | None
    title: LocalText
    text: LocalText = field(repr=False)


@cache
def letter_templates() -> tuple[LetterTemplate, ...]:
    """Return all drafts, in the order of a case's life."""
    content = (
        resources.files("journalist_app.workstation")
        .joinpath("letters.toml")
        .read_text("utf-8")
    )
    return tuple(
        LetterTemplate(
            key=key,
            kind=ReplyKind(one["kind"]),
            status=CaseStatus(one["status"]) if "status" in one else None,
            title=LocalText.model_validate(one["title"]),
            text=LocalText.model_validate(one["text"]),
        )
        for key, one in tomllib.loads(content).items()
    )


def template_at(status: CaseStatus) -> LetterTemplate:
    """Return the draft that tells a reporter where the case is; every step has one."""
    return next(one for one in letter_templates() if one.status is status)


def fill(
    template: LetterTemplate,
    language: str,
    *,
    open_questions: Sequence[str],
    registration_number: str | None,
    competence: str,
    reason: str,
) -> str:
    """
    Return a draft in the reporter's language.

    Args:
        template: Which.

        language: Of the reporter.

        open_questions: Names of the questions that the report leaves open.

        registration_number: Of the case, if it has one.

        competence: What the institution is responsible for.

        reason: What officers wrote when they took the step.
    """
    questions = "\n".join(
        f"- {_QUESTIONS[name].in_language(language)}"
        for name in open_questions
        if name in _QUESTIONS
    )
    text = template.text.in_language(language)
    for place, value in {
        "questions": questions or "- …",
        "number": registration_number or "…",
        "competence": competence,
        "reason": reason or "…",
    }.items():
        text = text.replace(f"{{{place}}}", value)
    return text.strip()
