"""
A reporter's way through the site, written once for every browser.

The steps know the pages; a driver knows its browser.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

FORM = "form[action='/report/write']"
RETYPE = "main form[action^='/report/'] button[type=submit]"


class Driver(Protocol):
    """What a reporter does with a browser; elements are named by CSS selectors."""

    def goto(self, path: str) -> None:
        """Open a page of the site."""

    def fill(self, css: str, text: str) -> None:
        """Type into a field."""

    def click(self, css: str) -> None:
        """Press a button, or follow a link."""

    def text(self, css: str) -> str:
        """Read what stands in the first such element."""

    def choose_files(self, css: str, paths: Sequence[Path]) -> None:
        """Choose files from the disk."""


def draw_codename(driver: Driver) -> list[str]:
    """Go from the first page to the form; return the seven words."""
    driver.goto("/")
    driver.click("a.choice.first")
    driver.click("main form button[type=submit]")
    words = driver.text("code.line").split()
    driver.click("main a.button")
    retype(driver, words, driver.text("p.lead"))
    return words


def retype(driver: Driver, words: Sequence[str], asked: str) -> None:
    """Type the two words that a sentence asks for."""
    first, second = re.findall(r"\d", asked)
    driver.fill("#first_word", words[int(first) - 1])
    driver.fill("#second_word", words[int(second) - 1])
    driver.click(RETYPE)


def write_report(driver: Driver, *, title: str, what: str) -> None:
    """Fill in the form step by step, up to its check."""
    driver.fill("#title", title)
    driver.fill("#what", what)
    driver.click(f"{FORM} button[value=details]")
    driver.fill("#where", "Desa Contoh")
    driver.click(f"{FORM} button[value=care]")
    driver.fill("#risk", "Sedikit yang tahu")
    driver.click(f"{FORM} button[value=check]")


def send_report(driver: Driver) -> None:
    """Send what was checked."""
    driver.click(f"{FORM} .last button[value=send]")


def rehearse(driver: Driver, words: Sequence[str]) -> None:
    """Type two more words after sending."""
    retype(driver, words, driver.text("section[aria-labelledby=ulang] > p"))


def send_files(driver: Driver, paths: Sequence[Path]) -> None:
    """Add documents on the case page."""
    driver.goto("/case/")
    driver.choose_files("#files", paths)
    driver.click("section[aria-labelledby=lampiran] button")


def sign_in(driver: Driver, words: Sequence[str]) -> None:
    """Come back with the codename."""
    driver.goto("/case/sign-in")
    driver.fill("#codename", " ".join(words))
    driver.click("main form button")
