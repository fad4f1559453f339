"""Bundles that are not quite what a courier makes."""

import hashlib
import io

from support.reporters import DAY

from casework.bundle import BundleEntry, BundleManifest, read_bundle, write_bundle


def rewritten(bundle: io.BytesIO, **changes: object) -> io.BytesIO:
    """Return a bundle with the same items and another manifest."""
    reader = read_bundle(bundle)
    items = {item.number: b"".join(item.chunks()) for item in reader}
    manifest = BundleManifest.model_validate(
        {**reader.manifest.model_dump(), **changes}
    )
    stream = io.BytesIO()
    write_bundle(stream.write, manifest, lambda number: [items[number]], DAY)
    stream.seek(0)
    return stream


def swapped(bundle: bytes, number: int, content: bytes) -> io.BytesIO:
    """Return a bundle in which one item is another, and the manifest says so."""
    reader = read_bundle(io.BytesIO(bundle))
    items = {item.number: b"".join(item.chunks()) for item in reader}
    items[number] = content
    entries = [
        entry
        if entry.number != number
        else BundleEntry(
            number=number,
            day=entry.day,
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        for entry in reader.manifest.items
    ]
    manifest = reader.manifest.model_copy(update={"items": tuple(entries)})
    stream = io.BytesIO()
    write_bundle(stream.write, manifest, lambda one: [items[one]], DAY)
    stream.seek(0)
    return stream
