"""
Kinds: what a file really is, told by its first bytes and never by its name.

A name is a claim.  Where it claims something else than the content, an officer is
told so: a program called `foto.jpg` is a reason to be careful.  A suffix that is not
known here claims nothing, and one of a text fits whatever may be text in some encoding.
"""

from dataclasses import dataclass
from enum import StrEnum

LOOKED_AT_BYTES = 4096


class Kind(StrEnum):
    """What can be done with a file."""

    PDF = "pdf"
    PICTURE = "picture"
    OFFICE = "office"
    TEXT = "text"
    ARCHIVE = "archive"
    MEDIA = "media"
    UNKNOWN = "unknown"
    EMPTY = "empty"


@dataclass(frozen=True)
class Recognised:
    """
    What a file is.

    Attributes:
        format: In a word that people know, such as "PDF".

        suffix: That a file of this format usually has, with its dot; may be empty.

        misnamed: Whether the name says something else.
    """

    kind: Kind
    format: str
    suffix: str
    misnamed: bool = False


_MAGIC: tuple[tuple[bytes, int, Kind, str, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", 0, Kind.PICTURE, "PNG", ".png"),
    (b"\xff\xd8\xff", 0, Kind.PICTURE, "JPEG", ".jpg"),
    (b"GIF87a", 0, Kind.PICTURE, "GIF", ".gif"),
    (b"GIF89a", 0, Kind.PICTURE, "GIF", ".gif"),
    (b"WEBP", 8, Kind.PICTURE, "WebP", ".webp"),
    (b"II*\0", 0, Kind.PICTURE, "TIFF", ".tif"),
    (b"MM\0*", 0, Kind.PICTURE, "TIFF", ".tif"),
    (b"BM", 0, Kind.PICTURE, "BMP", ".bmp"),
    (b"{\\rtf", 0, Kind.OFFICE, "RTF", ".rtf"),
    (b"7z\xbc\xaf\x27\x1c", 0, Kind.ARCHIVE, "7-Zip", ".7z"),
    (b"Rar!\x1a\x07", 0, Kind.ARCHIVE, "RAR", ".rar"),
    (b"\x1f\x8b", 0, Kind.ARCHIVE, "gzip", ".gz"),
    (b"BZh", 0, Kind.ARCHIVE, "bzip2", ".bz2"),
    (b"\xfd7zXZ\0", 0, Kind.ARCHIVE, "xz", ".xz"),
    (b"ustar", 257, Kind.ARCHIVE, "tar", ".tar"),
    (b"ID3", 0, Kind.MEDIA, "MP3", ".mp3"),
    (b"\xff\xfb", 0, Kind.MEDIA, "MP3", ".mp3"),
    (b"\xff\xf3", 0, Kind.MEDIA, "MP3", ".mp3"),
    (b"OggS", 0, Kind.MEDIA, "Ogg", ".ogg"),
    (b"fLaC", 0, Kind.MEDIA, "FLAC", ".flac"),
    # Photographs of many telephones lie in the same box as films do; no program of
    # the sandbox opens them.
    (b"ftyphei", 4, Kind.UNKNOWN, "HEIC", ".heic"),
    (b"ftypmif1", 4, Kind.UNKNOWN, "HEIC", ".heic"),
    (b"ftyp", 4, Kind.MEDIA, "MP4", ".mp4"),
    (b"\x1aE\xdf\xa3", 0, Kind.MEDIA, "Matroska", ".mkv"),
    (b"WAVE", 8, Kind.MEDIA, "WAV", ".wav"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PDF_WITHIN_BYTES = 1024  # Readers accept rubbish before it.
# Suffixes that mean one of the formats above, besides its own.
_ALSO = {
    ".jpeg": ".jpg",
    ".tiff": ".tif",
    ".m4a": ".mp4",
    ".mov": ".mp4",
    ".3gp": ".mp4",
    ".webm": ".mkv",
    ".tgz": ".gz",
    ".tbz2": ".bz2",
    ".txz": ".xz",
    ".heif": ".heic",
    ".oga": ".ogg",
    ".opus": ".ogg",
}
_OLD_OFFICE = {".doc", ".xls", ".ppt"}
_TEXTS = (
    {".txt", ".csv", ".log", ".md", ".json", ".xml", ".html", ".htm", ".eml"}
    | {".svg", ".vcf", ".ics", ""}
)  # fmt: skip


def recognise(content: bytes, untrusted_name: str) -> Recognised:
    """Say what a file is; never raises, whatever it holds."""
    found = _by_content(content, _suffix(untrusted_name))
    claimed = _suffix(untrusted_name)
    claimed = _ALSO.get(claimed, claimed)
    if found.kind is Kind.TEXT:
        misnamed = claimed not in _TEXTS
    elif found.kind is Kind.UNKNOWN and not found.format:
        misnamed = claimed in _KNOWN or (
            claimed in _TEXTS - {""} and not _may_be_text(content)
        )
    elif found.suffix in _OLD_OFFICE:
        misnamed = claimed not in _OLD_OFFICE
    else:
        misnamed = bool(found.suffix) and claimed != found.suffix
    return Recognised(found.kind, found.format, found.suffix, misnamed)


def _by_content(content: bytes, claimed: str) -> Recognised:
    if not content:
        return Recognised(Kind.EMPTY, "", "")
    if b"%PDF-" in content[:_PDF_WITHIN_BYTES]:
        return Recognised(Kind.PDF, "PDF", ".pdf")
    if content.startswith(_OLE):
        suffix = claimed if claimed in _OLD_OFFICE else ".doc"
        return Recognised(Kind.OFFICE, "Microsoft Office", suffix)
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip(content)
    head = content[:LOOKED_AT_BYTES]
    for magic, at, kind, format_, suffix in _MAGIC:
        if head[at : at + len(magic)] == magic:
            return Recognised(kind, format_, suffix)
    if _is_text(content):
        return Recognised(Kind.TEXT, "teks", "")
    return Recognised(Kind.UNKNOWN, "", "")


_OPEN_DOCUMENT = {
    b"application/vnd.oasis.opendocument.text": ".odt",
    b"application/vnd.oasis.opendocument.spreadsheet": ".ods",
    b"application/vnd.oasis.opendocument.presentation": ".odp",
}
_OFFICE_OPEN = {
    b"word/document.xml": ".docx",
    b"xl/workbook.xml": ".xlsx",
    b"ppt/presentation.xml": ".pptx",
}


# What would have been recognised, had the content been what the name says.
_KNOWN = (
    {suffix for _magic, _at, _kind, _format, suffix in _MAGIC}
    | {".pdf", ".zip", *_OLD_OFFICE}
    | {*_OPEN_DOCUMENT.values(), *_OFFICE_OPEN.values()}
)


def _zip(content: bytes) -> Recognised:
    """Tell a document that is a ZIP from any other ZIP, by names that stand in it."""
    archive = Recognised(Kind.ARCHIVE, "ZIP", ".zip")
    for mimetype, suffix in _OPEN_DOCUMENT.items():
        # The first member is stored, with this very content (ODF 1.3, part 2, 3.3).
        if content[30:38] == b"mimetype" and content[38:].startswith(mimetype):
            return Recognised(Kind.OFFICE, "OpenDocument", suffix)
    if b"[Content_Types].xml" in content:
        for folder, suffix in _OFFICE_OPEN.items():
            if folder in content:
                return Recognised(Kind.OFFICE, "Microsoft Office", suffix)
    return archive


def _is_text(content: bytes) -> bool:
    head = content[:LOOKED_AT_BYTES]
    if b"\0" in head:
        return False
    try:
        # A letter may have been cut at the end of what is looked at.
        head[: len(head) - 3 if len(content) > len(head) else None].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > 0 and error.start >= len(head) - 4
    return True


def _may_be_text(content: bytes) -> bool:
    """Say whether it can be text in an encoding that we do not show."""
    head = content[:LOOKED_AT_BYTES]
    return b"\0" not in head or head.startswith((b"\xff\xfe", b"\xfe\xff"))


def _suffix(untrusted_name: str) -> str:
    _stem, dot, suffix = untrusted_name.rpartition(".")
    return f".{suffix.lower()}" if dot else ""
