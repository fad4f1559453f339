"""The reporter's journey in Firefox ESR, as safe as Tor Browser at "Safest"."""

from pathlib import Path

import pytest
from support import telling_files, walk
from support.firefox import running_firefox
from support.server import Service

pytestmark = [pytest.mark.browser, pytest.mark.journey, pytest.mark.slow]

TITLE = "Judul dari Firefox, Maret 2026"
WHAT = "Baris satu, “kutipan”.\nBaris dua: 東京 & <b>tebal</b>."


@pytest.mark.parametrize(
    ("width", "height"), [(360, 740), (1280, 900)], ids=["phone", "desktop"]
)
def test_whole_journey(
    service: Service, tmp_path: Path, width: int, height: int
) -> None:
    """
    Without scripts, fonts and SVG a person reports, sends a file and comes back.
    """
    photo = tmp_path / "foto.jpg"
    photo.write_bytes(telling_files.jpeg_with_position() + bytes(1024 * 1024))
    folder = tmp_path / "firefox"
    folder.mkdir()
    base = f"http://127.0.0.1:{service.port}"
    with running_firefox(folder, base, width=width, height=height) as firefox:
        assert not firefox.runs_scripts()
        firefox.goto("/")
        assert width == firefox.width()
        assert firefox.fits()
        words = walk.draw_codename(firefox)
        walk.write_report(firefox, title=TITLE, what=WHAT)
        assert firefox.fits()
        walk.send_report(firefox)
        assert "sudah kami terima" in firefox.text("h1")
        walk.rehearse(firefox, words)
        assert "Kedua kata benar" in firefox.text("main")
        walk.send_files(firefox, [photo])
        assert "sudah disegel" in firefox.text(".notice")
        assert "-6.17500" in firefox.text(".telling")
        assert firefox.fits()
        firefox.click("aside.side form[action='/case/sign-out'] button")
        walk.sign_in(firefox, words)
        assert "foto.jpg" in firefox.text("main")

    report, files = service.opened_items()
    assert report.report is not None
    assert (TITLE, WHAT, "Desa Contoh") == (
        report.report.title,
        report.report.what,
        report.report.where,
    )
    assert (("foto.jpg", photo.read_bytes()),) == files.files
