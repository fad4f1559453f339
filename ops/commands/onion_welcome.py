"""What a newcomer is told when Bisik runs behind Tor."""

import shlex
from pathlib import Path

from journalist_app.courier.signing_in import NewAccount
from ops.newcomer import Playground
from ops.onion_trial import OnionTrial
from tor.authorization import client_of


def onion_welcome(
    playground: Playground, trial: OnionTrial, program: str, account: NewAccount
) -> str:
    """Say what to open with which browser, and how to look whether all is well."""
    server = shlex.quote(str(playground.server))
    return f"""\
Bisik is running behind Tor.  {_browsers(trial)}

    http://{trial.reporters}          for reporters
    http://{trial.courier}          the courier, for officers

{_access(trial)}

User name {account.user_name}, passphrase "{account.passphrase}", and one of
these in place of six digits, each once:  {"  ".join(account.codes[:4])}

Whether all is well, in another terminal:

    {program} doctor --directory {server}

Shut the officer's browser out, and let it in again:

    {program} officers revoke-access petugas-coba --directory {server}
    {program} officers grant-access petugas-coba \\
        {client_of(trial.access_key).public_key} --directory {server}

The bundle that you download is opened at the desk, as without Tor:

    {program} desk open --desk {shlex.quote(str(playground.desk))} \\
        --stick {shlex.quote(str(playground.server.parent))}

{_warning(playground.server.parent, trial)}  Ctrl-C stops it."""


def _browsers(trial: OnionTrial) -> str:
    if trial.reporter_port is None:
        return "In a minute or two, open with Tor Browser:"
    return f"""\
It is a Tor network of its own on this
machine, and a browser has to be led to it.  In Firefox, in a profile of its own:
Settings, Network Settings, Manual proxy configuration, SOCKS Host 127.0.0.1, SOCKS v5,
"Proxy DNS when using SOCKS v5"; in about:config, network.dns.blockDotOnion = false.

    Port {trial.reporter_port}     as a reporter
    Port {trial.officer_port}     as an officer, who has the key for the courier

Then open:"""


def _access(trial: OnionTrial) -> str:
    if trial.reporter_port is None:
        return f"""\
The courier is there only for whoever has a key.  Tor Browser asks for it:

    {trial.access_key}"""
    return f"""\
The courier is there only for whoever has a key; through the reporter's port there is
nothing at its address.  The key, as Tor Browser would ask for it:

    {trial.access_key}"""


def _warning(parent: Path, trial: OnionTrial) -> str:
    kept = f"Everything is kept in {shlex.quote(str(parent))}, the addresses, too."
    if trial.reporter_port is None:
        return f"""\
{kept}
This Bisik has no passphrases: it is for trying out, and not for real reports."""
    return f"""\
{kept}
This Bisik has no passphrases, and on a network of one machine nobody is anonymous:
it is for trying out, and not for real reports."""
