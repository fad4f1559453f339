"""
axe-core, the accessibility rules, run in a real browser.

The rules need scripts; the pages do not, so that a context with scripts shows the
same page, and the notice for browsers that run scripts besides.
"""

from importlib import resources
from typing import Any

from playwright.sync_api import Page

# The levels A and AA of WCAG 2.0 to 2.2, and what is good practice besides.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

_AXE = (
    resources.files("axe_playwright_python")
    .joinpath("axe.min.js")
    .read_text(encoding="utf-8")
)


def violations(page: Page) -> list[str]:
    """Return what is wrong with a page, one line for each element."""
    page.evaluate(_AXE)
    found: dict[str, Any] = page.evaluate(
        "tags => axe.run({runOnly: tags, resultTypes: ['violations']})", TAGS
    )
    return [
        f"{rule['id']} ({rule['impact']}): {node['target']}: {rule['help']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
