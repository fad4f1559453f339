"""The desk as officers see it: every page and state, in a real browser."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import (
    Browser,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)
from support.accessibility import violations
from support.browsers import chromium_with_large_text, fits, running_chromium
from support.busy_desk import ANI, TODAY, BusyDesk, fill
from support.office import NAMES, make_office_template, running_office
from support.reporters import make_bundle
from support.screens import Screen, serving_desk

from casework.profile import shipped_profile
from journalist_app.workstation.acting import state_of
from journalist_app.workstation.desk import Institution

pytestmark = [pytest.mark.browser, pytest.mark.journey, pytest.mark.slow]

DESKTOP = ViewportSize(width=1280, height=900)
WIDTHS = (1024, 1280, 1920)


@dataclass(frozen=True)
class Served:
    """A busy desk that answers, and a browser without a page."""

    base: str
    screen: Screen
    stick: Path
    seen: BusyDesk
    browser: Browser
    playwright: object

    def open(
        self,
        *,
        scheme: Literal["light", "dark"] = "light",
        language: str = "id",
        width: int = 1280,
    ) -> Page:
        """Let a new browser in."""
        context = self.browser.new_context(
            color_scheme=scheme, viewport=ViewportSize(width=width, height=900)
        )
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.goto(f"{self.base}/open/{self.screen.access.new_link()}")
        if language == "en":
            page.click("button[lang=en]")
        return page


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Three weeks of an office's work, on one desk, for all tests here."""
    base = tmp_path_factory.mktemp("office")
    stick = base / "stick"
    stick.mkdir()
    calendar = resources.files("casework").joinpath("calendars/indonesia.csv")
    institution = Institution(shipped_profile(), calendar.read_text("utf-8"))
    template = make_office_template(base / "template", institution)
    with running_office(base, template, *NAMES) as office:
        seen = fill(office)
        (stick / "bundle.tar").write_bytes(office.bundle_for(ANI, since=0))
        screen = Screen(office.desks[ANI], stick=stick, today=TODAY, let_in=False)
        with (
            serving_desk(screen) as url,
            sync_playwright() as playwright,
            running_chromium(playwright) as browser,
        ):
            yield Served(url, screen, stick, seen, browser, playwright)


def pages_of(served: Served) -> list[str]:
    """Return the addresses of all pages, in their different states."""
    case = f"/cases/{served.seen.rich}/"
    return [
        "/",
        "/?view=overdue&label=bansos",
        "/?view=today&label=panti",
        "/search?q=bantuan",
        "/search?q=kapibara",
        case,
        f"/cases/{served.seen.proposed}/",
        f"/cases/{served.seen.hostile}/",
        f"/cases/{served.seen.contact}/",
        f"{case}answer/?draft=needs-completion",
        f"{case}exposure/",
        f"{case}case-file/",
        f"/cases/{served.seen.hostile}/exposure/",
        "/carrying/",
        "/officers",
        "/help",
        "/cases/tidak-ada/",
    ]


@pytest.mark.parametrize(("scheme", "language"), [("light", "id"), ("dark", "en")])
def test_every_page_is_accessible(
    served: Served, scheme: Literal["light", "dark"], language: str
) -> None:
    """axe-core finds nothing on any page, with everything unfolded that can be."""
    page = served.open(scheme=scheme, language=language)
    for path in pages_of(served):
        page.goto(served.base + path)
        if path.startswith("/cases/") and path.count("/") == 3:
            assert [] == violations(page), (path, "folded")
        for folded in page.locator("details").all():
            folded.evaluate("one => one.open = true")
        assert [] == violations(page), (path, "unfolded")
    page.goto(f"{served.base}/cases/{served.seen.rich}/answer/?draft=registered")
    page.click("button[value=preview]")
    assert [] == violations(page), "preview"
    page.goto(f"{served.base}/cases/{served.seen.rich}/")
    files = page.locator(".files a[href*='/files/']")
    for file in [one.get_attribute("href") for one in files.all()]:
        for asked in (file, f"{file}original"):
            page.goto(f"{served.base}{asked}")
            assert [] == violations(page), asked
    page.goto(f"{served.base}/carrying/")
    page.click("#ambil ~ form button")
    page.wait_for_selector("#hasil")
    page.locator("main details").last.evaluate("one => one.open = true")
    assert [] == violations(page), "imported"
    page.context.clear_cookies()
    page.goto(served.base)
    assert [] == violations(page), "closed"
    page.context.close()


@pytest.mark.parametrize(("scheme", "language"), [("light", "id"), ("dark", "en")])
def test_pages_that_only_an_action_leads_to_are_accessible(
    served: Served, scheme: Literal["light", "dark"], language: str
) -> None:
    """
    axe-core finds nothing on the results of several bundles, one whole, one damaged and
    one of another installation, nor on contact details that were opened.
    """
    page = served.open(scheme=scheme, language=language)
    stick = served.stick
    whole = (stick / "bundle.tar").read_bytes()
    others = {
        "rusak.tar": whole[: len(whole) * 2 // 3],
        "asing.tar": make_bundle({}, installation=b"\x77" * 16).getvalue(),
    }
    for name, content in others.items():
        (stick / name).write_bytes(content)
    try:
        page.goto(f"{served.base}/carrying/")
        page.click("form[action$='import-all'] button")
        page.wait_for_selector("#hasil", timeout=120_000)
    finally:
        for name in others:
            (stick / name).unlink()
    assert 2 == page.locator("main h2[id^=hasil]").count()
    assert 1 == page.locator("#ambil ~ .notice.wrong").count()
    assert 1 == page.locator("h2[id^=hasil] + .notice.wrong").count()
    for folded in page.locator("details").all():
        folded.evaluate("one => one.open = true")
    assert [] == violations(page), "several results"

    page.goto(f"{served.base}/cases/{served.seen.contact}/")
    form = page.locator("form[action*='/contact/']")
    for folded in page.locator("details").all():
        folded.evaluate("one => one.open = true")
    form.locator("[name=reason]").fill("Pelapor minta ditelepon.")
    form.locator("button").click()
    page.wait_for_selector(".card .said")
    assert "0811-contoh" in page.inner_text("main")
    assert [] == violations(page), "contact"
    page.context.close()


def test_nothing_sticks_out(served: Served) -> None:
    """From 1024 to 1920 pixels no page scrolls sideways, whatever its text is."""
    page = served.open()
    for path in pages_of(served):
        page.goto(served.base + path)
        for width in WIDTHS:
            page.set_viewport_size(ViewportSize(width=width, height=900))
            assert fits(page), (path, width)
    page.context.close()


def test_text_may_be_twice_as_large(served: Served) -> None:
    """At 1280 pixels and 200 % nothing sticks out, and all can be read."""
    with chromium_with_large_text(served.playwright, 200, DESKTOP) as page:  # type: ignore[arg-type]
        page.goto(f"{served.base}/open/{served.screen.access.new_link()}")
        for path in pages_of(served):
            page.goto(served.base + path)
            assert fits(page), path
            # What stays at the top leaves most of the window to what it is about.
            for head in page.locator(".casehead").all():
                assert "static" == head.evaluate("e => getComputedStyle(e).position")


def test_hostile_words_stay_in_their_place(served: Served) -> None:
    """A title of 200 letters, of marks or of nothing takes two lines at most."""
    page = served.open()
    heights = [
        title.evaluate("one => one.getBoundingClientRect().height")
        for one in (1, 2)
        if page.goto(f"{served.base}/?view=all&page={one}")
        for title in page.locator(".queue a.title").all()
    ]
    assert len(heights) > 50
    assert max(heights) < 60
    page.goto(f"{served.base}/cases/{served.seen.hostile}/")
    assert page.locator("dd .said >> nth=0").bounding_box()["height"] < 500  # type: ignore[index]
    assert 0 == page.locator("main img, main script").count()
    page.context.close()


def focused(page: Page) -> str:
    """Return the words of what has the focus."""
    return str(page.evaluate("document.activeElement.innerText || ''")).strip()


def wait_for_page_with(page: Page, selector: str) -> None:
    """Wait for something on a page and for its script, which listens to keys."""
    page.wait_for_selector(selector)
    page.wait_for_load_state()


def test_keys_lead_through_the_queue_and_a_case(served: Served) -> None:
    """j and k choose, Enter opens, letters act, u goes back, and z takes back."""
    page = served.open()
    titles = page.locator(".queue a.title").all_inner_texts()
    page.keyboard.press("j")
    assert titles[0].strip() == focused(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert titles[1].strip() == focused(page)
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/*/")
    case, name = page.url, page.url.rstrip("/").rpartition("/")[2]

    page.keyboard.press("l")
    page.keyboard.type("jkagz")
    page.keyboard.press("Enter")
    wait_for_page_with(page, "section[aria-labelledby=label] .notice")
    assert "jkagz" in state_of(served.screen.services.desk, name).labels
    page.keyboard.press("z")
    wait_for_page_with(page, "text=Dibatalkan.")
    assert "jkagz" not in state_of(served.screen.services.desk, name).labels

    page.keyboard.press("n")
    assert "tulis" == page.evaluate("document.activeElement.id")
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    page.wait_for_url("**/exposure/")
    page.keyboard.press("u")
    page.wait_for_url(case)
    page.keyboard.press("a")
    page.wait_for_url("**/answer/")
    for keys, path in (("gk", "/carrying/"), ("gp", "/officers"), ("gq", "/")):
        page.keyboard.type(keys)
        page.wait_for_url(served.base + path)
    page.keyboard.press("/")
    page.keyboard.type("kapibara")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=kapibara")
    page.keyboard.press("?")
    page.wait_for_url("**/help")
    page.context.close()


def test_letters_do_nothing_in_fields(served: Served) -> None:
    """What is typed is text, and nothing else happens."""
    page = served.open()
    page.goto(f"{served.base}/cases/{served.seen.rich}/")
    page.click("#tulis")
    page.keyboard.type("gq axz ?/ jk")
    assert "gq axz ?/ jk" == page.input_value("#tulis")
    assert page.url.endswith(f"/cases/{served.seen.rich}/")
    page.context.close()


def test_shortcuts_can_be_switched_off(served: Served) -> None:
    """WCAG 2.1.4: then letters do nothing, until they are switched on again."""
    page = served.open()
    page.goto(f"{served.base}/help")
    page.click("button[name=keys]")
    wait_for_page_with(page, "text=Pintasan mati.")
    page.goto(served.base)
    page.keyboard.press("j")
    page.keyboard.type("gp")
    page.keyboard.press("?")
    page.wait_for_timeout(300)
    assert f"{served.base}/" == page.url
    assert "BODY" == page.evaluate("document.activeElement.tagName")

    page.goto(f"{served.base}/help")
    page.click("button[name=keys]")
    wait_for_page_with(page, "text=Pintasan menyala.")
    page.keyboard.type("gq")
    page.wait_for_url(f"{served.base}/")
    page.context.close()


def test_all_is_reached_by_tab(served: Served) -> None:
    """The first Tab leads past the menu; what has the focus is never hidden."""
    page = served.open()
    page.goto(f"{served.base}/cases/{served.seen.rich}/")
    page.keyboard.press("Tab")
    assert "Langsung ke isi halaman" == focused(page)
    page.keyboard.press("Enter")
    reached = 0
    for _ in range(400):
        page.keyboard.press("Tab")
        hidden, inside = page.evaluate(
            """() => {
              const one = document.activeElement;
              const head = document.querySelector('.casehead');
              if (!one.closest('main')) return [false, false];
              const box = one.getBoundingClientRect();
              const below = head.contains(one) ||
                box.bottom > head.getBoundingClientRect().bottom;
              return [!below || box.top > innerHeight, true];
            }"""
        )
        if not inside:
            break
        assert not hidden, focused(page)
        reached += 1
    assert reached > 30
    page.context.close()


def test_marked_words_are_offered_for_blackening(served: Served) -> None:
    """Words that are selected in a text stand in its field."""
    page = served.open()
    page.goto(f"{served.base}/cases/{served.seen.rich}/exposure/")
    page.locator(".passage .said >> nth=0").dblclick(position={"x": 12, "y": 10})
    chosen = page.evaluate("getSelection().toString().trim()")
    assert chosen
    expect(page.locator("[data-words] >> nth=0")).to_have_value(chosen)
    page.context.close()


def test_an_import_is_followed_without_loading_the_page(served: Served) -> None:
    """How far it has come is seen where it began, and at the end the result is."""
    page = served.open()
    page.goto(f"{served.base}/carrying/")
    page.click("#ambil ~ form button")
    page.wait_for_selector("#hasil")
    assert "Semua yang disebut dalam bundel ada dan utuh." in page.inner_text("main")
    page.context.close()


def test_a_case_can_be_printed(served: Served) -> None:
    """On paper are what was said and done, and no button."""
    page = served.open()
    page.goto(f"{served.base}/cases/{served.seen.rich}/")
    page.emulate_media(media="print")
    for hidden in (".side", "#langkah", "main button >> nth=0"):
        assert not page.locator(hidden).first.is_visible()
    for shown in ("h1", "#laporan", "#jalannya", "#riwayat", ".notes"):
        assert page.locator(shown).first.is_visible()
    page.context.close()
