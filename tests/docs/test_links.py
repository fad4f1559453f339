"""Links between the pages lead somewhere, and nowhere outside by a path."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from support.pages import ROOT, anchors_of, lines_of, links_of, pages

ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:")
"""A scheme: https, mailto."""

OF_ONE_MACHINE = re.compile(
    r"""
    (?<![\w./<-])
    (?: /(?:home|root|Users|work|mnt|media)/[\w.] | [A-Z]:\\ | file:/ )
    """,
    re.VERBOSE,
)
EACH_PAGE = pytest.mark.parametrize(
    "page", pages(), ids=lambda page: str(page.relative_to(ROOT))
)


@EACH_PAGE
def test_links_resolve(page: Path) -> None:
    """
    Every link within the repository leads to a file and, if it says so, a heading.
    """
    broken = []
    for line, target in links_of(page):
        if ELSEWHERE.match(target):
            continue
        name, _, anchor = unquote(target).partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.is_relative_to(ROOT) or not file.exists():
            broken.append(f"{line.place}: there is no {target}")
        elif anchor and anchor not in anchors_of(file):
            broken.append(f"{line.place}: no heading for {target}")

    assert [] == broken, "\n".join(broken)


@EACH_PAGE
def test_no_path_of_one_machine(page: Path) -> None:
    """
    A page names no path that exists only on the machine of the one who wrote it.
    """
    found = [
        f"{line.place}: {line.text.strip()}"
        for line in lines_of(page)
        if OF_ONE_MACHINE.search(line.text)
    ]

    assert [] == found, "\n".join(found)
