"""Attachments: 5 MB against gpg alone, and 200 MB in one form."""

import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from support.server import Service
from support.visitor import Upload

from benchmarks.figures import Figure, below, milliseconds
from benchmarks.footprint import Footprint
from benchmarks.reporters import new_reporter, prepared_upload
from casework.item import ATTACHMENT_BYTES
from casework.profile import MEGABYTE

FILES = 40
RATIO_LIMIT = 2.5
GROWTH_LIMIT_MB = 40.0
# What the ratio is made of: gpg gets 8 MiB to seal, because that is the size to
# which an item of 5 MB is padded.
PADDED_BYTES = 8 * MEGABYTE


def measure_one_file(service: Service, rounds: int) -> Iterator[Figure]:
    """Compare a file of 5 MB through the site with gpg alone, turn by turn."""
    visitor, _ = new_reporter(service)
    content = os.urandom(ATTACHMENT_BYTES)
    padded = content.ljust(PADDED_BYTES, b"\0")
    site, gpg, gpg_padded = [], [], []
    for _ in range(rounds):
        send = prepared_upload(visitor, Upload("foto.jpg", content))
        gpg.append(_gpg_seconds(service, content))
        site.append(send().seconds)
        gpg_padded.append(_gpg_seconds(service, padded))
    site_median, gpg_median = statistics.median(site), statistics.median(gpg)
    yield Figure("5 MB through the site", milliseconds(site_median))
    yield Figure("5 MB by gpg alone", milliseconds(gpg_median))
    yield below("ratio of the two", site_median / gpg_median, RATIO_LIMIT)
    padded_median = statistics.median(gpg_padded)
    yield Figure("8 MB, its padded size, by gpg alone", milliseconds(padded_median))


def measure_many_files(service: Service, rounds: int) -> Iterator[Figure]:
    """Send 200 MB in one form, each time by a new reporter; report the median."""
    files = [
        Upload(f"foto {number}.jpg", os.urandom(ATTACHMENT_BYTES))
        for number in range(1, FILES + 1)
    ]
    growth_mb, seconds = [], []
    for _ in range(rounds):
        visitor, _ = new_reporter(service)
        send = prepared_upload(visitor, *files)
        with Footprint(service.members) as footprint:
            seconds.append(send().seconds)
        growth_mb.append(footprint.growth_bytes / MEGABYTE)
    median_mb = statistics.median(growth_mb)
    yield below(
        f"memory growth while {FILES} files of 5 MB arrive in one form",
        median_mb,
        GROWTH_LIMIT_MB,
        unit=" MB",
    )
    yield Figure("the largest growth of all rounds", f"{max(growth_mb):.1f} MB")
    yield Figure("time for these 200 MB", f"{statistics.median(seconds):.1f} s")


def _gpg_seconds(service: Service, content: bytes) -> float:
    """Seal to the same officers with the same cipher, into a file."""
    with service.opened() as server:
        officers = [officer.fingerprint for officer in server.drop.officers.list()]
    options = [
        *("--homedir", str(service.directory / "keyring"), "--batch", "--no-options"),
        *("--trust-model", "pgp", "--no-auto-key-locate", "--no-random-seed-file"),
        *("--cipher-algo", "AES256", "--compress-algo", "none"),
    ]
    recipients = [word for one in officers for word in ("--recipient", one)]
    sealed = Path(service.temporary) / "by-gpg-alone"
    with sealed.open("wb") as output:
        began = time.perf_counter()
        subprocess.run(
            ["gpg", *options, "--encrypt", *recipients],
            input=content,
            stdout=output,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        seconds = time.perf_counter() - began
    sealed.unlink()
    return seconds
