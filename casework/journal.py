"""
The journal: what officers have done, as events that are signed and never changed.

    desk A   A1 <- A2 <------- A3        every event names the one before it of the
    desk B        B1 <- B2 <------ B3    same desk, by digest, and has a clock that
    clock    1    2     3    4     5     is later than all that its desk had seen

Each desk writes one chain for each case.  A desk that lacks an event sees the gap; a
desk that tells two stories under one number is seen by whoever has both.  Clocks are
Lamport's (CACM 21 (7), 1978): what an officer could have known of comes before what
they did.  Events that are concurrent are ordered by desk, so that everybody who has
the same events reads them in the same order.

Specified in docs/spec/journal.md.  This module does no I/O and knows no OpenPGP: it
says what is signed, and `casework.folding` what comes of it.
"""

import hashlib
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from casework import strict
from casework.errors import CaseworkError
from casework.files import MOST_FILES
from casework.reply import CaseStatus, Letter, RegistrationNumber
from casework.report import FIELD_CHARACTERS, Title
from casework.strict import Count, Day, Digest, Identity, StrictModel
from casework.text import CleanLine, CleanText

EVENT_BYTES = 512 * 1024
LABEL_CHARACTERS = 40
# In place of a case: what desks tell each other about themselves.
OFFICE = "00" * 16
MOST_DESKS = 256
MOST_SPANS = 1000
MOST_ITEMS_CHECKED = 4096
FIRST = "00" * 32  # In place of the digest before the first event of a chain.

Reason = Annotated[str, Field(max_length=FIELD_CHARACTERS, repr=False), CleanText]
BriefedAnswer = Annotated[
    str, Field(min_length=1, max_length=2 * FIELD_CHARACTERS), CleanText
]
GivenReason = Annotated[
    str, Field(min_length=1, max_length=FIELD_CHARACTERS, repr=False), CleanText
]
Label = Annotated[
    str, Field(min_length=1, max_length=LABEL_CHARACTERS, repr=False), CleanLine
]
FileName = Annotated[str, Field(min_length=1, max_length=255, repr=False)]
FieldName = Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
Desks = Annotated[tuple[Identity, ...], Field(min_length=1, max_length=MOST_DESKS)]


class MalformedEvent(CaseworkError):
    """The event is not one that a desk wrote, or it was damaged."""


class StepTaken(StrictModel):
    """The case went on to another step of the workflow."""

    kind: Literal["step"] = "step"
    before: CaseStatus
    after: CaseStatus
    reason: Reason = ""


class ClosingProposed(StrictModel):
    """An officer would end the work on the case; another one has to agree."""

    kind: Literal["closing-proposed"] = "closing-proposed"
    before: CaseStatus
    after: CaseStatus
    reason: GivenReason


class ClosingConfirmed(StrictModel):
    """Another officer agrees to a proposal, named by its digest."""

    kind: Literal["closing-confirmed"] = "closing-confirmed"
    proposal: Digest


class ClosingDeclined(StrictModel):
    """A proposal is not agreed to, or taken back by whoever made it."""

    kind: Literal["closing-declined"] = "closing-declined"
    proposal: Digest
    reason: GivenReason


class Registered(StrictModel):
    """The case got its registration number."""

    kind: Literal["registered"] = "registered"
    number: Annotated[RegistrationNumber, Field(repr=False)]


class Assigned(StrictModel):
    """The case is now in the hands of one desk, or of none."""

    kind: Literal["assigned"] = "assigned"
    desk_id: Identity | None


class Admitted(StrictModel):
    """
    A desk may know the case from now on.

    Attributes:
        form: What it gets: the items as the reporter sent them, or only what
            `briefed` says of them, blackened or in an officer's words.

        members: Everybody who knew the case by then: whoever is new learns from it
            whom to tell what they do.
    """

    kind: Literal["admitted"] = "admitted"
    desk_id: Identity
    form: Literal["full", "redacted", "paraphrase"]
    members: Desks
    reason: Reason = ""


class Briefed(StrictModel):
    """
    What officers get to read who must not have the reporter's own words.

    Attributes:
        received: The day of the report.

        answers: By name of the question, with passages blackened; may be empty.

        paraphrase: The matter in an officer's words; may be empty.
    """

    kind: Literal["briefed"] = "briefed"
    received: Day
    title: Annotated[Title, Field(min_length=1, repr=False)]
    answers: Annotated[dict[FieldName, BriefedAnswer], Field(max_length=20, repr=False)]
    paraphrase: Reason = ""


class Excluded(StrictModel):
    """A desk may not know of the case any more: a conflict of interest."""

    kind: Literal["excluded"] = "excluded"
    desk_id: Identity
    reason: GivenReason


class Noted(StrictModel):
    """A note for the officers."""

    kind: Literal["noted"] = "noted"
    text: GivenReason


class Labelled(StrictModel):
    """A label was put on the case, or taken off."""

    kind: Literal["labelled"] = "labelled"
    label: Label
    on: bool


class Linked(StrictModel):
    """The case has to do with another one, or not after all."""

    kind: Literal["linked"] = "linked"
    other_case: Identity
    relation: Literal["same-matter", "duplicate"]
    on: bool


class Assessed(StrictModel):
    """A part of verification or of the reporter's protection was judged."""

    kind: Literal["assessed"] = "assessed"
    subject: Literal["completeness", "competence", "retaliation"]
    verdict: Literal["yes", "no", "unsure"]
    reason: Reason = ""


class ExposureDecided(StrictModel):
    """
    What could give the reporter away was looked at before the case is shared.

    Attributes:
        findings: How many places were shown.

        items: All items that were looked at, by their digests, sorted.
    """

    kind: Literal["exposure-decided"] = "exposure-decided"
    findings: Count
    items: Annotated[tuple[Digest, ...], Field(max_length=MOST_ITEMS_CHECKED)]
    decision: Literal["share", "redact", "withhold"]
    reason: Reason = ""

    @model_validator(mode="after")
    def _names_each_item_once_in_order(self) -> Self:
        if list(self.items) != sorted(set(self.items)):
            raise ValueError("the items are sorted, each once")
        return self


class Redacted(StrictModel):
    """
    Passages of a text that leave this circle blackened.

    Attributes:
        item: Digest of the item the text is in.

        field: Name of the answer, or "message".

        spans: Begin and end of each passage in characters; they replace earlier ones.
    """

    kind: Literal["redacted"] = "redacted"
    item: Digest
    field: FieldName
    spans: Annotated[tuple[tuple[Count, Count], ...], Field(max_length=MOST_SPANS)]


class Paraphrased(StrictModel):
    """The matter in an officer's words, for those who must not read the reporter's."""

    kind: Literal["paraphrased"] = "paraphrased"
    text: GivenReason


class SentFile(StrictModel):
    """A file that went to the reporter with a reply."""

    name: FileName
    size_bytes: Count


class Replied(StrictModel):
    """
    A reply was sealed to the reporter.

    Attributes:
        first_slot: The first slot of the desk that it takes, and how many.

        answered: How many items that ask for an answer were on the desk.
    """

    kind: Literal["replied"] = "replied"
    letter: Annotated[Letter, Field(repr=False)]
    files: Annotated[tuple[SentFile, ...], Field(max_length=MOST_FILES, repr=False)]
    first_slot: Count
    slots: Annotated[int, Field(ge=1, le=16_384)]
    answered: Count


class ContactOpened(StrictModel):
    """An officer has looked at the reporter's contact details."""

    kind: Literal["contact-opened"] = "contact-opened"
    item: Digest
    reason: GivenReason


class TakenOut(StrictModel):
    """
    Files of the reporter left the casebook, for whatever the officer does with them.

    Attributes:
        item: Digest of the item that they came with.

        positions: Which of its files, counted from 1, in order.

        form: As the reporter sent them, or pictures of their pages and nothing else.
    """

    kind: Literal["taken-out"] = "taken-out"
    item: Digest
    positions: Annotated[
        tuple[Annotated[int, Field(ge=1, le=MOST_FILES)], ...],
        Field(min_length=1, max_length=MOST_FILES),
    ]
    form: Literal["original", "cleaned"]
    reason: GivenReason

    @model_validator(mode="after")
    def _names_each_file_once_in_order(self) -> Self:
        if list(self.positions) != sorted(set(self.positions)):
            raise ValueError("the positions are sorted, each once")
        return self


class Exported(StrictModel):
    """A case file was made for somebody outside this circle."""

    kind: Literal["exported"] = "exported"
    sha256: Digest
    recipient: Annotated[
        str, Field(min_length=1, max_length=200, repr=False), CleanLine
    ]


class Undone(StrictModel):
    """An officer takes back what they have done themselves, named by its digest."""

    kind: Literal["undone"] = "undone"
    entry: Digest


class Restored(StrictModel):
    """
    A desk was restored from a copy of itself, and asks for what it has lost.

    Attributes:
        through: The last item of the stream that it still has.
    """

    kind: Literal["restored"] = "restored"
    through: Count


class Returned(StrictModel):
    """
    A desk has sent to one that was restored all that it may have, or with this.

    Attributes:
        restored: The event in which it was asked for, by its digest.
    """

    kind: Literal["returned"] = "returned"
    restored: Digest


Action: TypeAlias = (
    StepTaken
    | ClosingProposed
    | ClosingConfirmed
    | ClosingDeclined
    | Registered
    | Assigned
    | Admitted
    | Briefed
    | Excluded
    | Noted
    | Labelled
    | Linked
    | Assessed
    | ExposureDecided
    | Redacted
    | Paraphrased
    | Replied
    | ContactOpened
    | TakenOut
    | Exported
    | Undone
    | Restored
    | Returned
)


class Event(StrictModel):
    """
    One thing that an officer did to one case.

    Attributes:
        desk_id: Whose; the signature must be of this desk's officer.

        number: Counts this desk's events on this case from 1.

        life: Random; a desk that was restored from a copy of itself begins to count
            anew under another one.  None before it ever was.

        previous: Digest of the one before, `FIRST` for the first.

        clock: Later than the clock of every event of the case that the desk had.

        day: When it was done, never the hour.
    """

    version: Literal[1] = 1
    desk_id: Identity
    number: Annotated[int, Field(ge=1, le=strict.LARGEST_INTEGER)]
    life: Annotated[
        str | None, Field(pattern=r"^[0-9a-f]{16}$", exclude_if=strict.is_absent)
    ] = None
    previous: Digest
    clock: Annotated[int, Field(ge=1, le=strict.LARGEST_INTEGER)]
    day: Day
    case_id: Annotated[Identity, Field(repr=False)]
    action: Annotated[Action, Field(discriminator="kind")]

    @model_validator(mode="after")
    def _is_about_a_case_or_about_desks(self) -> Self:
        if (self.case_id == OFFICE) != isinstance(self.action, Restored | Returned):
            raise ValueError("what is about a case is not about desks, nor vice versa")
        return self

    def to_json(self) -> bytes:
        """Write the event: these very bytes are signed."""
        return strict.render(self)

    @classmethod
    def parse(cls, content: bytes) -> "Event":
        """
        Read an event.

        Raises:
            MalformedEvent: If it is not exactly as `to_json` writes it, but for
                white space and the order of keys.
        """
        return strict.parse(
            cls, content, limit_bytes=EVENT_BYTES, malformed=MalformedEvent
        )


def digest_of(content: bytes) -> str:
    """Return the name of an event: the SHA-256 of the very bytes that were signed."""
    return hashlib.sha256(content).hexdigest()
