"""`bisik notice`: set, shown, and taken away, while the site runs."""

import logging
import os
from datetime import date

import pytest
from support.command import World
from support.reporters import DAY

from ops.noticing import NOTICE, NoticeBoard, read_notice

TEXTS = ("--id", "Tutup pada hari Senin.", "--en", "Closed on Monday.")
LAST = date.fromordinal(DAY.toordinal() + 3)


def board_of(world: World, day: date = DAY) -> NoticeBoard:
    """What a site shows on a day."""
    return NoticeBoard(world.server, today=lambda: day)


def test_a_notice_comes_and_goes(world: World) -> None:
    """A site that runs shows it at once, another one at once, and none at once."""
    board = board_of(world)
    assert board() is None
    assert "No notice" in world.done("notice", "show")

    said = world.done("notice", "set", *TEXTS)
    assert "It is shown until: bisik notice clear" in said
    first = board()
    assert first is not None
    assert "Closed on Monday." == first.in_language("en")
    assert said == world.done("notice", "show")

    world.done("notice", "set", "--id", "Pindah.", "--en", "We have moved.")
    second = board()
    assert second is not None
    assert "Pindah." == second.in_language("id")

    assert "is gone" in world.done("notice", "clear")
    assert board() is None
    assert "There was no notice" in world.done("notice", "clear")


def test_the_texts_may_come_by_standard_input(world: World) -> None:
    """So that a command line, and its history, need not have them."""
    world.done("notice", "set", stdin="Tutup.\nClosed.\n")

    notice = read_notice(world.server)

    assert notice is not None
    assert ("Tutup.", "Closed.") == (notice.id, notice.en)


def test_it_ends_by_itself(world: World) -> None:
    """Its last day is said, and on the next one the site shows nothing."""
    said = world.done("notice", "set", *TEXTS, "--through", LAST)
    assert f"through {LAST}" in said
    assert board_of(world, LAST)() is not None
    assert board_of(world, date.fromordinal(LAST.toordinal() + 1))() is None
    assert "not shown any more" in world.at(5).done("notice", "show")
    assert "LOOK  notice" in world.at(5).bisik("doctor").output
    assert f"reporters read one through {LAST}" in world.bisik("doctor").output


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--id", "Tutup.", "--en", "<b>Closed</b>"), "the English text"),
        (("--id", "x" * 701, "--en", "Closed."), "the Indonesian text"),
        (("--id", "Tutup.", "--en", "  "), "the English text"),
        (("--id", "a\u202eb", "--en", "Closed."), "control characters"),
        ((*TEXTS, "--through", "2020-01-01"), "is over"),
    ],
)
def test_what_would_not_do_leaves_the_notice_as_it_was(
    world: World, words: tuple[str, ...], reason: str
) -> None:
    """The reason is said, with the way out, and the file is the same."""
    world.done("notice", "set", *TEXTS)
    before = (world.server / NOTICE).read_bytes()

    assert reason in world.refused("notice", "set", *words)
    assert before == (world.server / NOTICE).read_bytes()


def test_one_language_alone_is_not_enough(world: World) -> None:
    """Without a terminal to ask at, nothing is set."""
    result = world.bisik("notice", "set", "--id", "Tutup.")

    assert 0 != result.exit_code
    assert not (world.server / NOTICE).exists()


def test_without_a_server_nothing_appears(empty: World) -> None:
    """The folder that is not one stays as it is."""
    for words in (("show",), ("clear",), ("set", *TEXTS)):
        assert "no server directory" in empty.refused("notice", *words)
    assert not empty.server.exists()


def test_a_file_spoilt_by_hand_is_told_and_shown_to_nobody(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The site goes on, and its log says it once, without what is in the file."""
    (world.server / NOTICE).write_text('{"id": "rahasia"}')
    board = board_of(world)
    with caplog.at_level(logging.ERROR, "bisik.ops"):
        assert [None, None, None] == [board() for _ in range(3)]
    assert 1 == len(caplog.messages)
    assert "rahasia" not in caplog.text
    assert "BAD   notice" in world.bisik("doctor").output
    assert "notice clear" in world.refused("notice", "show")
    world.done("notice", "clear")
    assert "ok    notice" in world.bisik("doctor").output


def test_only_the_owner_may_read_the_file(world: World) -> None:
    """As everything in a server directory."""
    world.done("notice", "set", *TEXTS)
    status = (world.server / NOTICE).stat()
    assert 0o600 == status.st_mode & 0o777
    assert os.geteuid() == status.st_uid
