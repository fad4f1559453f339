"""
The exposure check: what could give the reporter away, and what may leave.

A program looks through all texts and files of a case, and the page waits a moment for
it and no longer.  What it has not looked at yet is named; until it has, nothing can be
decided but to withhold.
"""

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from casework.case_state import Entry
from casework.exposure import Exposure, find_exposures
from casework.exposure_check import mark_of, unchecked
from casework.journal import MOST_ITEMS_CHECKED, Paraphrased, Redacted
from casework.report import SEVEN_QUESTIONS
from casework.text import clean_text
from casework.traces import Inspection
from journalist_app.workstation import acting
from journalist_app.workstation.cases import (
    AttachmentShown,
    CaseFile,
    ItemShown,
    show_case,
)
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.errors import ActionRefused, ShownOtherwise
from journalist_app.workstation.saving import read_attachment
from journalist_app.workstation.screens.notices import Notice, say, undoable
from journalist_app.workstation.screens.services import services
from journalist_app.workstation.screens.typed import typed_text
from journalist_app.workstation.screens.wording import (
    DECISION_LABELS,
    EXPOSURE_LABELS,
    QUESTION_LABELS,
    TRACE_LABELS,
    _,
)
from journalist_app.workstation.viewing.viewer import inspect

bp = Blueprint("exposure", __name__, url_prefix="/cases/<name>/exposure")

FIELDS = ("title", *SEVEN_QUESTIONS, "reported_elsewhere", "risk")
WITHHOLD = "withhold"


@dataclass(frozen=True)
class Piece:
    """A stretch of text, and what it is: telling, blackened, both or neither."""

    text: str = field(repr=False)
    telling: bool
    black: bool


@dataclass(frozen=True)
class Passage:
    """One text of the reporter, with its telling and its blackened places."""

    item: str
    name: str
    text: str = field(repr=False)
    spans: tuple[tuple[int, int], ...]
    checked: bool
    exposures: tuple[Exposure, ...] = ()
    looked: bool = False

    @property
    def pieces(self) -> list[Piece]:
        """The text in stretches of one kind each."""
        edges = {0, len(self.text)}
        for start, end in (*((e.start, e.end) for e in self.exposures), *self.spans):
            edges |= {min(start, len(self.text)), min(end, len(self.text))}
        # Marked once for each character: a hostile text has thousands of places.
        telling = _marked(self.text, [(e.start, e.end) for e in self.exposures])
        black = _marked(self.text, self.spans)
        return [
            Piece(self.text[start:end], bool(telling[start]), bool(black[start]))
            for start, end in itertools.pairwise(sorted(edges))
        ]


@dataclass(frozen=True)
class FileChecked:
    """A file of the reporter: its name, and what it says about its maker if known."""

    item: str
    file: AttachmentShown
    exposures: tuple[Exposure, ...]
    inspection: Inspection | None = field(repr=False)
    checked: bool

    @property
    def findings(self) -> int:
        """How many things it tells, as far as it was looked at."""
        traces = self.inspection.traces if self.inspection else ()
        return len(self.exposures) + len(traces)


@dataclass(frozen=True)
class Seen:
    """All that is looked at of a case, as far as that has come."""

    passages: tuple[Passage, ...]
    files: tuple[FileChecked, ...]

    @property
    def findings(self) -> int:
        """How many telling places there are, as far as is known."""
        return sum(len(one.exposures) for one in self.passages) + sum(
            one.findings for one in self.files
        )

    @property
    def unlooked(self) -> int:
        """How many texts and files were not looked at yet."""
        return sum(not one.looked for one in self.passages) + sum(
            one.inspection is None for one in self.files
        )


@bp.get("/")
def show(name: str) -> ResponseReturnValue:
    """Show what in the case could give the reporter away."""
    here = services()
    case = show_case(here.desk, name, today=here.today(), mark_shown=False)
    return _page(case, _look(case))


def _page(
    case: CaseFile,
    seen: Seen,
    *,
    decision: str = "",
    reason: str = "",
    changed: bool = False,
) -> str:
    exposure = case.state.exposure
    if not decision and exposure:
        decision = exposure.action.decision
    return render_template(
        "exposure.html",
        case=case,
        state=case.state,
        passages=seen.passages,
        files=seen.files,
        unlooked=seen.unlooked,
        shown=mark_of(case.to_check),
        decision=decision,
        reason=reason,
        # Nobody reads thousands of items for a decision that cannot be recorded.
        too_many=len(case.to_check) > MOST_ITEMS_CHECKED,
        changed=changed,
        hasty=request.method == "POST" and not changed,
        labels=QUESTION_LABELS,
        exposure_labels=EXPOSURE_LABELS,
        trace_labels=TRACE_LABELS,
        decision_labels=DECISION_LABELS,
    )


@bp.post("/decide")
def decide(name: str) -> ResponseReturnValue:
    """Record what was decided."""
    here = services()
    case = show_case(here.desk, name, today=here.today(), mark_shown=False)
    decision = request.form.get("decision", "")
    reason = typed_text("reason")
    again = partial(_page, decision=decision, reason=reason)
    if request.form.get("shown", "") != mark_of(case.to_check):
        # Before anything is looked through: an old page costs next to nothing.
        return again(case, _look(case, wait=False), changed=True), 409
    seen = _look(case, wait=False)
    hasty = request.form.get("unlooked", "0") != "0" or seen.unlooked
    too_many = len(case.to_check) > MOST_ITEMS_CHECKED
    if hasty and decision != WITHHOLD and not too_many:
        return again(case, seen), 409
    try:
        acting.decide_exposure(
            here.desk,
            name,
            shown=request.form.get("shown", ""),
            findings=seen.findings,
            decision=decision,
            reason=reason,
            today=here.today(),
        )
    except ShownOtherwise:
        case = show_case(here.desk, name, today=here.today(), mark_shown=False)
        return again(case, _look(case, wait=False), changed=True), 409
    say(Notice(_("Keputusan dicatat."), case=name, place="petugas"))
    return redirect(url_for("case.show", name=name, _anchor="petugas"), code=303)


@bp.post("/redact")
def redact(name: str) -> ResponseReturnValue:
    """Blacken a passage, all telling places of a text, or nothing of it any more."""
    here = services()
    case = show_case(here.desk, name, today=here.today(), mark_shown=False)
    passage = _chosen(case)
    spans = set(passage.spans)
    how = request.form.get("how", "")
    if how == "telling":
        spans |= {(one.start, one.end) for one in find_exposures(passage.text)}
    elif how == "words":
        spans |= _places_of(request.form.get("words", ""), passage.text)
    elif how == "nothing":
        spans = set()
    else:
        abort(400)
    action = Redacted(
        item=passage.item, field=passage.name, spans=_merged(sorted(spans))
    )
    entry = acting.act(here.desk, name, action, today=here.today())
    said = (
        _("Dihitamkan.")
        if spans
        else _("Tidak ada yang dihitamkan dalam teks ini lagi.")
    )
    return _done(name, said, entry, place=f"{passage.item[:8]}-{passage.name}")


@bp.post("/paraphrase")
def paraphrase(name: str) -> ResponseReturnValue:
    """Keep the matter in the officer's own words."""
    here = services()
    text = typed_text("text")
    if not text:
        raise ActionRefused(_("Tulislah isinya dahulu. Tidak ada yang berubah."))
    entry = acting.act(here.desk, name, Paraphrased(text=text), today=here.today())
    return _done(name, _("Pokok perkara disimpan."), entry, place="pokok")


def _done(name: str, said: str, entry: Entry, *, place: str) -> ResponseReturnValue:
    undo = undoable(entry)
    say(Notice(said, case=name, entry=undo, page="exposure", place=place))
    where = url_for("exposure.show", name=name, _anchor=place)
    return redirect(where, code=303)


def _look(case: CaseFile, *, wait: bool = True) -> Seen:
    """Have all of a case looked at, and return what is known soon."""
    here = services()
    passages = list(_passages(case))
    attached = [
        (entry, file)
        for entry in case.thread
        if isinstance(entry, ItemShown) and not entry.confidential
        for file in entry.attachments
    ]
    wanted: dict[Hashable, Callable[[], Any]] = {
        (one.item, one.name): partial(find_exposures, one.text) for one in passages
    }
    for entry, file in attached:
        wanted[entry.digest.hex(), file.position] = partial(
            _inspect, here.desk, case.summary.name, entry.digest, file.position
        )
    found = here.inspections.look(wanted, wait=wait)
    waiting = _waiting(case)
    return Seen(
        passages=tuple(
            replace(one, exposures=found[one.item, one.name], looked=True)
            if (one.item, one.name) in found
            else one
            for one in passages
        ),
        files=tuple(
            FileChecked(
                item=entry.digest.hex(),
                file=file,
                exposures=find_exposures(file.name),
                inspection=found.get((entry.digest.hex(), file.position)),
                checked=entry.digest not in waiting,
            )
            for entry, file in attached
        ),
    )


def _passages(case: CaseFile) -> Iterator[Passage]:
    """Yield the texts of a case, in which nothing was looked for yet."""
    waiting = _waiting(case)
    for entry in case.thread:
        if not isinstance(entry, ItemShown) or entry.confidential:
            continue
        texts = (
            {name: getattr(entry.report, name) for name in FIELDS}
            if entry.report
            else {}
        )
        if entry.message:
            texts["message"] = entry.message
        for name, text in texts.items():
            if text:
                item = entry.digest.hex()
                yield Passage(
                    item=item,
                    name=name,
                    text=text,
                    spans=case.state.redactions.get((item, name), ()),
                    checked=entry.digest not in waiting,
                )


def _waiting(case: CaseFile) -> frozenset[bytes]:
    exposure = case.state.exposure
    return unchecked(exposure.action if exposure else None, case.to_check)


def _inspect(desk: Desk, name: str, digest: bytes, position: int) -> Inspection:
    # Read only when it is its turn, and not all files of a case at once.
    return inspect(read_attachment(desk, name, digest, position))


def _chosen(case: CaseFile) -> Passage:
    place = (request.form.get("item", ""), request.form.get("field", ""))
    found = [one for one in _passages(case) if (one.item, one.name) == place]
    if not found:
        abort(404)
    return found[0]


def _marked(text: str, spans: Iterable[tuple[int, int]]) -> bytearray:
    """Return for each character whether one of the spans has it."""
    marks = bytearray(len(text))
    for start, end in spans:
        end = min(end, len(text))
        marks[start:end] = b"\1" * max(0, end - start)
    return marks


def _places_of(untrusted_words: str, text: str) -> set[tuple[int, int]]:
    """Return everywhere that the given words stand, whatever their case."""
    words = clean_text(untrusted_words)
    if not words:
        raise ActionRefused(_("Tulislah kata-kata yang dihitamkan."))
    folded, wanted = text.lower(), words.lower()
    if len(folded) != len(text):
        # A letter whose small form is longer would shift every place behind it.
        folded, wanted = text, words
    places = set()
    at = folded.find(wanted)
    while at >= 0:
        places.add((at, at + len(wanted)))
        at = folded.find(wanted, at + 1)
    if not places:
        raise ActionRefused(_("Kata-kata itu tidak ada dalam teks ini."))
    return places


def _merged(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
