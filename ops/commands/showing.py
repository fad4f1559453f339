"""
Showing: cases and reports of what was done, as lines for a terminal.

Whatever a reporter wrote was refused at import if it had control characters in
it, so nothing shown here can move the cursor or change a colour.
"""

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from casework.journal import Briefed
from casework.profile import Profile
from casework.report import Report, completeness
from journalist_app.workstation.cases import CaseFile, ItemShown, ReplyShown
from journalist_app.workstation.import_report import GOOD, ImportReport
from journalist_app.workstation.queueing import CaseSummary

COLUMNS = 78
_INDENT = "    "

_QUESTIONS = {
    "what": "What",
    "where": "Where",
    "when": "When",
    "who": "Who",
    "why": "Why",
    "how": "How",
    "how_much": "How much",
}
_MORE = {
    "first_hand": "First hand or hearsay",
    "reported_elsewhere": "Reported elsewhere",
    "risk": "Risk to the reporter",
}


def import_report(bundle: Path, report: ImportReport) -> str:
    """Say what became of every item of a bundle."""
    lines = [f"{untrusted_path(bundle)}:"]
    for outcome in report.outcomes:
        mark = " " if outcome.verdict in GOOD else "!"
        note = f" ({outcome.note})" if outcome.note else ""
        lines.append(f"{mark} {outcome.name}: {outcome.verdict}{note}")
    if not report.outcomes:
        lines.append("  no items")
    lines += [f"  item {number}: opened now" for number in report.opened_later]
    if report.broken_off:
        lines.append(f"! the bundle breaks off: {report.broken_off}")
    if report.not_fetched:
        lines.append(
            f"! not on this desk: items {_spans(report.not_fetched)}; fetch them with: "
            f"bisik courier export --since {report.not_fetched[0].start - 1} ..."
        )
    if report.gone:
        lines.append(
            f"! not on this desk, and no more on the server: items "
            f"{_spans(report.gone)}; other desks have them"
        )
    lines += [f"  officer {one.name}: {one.what}" for one in report.officers]
    if report.unverified:
        lines.append(f"! events that cannot be verified yet: {report.unverified}")
    for name, count in report.cases_with_gaps.items():
        lines.append(f"! case {name}: missing or unopened items: at least {count}")
    lines += [
        f"  the key that was sealed to from {one.begins} on is destroyed: {one.key_id}"
        for one in report.destroyed
    ]
    if report.restored:
        lines.append(
            "! this desk is a restored copy, or another copy of it is at work: it goes "
            "on behind what the server has of it, and asks the other desks for what is "
            "missing here; export, and import once they have"
        )
    lines += [
        f"! case {name}: a waiting answer was withdrawn, because another copy of this "
        "desk may have sent one; write it again"
        for name in report.withdrawn
    ]
    lines += [
        f"! officer {name} has not told yet what this desk has lost; cases that they "
        "know are sent to nobody else before"
        for name in report.awaited
    ]
    for number in report.unconfirmed:
        lines.append(
            f"! outbox {number} had not reached the server; if its stick is lost: "
            f"bisik desk export --again {number} --to FILE"
        )
    return "\n".join(lines)


def untrusted_path(path: Path) -> str:
    """Write a path so that its name, which came with a stick, moves no cursor."""
    return str(path) if str(path).isprintable() else ascii(str(path))


def case_list(cases: Sequence[CaseSummary], *, hidden: int) -> str:
    """Show one line for every case, and the marks it has."""
    if not cases and not hidden:
        return "There are no cases yet."
    lines = [f"{'case':<12}{'received':<12}{'due':<12}{'status':<18}title"]
    for case in cases:
        due = case.due.isoformat() if case.due else "-"
        marks = "".join(f" [{mark}]" for mark in _marks(case))
        lines.append(
            f"{case.name:<12}{case.received.isoformat():<12}{due:<12}"
            f"{case.status:<18}{_title(case)}{marks}"
        )
    if hidden:
        lines.append(f"{hidden} closed cases are not shown; see them with --all.")
    return "\n".join(lines)


def case_file(case: CaseFile, profile: Profile) -> str:
    """Show a case whole, with roles as *profile* calls them."""
    summary = case.summary
    lines = [
        f"Case {summary.name}: {_title(summary)}",
        f"Received {summary.received}, status {summary.status}, "
        + (f"due {summary.due}" if summary.due else "no day promised"),
    ]
    if summary.registration_number:
        lines.append(f"Registration number {summary.registration_number}")
    if marks := _marks(summary):
        lines.append("Marks: " + ", ".join(marks))
    if case.state.brief is not None and case.report is None:
        lines += ["", *_brief(case.state.brief)]
    for entry in case.thread:
        lines.append("")
        lines += (
            _item(entry, profile) if isinstance(entry, ItemShown) else _reply(entry)
        )
    return "\n".join(lines)


def _marks(case: CaseSummary) -> list[str]:
    marks = []
    if case.new:
        marks.append(f"{case.new} new")
    if case.overdue:
        marks.append("OVERDUE")
    if case.unanswered:
        marks.append("unanswered")
    if case.withdrawn:
        marks.append("withdrawn")
    if case.proposed:
        marks.append("closing proposed")
    if case.conflicts:
        marks.append(f"{case.conflicts} conflicts")
    if case.missing:
        marks.append(f"at least {case.missing} missing")
    return marks


def _title(case: CaseSummary) -> str:
    return case.title or "(the report itself is not on this desk)"


def _item(item: ItemShown, profile: Profile) -> list[str]:
    head = f"<- {item.kind}, {item.day}"
    lines = [f"{head}, new" if item.new else head]
    if item.confidential:
        lines += [
            f"{_INDENT}CONFIDENTIAL: says who the reporter is; do not share.",
            f"{_INDENT}To read it: bisik desk contact CASE",
        ]
    if item.other_keys:
        lines.append(
            f"{_INDENT}CAREFUL: it names other reply keys than the case has, which "
            "are not used.\n"
            f"{_INDENT}It may be forged: ask the reporter in a reply."
        )
    if item.report:
        lines += _report(item.report, profile)
    if item.message and not item.confidential:
        lines += _paragraphs(item.message)
    for position, file in enumerate(item.attachments, start=1):
        lines.append(
            f"{_INDENT}[{position:03}] {file.name}, {file.size_bytes} bytes, "
            f"SHA-256 {file.sha256.hex()}"
        )
    return lines


def _report(report: Report, profile: Profile) -> list[str]:
    found = completeness(report)
    lines = [f"{_INDENT}5W + 2H: {len(found.answered)} of {len(_QUESTIONS)} answered"]
    if found.open:
        missing = ", ".join(_QUESTIONS[name] for name in found.open)
        lines.append(f"{_INDENT}Not answered: {missing}")
    for name, heading in (_QUESTIONS | _MORE).items():
        if answer := getattr(report, name):
            lines += ["", f"{_INDENT}{heading}", *_paragraphs(answer)]
    if report.not_for:
        roles = ", ".join(profile.role_title(key, "en") for key in report.not_for)
        lines += [
            "",
            f"{_INDENT}The reporter does not want these roles to see it: {roles}",
        ]
    return lines


def _brief(brief: Briefed) -> list[str]:
    lines = ["<- brief of a colleague; the reporter's own words are not on this desk"]
    if brief.paraphrase:
        lines += _paragraphs(brief.paraphrase)
    for name, heading in _QUESTIONS.items():
        if answer := brief.answers.get(name):
            lines += ["", f"{_INDENT}{heading}", *_paragraphs(answer)]
    return lines


def _reply(reply: ReplyShown) -> list[str]:
    letter = reply.sent.action.letter
    if not reply.own:
        state = "by another desk"
    elif reply.withdrawn:
        state = "NOT SENT: withdrawn, write it again"
    elif reply.earlier:
        state = "sent before this desk was restored"
    elif reply.exported_in is None:
        state = "waiting for export"
    elif reply.exported_in < 0:
        state = "for a server that this desk has left"
    elif reply.read:
        state = "read by the reporter"
    else:
        state = f"in outbox {reply.exported_in}"
    lines = [f"-> {letter.kind}, {letter.day}, {state}"]
    for heading, value in (
        ("Status", letter.status),
        ("Registration number", letter.registration_number),
        ("Due", letter.due_day),
    ):
        if value:
            lines.append(f"{_INDENT}{heading}: {value}")
    if letter.text:
        lines += _paragraphs(letter.text)
    lines += [
        f"{_INDENT}{file.name}, {file.size_bytes} bytes"
        for file in reply.sent.action.files
    ]
    return lines


def _paragraphs(text: str) -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\n"):
        wrapped = textwrap.wrap(
            paragraph, COLUMNS, initial_indent=_INDENT, subsequent_indent=_INDENT
        )
        lines += wrapped or [""]
    return lines


def _spans(spans: Iterable[range]) -> str:
    return ", ".join(
        str(span.start) if len(span) == 1 else f"{span.start} to {span.stop - 1}"
        for span in spans
    )
