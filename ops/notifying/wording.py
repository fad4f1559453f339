"""
Wording: what a notification says, to officers and to operators, in both languages.

Whoever reads it is sent to the courier or to the server: the message itself names no
case, no number and no address.  Everything is ASCII, so that no mail program changes a
byte of it.
"""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from ops.notifying.recipients import Audience


class Health(Enum):
    """What the doctor found today."""

    WELL = "well"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class News:
    """
    What there is to say on a day.

    Attributes:
        day: The day.

        something: Whether a desk has not fetched everything.

        health: What the doctor found.
    """

    day: date
    something: bool
    health: Health


@dataclass(frozen=True)
class _Language:
    head: str
    something: str
    nothing: str
    health: dict[Health, str]
    foot: str


_INDONESIAN: Final = _Language(
    head="Bisik, pesan harian tanggal {day}",
    something="ADA kiriman yang belum diambil oleh semua meja kerja. Buka situs kurir, "
    "ambil bundelnya, lalu impor di meja kerja.",
    nothing="TIDAK ADA kiriman baru. Anda tidak perlu berbuat apa-apa.",
    health={
        Health.WELL: "Server: tidak ada yang salah.",
        Health.WRONG: "Server: ADA YANG SALAH. Jalankan di server: bisik doctor",
        Health.UNKNOWN: "Server: TIDAK DIPERIKSA hari ini. Lihat di server: "
        "systemctl status bisik-doctor.timer",
    },
    foot="Pesan ini datang setiap hari pada jam yang sama, dengan ukuran yang sama. "
    "Kalau sehari saja tidak datang, beri tahu pengelola server. Jangan balas pesan "
    "ini, dan jangan teruskan.",
)
_ENGLISH: Final = _Language(
    head="Bisik, daily message of {day}",
    something="There IS something that not every desk has fetched. Open the courier's "
    "site, fetch the bundle, and import it at the desk.",
    nothing="There is NOTHING new. You need not do anything.",
    health={
        Health.WELL: "Server: nothing is wrong.",
        Health.WRONG: "Server: SOMETHING IS WRONG. Run on the server: bisik doctor",
        Health.UNKNOWN: "Server: it was NOT LOOKED AT today. See on the server: "
        "systemctl status bisik-doctor.timer",
    },
    foot="This message comes every day at the same hour, and has the same size. If it "
    "fails to come for a single day, tell the operator of the server. Do not answer "
    "this message, and do not forward it.",
)


def words(news: News, audience: Audience) -> str:
    """Say the news of a day, first in Indonesian, then in English."""
    return "\n\n\n".join(
        _in(language, news, audience) for language in (_INDONESIAN, _ENGLISH)
    )


def _in(language: _Language, news: News, audience: Audience) -> str:
    told = [language.head.format(day=news.day.isoformat())]
    if audience is Audience.OPERATOR:
        told.append(language.health[news.health])
    told += [language.something if news.something else language.nothing, language.foot]
    return "\n\n".join(told)
