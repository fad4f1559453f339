"""Who is let in, and what an outsider can learn from trying."""

import pytest
from support.site import Site
from support.visitor import Visitor

from crypto.wordlist import load_wordlist

KEEP_TEXT = ("/report/write", "/case/message")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "satu dua tiga",
        "kata " * 10_000,
        "\0\0\0",
        "../../etc/passwd",
        "a" * 100_000,
    ],
)
def test_malformed_and_unknown_codenames_are_answered_alike(
    site: Site, typed: str
) -> None:
    """
    A malformed and an unknown codename get the same answer, byte for byte.
    """
    unknown = " ".join(load_wordlist("id").words[::600][:7])
    window = site.visitor()
    form = window.get("/case/sign-in").hidden("/case/sign-in")

    first = window.post("/case/sign-in", {**form, "codename": unknown})
    second = window.post("/case/sign-in", {**form, "codename": typed})

    assert "tidak kami kenali" in first.text
    assert 200 == first.status == second.status
    # Both answers carry the same form token: it follows from the cookie.
    assert first.timeless == second.timeless
    assert first.headers.keys() == second.headers.keys()


def test_refused_sign_in_leaves_no_trace(site: Site, visitor: Visitor) -> None:
    """
    Trying a codename writes nothing, neither a session nor a slot.
    """
    before = _rows(site)

    visitor.sign_in("satu dua tiga")

    assert before == _rows(site)


def test_codename_survives_slips_and_decoration(site: Site, visitor: Visitor) -> None:
    """
    Capitals, hyphens and one wrong letter do not keep a reporter out.
    """
    codename = visitor.draw_codename()
    visitor.send_report()
    words = codename.split()
    words[3] = words[3] + "q"

    page = site.visitor().sign_in(" - ".join(words).upper())

    assert "Laporan Anda" in page.text
    assert 200 == page.status


def test_sign_in_changes_the_cookie(site: Site, visitor: Visitor) -> None:
    """
    A cookie that somebody planted before the sign-in opens nothing after it.
    """
    codename = visitor.draw_codename()
    visitor.send_report()
    victim = site.visitor()
    victim.get("/case/sign-in")
    planted = dict(victim.cookies)

    victim.sign_in(codename)

    attacker = site.visitor()
    attacker.cookies = planted
    assert "/case/sign-in" in attacker.get("/case/", follow=False).location


def test_session_ends_after_half_an_hour(site: Site, reporter: Visitor) -> None:
    """
    Thirty minutes without a click sign a reporter out; a click starts them anew.
    """
    for _ in range(3):
        site.seconds += 29 * 60
        assert 200 == reporter.get("/case/", follow=False).status

    site.seconds += 31 * 60

    assert "/case/sign-in" in reporter.get("/case/", follow=False).location


@pytest.mark.parametrize("cookie", ["", "x", "A" * 44, "é", "=" * 44, "A" * 10_000])
def test_bad_cookie_is_no_cookie(site: Site, cookie: str) -> None:
    """
    A cookie that is not ours is as good as none.
    """
    window = site.visitor()
    window.cookies = {"bisik": cookie.encode("latin-1", "replace").decode("latin-1")}

    assert 200 == window.get("/").status
    assert 303 == window.get("/case/", follow=False).status


@pytest.mark.parametrize(
    "path",
    ["/report/start", "/report/retype", "/report/write", "/case/sign-in",
     "/case/message", "/case/files", "/case/progress",
     "/case/withdraw", "/case/sign-out"],
)  # fmt: skip  # One path after the other would fill a screen.
def test_every_form_needs_its_token(site: Site, reporter: Visitor, path: str) -> None:
    """
    A form without the token of this browser is refused and stores nothing.
    """
    before = site.sealed_items()

    page = reporter.post(path, {"text": "x", "token": "0" * 32}, follow=False)

    # Forms with a text are shown again, so that nothing typed is lost.
    assert (422 if path in KEEP_TEXT else 400) == page.status
    assert "Traceback" not in page.text
    assert before == site.sealed_items()


def _rows(site: Site) -> tuple[int, ...]:
    with site.drop.database.reading() as connection:
        return tuple(
            connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
            for table in ("session", "mailbox", "intake")
        )
