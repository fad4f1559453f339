"""
Exposure: places in a text that could tell who wrote it.

    "Saya bendahara di Bagian Keuangan.  Telepon 0812-3456-7890."
     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^          ^^^^^^^^^^^^^^
     own-position                               telephone

The reporters' site shows these places before a report is sent, and the desk before a
case is shared.  It is advice, in Indonesian and English, and it never blocks.  What it
cannot see: a style of writing, a story that only one person can know and does not say
so, a name without "my name is" before it, an office that is named without "I".

Telephone numbers are judged by libphonenumber (`phonenumbers`), links and addresses are
found by `linkify-it-py`.  Numbers of people are those of the population register (NIK,
16 digits) and of civil servants (NIP, 18 digits).

Specified in docs/spec/exposure.md.  This module does no I/O.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import phonenumbers
from linkify_it import LinkifyIt

REGION = "ID"
LONGEST_PLACE_CHARACTERS = 80
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


class ExposureKind(StrEnum):
    """What a place tells, the most telling kind first."""

    EMAIL = "email"
    LINK = "link"
    CIVIL_SERVANT_ID = "civil-servant-id"
    NATIONAL_ID = "national-id"
    TELEPHONE = "telephone"
    ONLY_I_KNOW = "only-i-know"
    NAME = "name"
    OWN_POSITION = "own-position"
    RELATION = "relation"


_RANK = {kind: rank for rank, kind in enumerate(ExposureKind)}


@dataclass(frozen=True)
class Exposure:
    """
    One telling place of a text.

    Attributes:
        start: Where it begins, in characters.

        end: Behind its last character.
    """

    kind: ExposureKind
    start: int
    end: int


def _pattern(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in alternatives), re.IGNORECASE)


# The rest of a clause.  All repetitions are bounded, so that no text can make the
# search slow.
_TAIL = r"[^.!?;:,\n]{0,60}"

_OFFICES = (
    r"staf|staff|pegawai|karyawan|karyawati|honorer|asn|pns|pppk|bendahara|operator|"
    r"pendamping|kepala|wakil|sekretaris|anggota|ketua|pengurus|admin|auditor|guru|"
    r"relawan|tksk|kasi|kabid|kasubag|kasubbag|korcam|koordinator|pelaksana|panitia|"
    r"pejabat|ppk|petugas|pengawas|pemegang|penyuluh|verifikator|supir|sopir|satpam"
)
_UNITS = (
    r"kantor|unit|bagian|seksi|bidang|divisi|tim|ruangan|ruang|subbagian|subbag|dinas|"
    r"direktorat|balai|jabatan|pekerjaan|posisi|tempat"
)
_KIN = (
    r"atasan|bawahan|rekan|teman|kolega|pimpinan|bos|istri|isteri|suami|ayah|bapak|ibu|"
    r"orang ?tua|kakak|adik|paman|bibi|om|tante|sepupu|ipar|mertua|keponakan|anak|cucu|"
    r"menantu|mantan|pacar|tetangga"
)

_DIGIT_RUNS = {
    # 8 digits of a birth date, 6 of an appointment, 1 and 3.
    ExposureKind.CIVIL_SERVANT_ID: re.compile(
        r"(?<![\d.,])\d{8}[ .-]?\d{6}[ .-]?\d[ .-]?\d{3}(?!\d|[.,]\d)"
    ),
    ExposureKind.NATIONAL_ID: re.compile(
        r"(?<![\d.,])(?:\d{16}|\d{4}([ .-])\d{4}\1\d{4}\1\d{4}"
        r"|\d{6}([ .-])\d{6}\2\d{4})(?!\d|[.,]\d)"
    ),
}
# Only what begins as numbers do here; the library judges the rest.
_TELEPHONE = re.compile(r"(?<![\w.,/+-])(?:\+\d{1,3}|62|\(?0)[\d().\- ]{6,18}\d(?!\d)")

_PHRASES = {
    ExposureKind.ONLY_I_KNOW: _pattern(
        r"\b(?:hanya|cuma|cuman)\s{1,3}(?:saya|aku|kami)\b[^.!?;\n]{0,40}?\byang\s{1,3}\w+",
        r"\b(?:hanya|cuma|cuman)\s{1,3}(?:saya|aku)\s{1,3}(?:sendiri\s{1,3})?"
        r"(?:tahu|mengetahui|melihat|memegang|menyimpan)\b",
        r"\bsaya\s{1,3}(?:adalah\s{1,3})?satu-satunya\b" + _TAIL,
        r"\b(?:tidak|tak)\s{1,3}ada\s{1,3}(?:orang\s{1,3}|yang\s{1,3})?lain\s{1,3}(?:yang\s{1,3})?"
        r"(?:tahu|mengetahui|melihat|memegang)\b",
        r"\b(?:selain|kecuali)\s{1,3}saya\b,?\s{1,3}(?:tidak|tak)\s{1,3}ada\b" + _TAIL,
        r"\bonly\s{1,3}I\s{1,3}(?:know|knew|have|had|saw|can|could)\b" + _TAIL,
        r"\bI(?:'m|\s{1,3}am|\s{1,3}was)\s{1,3}the\s{1,3}only\b" + _TAIL,
        r"\b(?:nobody|no\s{1,3}one|no-one)\s{1,3}else\s{1,3}(?:knows?|knew|saw|has|had)\b"
        + _TAIL,
        r"\bknown\s{1,3}only\s{1,3}to\s{1,3}me\b",
    ),
    ExposureKind.NAME: _pattern(
        r"\bnama\s{1,3}(?:lengkap\s{1,3}|asli\s{1,3})?saya\b(?:\s{1,3}adalah)?(?:\s{1,3}\w+){1,4}",
        r"\bsaya\s{1,3}bernama(?:\s{1,3}\w+){1,4}",
        r"\bmy\s{1,3}(?:full\s{1,3}|real\s{1,3})?name(?:'s|\s{1,3}is)(?:\s{1,3}\w+){1,4}",
    ),
    ExposureKind.OWN_POSITION: _pattern(
        r"\bsaya\s{1,3}(?:sendiri\s{1,3})?(?:adalah|selaku|sebagai|bekerja|kerja|bertugas|"
        r"ditugaskan|ditempatkan|menjabat|berdinas)\b" + _TAIL,
        r"\bsaya\s{1,3}(?:ini\s{1,3})?(?:seorang\s{1,3}|salah\s{1,3}(?:satu|seorang)\s{1,3})?"
        rf"(?:{_OFFICES})\b" + _TAIL,
        r"\b(?:sebagai|selaku)\s{1,3}[^.!?;,\n]{2,50},?\s{1,3}saya\b",
        rf"\b(?:{_UNITS})\s{{1,3}}(?:kerja\s{{1,3}})?(?:saya|kami)\b(?:\s{{1,3}}bekerja)?"
        + _TAIL,
        r"\bI(?:'m|\s{1,3}am|\s{1,3}was)\s{1,3}(?:a|an|one\s{1,3}of\s{1,3}the|the)\s{1,3}"
        r"(?!only\b|victim\b|witness\b)\w+" + _TAIL,
        r"\bI\s{1,3}work(?:ed)?\s{1,3}(?:as|in|at|for|with|under)\b" + _TAIL,
        r"\bas\s{1,3}(?:a|an|the)\s{1,3}[^.!?;,\n]{2,50},\s{1,3}I\b",
        r"\b(?:my|our)\s{1,3}(?:office|unit|team|department|section|division|position|job|"
        r"workplace)\b" + _TAIL,
    ),
    ExposureKind.RELATION: _pattern(
        rf"\b(?:{_KIN})(?:\s{{1,3}}(?:kerja|kandung|tiri|sekantor|dekat))?\s{{1,3}}saya\b",
        r"\bmy\s{1,3}(?:boss|supervisor|superior|colleague|co-?worker|friend|wife|husband|"
        r"father|mother|brother|sister|uncle|aunt|cousin|nephew|niece|son|daughter|"
        r"neighbou?r|ex)(?:-in-law)?\b",
    ),
}

_WORD_WITH_LINK = re.compile(r"(?=\S{0,299}[@.:])\S{3,300}")

# Endings of addresses people here write without "https://"; with all there are, a
# full stop without a space behind it would make a link of every other sentence.
_LINKS = LinkifyIt({}, {"fuzzy_link": True, "fuzzy_email": True, "fuzzy_ip": False})
_LINKS.tlds(["com", "net", "org", "id", "info", "biz", "gl", "ly", "link", "app"])


def find_exposures(text: str) -> tuple[Exposure, ...]:
    """
    Find the telling places of *text*.

    Returns:
        In their order, none overlapping another: where two kinds meet, the more
        telling one stays.
    """
    found = sorted(_candidates(text), key=lambda one: (_RANK[one.kind], one.start))
    taken: list[Exposure] = []
    occupied = bytearray(len(text))
    for candidate in found:
        place = slice(candidate.start, candidate.end)
        if not any(occupied[place]):
            occupied[place] = b"\1" * (candidate.end - candidate.start)
            taken.append(candidate)
    return tuple(sorted(taken, key=lambda one: one.start))


def excerpt(
    text: str, exposure: Exposure, *, context: int = 30
) -> tuple[str, str, str]:
    """
    Return a place with what stands around it, on one line.

    Args:
        text: The text that the place was found in.

        exposure: The place.

        context: How many characters to show on each side, about.

    Returns:
        What is before it, the place, and what is behind it.  An ellipsis stands
        where something was left out, and no word is cut.
    """
    before = text[: exposure.start]
    after = text[exposure.end :]
    shown_before, shown_after = before, after
    if len(before) > context:
        shown_before = ELLIPSIS + before[-context:].partition(" ")[2]
    if len(after) > context:
        shown_after = after[:context].rpartition(" ")[0] + ELLIPSIS
    return (
        shown_before.replace("\n", " "),
        text[exposure.start : exposure.end].replace("\n", " "),
        shown_after.replace("\n", " "),
    )


def _candidates(text: str) -> Iterator[Exposure]:
    # Word by word, because the library's time grows faster than the text.
    for word in _WORD_WITH_LINK.finditer(text):
        for match in _LINKS.match(word[0]) or ():
            is_email = match.schema == "mailto:"
            kind = ExposureKind.EMAIL if is_email else ExposureKind.LINK
            start = word.start()
            yield Exposure(kind, start + match.index, start + match.last_index)
    for kind, pattern in (_DIGIT_RUNS | _PHRASES).items():
        for found in pattern.finditer(text):
            yield _trimmed(kind, text, found.start(), found.end())
    for found in _TELEPHONE.finditer(text):
        if _is_telephone(found[0]):
            yield Exposure(ExposureKind.TELEPHONE, found.start(), found.end())


def _is_telephone(untrusted_number: str) -> bool:
    try:
        number = phonenumbers.parse(untrusted_number, REGION)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number)


def _trimmed(kind: ExposureKind, text: str, start: int, end: int) -> Exposure:
    end = min(end, start + LONGEST_PLACE_CHARACTERS)
    if end < len(text) and text[end].isalnum():
        # Not in the middle of a word.
        end = max(text.rfind(" ", start, end), start + 1)
    while end > start + 1 and text[end - 1].isspace():
        end -= 1
    return Exposure(kind, start, end)
