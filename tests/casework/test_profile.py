"""The profile: what an institution may say of itself, and what is refused."""

import pytest

from casework.profile import (
    COVER_PAGES,
    MalformedProfile,
    Profile,
    shipped_profile,
)

LISTED = 'cover_pages = ["rights", "lpsk", "aid"]'


def with_cover_pages(line: str) -> str:
    """The shipped profile's text with another line for its public pages."""
    text = shipped_profile()
    assert LISTED in text
    return text.replace(LISTED, line)


def test_shipped_profile_shows_every_public_page() -> None:
    """
    The ministry's own profile lists the page that is about its own aid.
    """
    profile = Profile.parse(shipped_profile())

    assert list(COVER_PAGES) == profile.cover_pages


def test_social_aid_is_shown_only_when_asked_for() -> None:
    """
    A profile that says nothing of public pages suits any Indonesian institution.
    """
    profile = Profile.parse(with_cover_pages(""))

    assert ["rights", "lpsk"] == profile.cover_pages


@pytest.mark.parametrize("language", ["id", "en"])
def test_pages_keep_their_order_in_every_language(language: str) -> None:
    """
    The site shows the pages in the order of the profile.
    """
    profile = Profile.parse(with_cover_pages('cover_pages = ["lpsk", "rights"]'))

    assert ("lpsk", "rights") == profile.in_language(language).cover_pages


@pytest.mark.parametrize(
    ("line", "place", "fault"),
    [
        ('cover_pages = ["rights", "news"]', "cover_pages.1", "'news' is no page"),
        ('cover_pages = ["Rights"]', "cover_pages.0", "'Rights' is no page"),
        ('cover_pages = ["../faq"]', "cover_pages.0", "'../faq' is no page"),
        ('cover_pages = ["lpsk", "lpsk"]', "cover_pages", "'lpsk' is listed twice"),
        ('cover_pages = "rights"', "cover_pages", "valid list"),
        ("cover_pages = [1]", "cover_pages.0", "valid string"),
    ],
)
def test_wrong_public_page_is_refused_by_name(
    line: str, place: str, fault: str
) -> None:
    """
    The refusal says which entry is wrong, and why.
    """
    with pytest.raises(MalformedProfile) as refusal:
        Profile.parse(with_cover_pages(line))

    assert f"'{place}'" in str(refusal.value)
    assert fault in str(refusal.value)
