"""
Why a bundle could not be read to its end, as officers read it.

    "the member name '../etc/x' could leave its folder"      casework.bundle, English
              |
    Breakage  said: what it means, and what to do   in the officer's language
              untrusted_name: '../etc/x'            for the page to show, never to use

A stick that was pulled out too early and one that somebody has prepared end an import
alike; an officer must be able to tell them from each other.  A reason that is not
listed is shown as it is.

The names come from the stick.  The container's reader quotes them as Python does, so no
control character and no change of direction is left in them.
"""

import re
from dataclasses import dataclass, field

from flask_babel import lazy_gettext as _l

from journalist_app.workstation.screens.wording import plain

_CUT_OFF = _l(
    "Bundelnya terpotong. Mungkin diska dicabut terlalu cepat: salinlah sekali lagi "
    "dari server."
)
_ALTERED = _l(
    "Bundelnya rusak atau diubah di tengah jalan. Ambil lagi dari server; bila "
    "terulang, pakailah diska lain dan beri tahu pengelola server."
)
_NOT_OURS = _l(
    "Bukan seperti yang ditulis server: ada yang ditambahkan di belakang bundel, "
    "atau bundelnya dibuat oleh program lain. Jangan pakai diska ini lagi, dan beri "
    "tahu pengelola server."
)
_CLIMBS = _l(
    "Nama di dalam bundel menunjuk ke luar foldernya. Server tidak menulis yang "
    "seperti itu: mungkin seseorang mengubahnya untuk menimpa berkas. Tidak ada yang "
    "ditulis. Jangan pakai diska ini lagi, dan beri tahu pengelola server."
)
_DISGUISED = _l(
    "Nama di dalam bundel memuat tanda yang tidak terlihat, atau bukan nama. Server "
    "tidak menulis yang seperti itu: mungkin seseorang mengubahnya. Jangan pakai "
    "diska ini lagi, dan beri tahu pengelola server."
)
_NO_FILE = _l(
    "Di dalam bundel ada tautan, perangkat, folder, atau hal lain yang bukan berkas "
    "biasa. Server tidak menulis yang seperti itu: mungkin seseorang mengubahnya. "
    "Jangan pakai diska ini lagi, dan beri tahu pengelola server."
)
_SIZE = _l(
    "Ukuran yang disebut di dalam bundel melampaui batas: mungkin dibuat untuk "
    "memenuhi komputer ini. Jangan pakai diska ini lagi, dan beri tahu pengelola "
    "server."
)
_TWICE = _l(
    "Satu nama ada dua kali di dalam bundel, sehingga tidak jelas mana yang benar. "
    "Ambil lagi dari server; bila terulang, beri tahu pengelola server."
)
_NO_BUNDLE = _l(
    "Berkas ini bukan bundel, atau daftarnya rusak. Pilihlah berkas yang ditulis "
    "server, atau ambil lagi."
)

# What crypto.container and casework.bundle say; a name stands where the group is.
_NAME = r"(?P<name>'.*'|\".*\")"
_REASONS = [
    (re.compile(pattern, re.DOTALL), said)
    for pattern, said in (
        ("the archive ends too early", _CUT_OFF),
        ("a member's header cannot be read", _ALTERED),
        ("a member's padding is not zero", _ALTERED),
        (f"the member name {_NAME} could leave its folder", _CLIMBS),
        (f"the member name {_NAME} has a control character", _DISGUISED),
        (r"a member's name must be 1 to \d+ bytes long", _DISGUISED),
        ("a member's name is not text", _DISGUISED),
        (f"the member {_NAME} is no regular file", _NO_FILE),
        (rf"the member {_NAME} is larger than \d+ bytes", _SIZE),
        (r"the archive has more than \d+ members", _SIZE),
        ("the archive is larger than it may be", _SIZE),
        (f"the header of the member {_NAME} is not plain ustar", _NOT_OURS),
        ("something follows the end of the archive", _NOT_OURS),
        (f"the member {_NAME} is there twice", _TWICE),
        (r"there is no manifest\.json where it must be", _NO_BUNDLE),
        (r"manifest\.json is too large or cut off", _NO_BUNDLE),
        (r"the document .*", _NO_BUNDLE),
    )
]


@dataclass(frozen=True)
class Breakage:
    """
    Why a bundle was not read any further.

    Attributes:
        said: The reason and the way out, in the officer's language.

        untrusted_name: Of the member it is about, quoted; empty if of none.
    """

    said: str
    untrusted_name: str = field(default="", repr=False)


def breakage(reason: str, *, begun: bool = True) -> Breakage:
    """
    Say why a bundle breaks off.

    Args:
        reason: What `MalformedBundle` said, or `ImportReport.broken_off`.

        begun: Whether its manifest was read.  Without one, it is nothing worse than
            an archive of another kind, or no archive, until there is a sign of more.

    Returns:
        The reason, in the language of the page that is being made.
    """
    for pattern, said in _REASONS:
        if match := pattern.fullmatch(reason):
            name = match.groupdict().get("name") or ""
            if not begun and said in (_ALTERED, _NOT_OURS):
                said = _NO_BUNDLE
            return Breakage(str(said), name)
    return Breakage(plain(reason))
