"""Every page and state of the site against axe-core, in both languages and schemes."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright, ViewportSize, sync_playwright
from support import telling_files, walk
from support.accessibility import violations
from support.answering import leave_answer
from support.browsers import (
    DESKTOP,
    PHONE,
    ChromiumDriver,
    chromium_with_large_text,
    fits,
    running_chromium,
)
from support.server import Service, made_service

from casework.notice import LONGEST_CHARACTERS, Notice
from casework.reply import CaseStatus, Letter, ReplyKind
from ops.noticing import write_notice

pytestmark = [pytest.mark.browser, pytest.mark.journey, pytest.mark.slow]

PUBLIC = ["/", "/faq", "/safety", "/information", "/rights", "/lpsk", "/aid", "/x"]
ROLES = ("verifikator", "penelaah")
TELLING = "Saya bendahara. Telepon 0812-3456-7890, dan hanya saya yang tahu."


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """
    A service with officers of two roles, so that every question is asked.

    With the longest notice, so that every page is looked at with one.
    """
    base = tmp_path_factory.mktemp("service")
    with made_service(base, officers=len(ROLES)) as made:
        with made.opened() as server:
            officers = server.drop.officers.list()
            for officer, role in zip(officers, ROLES, strict=True):
                server.drop.officers.set_role(officer.fingerprint, role)
        text = ("Pengumuman uji. " * LONGEST_CHARACTERS)[:LONGEST_CHARACTERS].strip()
        write_notice(made.directory, Notice.of(text, text, made.today))
        made.start()
        yield made


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """What drives browsers."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Debian's Chromium."""
    with running_chromium(playwright) as chromium:
        yield chromium


def states(service: Service, page: Page, language: str) -> Iterator[str]:
    """Go through all states of the site; name each when it is shown."""
    driver = ChromiumDriver(page, f"http://127.0.0.1:{service.port}")
    driver.goto(f"/language/{language}?next=/")
    for path in PUBLIC:
        driver.goto(path)
        yield path
    driver.goto("/report/start")
    yield "start"
    driver.click("main form button")
    yield "codename"
    words = driver.text("code.line").split()
    driver.click("main a.button")
    yield "retype"
    asked = driver.text("p.lead")
    driver.click(walk.RETYPE)
    yield "retype, wrong"
    walk.retype(driver, words, asked)
    yield "form, event"
    driver.click(f"{walk.FORM} button[value=details]")
    yield "form, event, wrong"
    driver.fill("#title", "Judul")
    driver.fill("#what", TELLING)
    for step in ("details", "care", "check"):
        driver.click(f"{walk.FORM} button[value={step}]")
        yield f"form, {step}"
    walk.send_report(driver)
    yield "acknowledged"
    driver.click(walk.RETYPE)
    yield "acknowledged, wrong"
    walk.rehearse(driver, words)
    yield "acknowledged, rehearsed"
    driver.goto("/case/")
    yield "case"
    answer(service)
    driver.goto("/case/")
    yield "case, answered"
    driver.click("section[aria-labelledby=kontak] button")
    yield "case, wrong contact"
    driver.fill("#text", TELLING)
    driver.click("section[aria-labelledby=pesan] button")
    yield "message, checked"
    driver.click("button.second")
    driver.click(".unread form button")
    yield "case, read"
    page.check("#look")
    page.set_input_files(
        "#files",
        {
            "name": "foto.jpg",
            "mimeType": "image/jpeg",
            "buffer": telling_files.jpeg_with_position(),
        },
    )
    driver.click("section[aria-labelledby=lampiran] button")
    yield "case, files looked into"
    driver.goto("/case/withdraw")
    yield "withdraw"
    driver.click("main button.danger")
    yield "case, withdrawn"
    driver.click("aside.side form[action='/case/sign-out'] button")
    yield "signed out"
    driver.goto("/case/sign-in")
    yield "sign-in"
    driver.fill("#codename", "satu dua tiga")
    driver.click("main form button")
    yield "sign-in, refused"


def answer(service: Service) -> None:
    """Leave an answer that shows all that an answer can have."""
    letter = Letter(
        kind=ReplyKind.CONTACT_REQUEST,
        day=service.today,
        language="id",
        text="Mohon kontak Anda.",
        status=CaseStatus.REGISTERED,
        registration_number="UJI-001",
        due_day=service.today,
    )
    item = service.opened_items()[-1]
    with service.opened() as server:
        desk_id = server.drop.officers.list()[0].desk_id
        leave_answer(
            server.drop, item, letter, desk_id=desk_id, files=[("surat.pdf", b"x")]
        )


@pytest.mark.parametrize(("scheme", "language"), [("light", "id"), ("dark", "en")])
def test_no_violation_in_any_state(
    service: Service, browser: Browser, scheme: str, language: str
) -> None:
    """
    axe-core finds nothing on any page in any state, contrast included.

    Colours are those of the scheme, and words those of the language: two walks see
    both of each.
    """
    context = browser.new_context(
        bypass_csp=True,
        viewport=PHONE if language == "id" else DESKTOP,
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    found: dict[str, list[str]] = {}
    seen = 0
    for state in states(service, page, language):
        seen += 1
        assert language == page.get_attribute("html", "lang")
        assert 1 == page.locator("aside.posted").count()
        if wrong := violations(page):
            found[state] = wrong
    context.close()

    assert {} == found
    assert seen >= 30


def test_violations_are_found(browser: Browser) -> None:
    """
    On a page with pale text and a nameless field, axe-core finds both.
    """
    page = browser.new_page()
    page.set_content(
        "<html lang=id><title>x</title><main><h1>Uji</h1>"
        "<p style='color:#ccc;background:#fff'>pucat</p><input></main></html>"
    )

    found = " ".join(violations(page))

    assert "color-contrast" in found
    assert "label" in found


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_text_of_twice_the_size_fits(
    service: Service, playwright: Playwright, size: ViewportSize
) -> None:
    """
    With text at 200 % nothing sticks out of the screen in any state.
    """
    with chromium_with_large_text(playwright, 200, size) as page:
        page.goto(f"http://127.0.0.1:{service.port}/")
        assert "32px" == font_size(page)

        too_wide = [state for state in states(service, page, "id") if not fits(page)]

    assert [] == too_wide


def font_size(page: Page) -> str:
    """Return the size of the root's text; the protocol reads it without scripts."""
    size: str = page.evaluate("getComputedStyle(document.documentElement).fontSize")
    return size


def test_errors_are_announced_and_linked(service: Service, browser: Browser) -> None:
    """
    What is wrong is in an alert at the top, in the title, and one key from its field.
    """
    page = browser.new_page(java_script_enabled=False)
    driver = ChromiumDriver(page, f"http://127.0.0.1:{service.port}")
    walk.draw_codename(driver)
    driver.fill("#what", "Peristiwa yang panjang")
    driver.click(f"{walk.FORM} button[value=details]")

    assert re.match("Kesalahan:", page.title())
    alert = page.locator("[role=alert]")
    assert "Judul laporan" in alert.inner_text()
    assert "#title" == alert.locator("a").first.get_attribute("href")
    assert "true" == page.get_attribute("#title", "aria-invalid")
    described = (page.get_attribute("#title", "aria-describedby") or "").split()
    assert "perlu diisi" in page.inner_text(f"#{described[0]}")
    assert "Peristiwa yang panjang" == page.input_value("#what")
    page.close()


def test_pictures_are_not_needed(service: Service, playwright: Playwright) -> None:
    """
    A page is one request, in a browser too: no picture, font, script or icon.
    """
    with chromium_with_large_text(playwright, 100, PHONE) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        for path in PUBLIC:
            page.goto(f"http://127.0.0.1:{service.port}{path}")

    assert len(PUBLIC) == len(asked)
