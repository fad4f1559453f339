"""
History: a reporter's own state, the only memory that a case has on the server.

It is sealed under a key that only the codename gives, and its existence is the
account.  A state is never changed: every step makes the next one, with the next
revision, and the dead drop stores it only if the previous one is still there.

    state --render--> JSON --zlib--> bytes --seal (crypto)--> state slots

Form tokens are kept with it, so that a form sent twice is accepted once even if
the first answer was lost on its way.

Specified in docs/spec/state.md.  This module does no I/O.
"""

import zlib
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from casework import strict
from casework.errors import CaseworkError
from casework.files import MOST_FILES, FileSent
from casework.item import MOST_DESKS, ItemKind
from casework.report import (
    FIELD_CHARACTERS,
    MOST_ROLES,
    SEVEN_QUESTIONS,
    RoleKey,
    Title,
)
from casework.strict import Count, Day, Identity, StrictModel
from casework.text import CleanText

# A state may grow to this before it is compressed, and no further when opened.
STATE_BYTES = 8 * 1024 * 1024
# A report is kept as one text: every answer, and a heading for each.
SENT_CHARACTERS = (len(SEVEN_QUESTIONS) + 2) * (FIELD_CHARACTERS + 1_000)
MOST_SENT = 10_000
TOKENS_KEPT = 32


class MalformedState(CaseworkError):
    """What was found in the state slots is not a reporter's state."""


class StateTooLarge(CaseworkError):
    """The history of this case is full; nothing more can be sent under it."""


class AlreadySent(CaseworkError):
    """The form was accepted before, so it was not accepted a second time."""


class Sent(StrictModel):
    """One item as its reporter remembers it."""

    kind: ItemKind
    day: Day
    sequence: Count
    title: Annotated[Title, Field(repr=False)] = ""
    text: Annotated[str, Field(max_length=SENT_CHARACTERS, repr=False), CleanText] = ""
    files: Annotated[tuple[FileSent, ...], Field(max_length=MOST_FILES)] = ()
    due_day: Day | None = None


class ReporterState(StrictModel):
    """
    Everything a case remembers for its reporter.

    Attributes:
        revision: How many steps this case has made.

        sent: Every accepted item, in the order of acceptance.

        bytes_used: How much the files of the case take of their allowance.

        read: By desk, the number of its first answer that was not read yet.

        tokens: The tokens of the last forms that were accepted.

        contact_requested: Officers asked for contact details, and none were
            sent since.

        withdrawn: The reporter has withdrawn the report.

        not_for: Public roles of officers to whom nothing of this case is sealed.
    """

    version: Literal[1] = 1
    revision: Count = 0
    sent: Annotated[tuple[Sent, ...], Field(max_length=MOST_SENT, repr=False)] = ()
    bytes_used: Count = 0
    read: Annotated[dict[Identity, Count], Field(max_length=MOST_DESKS)] = Field(
        default_factory=dict
    )
    tokens: Annotated[
        tuple[Identity, ...], Field(max_length=TOKENS_KEPT, repr=False)
    ] = ()
    contact_requested: bool = False
    withdrawn: bool = False
    not_for: Annotated[
        tuple[RoleKey, ...],
        Field(max_length=MOST_ROLES, repr=False, exclude_if=strict.is_absent),
    ] = ()

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        for accepted_before, sent in enumerate(self.sent):
            if sent.sequence > accepted_before:
                raise ValueError("an item is sealed before it is accepted")
        if len(set(self.tokens)) != len(self.tokens):
            raise ValueError("a token is accepted once")
        return self


def to_bytes(state: ReporterState) -> bytes:
    """
    Write *state* for sealing.

    Raises:
        StateTooLarge: If `from_bytes` would refuse it.
    """
    document = strict.render(state)
    if len(document) > STATE_BYTES:
        raise StateTooLarge(StateTooLarge.__doc__)
    return zlib.compress(document, level=9)


def from_bytes(content: bytes) -> ReporterState:
    """
    Read what `to_bytes` wrote, with any number of zero bytes behind it.

    Raises:
        MalformedState: If it is anything else.
    """
    unpacker = zlib.decompressobj()
    try:
        # One byte more than allowed is enough to know; a bomb is not unpacked.
        document = unpacker.decompress(content, STATE_BYTES + 1)
    except zlib.error:
        raise MalformedState("the state cannot be decompressed") from None
    if len(document) > STATE_BYTES:
        raise MalformedState(f"the state is larger than {STATE_BYTES} bytes")
    # Slots are filled up with zeros, and a compressed document knows its end.
    if not unpacker.eof or unpacker.unused_data.strip(b"\0"):
        raise MalformedState("the state is cut off, or something follows it")
    return strict.parse(
        ReporterState, document, limit_bytes=STATE_BYTES, malformed=MalformedState
    )


def next_sequence(state: ReporterState) -> int:
    """Return the sequence number for an item that is sealed now."""
    return len(state.sent)


def has_token(state: ReporterState, token: str) -> bool:
    """Tell whether the form with this token was accepted before."""
    return token in state.tokens


def space_left(state: ReporterState, limit_bytes: int) -> int:
    """Return how many bytes of files may still be sent, never below 0."""
    return max(0, limit_bytes - state.bytes_used)


def with_sent(state: ReporterState, sent: Sent, token: str) -> ReporterState:
    """
    Return the state after *sent* was accepted from the form with *token*.

    Contact details end the request for them, and a withdrawal is final.

    Raises:
        AlreadySent: If the form was accepted before.

        StateTooLarge: If the history has no room for another item.

        ValueError: If *sent* says it was sealed after more items than there are.
    """
    if has_token(state, token):
        raise AlreadySent(AlreadySent.__doc__)
    if len(state.sent) == MOST_SENT:
        raise StateTooLarge(StateTooLarge.__doc__)
    return _next(
        state,
        sent=(*state.sent, sent),
        bytes_used=state.bytes_used + sum(file.size_bytes for file in sent.files),
        tokens=(*state.tokens, token)[-TOKENS_KEPT:],
        contact_requested=(
            state.contact_requested and sent.kind is not ItemKind.CONTACT
        ),
        withdrawn=state.withdrawn or sent.kind is ItemKind.WITHDRAWAL,
    )


def with_read(state: ReporterState, desk_id: str, next_unread: int) -> ReporterState:
    """
    Return the state after every answer below *next_unread* of a desk was read.

    A mark never goes back: an old page sent again must not make answers unread.
    """
    mark = max(next_unread, state.read.get(desk_id, 0))
    return _next(state, read={**state.read, desk_id: mark})


def with_not_for(state: ReporterState, roles: Sequence[str]) -> ReporterState:
    """Return the state after the reporter chose who must not see the case."""
    return _next(state, not_for=tuple(roles))


def with_contact_requested(state: ReporterState) -> ReporterState:
    """Return the state after officers asked for contact details."""
    return _next(state, contact_requested=True)


def _next(state: ReporterState, **changes: object) -> ReporterState:
    # model_copy would not check; a state that cannot be read must not be made.
    # The fields are taken one by one because model_dump would flatten models.
    fields = {name: getattr(state, name) for name in ReporterState.model_fields}
    return ReporterState.model_validate(
        {**fields, **changes, "revision": state.revision + 1}
    )
