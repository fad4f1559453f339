"""
Stories: two sentences that hold the seven words of a codename in their order.

    pasir kuda lilin ...  -->  Seekor naga bernama "pasir" tinggal di kota "kuda" ...

Who made such a story from their words remembered them better: 84 % against 65 %, and
92 % of those who had forgotten recovered with it (USEC 2016).
A word may be of any kind, so every place of a story takes any word as a name.

The same codename always gives the same story.  This module does no I/O.
"""

import hashlib
from collections.abc import Sequence

from flask_babel import gettext as _


def tell_story(words: Sequence[str]) -> list[tuple[str, bool]]:
    """
    Tell the story of a codename.

    Args:
        words: Its seven words, in order.

    Returns:
        Pieces of text, each with whether it is one of the words.
    """
    stories = _stories()
    digest = hashlib.sha256(" ".join(words).encode("utf-8")).digest()
    story = stories[digest[0] % len(stories)]
    pieces: list[tuple[str, bool]] = []
    rest = story
    for number, word in enumerate(words, start=1):
        before, found, rest = rest.partition(f"[{number}]")
        if not found:
            raise ValueError("a story must hold every word once, in order")
        pieces += [(before, False), (word, True)]
    pieces.append((rest, False))
    return [piece for piece in pieces if piece[0]]


def _stories() -> tuple[str, ...]:
    return (
        _(
            "Seekor naga bernama [1] menyimpan [2] di dalam lemari dan [3] di bawah "
            "bantal. Pada malam hari ia terbang ke kota [4], lalu menukar [5] dan [6] "
            "dengan sebutir [7]."
        ),
        _(
            "Kapten [1] berlayar dengan kapal [2] menuju pulau [3]. Di sana burung [4] "
            "bernyanyi tentang [5], sementara para peri [6] menari di atas [7]."
        ),
        _(
            "Di pasar [1], nenek [2] menjual [3] goreng dan es [4]. Pembeli "
            "pertamanya, raja [5], membayar dengan [6] dan pulang naik [7]."
        ),
        _(
            "Grup musik [1] dan [2] hanya punya satu lagu, judulnya [3]. Setiap kali "
            "lagu itu dimainkan, seekor [4] keluar dari [5], menyapa [6], lalu "
            "memeluk [7]."
        ),
        _(
            "Profesor [1] membangun robot dari [2] dan [3]. Robot itu hanya mau "
            "berkata [4], takut pada [5], bermimpi tentang [6], dan menikah dengan "
            "[7]."
        ),
        _(
            "Di planet [1] hujan turun berupa [2] dan salju berupa [3]. Penghuninya "
            "memakai topi [4], minum [5], naik [6], dan takut kepada [7]."
        ),
    )
