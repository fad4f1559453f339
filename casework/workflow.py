"""
The workflow: which steps a case may take, and what each of them needs.

    received -> verification -> needs completion --+
                    |   ^------------------------+ |
                    +--> not competent             |
                    +--> registered -> review -> examination -> followed up -> concluded
                                         +-----> forwarded ------^
    concluded, not competent -> reopened -> verification, review, examination

A step that ends the work on a case needs a reason and two officers: one proposes it,
another one confirms it.  This module knows the rules and no case.

The steps are those of the programme (verification, *penelaahan*, *pemeriksaan*,
*tindak lanjut*); receive, assess, address and conclude are ISO 37002:2021, clause 8.
"""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, date

from casework.errors import CaseworkError
from casework.reply import CaseStatus, Letter, ReplyKind

# Feedback is due within three months of the acknowledgement: Directive (EU)
# 2019/1937, article 9 (1) (f).
FEEDBACK_MONTHS = 3
# What is done about a report, or why nothing is; "registered" is the outcome of
# verification, which has a day of its own, and "reopened" promises work.
FOLLOW_UP = frozenset(
    {
        CaseStatus.REVIEW,
        CaseStatus.EXAMINATION,
        CaseStatus.FORWARDED,
        CaseStatus.FOLLOWED_UP,
        CaseStatus.CONCLUDED,
        CaseStatus.NOT_COMPETENT,
    }
)

CLOSED = frozenset({CaseStatus.CONCLUDED, CaseStatus.NOT_COMPETENT})
# While a case is here, the officers owe the reporter the result of verification.
UNVERIFIED = frozenset({CaseStatus.RECEIVED, CaseStatus.VERIFICATION})
WAITING = frozenset({CaseStatus.NEEDS_COMPLETION})


class StepNotAllowed(CaseworkError):
    """The case cannot take this step from where it is."""


@dataclass(frozen=True)
class Step:
    """
    What a step needs.

    Attributes:
        reason: Whether the officer has to say why.

        two_officers: Whether another officer has to confirm it.

        number: Whether the case must have a registration number by then.
    """

    reason: bool = False
    two_officers: bool = False
    number: bool = False


_PLAIN = Step()
_WITH_REASON = Step(reason=True)
_CLOSING = Step(reason=True, two_officers=True)

_S = CaseStatus
STEPS: Mapping[CaseStatus, Mapping[CaseStatus, Step]] = {
    _S.RECEIVED: {_S.VERIFICATION: _PLAIN},
    _S.VERIFICATION: {
        _S.NEEDS_COMPLETION: _WITH_REASON,
        _S.REGISTERED: Step(number=True),
        _S.NOT_COMPETENT: _CLOSING,
    },
    _S.NEEDS_COMPLETION: {
        _S.VERIFICATION: _PLAIN,
        _S.NOT_COMPETENT: _CLOSING,
        _S.CONCLUDED: _CLOSING,
    },
    _S.REGISTERED: {_S.REVIEW: _PLAIN, _S.CONCLUDED: _CLOSING},
    _S.REVIEW: {
        _S.NEEDS_COMPLETION: _WITH_REASON,
        _S.EXAMINATION: _WITH_REASON,
        _S.FORWARDED: _WITH_REASON,
        _S.CONCLUDED: _CLOSING,
    },
    _S.EXAMINATION: {
        _S.FORWARDED: _WITH_REASON,
        _S.FOLLOWED_UP: _WITH_REASON,
        _S.CONCLUDED: _CLOSING,
    },
    _S.FORWARDED: {_S.FOLLOWED_UP: _WITH_REASON, _S.CONCLUDED: _CLOSING},
    _S.FOLLOWED_UP: {_S.CONCLUDED: _CLOSING},
    _S.CONCLUDED: {_S.REOPENED: _WITH_REASON},
    _S.NOT_COMPETENT: {_S.REOPENED: _WITH_REASON},
    _S.REOPENED: {
        _S.VERIFICATION: _PLAIN,
        _S.REVIEW: _PLAIN,
        _S.EXAMINATION: _WITH_REASON,
    },
}


def steps_from(status: CaseStatus) -> Mapping[CaseStatus, Step]:
    """Return the steps that a case may take from *status*, the usual one first."""
    return STEPS[status]


def check_step(
    before: CaseStatus, after: CaseStatus, *, reason: str, number: str | None
) -> Step:
    """
    Make sure that a step is allowed and has what it needs.

    Raises:
        StepNotAllowed: Saying what is wrong.

    Returns:
        What the step needs: the caller sees to a second officer.
    """
    step = STEPS[before].get(after)
    if step is None:
        raise StepNotAllowed(f"there is no step from {before} to {after}")
    if step.reason and not reason:
        raise StepNotAllowed(f"the step to {after} needs a reason")
    if step.number and not number:
        raise StepNotAllowed(f"the step to {after} needs a registration number")
    return step


def gives_feedback(letter: Letter) -> bool:
    """
    Tell whether a letter says what is planned or was done about a report.

    That is what feedback is (Directive (EU) 2019/1937, article 5 (13)).  Who asks the
    reporter for something has told them nothing yet, and what a free answer is about
    nobody can tell: the officer says it by the kind of the letter.
    """
    match letter.kind:
        case ReplyKind.QUESTION | ReplyKind.CONTACT_REQUEST:
            return False
        case ReplyKind.CLOSING:
            return True
    return letter.status in FOLLOW_UP


def feedback_due(begun: date, *, months: int = FEEDBACK_MONTHS) -> date:
    """
    Return the day by which the reporter must have heard about the follow-up.

    The same day of the month, *months* later; the last of the month where there is
    none (Regulation (EEC, Euratom) 1182/71, article 3 (2) (c)).

    Args:
        begun: The day of the report, which is acknowledged at once, or the day on
            which the case was reopened.

        months: How many.
    """
    month = begun.month - 1 + months
    year, month = begun.year + month // 12, month % 12 + 1
    if year > MAXYEAR:
        # Whoever forges an item names what day they like.
        return date.max
    last = calendar.monthrange(year, month)[1]
    return date(year, month, min(begun.day, last))
