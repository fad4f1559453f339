import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.errors import MalformedSettings
from ops.settings import Settings, render_settings


def test_new_settings_are_read() -> None:
    """What init writes is what the defaults are."""
    assert Settings() == Settings.parse(render_settings(database=None))


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x7f")))
def test_any_database_is_written(address: str) -> None:
    """No character of an address can break out of its string."""
    rendered = Settings.parse(render_settings(database=address))
    assert (address or None) == rendered.database


@pytest.mark.parametrize(
    "text",
    ["port =", "port = 0", 'port = "8080"', "secret = 1", "version = 2", "hosts = [1]"],
)
def test_mistakes_are_named(text: str) -> None:
    """The field is named."""
    with pytest.raises(MalformedSettings, match=r"bisik\.toml"):
        Settings.parse(text)


def test_a_password_is_never_shown() -> None:
    """Neither an error nor the settings themselves quote the database."""
    text = 'database = "postgresql://u:hush@h/d"'
    assert "hush" not in repr(Settings.parse(text))
    with pytest.raises(MalformedSettings) as caught:
        Settings.parse(text.replace("=", "= 1 #"))
    assert "hush" not in str(caught.value)
