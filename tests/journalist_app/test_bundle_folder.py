"""All bundles of a stick at once, in a browser: in order, and each is told of."""

import os
from pathlib import Path

import pytest
from support.office import NAMES, Office
from support.reporters import DAY, Reporter
from support.screens import Screen

from casework.bundle import BundleManifest, write_bundle
from journalist_app.workstation.bundle_folder import archives_in, in_order
from journalist_app.workstation.queueing import list_cases

ANI = NAMES[0]
SECONDS = 60


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """A folder that stands for a stick."""
    path = tmp_path / "stick"
    path.mkdir()
    return path


def empty_bundle(path: Path, *, after: int, through: int) -> Path:
    """Write a bundle that announces no items."""
    manifest = BundleManifest(
        installation=bytes(range(16)).hex(), after=after, through=through, items=()
    )
    with path.open("wb") as file:
        write_bundle(file.write, manifest, lambda _number: [], DAY)
    return path


def test_the_older_bundle_comes_first(stick: Path) -> None:
    """By what the server had when it wrote them; names and times mean nothing."""
    third = empty_bundle(stick / "a.tar", after=4, through=9)
    second = empty_bundle(stick / "b.tar", after=0, through=9)
    first = empty_bundle(stick / "c.tar", after=0, through=4)
    junk = stick / "0.tar"
    junk.write_bytes(b"bukan bundel")
    for age, path in enumerate((third, first, junk, second)):
        os.utime(path, (age, age))

    assert (first, second, third, junk) == in_order(archives_in(stick))


def test_what_leads_elsewhere_is_left_out(stick: Path, tmp_path: Path) -> None:
    """Links, folders, pipes and what a desk wrote itself are no bundles of a stick."""
    there = empty_bundle(stick / "bundle.tar", after=0, through=1)
    outside = empty_bundle(tmp_path / "outside.tar", after=0, through=1)
    (stick / "link.tar").symlink_to(outside)
    (stick / "folder.tar").mkdir()
    os.mkfifo(stick / "pipe.tar")
    for name in ("outbox-1.tar", "latihan-1.tar", "case-file-1.tar", "notes.txt"):
        (stick / name).write_bytes(there.read_bytes())

    assert (there,) == archives_in(stick)


def test_one_button_imports_all_bundles(office: Office, stick: Path) -> None:
    """
    The oldest first, each is told of, a broken one does not stop the others; doing it
    again changes nothing.
    """
    first, second = Reporter("pertama"), Reporter("kedua")
    desk = office.desks[ANI]
    office.send(first.write(), to=[ANI])
    (stick / "z.tar").write_bytes(office.bundle_for(ANI, since=0))
    office.send(second.write(), to=[ANI])
    (stick / "a.tar").write_bytes(office.bundle_for(ANI, since=1))
    (stick / "m.tar").write_bytes(b"bukan bundel" * 100)
    screen = Screen(desk, stick=stick)
    assert "Ambil semua 3 bundel" in screen.text("/carrying/")

    screen.post("/carrying/import-all")
    screen.jobs.wait(SECONDS)

    assert ["z.tar", "a.tar", "m.tar"] == [
        one.bundle_name for one in screen.jobs.series
    ]
    shown = screen.text("/carrying/")
    assert shown.index("Hasil: z.tar") < shown.index("Hasil: a.tar")
    assert 2 == shown.count("Semua yang disebut dalam bundel ada dan utuh.")
    assert "m.tar : Berkas ini bukan bundel" in shown
    # Had the newer one come first, the older one's item would be missing in between.
    assert "Belum diambil" not in shown
    cases = list_cases(desk, today=DAY)
    assert 2 == len(cases)

    screen.post("/carrying/import-all")
    screen.jobs.wait(SECONDS)

    assert 2 == screen.text("/carrying/").count("sudah ada: 1")
    assert cases == list_cases(desk, today=DAY)


def test_a_stick_without_bundles_is_told(office: Office, stick: Path) -> None:
    """Nothing is started, and the page says why."""
    screen = Screen(office.desks[ANI], stick=stick)

    screen.post("/carrying/import-all")

    assert () == screen.jobs.series
    assert "Tidak ada bundel pada diska lepas." in screen.text("/carrying/")
