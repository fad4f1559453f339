"""
A mail server of one test: real SMTP, real TLS, and it keeps what it is given.

    with running_mail_server(folder, Security.STARTTLS) as server:
        with running_socks(folder, {MAIL_HOST: server.port}) as socks:
            ...

The SOCKS proxy stands for tor: it takes names and leads them to this machine.
"""

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from ops.notifying.mail import Security
from tor.network import free_ports

MAIL_HOST = "mail.example.test"
USER = "bisik"
PASSWORD = "kata sandi surat"
SENDER = "harian@example.test"


@dataclass
class Taken:
    """A message as the server took it, and what the client said before."""

    greeting: str
    sender: str
    recipient: str
    content: bytes
    options: list[str]


@dataclass
class MailServer:
    """
    A running mail server.

    Attributes:
        port: On 127.0.0.1.

        authorities: The certificate to verify it with.

        taken: All messages, in order.

        refused: Addresses that it does not take.
    """

    port: int
    authorities: Path
    taken: list[Taken] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it by this name.
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Take a recipient, or not."""
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - As above.
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a message."""
        assert isinstance(envelope.content, bytes)
        self.taken.append(
            Taken(
                greeting=str(session.host_name),
                sender=str(envelope.mail_from),
                recipient=str(envelope.rcpt_tos[0]),
                content=envelope.content,
                options=list(envelope.mail_options),
            )
        )
        return "250 OK"


@contextmanager
def running_mail_server(
    folder: Path, security: Security, *, name: str = MAIL_HOST
) -> Iterator[MailServer]:
    """Run one that lets nobody in without a password, and with *security*."""
    certificate, key = certified(folder, name)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    (port,) = free_ports(1)
    server = MailServer(port=port, authorities=certificate)
    words: dict[str, Any] = {"auth_require_tls": security is Security.STARTTLS}
    if security is Security.TLS:
        words["ssl_context"] = context
    elif security is Security.STARTTLS:
        words.update(tls_context=context, require_starttls=True)
    controller = Controller(
        server,
        hostname="127.0.0.1",
        port=port,
        authenticator=_authenticate,
        auth_required=True,
        **words,
    )
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


def _authenticate(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, said: Any
) -> AuthResult:
    right = said == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


def certified(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a certificate for *name* that is signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A mail server")])
    names = [x509.DNSName(name)]
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / "mail.crt", folder / "mail.key"
    certificate_path.write_bytes(made.public_bytes(Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return certificate_path, key_path


@contextmanager
def running_socks(folder: Path, ports: Mapping[str, int]) -> Iterator[Path]:
    """Run a SOCKS 5 proxy on a Unix socket, for known names only, as tor speaks it."""
    path = folder / "socks"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=_serve, args=(listening, ports), daemon=True)
        thread.start()
        try:
            yield path
        finally:
            # Wakes the thread that accepts.
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listening: socket.socket, ports: Mapping[str, int]) -> None:
    while True:
        try:
            client, _address = listening.accept()
        except OSError:
            return
        threading.Thread(target=_lead, args=(client, ports), daemon=True).start()


def _lead(client: socket.socket, ports: Mapping[str, int]) -> None:
    with client, suppress(OSError):
        client.recv(3)
        client.sendall(b"\x05\x02")
        client.recv(512)
        client.sendall(b"\x01\x00")
        asked = client.recv(512)
        name = asked[5 : 5 + asked[4]].decode("ascii")
        if name not in ports:
            client.sendall(b"\x05\x04\x00\x01" + bytes(6))
            return
        with socket.create_connection(("127.0.0.1", ports[name])) as server:
            client.sendall(b"\x05\x00\x00\x01" + bytes(6))
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
