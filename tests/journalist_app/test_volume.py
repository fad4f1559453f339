"""How much memory a desk takes for what comes in, measured in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

from support.reporters import Reporter, Sealer, make_bundle

from casework.item import ITEM_LIMITS, ItemKind
from journalist_app.workstation import casebook

MIB = 1024 * 1024
# What the pieces on their way, SQLCipher's pages and Python's arenas may add.
GROWTH_LIMIT_MIB = 24

IMPORTER = """
import os, sys
from datetime import date
from pathlib import Path
from journalist_app.workstation.desk import open_desk
from journalist_app.workstation.importing import import_bundle

def peak_kib():
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])

path, *bundles = map(Path, sys.argv[1:])
with open_desk(path, passphrase=None, entropy=os.urandom) as desk:
    for bundle in bundles:
        with bundle.open("rb") as stream:
            assert import_bundle(desk, stream, today=date(2026, 11, 24)).complete
        print(peak_kib())
"""


def peaks_mib(desk_path: Path, *bundles: Path) -> list[float]:
    """Import bundles one after the other; return the peak of memory after each."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTER, str(desk_path), *map(str, bundles)],
        env={**os.environ, "PYTHONPATH": str(Path(casebook.__file__).parents[2])},
        capture_output=True,
        check=True,
        text=True,
    )
    return [int(line) / 1024 for line in done.stdout.split()]


def test_an_item_is_never_held_whole(
    desk_path: Path, tmp_path: Path, sealer: Sealer, ani: Reporter
) -> None:
    """The largest file that an item may have goes through in a few MiB of memory."""
    small, large = tmp_path / "small.tar", tmp_path / "large.tar"
    file = os.urandom(ITEM_LIMITS.entry_bytes)
    small.write_bytes(make_bundle({1: sealer.seal(ani.write())}).getvalue())
    sealed = sealer.seal(ani.write(ItemKind.ATTACHMENTS, files=[("Rekaman", file)]))
    large.write_bytes(make_bundle({2: sealed}, after=1).getvalue())

    before, after = peaks_mib(desk_path, small, large)

    assert len(file) == 64 * MIB
    assert after - before < GROWTH_LIMIT_MIB


def test_many_items_are_never_held_together(
    desk_path: Path, tmp_path: Path, sealer: Sealer, ani: Reporter
) -> None:
    """Forty MiB in items of one MiB go through in a few MiB of memory."""
    small, large = tmp_path / "small.tar", tmp_path / "large.tar"
    small.write_bytes(make_bundle({1: sealer.seal(ani.write())}).getvalue())
    items = {
        number: sealer.seal(
            ani.write(
                ItemKind.ATTACHMENTS, files=[("Foto.jpg", os.urandom(MIB - 8192))]
            )
        )
        for number in range(2, 42)
    }
    large.write_bytes(make_bundle(items, after=1).getvalue())

    before, after = peaks_mib(desk_path, small, large)

    assert after - before < GROWTH_LIMIT_MIB
