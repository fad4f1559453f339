"""The installation is made once, and an error says what went wrong."""

import pytest
from support.deaddrop_samples import DAY, Entropy, read_everything, seeded

import deaddrop
from deaddrop import (
    AlreadyInstalled,
    DeadDrop,
    DeadDropError,
    KnownDummies,
    NotInstalled,
    NotMigrated,
    StaleSlot,
    open_deaddrop,
)


def test_an_installation_is_made_once(drop: DeadDrop) -> None:
    """A second installation is refused, and the first stays as it was."""
    made = drop.installation
    assert (16, 16, 32) == (
        len(made.installation_id),
        len(made.salt),
        len(made.secret_key),
    )
    before = read_everything(drop)
    with pytest.raises(AlreadyInstalled):
        drop.create_installation(seeded(99), day=DAY)
    assert before == read_everything(drop)
    assert made == drop.installation


def test_an_installation_is_found_again(
    drop: DeadDrop, url: str, known: KnownDummies, entropy: Entropy
) -> None:
    """Whoever opens the drop next finds the same installation."""
    again = open_deaddrop(url, known_dummies=known, entropy=entropy)
    assert drop.installation == again.installation
    again.close()


def test_no_installation(url: str, known: KnownDummies, entropy: Entropy) -> None:
    """Before it is made, the installation cannot be read."""
    drop = open_deaddrop(url, known_dummies=known, entropy=entropy)
    with pytest.raises(NotInstalled):
        _ = drop.installation
    drop.close()


def test_the_installation_keeps_secrets_out_of_repr(drop: DeadDrop) -> None:
    """Salt and secret key are not in the `repr` of the installation."""
    assert "salt" not in repr(drop.installation)
    assert "secret_key" not in repr(drop.installation)


def test_an_unmigrated_database_is_refused(
    url: str, known: KnownDummies, entropy: Entropy
) -> None:
    """A database that only later versions can work with is not touched."""
    database = deaddrop.engine.Database(url)
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.exec_driver_sql("UPDATE compatibility SET oldest_reader = '9999'")
    database.close()
    with pytest.raises(NotMigrated):
        open_deaddrop(url, known_dummies=known, entropy=entropy)


def test_an_error_says_its_sentence() -> None:
    """An error without a message of its own says the sentence of its class."""
    assert StaleSlot.__doc__ == str(StaleSlot())
    for name in deaddrop.__all__:
        exported = getattr(deaddrop, name)
        if isinstance(exported, type) and issubclass(exported, Exception):
            assert issubclass(exported, DeadDropError)
            assert (exported.__doc__ or "").endswith(".")
