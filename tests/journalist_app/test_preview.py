"""An answer in the desk's preview, and on the page that its reporter opens."""

import html
import io
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.office import NAMES, Office, OfficeTemplate
from support.reporters import DAY
from support.screens import Screen
from support.site import Keys, Site, running_site
from support.visitor import Visitor

from casework.reply import CaseStatus, ReplyKind
from journalist_app.workstation.queueing import list_cases

ANI = NAMES[0]
TEXT = 'Terima kasih & "salam".\n\nKami periksa <b>semuanya</b>.'
FILE_NAME = "Surat <b> tanda terima.pdf"
FILE = b"%PDF-1.7" + bytes(150_000)
_ARTICLE = re.compile(r"<article[ >].*?</article>", re.DOTALL)
_ENTRY = re.compile(r"<li>(.*?)</li>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


@pytest.fixture
def site(tmp_path: Path, office_template: OfficeTemplate) -> Iterator[Site]:
    """A site that seals to nobody yet, and believes the office's organisation."""
    keys = Keys(tmp_path / "none", office_template.organisation_key, (), ())
    with running_site(tmp_path, keys, officers=0) as running:
        yield running


@pytest.fixture
def office(
    tmp_path: Path, office_template: OfficeTemplate, site: Site
) -> Iterator[Office]:
    """Ani's desk, with the site's own dead drop between."""
    with ExitStack() as stack:
        office = Office(tmp_path, office_template, site.drop, site.keyring, stack)
        office.open(ANI)
        office.enrol(ANI)
        yield office


def visible(page: str) -> str:
    """Return the text of a piece of a page as a browser shows it, on one line."""
    return " ".join(html.unescape(_TAG.sub(" ", page)).split())


def articles(page: str) -> list[str]:
    """Return the answers on a page, as they are written in it."""
    return _ARTICLE.findall(page)


def files_of(article: str) -> list[str]:
    """Return the entries of an answer's list of files."""
    return [visible(entry) for entry in _ENTRY.findall(article)]


def report_in(language: str, site: Site) -> Visitor:
    """Let somebody report who reads in a language."""
    visitor = site.visitor()
    visitor.draw_codename()
    visitor.get(f"/language/{language}?next=/")
    assert 200 == visitor.send_report().status
    return visitor


@pytest.mark.slow
@pytest.mark.parametrize("language", ["id", "en"])
def test_a_preview_says_what_the_reporters_page_says(
    site: Site, office: Office, tmp_path: Path, language: str
) -> None:
    """
    The whole visible text of an answer, and its list of files, of every kind.

    The reporter's page has it from the desk's outbox, sealed and opened for real.
    """
    visitor = report_in(language, site)
    office.fetch(ANI)
    desk = office.desks[ANI]
    (case,) = list_cases(desk, today=DAY)
    screen = Screen(desk, stick=tmp_path)
    for after in (CaseStatus.VERIFICATION, CaseStatus.REGISTERED):
        screen.post(f"/cases/{case.name}/step", {"after": after.value})
    previewed = []
    for kind in ReplyKind:
        for do in ("preview", "seal"):
            answer = screen.post(
                f"/cases/{case.name}/answer/",
                {
                    "kind": kind.value,
                    "text": TEXT,
                    "files": (io.BytesIO(FILE), FILE_NAME),
                    "do": do,
                },
            )
            assert 200 == answer.status_code
            if do == "preview":
                previewed += articles(answer.text.partition('class="phone"')[2])
    office.bring(ANI)
    shown = articles(visitor.get("/case/").body.decode("utf-8"))

    assert len(ReplyKind) == len(previewed) == len(shown)
    assert sorted(map(visible, previewed)) == sorted(map(visible, shown))
    assert [files_of(one) for one in previewed] == [files_of(one) for one in shown]
    assert [1] * len(shown) == [len(files_of(one)) for one in shown]
