"""What an officer is told while bundles are imported, and when one breaks off."""

import base64
import json
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.reporters import DAY, Reporter, Sealer, make_bundle
from support.screens import Screen

from crypto.container import BLOCK_BYTES
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.import_report import ImportReport, Progress
from journalist_app.workstation.importing import import_bundle
from journalist_app.workstation.queueing import list_cases
from journalist_app.workstation.screens.import_wording import breakage

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "container.json").read_text("utf-8")
)
SECONDS = 60
# By what the container's reader says of a vector: what the page says of it, in both
# languages.
TOLD = {
    "could leave its folder": (
        "Nama di dalam bundel menunjuk ke luar foldernya.",
        "A name inside the bundle points out of its folder.",
    ),
    "control character": (
        "memuat tanda yang tidak terlihat",
        "has characters that cannot be seen",
    ),
    "1 to 100 bytes": ("atau bukan nama.", "or is no name."),
    "no regular file": (
        "ada tautan, perangkat, folder",
        "there is a link, a device, a folder",
    ),
    "there twice": ("Satu nama ada dua kali", "One name is there twice"),
    "cannot be read": ("rusak atau diubah di tengah", "damaged, or was changed"),
    "padding is not zero": ("rusak atau diubah di tengah", "damaged, or was changed"),
    "not plain ustar": ("Bukan seperti yang ditulis", "not as the server writes it"),
    "something follows": ("Bukan seperti yang ditulis", "not as the server writes it"),
    "ends too early": ("Bundelnya terpotong.", "The bundle is cut off."),
    "larger than 4096": ("melampaui batas", "beyond the limit"),
}
NOT_WHOLE = "Tidak semuanya utuh."
CUT_OFF = "Bundelnya terpotong."
ONE_OF_EACH = {vector["error"]: vector for vector in VECTORS["refused"]}


# What only an archive larger than a test should be is refused for.
TOO_LARGE = ("more than 4 members", "larger than it may be")


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """A folder that stands for a stick."""
    path = tmp_path / "stick"
    path.mkdir()
    return path


@pytest.fixture
def screen(desk: Desk, stick: Path) -> Screen:
    """A browser in front of the desk."""
    return Screen(desk, stick=stick)


def behind_a_manifest(archive: bytes) -> bytes:
    """Put an archive where the items of a bundle are, which announces none."""
    return make_bundle({}).getvalue()[: -2 * BLOCK_BYTES] + archive


def import_on_page(screen: Screen, path: Path) -> str:
    """Import a bundle in the browser, and return what the page says of it."""
    screen.post("/carrying/import", {"path": str(path)})
    screen.jobs.wait(SECONDS)
    return screen.text("/carrying/")


@pytest.mark.parametrize("error", TOLD)
def test_the_page_says_why_a_bundle_breaks_off(
    error: str, screen: Screen, stick: Path
) -> None:
    """
    A path that climbs, a link or a wrong size is no cut-off file: each is told as what
    it is, in Indonesian and in English, with the way out.
    """
    archive = zlib.decompress(base64.b64decode(ONE_OF_EACH[error]["archive"]))
    path = stick / "bundle.tar"
    path.write_bytes(behind_a_manifest(archive))
    indonesian, english = TOLD[error]

    shown = import_on_page(screen, path)

    assert NOT_WHOLE in shown
    assert indonesian in shown
    assert (error == "ends too early") is (CUT_OFF in shown)
    assert "server" in shown.partition(indonesian)[2]
    screen.post("/language/en")
    assert english in screen.text("/carrying/")


def test_no_reason_is_left_without_words(screen: Screen) -> None:
    """Every reason of the vectors is told in words of its own on the page."""
    assert {*TOLD, *TOO_LARGE} == set(ONE_OF_EACH)
    with screen.app.test_request_context():
        for reason in (
            "the archive has more than 20000 members",
            "the archive is larger than it may be",
        ):
            assert "melampaui batas" in breakage(reason).said


def test_a_name_of_a_stick_is_text_on_the_page(screen: Screen, stick: Path) -> None:
    """Whatever a member is called, the page shows its name and does nothing with it."""
    name = b"../<script>alert(1)</script>"
    block = bytearray(make_bundle({}).getvalue()[:BLOCK_BYTES])
    block[:100] = name.ljust(100, b"\0")
    # POSIX ustar: the sum of the header with spaces in place of the sum itself.
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    path = stick / "bundle.tar"
    path.write_bytes(behind_a_manifest(bytes(block) + bytes(2 * BLOCK_BYTES)))

    shown = import_on_page(screen, path)

    assert "menunjuk ke luar foldernya" in shown
    page = screen.get("/carrying/").text
    assert "<script>alert" not in page
    assert "../&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_what_is_no_bundle_is_told(screen: Screen, stick: Path) -> None:
    """A file without a manifest is refused with what to do, and nothing is imported."""
    path = stick / "bundle.tar"
    path.write_bytes(b"bukan bundel" * 100)

    shown = import_on_page(screen, path)

    assert "bundle.tar : Berkas ini bukan bundel, atau daftarnya rusak." in shown
    assert () == list_cases(screen.services.desk, today=DAY)


def test_progress_rises_to_the_totals(
    desk: Desk, sealer: Sealer, ani: Reporter
) -> None:
    """Told once for each item, never less than before, and at the end all of it."""
    items = {number: sealer.seal(ani.write()) for number in range(1, 6)}
    total_bytes = sum(map(len, items.values()))
    told: list[Progress] = []
    import_bundle(desk, make_bundle(items), today=DAY, tell=told.append)
    again: list[Progress] = []
    import_bundle(desk, make_bundle(items), today=DAY, tell=again.append)

    for heard in (told, again):
        assert [1, 2, 3, 4, 5] == [one.items for one in heard]
        sizes = [one.size_bytes for one in heard]
        assert sizes == sorted(set(sizes))
        assert {(5, total_bytes)} == {(one.of_items, one.of_bytes) for one in heard}
        assert Progress(5, 5, total_bytes, total_bytes) == heard[-1]


@pytest.fixture
def halted(screen: Screen, desk: Desk) -> Iterator[threading.Event]:
    """An import that waits at the end of each item until it may go on."""
    go_on = threading.Event()
    yield go_on
    go_on.set()
    screen.jobs.wait(SECONDS)


def test_the_page_shows_how_far_an_import_has_come(
    screen: Screen,
    halted: threading.Event,
    desk: Desk,
    sealer: Sealer,
    ani: Reporter,
) -> None:
    """Items and bytes of the bundle that is being imported, and which of how many."""
    items = {number: sealer.seal(ani.write()) for number in (1, 2, 3)}
    told = threading.Event()

    def work(tell: Callable[[Progress], object]) -> ImportReport:
        def tell_and_wait(progress: Progress) -> None:
            tell(progress)
            if progress.items == 2:
                told.set()
                assert halted.wait(SECONDS)

        bundle = make_bundle(items)
        return import_bundle(desk, bundle, today=DAY, tell=tell_and_wait)

    works = [("bundle-a.tar", work), ("bundle-b.tar", work)]
    assert screen.jobs.start(works, explain=str)
    assert told.wait(SECONDS)

    page = screen.get("/carrying/").text
    shown = screen.text("/carrying/")

    assert "Sedang mengambil bundle-a.tar. Bundel 1 dari 2." in shown
    assert "2 dari 3 kiriman" in shown
    done_bytes, all_bytes = (
        sum(map(len, list(items.values())[:2])),
        sum(map(len, items.values())),
    )
    assert f'max="{all_bytes}" value="{done_bytes}"' in page
    halted.set()
    screen.jobs.wait(SECONDS)
    assert "Sedang mengambil" not in screen.text("/carrying/")
