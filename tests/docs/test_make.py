"""What a page tells people to make exists."""

import re
import shlex
from pathlib import Path

import pytest
from support.pages import ROOT, commands_of, pages

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
LISTED = set(re.findall(r"^([a-z][a-z-]*):.*## ", MAKEFILE, re.MULTILINE))


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_make_targets_exist(page: Path) -> None:
    """
    Every `make something` on a page is a target of the Makefile.
    """
    unknown = []
    for line, command in commands_of(page):
        if re.match(r"make\b", command):
            words = shlex.split(command, comments=True)[1:]
            targets = {word for word in words if re.fullmatch(r"[a-z][a-z-]*", word)}
            unknown += [f"{line.place}: make {name}" for name in targets - TARGETS]

    assert [] == unknown, "\n".join(unknown)


def test_the_readme_shows_how_to_start() -> None:
    """
    The README names the commands that a newcomer needs: run, test and check.
    """
    shown = {command for _, command in commands_of(ROOT / "README.md")}

    assert {"make run", "make test", "make check"} <= shown


def test_help_lists_every_target() -> None:
    """
    `make help` shows all that people may call; the rest are its own steps.
    """
    assert {"debian-to-deploy", "debian-to-run", "debian-to-test"} == TARGETS - LISTED
