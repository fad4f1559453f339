"""The public pages: useful to whoever opens them, and shown as the profile says."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from support.site import Keys, Site, running_site
from support.visitor import Visitor

from casework.profile import Profile, shipped_profile
from source_app.wire import SMALLEST_PAGE_BYTES

LISTED = 'cover_pages = ["rights", "lpsk", "aid"]'
COVER_PAGES = ["/information", "/rights", "/lpsk", "/aid"]

TITLES = {
    "id": {
        "/information": "Informasi",
        "/rights": "Hak pelapor",
        "/lpsk": "LPSK dan lembaga lain",
        "/aid": "Pengaduan bantuan sosial",
    },
    "en": {
        "/information": "Information",
        "/rights": "Rights of reporters",
        "/lpsk": "LPSK and other bodies",
        "/aid": "Complaints about social aid",
    },
}


def profile_with(cover_pages: str) -> Profile:
    """The shipped profile with another line in place of its public pages."""
    text = shipped_profile()
    assert LISTED in text
    return Profile.parse(text.replace(LISTED, cover_pages))


def headings(html: str) -> list[str]:
    """Return the headings of a page, tags left out."""
    found = re.findall(r"<h[1-6][^>]*>(.*?)</h[1-6]>", html, re.S)
    return [re.sub(r"<[^>]+>", "", heading) for heading in found]


@pytest.fixture(params=["id", "en"])
def language(request: pytest.FixtureRequest) -> str:
    """Both languages of the site."""
    return str(request.param)


@pytest.fixture
def reader(visitor: Visitor, language: str) -> Visitor:
    """A visitor who has chosen their language."""
    assert 200 == visitor.get(f"/language/{language}").status
    return visitor


@pytest.mark.parametrize("path", COVER_PAGES)
def test_page_is_shown_in_both_languages(
    reader: Visitor, language: str, path: str
) -> None:
    """
    Each page answers, under the title that its language gives it.
    """
    page = reader.get(path)

    assert 200 == page.status
    assert TITLES[language][path] == headings(page.text)[0]


@pytest.mark.parametrize("path", COVER_PAGES)
def test_page_is_as_long_as_any_other(reader: Visitor, path: str) -> None:
    """
    Whoever counts bytes cannot tell a public page from the first one.
    """
    assert SMALLEST_PAGE_BYTES == reader.get(path).wire_bytes


@pytest.mark.parametrize("path", COVER_PAGES)
def test_nothing_leads_away_from_the_site(reader: Visitor, path: str) -> None:
    """
    Every link stays here: another site would be opened from the same window.
    """
    text = reader.get(path).body.decode()

    links = re.findall(r'\b(?:href|src|action)="([^"]*)"', text)

    assert links
    assert [] == [
        link for link in links if not re.match(r"/(?!/)|#", link) and link != "data:,"
    ]


@pytest.mark.parametrize("path", COVER_PAGES)
def test_every_link_finds_its_page(reader: Visitor, path: str) -> None:
    """
    What a public page links to exists, down to the place within the page.
    """
    text = reader.get(path).body.decode()

    for link in set(re.findall(r'href="(/[^"]*)"', text)):
        assert 200 == reader.get(link).status, link
    for place in re.findall(r'href="#([^"]*)"', text):
        assert f'id="{place}"' in text


@pytest.mark.parametrize("path", COVER_PAGES)
def test_headings_are_in_order(reader: Visitor, path: str) -> None:
    """
    One first heading comes first, and no level is skipped.
    """
    text = reader.get(path).body.decode()

    levels = [int(level) for level in re.findall(r"<h([1-6])", text)]

    assert 1 == levels[0]
    assert 1 == levels.count(1)
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("path", COVER_PAGES[1:])
def test_page_names_its_sources_and_when_they_were_read(
    visitor: Visitor, path: str
) -> None:
    """
    Each page of facts ends with where they come from and how old they are.
    """
    page = visitor.get(path).text

    assert "Sumber" == headings(page)[-2]
    assert "Terakhir diperiksa: November 2026" in page


def test_overview_leads_to_each_page(visitor: Visitor) -> None:
    """
    The overview links to every page that the profile lists.
    """
    text = visitor.get("/information").body.decode()
    body = text[text.index("<main") : text.index('<aside class="side"')]

    assert COVER_PAGES[1:] == re.findall(r'<h2><a href="([^"]*)"', body)


@pytest.mark.parametrize("path", COVER_PAGES)
def test_signed_in_reporter_may_read(reporter: Visitor, path: str) -> None:
    """
    A reporter reads on without losing their visit.
    """
    assert 200 == reporter.get(path).status
    assert 200 == reporter.get("/case/").status


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (LISTED, COVER_PAGES),
        ('cover_pages = ["lpsk"]', ["/information", "/lpsk"]),
        ("cover_pages = []", []),
        ("", ["/information", "/rights", "/lpsk"]),
    ],
)
def test_profile_decides_what_is_shown(
    tmp_path: Path, keys: Keys, line: str, shown: list[str]
) -> None:
    """
    A page that the profile does not list answers as one that does not exist.
    """
    with running_site(tmp_path, keys, profile=profile_with(line)) as site:
        window = site.visitor()

        statuses = {path: window.get(path).status for path in COVER_PAGES}
        linked = {
            link
            for path in shown
            for link in re.findall(r'href="(/[^"]*)"', window.get(path).body.decode())
        }

    assert {p: 200 if p in shown else 404 for p in COVER_PAGES} == statuses
    assert set() == (linked & set(COVER_PAGES)) - set(shown)


def test_institution_is_named_by_the_profile(tmp_path: Path, keys: Keys) -> None:
    """
    What speaks for any institution bears the name of the one whose site it is.
    """
    text = shipped_profile().replace("Kementerian Sosial", "Lembaga Uji")
    with running_site(tmp_path, keys, profile=Profile.parse(text)) as site:
        window = site.visitor()

        pages = [window.get(path).text for path in ("/information", "/rights", "/lpsk")]

    assert [True] * 3 == ["Lembaga Uji" in page for page in pages]
    assert [False] * 3 == ["Kementerian Sosial" in page for page in pages]


@pytest.mark.parametrize("path", COVER_PAGES)
def test_page_is_the_same_for_all(site: Site, path: str) -> None:
    """
    Nothing on a public page tells one reader from another.
    """
    assert site.visitor().get(path).body == site.visitor().get(path).body
