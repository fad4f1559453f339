"""
Mail: the server that takes our messages, and how it is reached.

    bisik notify send --SOCKS on a Unix socket--> tor --> mail server --TLS--

Always through Tor, by name.  Either TLS with a certificate that is verified (from the
beginning, or by STARTTLS, and never without), or an onion service, whose name is its
key.  The password is no setting: systemd hands it over (LoadCredential).

SMTP submission is RFC 6409 and RFC 8314, STARTTLS is RFC 3207.
"""

import smtplib
import socket
import ssl
import tomllib
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ops.notifying.errors import MalformedMailSettings, UnusableRecipient
from ops.notifying.recipients import parse_address
from ops.settings import first_fault
from tor.socks import SocksProxy

STEP_SECONDS = 150.0
# RFC 5321 wants a name here; this one is everybody's.
GREETING = "[127.0.0.1]"
ONION = ".onion"


class Security(Enum):
    """What keeps others from reading along, and tells the server from an impostor."""

    TLS = "tls"
    STARTTLS = "starttls"
    ONION = "onion"


class MailSettings(BaseModel):
    """
    The file mail.toml.

    Attributes:
        server: Name of the mail server; better an onion service.

        port: 465 for TLS, 587 for STARTTLS, by custom.

        security: How it is known for what it is.

        sender: The address that messages come from.

        user: Of the account there; None if it asks for none.

        authorities: A file of certificates to verify with, in place of the system's.

        socks: The Unix socket of the tor that sends.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    version: Literal[1] = 1
    server: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$")]
    port: Annotated[int, Field(ge=1, le=65535)]
    security: Security
    sender: str
    user: Annotated[str | None, Field(min_length=1)] = None
    authorities: Annotated[str | None, Field(pattern="^/")] = None
    socks: Annotated[str, Field(pattern="^/")] = "/run/bisik-notify-tor/socks"

    @model_validator(mode="after")
    def _check(self) -> Self:
        try:
            parse_address(self.sender)
        except UnusableRecipient as error:
            raise ValueError(f"sender: {error}") from None
        if self.security is Security.ONION and not self.server.endswith(ONION):
            raise ValueError("security: without TLS only for an onion service")
        return self

    @classmethod
    def parse(cls, untrusted_text: str) -> Self:
        """
        Read mail.toml.

        Raises:
            MalformedMailSettings: Naming the field, and never its value.
        """
        try:
            return cls.model_validate(tomllib.loads(untrusted_text))
        except tomllib.TOMLDecodeError:
            raise MalformedMailSettings("mail.toml is not TOML") from None
        except ValidationError as error:
            place, wrong = first_fault(error)
            raise MalformedMailSettings(
                f"mail.toml: {place + ': ' if place else ''}{wrong}"
            ) from None

    def trusted(self) -> ssl.SSLContext:
        """Return what certificates are verified with, the name included."""
        return ssl.create_default_context(cafile=self.authorities)


class Submission(smtplib.SMTP):
    """A connection to the mail server, through Tor."""

    def __init__(self, settings: MailSettings) -> None:
        """
        Connect, and be sure whom we speak with.

        Raises:
            OSError: If tor or the server cannot be reached, or its certificate does
                not verify.

            smtplib.SMTPException: If the server does not speak as it should, or
                offers no STARTTLS.
        """
        self._settings = settings
        super().__init__(
            settings.server,
            settings.port,
            # Its own would be this machine's name.
            local_hostname=GREETING,
            timeout=STEP_SECONDS,
        )
        if settings.security is Security.STARTTLS:
            try:
                self.starttls(context=settings.trusted())
            except BaseException:
                self.close()
                raise

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Open the stream; smtplib asks its subclasses for it."""
        proxy = SocksProxy(Path(self._settings.socks), user="bisik-notify")
        stream = proxy.connect(host, port, seconds=timeout)
        if self._settings.security is not Security.TLS:
            return stream
        return self._settings.trusted().wrap_socket(stream, server_hostname=host)
