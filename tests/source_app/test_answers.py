"""In which order a reporter finds what several desks have answered."""

from datetime import date, timedelta

from casework.reply import CaseStatus, Letter, Reply, ReplyKind
from source_app.answers import Answer, _newest_first

DAY = date(2026, 11, 24)


def answer(
    desk: str, number: int, status: CaseStatus | None, *, day: date = DAY
) -> Answer:
    """An answer that takes one slot."""
    letter = Letter(
        kind=ReplyKind.ANSWER, day=day, language="id", text="Kabar.", status=status
    )
    return Answer(desk * 32, number, number + 1, Reply(letter, ()))


def test_whoever_takes_the_case_further_comes_later() -> None:
    """
    Of two desks on one day, in whatever order the server lists them.
    """
    registered = answer("a", 4, CaseStatus.REGISTERED)
    concluded = answer("b", 0, CaseStatus.CONCLUDED)

    for found in ([registered, concluded], [concluded, registered]):
        assert (concluded, registered) == _newest_first(found)


def test_a_desk_keeps_its_own_order() -> None:
    """
    A desk may step back on the same day, or answer without a status.
    """
    own = [
        answer("a", 0, CaseStatus.REVIEW),
        answer("a", 1, CaseStatus.NEEDS_COMPLETION),
        answer("a", 2, None),
    ]
    other = answer("b", 7, CaseStatus.VERIFICATION)

    assert (*reversed(own), other) == _newest_first([other, *own])


def test_a_later_day_comes_later() -> None:
    """
    Whatever its status.
    """
    concluded = answer("a", 0, CaseStatus.CONCLUDED)
    asked = answer("b", 0, None, day=DAY + timedelta(days=1))

    assert (asked, concluded) == _newest_first([concluded, asked])
