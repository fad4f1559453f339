"""The `bisik` command and the pages that describe it agree."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from support.pages import ROOT, commands_of, pages

from ops.cli import cli

TYPED = re.compile(r"(?:\S*/)?bisik(?= |$)")
WORD = re.compile(r"[a-z][a-z-]*")
SHELL = {"|", ">", "<", "&&", ";", "&"}


def every_command(
    command: click.Command, name: str = "bisik"
) -> Iterator[tuple[str, click.Command]]:
    """List a command and all below it, each by what is typed."""
    yield name, command
    if isinstance(command, click.Group):
        for word, below in command.commands.items():
            yield from every_command(below, f"{name} {word}")


COMMANDS = dict(every_command(cli))
LEAVES = [name for name in COMMANDS if not isinstance(COMMANDS[name], click.Group)]


def options_of(command: click.Command) -> list[click.Option]:
    """List the options of a command."""
    return [
        parameter
        for parameter in command.get_params(click.Context(command))
        if isinstance(parameter, click.Option)
    ]


def calls_on(page: Path) -> Iterator[tuple[str, str, list[str]]]:
    """Find each call of bisik on a page: place, command, and the words after it."""
    for line, typed in commands_of(page):
        if TYPED.match(typed):
            words = shlex.split(typed, comments=True)[1:]
            words = words[
                : min((words.index(w) for w in SHELL & {*words}), default=None)
            ]
            name = "bisik"
            while words and f"{name} {words[0]}" in COMMANDS:
                name = f"{name} {words.pop(0)}"
            yield line.place, name, words


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_types_is_understood(page: Path) -> None:
    """
    Every `bisik something --option` on a page exists.
    """
    unknown = []
    for place, name, words in calls_on(page):
        command = COMMANDS[name]
        known = {
            spelling
            for option in options_of(command)
            for spelling in (*option.opts, *option.secondary_opts)
        }
        options = [word.partition("=")[0] for word in words if word.startswith("-")]
        unknown += [
            f"{place}: {name} {option}"
            for option in options
            if option not in {*known, "-"}
        ]
        if isinstance(command, click.Group) and words and WORD.fullmatch(words[0]):
            unknown.append(f"{place}: {name} {words[0]}")

    assert [] == unknown, "\n".join(unknown)


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_is_described(name: str) -> None:
    """
    Some page shows the command, and names each of its options.
    """
    describing = [
        page
        for page in pages()
        if any(name == called for _, called, _ in calls_on(page))
    ]
    text = "\n".join(page.read_text(encoding="utf-8") for page in describing)

    assert describing
    assert [] == [
        option.opts[-1]
        for option in options_of(COMMANDS[name])
        if option.opts[-1] not in {"--help"} and option.opts[-1] not in text
    ]
