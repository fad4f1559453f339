"""
Passphrases: typed unseen, or read from a file descriptor; never an argument.

    BISIK_DESK_PASSPHRASE_FD=3 bisik desk list  3< <(the passphrase)

A command line is shown to every user of a machine, and so is nobody's place for
a passphrase; an environment variable holds no more than a descriptor's number.
"""

import os
import sys

import click

from ops.errors import UnusablePassphrase

DESK_FD = "BISIK_DESK_PASSPHRASE_FD"
RECOVERY_CODE_FD = "BISIK_DESK_RECOVERY_CODE_FD"
ORGANISATION_FD = "BISIK_ORGANISATION_PASSPHRASE_FD"

# More than gpg takes; an endless stream is not read to its end.
MOST_BYTES = 4096


def ask_passphrase(whose: str, *, variable: str, new: bool = False) -> bytes:
    """
    Ask for a passphrase.

    Args:
        whose: Completes the question "Passphrase of ...".

        variable: The environment variable that may name a file descriptor.

        new: Whether it is chosen now, and so is asked for twice.

    Raises:
        UnusablePassphrase: If the descriptor cannot be read, or nothing came.
    """
    descriptor = os.environ.get(variable)
    if descriptor is not None:
        return _read(descriptor, variable)
    typed: str = click.prompt(
        f"Passphrase of {whose}", hide_input=True, confirmation_prompt=new, err=True
    )
    return typed.encode()


def tell_terminal() -> None:
    """
    Tell gpg-agent on which terminal its pinentry may ask.

    gpg's standard input is a pipe here, so it could not find out by itself.
    """
    if sys.stdin is not None and sys.stdin.isatty():
        os.environ.setdefault("GPG_TTY", os.ttyname(sys.stdin.fileno()))


def ask_recovery_code() -> str:
    """
    Ask for the recovery code of a desk.

    Raises:
        UnusablePassphrase: If the descriptor cannot be read, or nothing came.
    """
    descriptor = os.environ.get(RECOVERY_CODE_FD)
    if descriptor is not None:
        return _read(descriptor, RECOVERY_CODE_FD).decode("utf-8", "replace")
    typed: str = click.prompt("Recovery code", hide_input=True, err=True)
    return typed


def _read(descriptor: str, variable: str) -> bytes:
    try:
        with os.fdopen(int(descriptor), "rb", closefd=False) as file:
            content = file.read(MOST_BYTES)
    except (OSError, ValueError):
        raise UnusablePassphrase(
            f"{variable} must be the number of an open file descriptor"
        ) from None
    passphrase = content.removesuffix(b"\n")
    if not passphrase:
        raise UnusablePassphrase(f"there is no passphrase on the descriptor {variable}")
    return passphrase
