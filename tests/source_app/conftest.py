"""Fixtures of the reporters' site."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.site import Keys, Site, running_site
from support.visitor import Visitor


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """Real keys of test people."""
    return Keys.make(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def site(tmp_path: Path, keys: Keys) -> Iterator[Site]:
    """A site with one officer."""
    with running_site(tmp_path, keys) as running:
        yield running


@pytest.fixture
def visitor(site: Site) -> Visitor:
    """A new visitor."""
    return site.visitor()


@pytest.fixture
def reporter(visitor: Visitor) -> Visitor:
    """A visitor who has sent a report and is signed in."""
    visitor.draw_codename()
    page = visitor.send_report()
    assert page.status == 200
    return visitor
