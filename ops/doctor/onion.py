"""
Tor, and both services, as a stranger sees them.

What tor publishes is fetched from the network, with nothing but the address.
"""

import errno
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from ops.doctor.finding import Finding, Verdict
from ops.edge import Edge
from ops.onion import NoAddress, Onion
from tor.address import OnionAddress
from tor.control import Bootstrap, Control, connect
from tor.descriptor import Published
from tor.errors import TorError, TorNotRunning, UnsafeAuthorization
from tor.torrc import SSH_PORT, OnionService, Service

ANSWER_SECONDS: Final = 20.0
FETCH_SECONDS: Final = 30.0
# Tor itself still uses a consensus that ended less than a day ago (dir-spec).
STALE: Final = timedelta(days=1)
SSH_GREETING: Final = b"SSH-2.0-"


def examine_onion(
    onion: Onion, edge: Edge, *, fetch_seconds: float = FETCH_SECONDS
) -> Iterator[Finding]:
    """Look at tor and at its services, as far as this user may."""
    if not os.access(onion.directory.parent, os.X_OK) or (
        onion.directory.exists() and not os.access(onion.directory, os.R_OK | os.X_OK)
    ):
        yield Finding(
            Verdict.LOOK,
            "tor",
            f"this user cannot read {onion.directory}",
            "run bisik onion status as root, or as the user that tor runs as",
        )
        return
    if not onion.directory.exists():
        yield Finding(
            Verdict.BAD,
            "tor",
            f"there is no {onion.directory}: nobody can reach this server",
            "run: bisik onion torrc",
        )
        return
    yield _clients(
        onion,
        onion.officers,
        "officers' access",
        nobody="no officer can reach the courier",
        group="officers",
    )
    if onion.has_administrators:
        yield _clients(
            onion,
            onion.administrators,
            "ssh access",
            nobody="nobody can reach this machine by ssh over Tor",
            group="administrators",
        )
    for service, name in _named(onion):
        yield _answers(onion, service, name)
    try:
        with connect(onion.control_socket) as control:
            bootstrap = control.bootstrap()
            yield from _network(control, bootstrap, edge)
            for service, name in _named(onion) if bootstrap.done else ():
                yield _published(control, onion, service, name, fetch_seconds)
    except TorNotRunning as error:
        yield Finding(
            Verdict.BAD, "tor", str(error), "start tor, and read its log if it ends"
        )


def _named(onion: Onion) -> Iterator[tuple[Service, str]]:
    yield onion.reporters, "reporters' door"
    yield onion.officers, "officers' door"
    if onion.has_administrators:
        yield onion.administrators, "ssh door"


def _clients(
    onion: Onion, service: Service, subject: str, *, nobody: str, group: str
) -> Finding:
    """Look at who may reach a guarded service."""
    try:
        clients = onion.clients_of(service)
        clients.check()
        names = sorted(clients.list())
    except UnsafeAuthorization as error:
        return Finding(
            Verdict.BAD,
            subject,
            str(error),
            "stop tor at once, mend the folder, then start tor and look again",
        )
    if not names:
        return Finding(
            Verdict.LOOK,
            subject,
            nobody,
            f"let each make a key (bisik {'desk' if group == 'officers' else group} "
            f"access-key), then: bisik {group} grant-access NAME KEY",
        )
    return Finding(Verdict.GOOD, subject, f"for {', '.join(names)}")


def _answers(onion: Onion, service: Service, name: str) -> Finding:
    """Ask what is behind a service for a sign of life, as tor does."""
    try:
        host = onion.address(service)
    except NoAddress as error:
        return Finding(Verdict.BAD, name, str(error), "start tor: it makes the address")
    except TorError as error:
        return Finding(Verdict.BAD, name, str(error), "restore it: bisik onion restore")
    if isinstance(service, OnionService):
        return _site_answers(service, host, name)
    return _ssh_answers(host, name)


def _ssh_answers(host: OnionAddress, name: str) -> Finding:
    try:
        with socket.create_connection(("127.0.0.1", SSH_PORT), ANSWER_SECONDS) as ssh:
            # RFC 4253, section 4.2: a server begins with its version.
            greeting = ssh.recv(len(SSH_GREETING))
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT:
            said = f"{host}; sshd was not asked, because nothing in here may use ports"
            return Finding(Verdict.GOOD, name, said)
        greeting = b""
    if greeting != SSH_GREETING:
        return Finding(
            Verdict.BAD,
            name,
            f"no ssh server answers at 127.0.0.1:{SSH_PORT}",
            "at the machine itself: systemctl status ssh",
        )
    return Finding(Verdict.GOOD, name, f"ssh answers; {host}")


def _site_answers(service: OnionService, host: OnionAddress, name: str) -> Finding:
    try:
        status = _status_of(service.socket, host)
    except OSError as error:
        return Finding(
            Verdict.BAD,
            name,
            f"no site answers at {service.socket}: {error.strerror or error}",
            "start it: bisik serve --onion, bisik courier serve --onion",
        )
    if status == 421:
        return Finding(
            Verdict.BAD,
            name,
            f"the site does not answer to its own address, {host}",
            "name it in bisik.toml (hosts, courier_hosts), and start the site anew",
        )
    if status >= 400:
        return Finding(
            Verdict.BAD, name, f"the site answers with {status}", "read its log"
        )
    return Finding(Verdict.GOOD, name, f"the site answers; {host}")


def _status_of(path: Path, host: OnionAddress) -> int:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_SECONDS)
        connection.connect(str(path))
        connection.sendall(
            f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        )
        with connection.makefile("rb") as answer:
            first = answer.readline(200).split()
    return int(first[1]) if len(first) > 1 and first[1].isdigit() else 500


def _network(control: Control, bootstrap: Bootstrap, edge: Edge) -> Iterator[Finding]:
    if not bootstrap.done:
        yield Finding(
            Verdict.BAD,
            "tor",
            f"{bootstrap.percent} %: {bootstrap.summary}",
            "wait a minute; then see whether this machine may open connections",
        )
    else:
        yield Finding(
            Verdict.GOOD, "tor", f"in the network; version {control.version()}"
        )
    span = control.consensus_span()
    if span is None:
        return  # It has not got that far, which has just been said.
    after, until = span
    now = datetime.fromtimestamp(edge.now(), UTC)
    if now < after or now > until + STALE:
        yield Finding(
            Verdict.BAD,
            "clock",
            f"it shows {now:%Y-%m-%d %H:%M} UTC; what tor knows of the network is of "
            f"{after:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}",
            "set the clock right: a service with a wrong clock cannot be found",
        )
    else:
        yield Finding(Verdict.GOOD, "clock", "it agrees with the network")


def _published(
    control: Control,
    onion: Onion,
    service: Service,
    name: str,
    fetch_seconds: float,
) -> Finding:
    try:
        address = onion.address(service)
        published = control.published(address, seconds=fetch_seconds)
    except TorError as error:
        return Finding(Verdict.BAD, name, str(error), "read tor's log")
    if published is None:
        return Finding(
            Verdict.BAD,
            name,
            "the network does not know it: nobody finds it",
            "a service is known about a minute after its start; then read tor's log",
        )
    if service in onion.guarded:
        return _judge_guarded(published, name)
    return _judge_reporters(published, name)


def _judge_guarded(published: Published, name: str) -> Finding:
    if not published.authorized_only:
        return Finding(
            Verdict.BAD,
            name,
            "EVERYBODY WHO KNOWS THE ADDRESS GETS IN, without a key",
            "stop tor at once; run bisik onion torrc, which brings the decoy back; "
            "start tor, and look again",
        )
    return Finding(Verdict.GOOD, name, "known to the network, for those with a key")


def _judge_reporters(published: Published, name: str) -> Finding:
    if published.authorized_only:
        return Finding(
            Verdict.BAD,
            name,
            "it asks for a key: no reporter gets in",
            "remove authorized_clients from its folder, and restart tor",
        )
    points = published.introduction_points
    if not published.proof_of_work:
        return Finding(
            Verdict.LOOK,
            name,
            f"known to the network by {points} relays, without proof of work",
            "write the torrc anew: bisik onion torrc; tor must be 0.4.8 or newer",
        )
    return Finding(
        Verdict.GOOD, name, f"known to the network by {points} relays, proof of work on"
    )
