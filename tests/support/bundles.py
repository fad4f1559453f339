"""Bundles that are not quite what a courier makes."""

import io

from support.reporters import DAY

from casework.bundle import BundleManifest, read_bundle, write_bundle


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
