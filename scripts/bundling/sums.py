"""Digests of a folder's files, as sha256sum(1) writes and checks them."""

import hashlib
from pathlib import Path

SUMS = "SHA256SUMS"
_PIECE_BYTES = 1024 * 1024


def sha256(path: Path) -> str:
    """Return the digest of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def write_sums(folder: Path) -> Path:
    """Write SHA256SUMS for all that is in a folder, and return its path."""
    sums = [
        f"{sha256(path)}  {path.relative_to(folder)}\n"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    written = folder / SUMS
    written.write_text("".join(sums), encoding="utf-8")
    return written
