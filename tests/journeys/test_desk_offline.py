"""A whole case on two desks that have no network, driven in a real browser."""

from pathlib import Path

import pytest
from support.offline_case import assert_case_goes_through, in_place

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.slow]


def test_a_case_from_import_to_closing(tmp_path: Path) -> None:
    """
    One officer verifies and proposes, another one agrees; the reporter hears of it.
    """
    assert_case_goes_through(tmp_path, in_place)
