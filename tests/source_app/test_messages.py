"""Messages: checked before they are sent, and not lost with the session."""

import pytest
from support.site import Site
from support.visitor import Page, Visitor

from casework.item import ItemKind

PATH = "/case/message"
TELLING = "Saya bendahara di sana. Telepon 0812-3456-7890."
ORDINARY = "Karung terakhir dihitung bulan Maret."


def write(visitor: Visitor, page: Page, text: str, **fields: str) -> Page:
    """Type a message, and press a button."""
    return visitor.post(PATH, {**page.hidden(PATH), "text": text, **fields})


def test_telling_message_is_shown_before_it_is_sent(
    site: Site, reporter: Visitor
) -> None:
    """
    The places are marked, nothing is stored, and the second press sends it.
    """
    page = write(reporter, reporter.get("/case/"), TELLING)

    assert "<mark>0812-3456-7890</mark>" in page.text
    assert "Jabatan atau unit kerja Anda" in page.text
    assert 1 == len(site.sealed_items())
    page = write(reporter, page, TELLING, go="as-it-is")
    assert "Pesan Anda sudah disegel" in page.text
    assert TELLING == site.opened_items()[1].message


def test_changed_message_is_checked_again(site: Site, reporter: Visitor) -> None:
    """
    Who takes the place out sends with one press.
    """
    page = write(reporter, reporter.get("/case/"), TELLING)

    page = write(reporter, page, ORDINARY, go="check")

    assert "Pesan Anda sudah disegel" in page.text
    assert ORDINARY == site.opened_items()[1].message


def test_message_outlives_the_session(site: Site, visitor: Visitor) -> None:
    """
    After half an hour the text is still there, and the codename sends it.
    """
    codename = visitor.draw_codename()
    visitor.send_report()
    page = visitor.get("/case/")
    site.seconds += 31 * 60

    page = write(visitor, page, ORDINARY)
    assert 422 == page.status
    assert ORDINARY in page.text
    page = write(visitor, page, ORDINARY, codename="satu dua tiga")
    assert "tidak kami kenali" in page.text
    assert ORDINARY in page.text
    assert 1 == len(site.sealed_items())
    page = write(visitor, page, ORDINARY, codename=codename)

    assert "Pesan Anda sudah disegel" in page.text
    assert ORDINARY == site.opened_items()[1].message


def test_message_of_an_older_window_is_kept(site: Site, visitor: Visitor) -> None:
    """
    Whose cookie was replaced in another window presses once more.
    """
    codename = visitor.draw_codename()
    visitor.send_report()
    old = visitor.get("/case/")
    visitor.sign_in(codename)

    page = write(visitor, old, ORDINARY)
    assert 422 == page.status
    assert "tekan sekali lagi" in page.text
    page = write(visitor, page, ORDINARY)

    assert "Pesan Anda sudah disegel" in page.text
    assert [ItemKind.REPORT, ItemKind.MESSAGE] == [
        item.kind for item in site.opened_items()
    ]


def test_codename_is_no_message(site: Site, visitor: Visitor) -> None:
    """
    Who types the codename into the field for messages is stopped.
    """
    codename = visitor.draw_codename()
    visitor.send_report()

    page = write(visitor, visitor.get("/case/"), codename)

    assert 422 == page.status
    assert 1 == len(site.sealed_items())


@pytest.mark.parametrize("gone", ["/case/progress", "/case/files", "/case/contact"])
def test_withdrawn_case_asks_for_nothing_more(reporter: Visitor, gone: str) -> None:
    """
    After a withdrawal only the way to write to the officers is left.
    """
    form = reporter.get("/case/withdraw").hidden("/case/withdraw")
    page = reporter.post("/case/withdraw", form)

    assert "Ditarik oleh Anda" in page.text
    assert gone not in page.text
    assert f'action="{PATH}"' in page.text
