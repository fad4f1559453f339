"""The reporter's journey, page by page."""

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from support.answering import leave_answer
from support.site import TODAY, Keys, Site, running_site
from support.visitor import Upload, Visitor

from casework.item import ItemKind
from casework.release import ReleaseHour
from casework.reply import CaseStatus, Letter, ReplyKind

ANSWERS = {
    "title": "Bantuan dipotong di Desa Uji, Maret 2026",
    "what": "Bantuan dipotong.\nSetiap penerima.",
    "where": "Desa Uji",
    "when": "Maret 2026",
    "who": "Kepala seksi",
    "why": "Tidak tahu",
    "how": "Diminta kembali",
    "how_much": "Rp24 juta",
    "first_hand": "hearsay",
    "reported_elsewhere": "Belum",
    "risk": "Sedikit yang tahu",
}


def answer(
    site: Site,
    *,
    kind: ReplyKind,
    text: str,
    files: tuple[tuple[str, bytes], ...] = (),
    outbox: int | None = None,
) -> None:
    """Do what a desk and the courier do: seal a reply and put it into its slots."""
    letter = Letter(
        kind=kind,
        day=TODAY,
        language="id",
        text=text,
        status=CaseStatus.REGISTERED,
        registration_number="UJI-001",
        outbox=outbox,
    )
    leave_answer(
        site.drop,
        site.opened_items()[0],
        letter,
        desk_id=site.drop.officers.list()[0].desk_id,
        files=files,
    )


def test_report_reaches_the_officers_word_for_word(
    site: Site, visitor: Visitor
) -> None:
    """
    Every answer of the form is in the sealed item as it was typed.
    """
    visitor.draw_codename()

    page = visitor.send_report(**ANSWERS)

    assert 200 == page.status
    assert "Laporan Anda sudah kami terima" in page.text
    (item,) = site.opened_items()
    assert item.report is not None
    assert ANSWERS == {name: getattr(item.report, name) for name in ANSWERS}
    assert (ItemKind.REPORT, 0, TODAY) == (
        item.kind,
        item.header.sequence,
        item.header.day,
    )


def test_acknowledgement_names_the_due_date(site: Site, visitor: Visitor) -> None:
    """
    A report of 5 March 2027 is promised an answer by 22 March 2027.
    """
    visitor.draw_codename()
    site.today = site.today.replace(2027, 3, 5)

    page = visitor.send_report()

    assert "Senin, 22 Maret 2027" in page.text


def test_attachments_arrive_untouched(site: Site, reporter: Visitor) -> None:
    """
    Files reach the officers byte for byte, the largest allowed one included.
    """
    largest = bytes(range(256)) * (5 * 1024 * 4)

    page = reporter.send_files(
        Upload("foto bukti.jpg", b"\xff\xd8\xff"), Upload("besar.pdf", largest)
    )

    assert "sudah disegel" in page.text
    item = site.opened_items()[1]
    assert (("foto bukti.jpg", b"\xff\xd8\xff"), ("besar.pdf", largest)) == item.files


def test_too_large_file_is_refused_by_name_and_the_rest_kept(
    site: Site, reporter: Visitor
) -> None:
    """
    One file over the limit costs the reporter only that file.
    """
    page = reporter.send_files(
        Upload("satu.txt", b"satu"),
        Upload("terlalu.bin", bytes(5 * 1024 * 1024 + 1)),
        Upload("kosong.txt", b""),
        Upload("dua.txt", b"dua"),
    )

    assert "terlalu.bin: lebih besar" in re.sub("</?b>", "", page.text)
    assert "kosong.txt: berkasnya kosong" in re.sub("</?b>", "", page.text)
    assert (("satu.txt", b"satu"), ("dua.txt", b"dua")) == site.opened_items()[1].files


def test_only_refused_files_store_nothing(site: Site, reporter: Visitor) -> None:
    """
    When no file of a form is acceptable, intake does not grow.
    """
    page = reporter.send_files(Upload("kosong.txt", b""))

    assert 422 == page.status
    assert 1 == len(site.sealed_items())


def test_answer_reaches_the_reporter(site: Site, visitor: Visitor) -> None:
    """
    Coming back with the codename shows the answer, its number and its file.
    """
    codename = visitor.draw_codename()
    visitor.send_report()
    surat = bytes(range(256)) * 200
    answer(
        site,
        kind=ReplyKind.STATUS,
        text="Laporan Anda terdaftar.",
        files=(("surat.pdf", surat),),
    )

    later = site.visitor()
    page = later.sign_in(codename.upper().replace(" ", "  -  "))

    assert "Laporan Anda terdaftar." in page.text
    assert "UJI-001" in page.text
    link = re.search(r'href="(/case/answer/[^"]+)"', page.text)
    assert link
    download = later.get(link[1])
    assert surat == download.body
    assert "attachment" in download.headers["content-disposition"]


def test_answer_appears_at_the_hour_and_not_before(tmp_path: Path, keys: Keys) -> None:
    """
    An answer that was carried in at ten is there at six the next morning.
    """
    hour = ReleaseHour(6, ZoneInfo("Asia/Jakarta"))
    with running_site(tmp_path, keys, release_hour=hour) as site:
        visitor = site.visitor()
        codename = visitor.draw_codename()
        visitor.send_report()
        desk_id = site.drop.officers.list()[0].desk_id
        answer(site, kind=ReplyKind.ANSWER, text="Sudah kami baca.", outbox=1)
        site.drop.apply_outbox(
            desk_id, 1, bytes(32), [], [], TODAY, hour.next_after(site.seconds)
        )

        page = visitor.get("/case/")
        assert "Sudah kami baca." not in page.text
        assert "Rabu, 25 November 2026 pukul 06.00 WIB" in page.text
        # It is ten in the morning there; six o'clock comes twenty hours later.
        ten = site.seconds
        seen = []
        for seconds in (20 * 3600 - 1, 20 * 3600):
            site.seconds = ten + seconds
            # The session has ended long ago.
            page = site.visitor().sign_in(codename)
            seen.append("Sudah kami baca." in page.text)

        assert [False, True] == seen


def test_reading_is_marked_only_by_the_reporter(site: Site, visitor: Visitor) -> None:
    """
    An answer stays new until its reporter says it was read, and then officers learn.
    """
    visitor.draw_codename()
    visitor.send_report()
    answer(site, kind=ReplyKind.ANSWER, text="Terima kasih.")
    first = visitor.get("/case/")
    assert "Baru" in visitor.get("/case/").text
    mark = re.search(r'action="(/case/read/[^"]+)"', first.text)
    assert mark

    after = visitor.press(mark[1])

    assert '<b class="tag">Baru</b>' not in after.text
    assert ItemKind.READ_RECEIPT == site.opened_items()[1].kind


def test_contact_is_sealed_only_to_the_officer_who_asked(
    tmp_path: Path, keys: Keys
) -> None:
    """
    Of two officers, only the one whose desk asked can open the contact details.
    """
    with running_site(tmp_path, keys, officers=2) as site:
        visitor = site.visitor()
        visitor.draw_codename()
        visitor.send_report()
        assert "/case/contact" not in visitor.get("/case/").text
        answer(site, kind=ReplyKind.CONTACT_REQUEST, text="Mohon kontak.")

        page = visitor.get("/case/")
        visitor.post(
            "/case/contact", {**page.hidden("/case/contact"), "contact": "0800-UJI"}
        )

        import io

        from crypto.packets import read_envelope

        report, contact = (
            read_envelope(io.BytesIO(sealed)) for sealed in site.sealed_items()
        )
        assert 2 == len(report.recipient_key_ids)
        assert 1 == len(contact.recipient_key_ids)
        assert "0800-UJI" == site.opened_items()[1].message
        # Not even the reporter's own history repeats it.
        assert "0800-UJI" not in visitor.get("/case/").text


def test_further_words_and_withdrawal(site: Site, reporter: Visitor) -> None:
    """
    Message, question about progress and withdrawal arrive in this order.
    """
    reporter.send_message("Satu hal lagi.")
    reporter.press("/case/progress")
    form = reporter.get("/case/withdraw").hidden("/case/withdraw")
    page = reporter.post("/case/withdraw", form)

    assert "sudah ditarik" in page.text
    items = site.opened_items()[1:]
    expected = [ItemKind.MESSAGE, ItemKind.PROGRESS, ItemKind.WITHDRAWAL]
    assert expected == [item.kind for item in items]
    assert [1, 2, 3] == [item.header.sequence for item in items]
    assert "Satu hal lagi." == items[0].message


def test_sign_out_ends_the_visit(site: Site, reporter: Visitor) -> None:
    """
    After signing out neither the new nor the old cookie opens the case.
    """
    old = dict(reporter.cookies)

    page = reporter.press("/case/sign-out")

    assert 200 == page.status
    assert "/case/sign-in" in reporter.get("/case/", follow=False).location
    reporter.cookies = old
    assert "/case/sign-in" in reporter.get("/case/", follow=False).location


def test_form_sent_twice_is_accepted_once(site: Site, visitor: Visitor) -> None:
    """
    Pressing a button twice sends one report, one message, one set of files.
    """
    visitor.draw_codename()
    form = visitor.get("/report/write").hidden("/report/write")
    report = {**form, "title": "Judul", "what": "Apa", "go": "send"}
    once = visitor.post("/report/write", report)
    again = visitor.post("/report/write", report)
    assert once.timeless == again.timeless
    page = visitor.get("/case/")
    message = {**page.hidden("/case/message"), "text": "Sekali lagi"}
    files = page.hidden("/case/files")
    for _ in range(2):
        visitor.post("/case/message", message)
        visitor.upload("/case/files", files, [Upload("a.txt", b"a")])
        visitor.press("/case/progress")

    kinds = [item.kind for item in site.opened_items()]
    expected = [
        ItemKind.REPORT,
        ItemKind.MESSAGE,
        ItemKind.ATTACHMENTS,
        ItemKind.PROGRESS,
    ]
    assert expected == kinds


def test_session_end_loses_no_typed_text(site: Site, visitor: Visitor) -> None:
    """
    A report written for longer than a session lasts is kept and can be sent.
    """
    codename = visitor.draw_codename()
    form = visitor.get("/report/write").hidden("/report/write")
    site.seconds += 31 * 60

    page = visitor.post("/report/write", {**form, **ANSWERS, "go": "send"})

    assert 422 == page.status
    assert ANSWERS["how"] in page.text
    assert [] == site.sealed_items()
    again = {**page.hidden("/report/write"), "codename": codename, "go": "send"}
    assert "sudah kami terima" in visitor.post("/report/write", again).text
    assert 1 == len(site.sealed_items())


@pytest.mark.parametrize("path", ["/", "/faq", "/safety", "/report/start"])
def test_pages_exist_in_both_languages(visitor: Visitor, path: str) -> None:
    """
    Every public page is there in Indonesian first, and in English on request.
    """
    indonesian = visitor.get(path)
    english = visitor.get(f"/language/en?next={path}")

    assert '<html lang="id">' in indonesian.text
    assert '<html lang="en">' in english.text
    assert 200 == indonesian.status == english.status


def test_codename_is_refused_in_every_text(site: Site, visitor: Visitor) -> None:
    """
    A reporter who pastes the codename into a text is stopped before it is sent.
    """
    codename = visitor.draw_codename()

    page = visitor.send_report(how=f"Kata saya: {codename}.")

    assert 422 == page.status
    assert "berbentuk kata sandi rahasia" in page.text
    assert [] == site.sealed_items()
