"""A report without pictures, styles and scripts: in lynx, at a terminal."""

import re
from pathlib import Path

import pytest
from support.server import Service
from support.terminal import lynx_at

pytestmark = [pytest.mark.browser, pytest.mark.journey, pytest.mark.slow]

TITLE = "Bantuan dipotong di Desa Uji, Maret 2026"
WHAT = "Setiap penerima dipotong."


def test_report_from_a_terminal(service: Service, tmp_path: Path) -> None:
    """
    With keys alone, a person reports, reads the due date, and opens the case again.
    """
    home = tmp_path / "home"
    home.mkdir()
    with lynx_at(f"http://127.0.0.1:{service.port}/", home) as lynx:
        lynx.wait_for("Buat laporan baru")
        lynx.follow("Buat laporan baru")
        lynx.wait_for("Pernah melaporkan hal ini")
        lynx.follow("Buatkan kata sandi")
        shown = lynx.wait_for("Tujuh kata ini")
        words = re.findall(r"^ +\d\. (\S+)$", shown, re.M)[-7:]
        lynx.follow("Sudah saya simpan")
        asked = re.search(
            r"nomor (\d) dan kata nomor (\d)", lynx.wait_for("Lihat salinan Anda")
        )
        assert asked
        for number in asked.groups():
            lynx.fill_next(words[int(number) - 1])
        lynx.press_next_button()
        lynx.wait_for("Bagian 1 dari 3")
        lynx.fill_next(TITLE)
        lynx.fill_next(WHAT)
        lynx.press_next_button()
        lynx.wait_for("Bagian 2 dari 3")
        lynx.fill_next("Desa Uji")
        lynx.press_next_button(after=1)
        shown = lynx.wait_for("Baca sekali lagi")
        assert TITLE in shown
        lynx.follow("Segel dan kirim laporan")
        assert "Batas verifikasi" in lynx.wait_for("sudah kami terima")
        lynx.follow("Tambahkan dokumen")
        lynx.wait_for("Tambahkan dokumen")
        assert "Jawaban baru" in lynx.find("Jawaban baru")

    (item,) = service.opened_items()
    assert item.report is not None
    assert (TITLE, WHAT, "Desa Uji") == (
        item.report.title,
        item.report.what,
        item.report.where,
    )
