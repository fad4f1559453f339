"""`bisik organisation split` and `join`: the organisation's key on paper."""

from pathlib import Path

import click

from crypto.fingerprint import Fingerprint, parse_fingerprint
from journalist_app.durable import new_file, refuse_existing
from ops.commands.options import EXISTING_DIRECTORY, NEW_DIRECTORY, READABLE_FILE
from ops.commands.organisation import UNPROTECTED
from ops.edge import Edge
from ops.errors import SheetsOnDisk
from ops.memory import is_in_memory
from ops.organisation import (
    PUBLIC_KEY,
    read_organisation,
    rebuild_organisation,
    seed_of_organisation,
)
from ops.passphrases import ORGANISATION_FD, ask_passphrase
from ops.share_sheet import WORDS_IN_ROW, Sheet, draw_sheet
from ops.shares import (
    MOST_SHARES,
    WORDS_IN_SHARE,
    ForeignShare,
    MistypedShare,
    ShareTyped,
    UnknownWord,
    Words,
    join_shares,
    parse_share,
    parse_word,
    split_seed,
)
from ops.shipped import local_zone

_COUNT = click.IntRange(2, MOST_SHARES)


@click.command("split")
@click.argument("directory", type=EXISTING_DIRECTORY)
@click.option(
    "--to",
    "to",
    type=NEW_DIRECTORY,
    help="A new folder in memory for sheets to print; else shown to copy by hand.",
)
@click.option("--needed", type=_COUNT, default=3, show_default=True, help="To rebuild.")
@click.option("--count", type=_COUNT, default=5, show_default=True, help="Of shares.")
@click.pass_obj
def split(
    edge: Edge, directory: Path, to: Path | None, needed: int, count: int
) -> None:
    """
    Split the organisation's key into shares on paper.

    Any --needed of them together rebuild the key; fewer tell nothing.  Each sheet
    has a share in plain words, and the public key.
    """
    if needed > count:
        raise click.BadParameter("more than there are shares", param_hint="--needed")
    if to is not None:
        refuse_existing(to)
        if not is_in_memory(to.absolute().parent):
            raise SheetsOnDisk(f"{to} would be on a disk, where the key could be found")
    record = read_organisation(directory)
    passphrase = (
        ask_passphrase("the organisation's key", variable=ORGANISATION_FD)
        if record.protected
        else None
    )
    seed = seed_of_organisation(directory, passphrase=passphrase)
    shares = split_seed(seed, needed=needed, count=count)
    if to is None:
        for number, words in enumerate(shares, start=1):
            _show(record.fingerprint, number, count, words)
    else:
        to.mkdir(mode=0o700)
        for number, words in enumerate(shares, start=1):
            sheet = Sheet(
                fingerprint=parse_fingerprint(record.fingerprint),
                public_key=(directory / PUBLIC_KEY).read_text("ascii"),
                number=number,
                count=count,
                needed=needed,
                made=edge.today(local_zone()),
                words=words,
            )
            with new_file(to / f"share-{number}-of-{count}.pdf") as file:
                file.write(draw_sheet(sheet))
        click.echo(f"{count} sheets are in {to}: print them on a printer by cable,")
        click.echo(
            "then remove the folder and switch this machine and the printer off."
        )
    click.echo("Before you rely on them: bisik organisation join KEY --to DIRECTORY")


@click.command("join")
@click.argument("key", type=READABLE_FILE)
@click.option("--to", "to", type=NEW_DIRECTORY, required=True, help="A new folder.")
@click.option("--no-passphrase", is_flag=True, help="For an encrypted disk.")
@click.pass_obj
def join(edge: Edge, key: Path, to: Path, no_passphrase: bool) -> None:
    """
    Rebuild the organisation's key from paper and its public KEY.

    The words are typed unseen, three at a time; the first four letters of each are
    enough.  KEY is organisation.asc, as every server and every sheet has it.
    """
    refuse_existing(to)
    public_key = key.read_bytes()
    typed: list[ShareTyped] = []
    while not typed or len(typed) < typed[0].needed:
        of = f" of {typed[0].needed}" if typed else ""
        share = _ask_share(f"Sheet {len(typed) + 1}{of}", typed)
        typed.append(share)
        click.echo("This share is right.", err=True)
    seed = join_shares(typed)
    if no_passphrase:
        click.echo(f"Warning: {UNPROTECTED}", err=True)
        passphrase = None
    else:
        passphrase = ask_passphrase(
            "the organisation's key, a new one", variable=ORGANISATION_FD, new=True
        )
    fingerprint: Fingerprint = rebuild_organisation(
        to,
        public_key=public_key,
        seed=seed,
        passphrase=passphrase,
        entropy=edge.entropy,
    )
    click.echo(f"The organisation's key is {fingerprint}: {to}")


def _ask_share(whose: str, others: list[ShareTyped]) -> ShareTyped:
    """Ask for a share until it is right."""
    while True:
        words: list[str] = []
        while len(words) < WORDS_IN_SHARE:
            words += _ask_words(whose, len(words) + 1)
        try:
            share = parse_share(words)
            share.check_goes_with(others)
        except (MistypedShare, ForeignShare) as error:
            click.echo(str(error), err=True)
        else:
            return share


def _ask_words(whose: str, first: int) -> list[str]:
    """Ask for a row of words until all of them are in the list."""
    last = first + WORDS_IN_ROW - 1
    while True:
        typed = click.prompt(
            f"{whose}, words {first} to {last}", hide_input=True, err=True
        ).split()
        if len(typed) != WORDS_IN_ROW:
            click.echo(f"These were {len(typed)} words, not {WORDS_IN_ROW}.", err=True)
            continue
        words = []
        for number, untrusted_word in enumerate(typed, start=first):
            try:
                words.append(parse_word(untrusted_word))
            except UnknownWord:
                click.echo(f"Word {number} is not in the list of words.", err=True)
        if len(words) == WORDS_IN_ROW:
            return words


def _show(fingerprint: str, number: int, count: int, words: Words) -> None:
    """Show one share, and take it off the screen again."""
    click.clear()
    click.echo(f"Share {number} of {count} of the key {fingerprint}")
    for at in range(0, len(words), WORDS_IN_ROW):
        row = enumerate(words[at : at + WORDS_IN_ROW], start=at + 1)
        click.echo("".join(f"{place:>4} {word:<12}" for place, word in row).rstrip())
    click.pause("Write it down, read it back, and press a key.")
    click.clear()
