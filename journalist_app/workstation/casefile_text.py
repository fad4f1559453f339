"""
The text of a case file: which words of a case leave, in which form.

    form         the reporter's words          what else
    full         as they were sent             replies, originals' names and digests
    redacted     report and messages, covered
    paraphrase   none                          the matter in an officer's words

In no form: contact details, notes, labels, links, who may know of the case, why
exposure was decided as it was, and deeds that were taken back.  What officers wrote as
reasons is theirs and goes in every form: the preview marks what in it is telling.

This module reads no store and draws nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from casework.case_state import CaseState, Entry
from casework.casefile import (
    CaseFileHeading,
    CaseFileMember,
    CopiedAttachment,
    copy_name,
    cover,
)
from casework.exposure import find_exposures
from casework.journal import (
    ClosingConfirmed,
    ClosingDeclined,
    ClosingProposed,
    Registered,
    StepTaken,
)
from casework.profile import LocalText
from casework.report import SEVEN_QUESTIONS, Report
from journalist_app.workstation import casefile_wording as words
from journalist_app.workstation.casefile_pdf import (
    BODY,
    CODE,
    HEADING,
    HEADLINE,
    LABEL,
    SMALL,
    Frame,
    Stretch,
)
from journalist_app.workstation.cases import CaseFile, ItemShown, ReplyShown
from journalist_app.workstation.sharing import FULL, PARAPHRASE


@dataclass(frozen=True)
class Passage:
    """
    A text, and what it is.

    Attributes:
        label: Above it; may be empty.

        fixed: Whether all letters are to be of one width, as for digests.
    """

    label: str
    text: str = field(repr=False)
    fixed: bool = False

    @property
    def pieces(self) -> tuple[tuple[str, bool], ...]:
        """The text in stretches, and whether each could give the reporter away."""
        pieces, at = [], 0
        for one in sorted(find_exposures(self.text), key=lambda one: one.start):
            pieces += [
                (self.text[at : one.start], False),
                (self.text[one.start : one.end], True),
            ]
            at = one.end
        return (*pieces, (self.text[at:], False))


@dataclass(frozen=True)
class Section:
    """A part of the document."""

    title: str
    passages: tuple[Passage, ...] = field(repr=False)

    @property
    def whole_text(self) -> str:
        """All of it, for comparing."""
        return "\n".join(
            (self.title, *(f"{one.label}\n{one.text}" for one in self.passages))
        )


def sections_of(
    case: CaseFile, heading: CaseFileHeading, names: Mapping[str, str]
) -> tuple[Section, ...]:
    """
    Return the parts of the document up to the attachments.

    Args:
        case: Whole, as this desk has it.

        heading: Form and language.

        names: Of officers, by desk.
    """
    sections = [
        Section(_say(words.MATTER, heading), tuple(_matter(case, heading))),
        Section(
            _say(words.COURSE, heading), tuple(_course(case.state, heading, names))
        ),
        Section(
            _say(words.ASSESSMENT, heading),
            tuple(_assessment(case.state, heading, names)),
        ),
    ]
    if heading.form == FULL:
        replies = tuple(_replies(case, heading, names))
        none = Passage("", _say(words.NO_REPLIES, heading))
        sections.append(Section(_say(words.REPLIES, heading), replies or (none,)))
    return tuple(sections)


def attachments_section(
    heading: CaseFileHeading,
    attachments: Sequence[CopiedAttachment],
    members: Sequence[CaseFileMember],
    *,
    of: int,
) -> Section:
    """Return the part on the enclosed copies, with their digests; there are *of*."""
    digests = {member.name: member.sha256 for member in members}
    passages = [
        passage
        for one in attachments
        for passage in _said_of(one, digests[copy_name(one.number)], heading)
    ]
    enclosed = words.ENCLOSED.in_language(heading.language).format(
        enclosed=len(attachments), of=of
    )
    return Section(_say(words.ATTACHMENTS, heading), (Passage("", enclosed), *passages))


def frame_of(heading: CaseFileHeading) -> Frame:
    """Return what stands on every page."""
    return Frame(
        classification=_say(words.CLASSIFICATION, heading),
        title=f"{_say(words.TITLE, heading)} {heading.case}",
        right=_say(words.FORMS[heading.form], heading),
        page=_say(words.PAGE, heading),
        foot=words.FOR.in_language(heading.language).format(
            recipient=heading.recipient
        ),
        language=heading.language,
    )


def layout(
    heading: CaseFileHeading,
    sections: Sequence[Section],
    *,
    officer: str,
    exposure_day: date,
    copies: bool,
) -> list[Stretch]:
    """
    Return the document, ready to be drawn.

    Args:
        heading: For whom, in which form.

        sections: All of them, the one on attachments last.

        officer: Who signs.

        exposure_day: When the reporter's exposure was decided upon.

        copies: Whether attachments are enclosed.
    """
    language = heading.language
    by = words.BY.in_language(language).format(
        day=words.written_day(heading.day, language), officer=officer
    )
    checked = words.CHECKED.in_language(language).format(
        day=words.written_day(exposure_day, language)
    )
    facts = (
        (words.RECIPIENT, heading.recipient),
        (words.MADE, by),
        (words.FORM, _say(words.FORMS[heading.form], heading)),
        (words.KEY, heading.fingerprint),
    )
    stretches = [Stretch(f"{_say(words.TITLE, heading)} {heading.case}", HEADLINE)]
    for label, text in facts:
        stretches += [Stretch(_say(label, heading), LABEL), Stretch(text, BODY)]
    stretches += [
        Stretch(_say(words.ABOUT, heading), HEADING),
        Stretch(_say(words.NOTES[heading.form], heading), BODY),
        Stretch(checked, BODY),
    ]
    for section in sections:
        stretches.append(Stretch(section.title, HEADING))
        for passage in section.passages:
            if passage.label:
                stretches.append(Stretch(passage.label, LABEL))
            stretches.append(Stretch(passage.text, CODE if passage.fixed else BODY))
    return [*stretches, *_how_to_check(heading, copies=copies)]


def _how_to_check(heading: CaseFileHeading, *, copies: bool) -> Iterator[Stretch]:
    """Say how to verify the file; all of it stays on one page."""
    small, code = replace(SMALL, keep=True), replace(CODE, keep=True)
    plain = words.PLAIN_COMMANDS.format(
        fingerprint=heading.fingerprint, copies=" files/*.pdf" if copies else ""
    )
    yield Stretch(_say(words.AUTHENTIC, heading), HEADING)
    yield Stretch(_say(words.HOW_TO_CHECK, heading), small)
    yield Stretch(words.COMMANDS, code)
    yield Stretch(_say(words.OR_WITHOUT, heading), small)
    yield Stretch(plain, code)
    yield Stretch(_say(words.COMPARE, heading), SMALL)


def _matter(case: CaseFile, heading: CaseFileHeading) -> Iterator[Passage]:
    language = heading.language
    received = words.written_day(case.summary.received, language)
    yield Passage(_say(words.RECEIVED, heading), received)
    if case.summary.withdrawn:
        yield Passage("", _say(words.WITHDRAWN, heading))
    if case.state.paraphrase and heading.form != FULL:
        yield Passage(_say(words.SUMMARY, heading), case.state.paraphrase)
    if heading.form == PARAPHRASE:
        return
    item = case.report
    if item is not None and item.report is not None:
        yield from _answers(item, item.report, case.state, heading)
    yield from _messages(case, heading)


def _answers(
    item: ItemShown, report: Report, state: CaseState, heading: CaseFileHeading
) -> Iterator[Passage]:
    fields: tuple[str, ...] = ("title", *SEVEN_QUESTIONS)
    if heading.form == FULL:
        fields = (*fields, "reported_elsewhere", "risk")
    for name in fields:
        if text := _text(item, name, getattr(report, name), state, heading):
            yield Passage(_say(words.QUESTIONS[name], heading), text)
    if heading.form == FULL and report.first_hand:
        answer = words.FIRST_HAND_ANSWERS[report.first_hand]
        yield Passage(_say(words.FIRST_HAND, heading), _say(answer, heading))


def _messages(case: CaseFile, heading: CaseFileHeading) -> Iterator[Passage]:
    number = 0
    for entry in case.thread:
        if not isinstance(entry, ItemShown) or entry.confidential or not entry.message:
            continue
        number += 1
        label = words.MESSAGE.in_language(heading.language).format(number=number)
        if heading.form == FULL:
            # On which days somebody wrote can be held against who was away on them.
            label += f" · {words.written_day(entry.day, heading.language)}"
        yield Passage(
            label, _text(entry, "message", entry.message, case.state, heading)
        )


def _text(
    item: ItemShown, name: str, text: str, state: CaseState, heading: CaseFileHeading
) -> str:
    if heading.form == FULL:
        return text
    return cover(text, state.redactions.get((item.digest.hex(), name), ()))


def _course(
    state: CaseState, heading: CaseFileHeading, names: Mapping[str, str]
) -> Iterator[Passage]:
    for entry in state.history:
        if entry.digest not in state.undone and (said := _deed(entry, heading)):
            yield Passage(
                _whose(entry.event.day, entry.event.desk_id, heading, names), said
            )
    yield Passage(_say(words.NOW, heading), _say(words.STATUSES[state.status], heading))


def _deed(entry: Entry, heading: CaseFileHeading) -> str:
    action = entry.event.action
    language = heading.language
    if isinstance(action, StepTaken):
        before, after = (
            _say(words.STATUSES[one], heading) for one in (action.before, action.after)
        )
        said = f"{before} → {after}"
    elif isinstance(action, ClosingProposed):
        said = words.PROPOSED.in_language(language).format(
            status=_say(words.STATUSES[action.after], heading)
        )
    elif isinstance(action, ClosingConfirmed):
        return _say(words.CONFIRMED, heading)
    elif isinstance(action, ClosingDeclined):
        said = _say(words.DECLINED, heading)
    elif isinstance(action, Registered):
        return words.REGISTERED.in_language(language).format(number=action.number)
    else:
        return ""
    return f"{said}\n{action.reason}" if action.reason else said


def _assessment(
    state: CaseState, heading: CaseFileHeading, names: Mapping[str, str]
) -> Iterator[Passage]:
    said = False
    for subject, label in words.SUBJECTS.items():
        verdict = state.verdicts.get(subject)
        # What threatens the reporter says something about who that is.
        if verdict is None or (subject == "retaliation" and heading.form != FULL):
            continue
        said = True
        text = _say(words.VERDICTS[verdict.verdict], heading)
        whose = _whose(verdict.day, verdict.desk_id, heading, names)
        yield Passage(
            f"{_say(label, heading)} · {whose}",
            f"{text}\n{verdict.reason}" if verdict.reason else text,
        )
    if not said:
        yield Passage("", _say(words.NOT_ASSESSED, heading))


def _replies(
    case: CaseFile, heading: CaseFileHeading, names: Mapping[str, str]
) -> Iterator[Passage]:
    for entry in case.thread:
        if not isinstance(entry, ReplyShown):
            continue
        letter = entry.sent.action.letter
        parts = []
        if letter.status is not None:
            parts.append(_say(words.STATUSES[letter.status], heading))
        if letter.text:
            parts.append(letter.text)
        parts += [file.name for file in entry.sent.action.files]
        yield Passage(
            _whose(letter.day, entry.sent.desk_id, heading, names), "\n".join(parts)
        )


def _said_of(
    copy: CopiedAttachment, sha256: str, heading: CaseFileHeading
) -> Iterator[Passage]:
    label = words.COPY.in_language(heading.language).format(
        number=copy.number, member=copy_name(copy.number)
    )
    pages = words.COPY_PAGES if copy.complete else words.COPY_CUT
    yield Passage(label, pages.in_language(heading.language).format(pages=copy.pages))
    yield Passage("", f"{_say(words.COPY_DIGEST, heading)}\n{sha256}", fixed=True)
    if (original := copy.original) is not None:
        said = words.ORIGINAL.in_language(heading.language).format(
            name=original.original_name, size=original.original_bytes
        )
        yield Passage("", said)
        digest = f"{_say(words.ORIGINAL_DIGEST, heading)}\n{original.original_sha256}"
        yield Passage("", digest, fixed=True)


def _whose(
    day: date, desk_id: str, heading: CaseFileHeading, names: Mapping[str, str]
) -> str:
    officer = names.get(desk_id) or _say(words.COLLEAGUE, heading)
    return f"{words.written_day(day, heading.language)} · {officer}"


def _say(text: LocalText, heading: CaseFileHeading) -> str:
    return text.in_language(heading.language)
