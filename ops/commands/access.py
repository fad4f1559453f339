"""
`bisik officers grant-access`, `bisik administrators grant-access` and so on: who can
reach a service that is not for everybody.
"""

from collections.abc import Callable
from pathlib import Path

import click

from ops.access import check_is_there, grant, revoke
from ops.commands.doctor import find_onion
from ops.commands.hanging_up import outliving_hang_up
from ops.commands.options import onion_directory_option
from ops.onion import Onion
from tor.authorization import parse_client_key
from tor.torrc import Service

NOT_RUNNING = "Tor does not run; it counts from its next start."
COURIER = "the courier"
MACHINE = "this machine by ssh"


@click.command("grant-access")
@click.argument("name")
@click.argument("key")
@onion_directory_option
def grant_access(directory: Path, name: str, key: str) -> None:
    """
    Let an officer's browser reach the courier's onion service.

    NAME is for you: small letters, digits and hyphens.  KEY is the public key that
    `bisik desk access-key` has shown to the officer.
    """
    _grant(directory, _officers, COURIER, name, key)


@click.command("revoke-access")
@click.argument("name")
@onion_directory_option
def revoke_access(directory: Path, name: str) -> None:
    """
    Shut an officer's browser out, at once; what is open to others breaks off, too.
    """
    _revoke(directory, _officers, COURIER, name)


@click.command("access")
@onion_directory_option
def access_command(directory: Path) -> None:
    """List who can reach the courier."""
    _list(directory, _officers, COURIER)


@click.group()
def administrators() -> None:
    """Say who reaches this machine by ssh, through its own onion service."""


@administrators.command("grant-access")
@click.argument("name")
@click.argument("key")
@onion_directory_option
def grant_administrator(directory: Path, name: str, key: str) -> None:
    """
    Let an administrator's ssh reach this machine.

    NAME is for you: small letters, digits and hyphens.  KEY is the public key that
    `bisik administrators access-key` has shown to the administrator.  Their ssh key is
    another matter: the machine still asks for it.
    """
    _grant(directory, _administrators, MACHINE, name, key)


@administrators.command("revoke-access")
@click.argument("name")
@onion_directory_option
def revoke_administrator(directory: Path, name: str) -> None:
    """
    Shut an administrator out, at once; the sessions of all others break off, too.

    So does your own, if you came through Tor; come in again after some seconds.
    """
    with outliving_hang_up():
        _revoke(directory, _administrators, MACHINE, name)


@administrators.command("access")
@onion_directory_option
def administrators_access(directory: Path) -> None:
    """List who can reach this machine by ssh."""
    _list(directory, _administrators, MACHINE)


def _officers(onion: Onion) -> Service:
    return onion.officers


def _administrators(onion: Onion) -> Service:
    return onion.administrators


def _grant(
    directory: Path, find: Callable[[Onion], Service], what: str, name: str, key: str
) -> None:
    onion = find_onion(directory)
    told = grant(onion, find(onion), name, parse_client_key(key))
    click.echo(f"{name} can reach {what}.")
    if not told:
        click.echo(NOT_RUNNING)


def _revoke(
    directory: Path, find: Callable[[Onion], Service], what: str, name: str
) -> None:
    onion = find_onion(directory)
    told = revoke(onion, find(onion), name)
    click.echo(f"{name} can no longer reach {what}.")
    if not told:
        click.echo(NOT_RUNNING)


def _list(directory: Path, find: Callable[[Onion], Service], what: str) -> None:
    onion = find_onion(directory)
    service = find(onion)
    check_is_there(onion, service)
    clients = onion.clients_of(service)
    clients.check()
    listed = clients.list()
    for name, key in sorted(listed.items()):
        click.echo(f"{name}  {key}")
    if not listed:
        click.echo(f"Nobody can reach {what}.")
