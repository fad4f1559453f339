"""
Searching: cases by their words, and cases that seem to be about the same matter.

    query --words, each a prefix--> FTS5, best first--> cases
    case  --its rarest words--> FTS5 --> candidates --shared words--> the likely ones

Nothing leaves the desk for that.  Likeness is the share of words that two reports have
in common (Jaccard, 1901), among cases that share rare words: enough to ask an officer
whether it is the same matter, and never more than a question.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, bindparam, select, text

from casework.report import SEVEN_QUESTIONS, Report
from journalist_app.workstation import casebook
from journalist_app.workstation.cases import find_case
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.queueing import CaseSummary, summaries_of
from journalist_app.workstation.registering import MistypedNumber, parse_number

MOST_FOUND = 50
QUERY_CHARACTERS = 200
QUERY_WORDS = 12
# Below this share of common words, cases have nothing to do with each other.
LEAST_LIKENESS = 0.18
_CANDIDATES = 60
# A case has several texts; this many are looked at before cases are counted.
_PLACES = 400
_RAREST_WORDS = 24
_SHORTEST_WORD = 4
# Of a text, how much is looked through for an excerpt; and how much an excerpt shows.
_EXCERPTED_CHARACTERS = 20_000
_BEFORE_CHARACTERS = 60
_BEHIND_CHARACTERS = 100

_WORD = re.compile(r"\w+")
# Words of every report, in both languages, as long as others: they say nothing of what
# it is about, and reports of one village's rice and of another's money share them.
_FUNCTION_WORDS = frozenset(
    _WORD.findall(
        "adalah akan atau bahwa dalam dapat dari dengan hanya juga kami karena kepada "
        "ketika mereka oleh pada pernah saya sejak sekitar seperti setiap sudah tanpa "
        "telah tetapi tidak untuk yang "
        "about been from have that their there they this were when which with would"
    )
)


@dataclass(frozen=True)
class Found:
    """A case that was found, and the words around what was searched for."""

    case: CaseSummary
    excerpt: str


@dataclass(frozen=True)
class Likeness:
    """A case that seems to be about the same matter; *share* is from 0 to 1."""

    case: CaseSummary
    share: float


def search(desk: Desk, untrusted_query: str, *, today: date) -> tuple[Found, ...]:
    """
    Find cases by words in reports, messages, notes, replies, names and numbers.

    Every word must be in one text of the case, or be the beginning of a word in it; a
    single letter must be a word of its own.
    """
    words = _words_to_find(untrusted_query)
    if not words:
        return ()
    with desk.casebook.transaction() as connection:
        rows = connection.execute(
            text(
                "SELECT place.case_id AS case_id, place.row AS row FROM ("
                "SELECT rowid, rank AS best "
                "FROM search WHERE search MATCH :match ORDER BY rank LIMIT :places"
                ") AS hit JOIN place ON place.row = hit.rowid ORDER BY hit.best"
            ),
            {"match": " AND ".join(map(_as_term, words)), "places": _PLACES},
        )
        best: dict[bytes, int] = {}
        for row in rows:
            if len(best) < MOST_FOUND:
                best.setdefault(row.case_id, row.row)
        excerpts = _excerpts(connection, list(best.values()), words)
        cases = summaries_of(connection, list(best), today=today)
    return tuple(Found(case, excerpts[best[case.case_id]]) for case in cases)


def find_alike(desk: Desk, name: str, *, today: date) -> tuple[Likeness, ...]:
    """
    Find cases that seem to be about the same matter, the likeliest first.

    Raises:
        UnknownCase: If there is no case of this name.
    """
    with desk.casebook.transaction() as connection:
        case = find_case(connection, name)
        own = _words_of(connection, [case.case_id]).get(case.case_id)
        if not own:
            return ()
        rarest = _rarest(connection, own)
        rows = connection.execute(
            text(
                "SELECT DISTINCT place.case_id AS case_id FROM search "
                "JOIN place ON place.row = search.rowid "
                "WHERE search MATCH :match AND place.case_id != :own "
                "ORDER BY rank LIMIT :most"
            ),
            {
                "match": " OR ".join(f'"{word}"' for word in rarest),
                "own": case.case_id,
                "most": _CANDIDATES,
            },
        ).all()
        candidates = _words_of(connection, [row.case_id for row in rows])
        shares = {
            case_id: _likeness(own, other) for case_id, other in candidates.items()
        }
        likely = sorted(
            (case_id for case_id, share in shares.items() if share >= LEAST_LIKENESS),
            key=lambda case_id: -shares[case_id],
        )
        cases = summaries_of(connection, likely[:5], today=today)
    return tuple(Likeness(one, shares[one.case_id]) for one in cases)


def _words_to_find(untrusted_query: str) -> list[str]:
    """Return the words of a query without those that others begin with."""
    query = _as_number(untrusted_query[:QUERY_CHARACTERS])
    words = dict.fromkeys(map(str.casefold, _WORD.findall(query)))
    return [
        word
        for word in list(words)[:QUERY_WORDS]
        if not any(other != word and other.startswith(word) for other in words)
    ]


def _as_term(word: str) -> str:
    # A single letter begins a word in every text, and is asked for as it is.
    return f'"{word}"' if len(word) == 1 else f'"{word}"*'


def _excerpts(
    connection: Connection, rows: Sequence[int], words: Sequence[str]
) -> dict[int, str]:
    """
    Return for each text what is around the first word that was found in it.

    Not FTS5's own snippet, which compares all hits with each other: a report that is
    one word over and over would keep the desk busy for hours.
    """
    found = connection.execute(
        text(
            "SELECT rowid AS row, substr(words, 1, :most) AS words "
            "FROM search WHERE rowid IN :rows"
        ).bindparams(bindparam("rows", rows, expanding=True)),
        {"most": _EXCERPTED_CHARACTERS},
    )
    word = re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})", re.IGNORECASE)
    return {row.row: _around(row.words, word) for row in found}


def _around(content: str, word: re.Pattern[str]) -> str:
    hit = word.search(content)
    middle = hit.start() if hit else 0
    start, end = max(0, middle - _BEFORE_CHARACTERS), middle + _BEHIND_CHARACTERS
    shown = " ".join(content[start:end].split())
    return f"{'…' if start else ''}{shown}{'…' if end < len(content) else ''}"


def _as_number(query: str) -> str:
    """Spell a registration number as it is stored, however it was written."""
    try:
        return parse_number(query)
    except MistypedNumber:
        return query


def _words_of(
    connection: Connection, case_ids: Sequence[bytes]
) -> dict[bytes, frozenset[str]]:
    """Return the words of what was reported, by case."""
    columns = casebook.content.c
    found: dict[bytes, set[str]] = {}
    for row in connection.execute(
        select(columns.case_id, columns.report).where(
            columns.case_id.in_(case_ids), columns.report.is_not(None)
        )
    ):
        report = Report.parse(row.report)
        words = found.setdefault(row.case_id, set())
        for name in ("title", *SEVEN_QUESTIONS):
            words.update(_words(getattr(report, name)))
    return {case_id: frozenset(words) for case_id, words in found.items()}


def _words(text_: str) -> Iterable[str]:
    return (
        word
        for word in _WORD.findall(text_.casefold())
        if word.isdigit()
        or (len(word) >= _SHORTEST_WORD and word not in _FUNCTION_WORDS)
    )


def _rarest(connection: Connection, words: frozenset[str]) -> list[str]:
    """Return the words that the fewest places have, of a sample of them."""
    counts: Counter[str] = Counter()
    query = text("SELECT count(*) FROM search WHERE search MATCH :match").bindparams(
        bindparam("match")
    )
    for word in sorted(words, key=lambda one: (-len(one), one))[:120]:
        counts[word] = connection.scalar(query, {"match": f'"{word}"'}) or 0
    return [word for word, _count in counts.most_common()[::-1][:_RAREST_WORDS]]


def _likeness(own: frozenset[str], other: frozenset[str]) -> float:
    together = own | other
    return len(own & other) / len(together) if together else 0.0
