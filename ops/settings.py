"""
Settings: what one machine must know beyond its institution's profile.

The file bisik.toml may hold the password of a database, so it is its owner's
alone and never quoted in a message.  Specified in docs/spec/server-directory.md.
"""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ops.errors import MalformedSettings, OpsError

DEFAULT_PORT = 8080
DEFAULT_COURIER_PORT = 8081
PACE_MILLISECONDS = 250
CIRCUIT_REQUESTS_PER_MINUTE = 90
CIRCUIT_SIGN_INS_PER_MINUTE = 10
CIRCUIT_MEGABYTES_PER_MINUTE = 64
PATIENCE_SECONDS = 60

_File = TypeVar("_File", bound=BaseModel)


class Settings(BaseModel):
    """
    The contents of bisik.toml.

    Attributes:
        database: Of PostgreSQL; by default a file in the server directory.

        hosts: Names under which the site may be called; empty for any.

        port: On 127.0.0.1, unless there is a socket.

        socket: Path of a Unix socket to listen on.

        courier_hosts: Names under which the courier may be called; empty for any.

        courier_port: On 127.0.0.1, unless there is a socket.

        courier_socket: Path of a Unix socket for the courier.

        onion: The onion folder; by default in the server directory.

        tor_control: Path of tor's control socket; by default in the onion folder.

        onion_front: Address of the Onionbalance front that this machine is behind.

        administrators: Whether this machine's ssh server is an onion service, too.

        memory: A folder in memory for the names of dummies.

        pace_milliseconds: Answers of the site leave at multiples of this, so that
            their times tell less; 0 for at once.

        answers_at_once: Show officers' answers when they arrive, and not at the
            profile's hour.  For trying out only.

        circuit_requests_per_minute: What one circuit may ask of one worker.

        circuit_sign_ins_per_minute: Codenames, old or new, that are stretched for it.

        circuit_megabytes_per_minute: What it may upload before it lets others go
            first more often.

        patience_seconds: How long somebody waits before they are asked to come back
            later.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True
    )

    version: Literal[1] = 1
    database: Annotated[str | None, Field(repr=False)] = None
    hosts: list[Annotated[str, Field(min_length=1)]] = []
    port: Annotated[int, Field(ge=1, le=65535)] = DEFAULT_PORT
    socket: str | None = None
    courier_hosts: list[Annotated[str, Field(min_length=1)]] = []
    courier_port: Annotated[int, Field(ge=1, le=65535)] = DEFAULT_COURIER_PORT
    courier_socket: str | None = None
    onion: Annotated[str | None, Field(pattern="^/")] = None
    tor_control: Annotated[str | None, Field(pattern="^/")] = None
    onion_front: Annotated[str | None, Field(pattern=r"^[a-z2-7]{56}\.onion$")] = None
    administrators: bool = False
    memory: str | None = None
    pace_milliseconds: Annotated[int, Field(ge=0, le=2000)] = PACE_MILLISECONDS
    answers_at_once: bool = False
    circuit_requests_per_minute: Annotated[int, Field(ge=10, le=100_000)] = (
        CIRCUIT_REQUESTS_PER_MINUTE
    )
    circuit_sign_ins_per_minute: Annotated[int, Field(ge=2, le=10_000)] = (
        CIRCUIT_SIGN_INS_PER_MINUTE
    )
    circuit_megabytes_per_minute: Annotated[int, Field(ge=1, le=100_000)] = (
        CIRCUIT_MEGABYTES_PER_MINUTE
    )
    patience_seconds: Annotated[int, Field(ge=5, le=100)] = PATIENCE_SECONDS

    @classmethod
    def parse(cls, untrusted_text: str) -> Self:
        """
        Read bisik.toml.

        Raises:
            MalformedSettings: Naming the field, and never its value.
        """
        return parse_toml(
            cls, untrusted_text, name="bisik.toml", malformed=MalformedSettings
        )

    @property
    def memory_directory(self) -> Path | None:
        """The folder in memory, if one is named."""
        return Path(self.memory) if self.memory else None


def parse_toml(
    model: type[_File],
    untrusted_text: str,
    *,
    name: str,
    malformed: type[OpsError],
) -> _File:
    """
    Read a file of settings.

    Args:
        model: What it must be like.

        untrusted_text: Its content.

        name: As messages call it.

        malformed: What is raised, naming the field and never its value.
    """
    try:
        return model.model_validate(tomllib.loads(untrusted_text))
    except tomllib.TOMLDecodeError:
        raise malformed(f"{name} is not TOML") from None
    except ValidationError as error:
        place, wrong = first_fault(error)
        raise malformed(f"the field {place!r} of {name}: {wrong}") from None


def first_fault(error: ValidationError) -> tuple[str, str]:
    """Return the field of the first fault, "" for none, and what is wrong with it."""
    fault = error.errors(include_input=False, include_url=False)[0]
    return ".".join(str(step) for step in fault["loc"]), fault["msg"]


def with_setting(text: str, name: str, value: str) -> str:
    """
    Return the text of a bisik.toml with another value of one field.

    Args:
        text: Of a file that can be parsed: it has no tables, so that a line at its
            end belongs to it like any other.

        name: Of the field.

        value: What it is to be.
    """
    others = [
        line
        for line in text.splitlines()
        if line.partition("=")[0].strip() != name or "=" not in line
    ]
    return "\n".join([*others, f"{name} = {json.dumps(value, ensure_ascii=False)}", ""])


def render_settings(*, database: str | None, trial: bool = False) -> str:
    """
    Write a new bisik.toml, with every field explained.

    Args:
        database: Of PostgreSQL; by default a file in the folder.

        trial: For trying out: nobody should have to wait for anything.
    """
    # A string of JSON is one of TOML, too, as long as no letter is escaped.
    address = (
        f"database = {json.dumps(database, ensure_ascii=False)}"
        if database
        else '# database = "postgresql://bisik@db.internal/bisik"'
    )
    return f"""\
# The settings of this machine.  docs/spec/server-directory.md explains them.

version = 1

# Without it, the dead drop is the SQLite file deaddrop.db in this folder.
{address}

# Names under which the site may be called; none means any.
# A site on the onion names its address here: ["....onion"]
hosts = []

# The site listens on 127.0.0.1 at this port, or on the socket if one is named.
port = {DEFAULT_PORT}
# socket = "/run/bisik/site.sock"

# The same for the courier, the officers' site.
courier_hosts = []
courier_port = {DEFAULT_COURIER_PORT}
# courier_socket = "/run/bisik-courier/site.sock"

# What Tor needs is in the folder onion beside this file, unless another is named.
# onion = "/var/lib/tor/bisik"
# tor_control = "/var/lib/tor/bisik/control"

# A third onion service, for ssh: administrators who have a key for it reach port 22 of
# this machine, which need not be open to anybody else.
administrators = false

# A folder in memory (tmpfs), mode 0700, that belongs to the service's user.
# By default /run/bisik-UID if it is there, otherwise /dev/shm/bisik-UID.
# memory = "/run/bisik"

# Every answer of the site leaves at a multiple of this, so that its time tells less
# about what was done.  0 switches it off.
pace_milliseconds = {0 if trial else PACE_MILLISECONDS}

# Show officers' answers when they arrive, and not at the profile's hour.  With it,
# the hour of an answer tells when it was carried in: for trying out only.
answers_at_once = {"true" if trial else "false"}

# What one circuit of Tor may have in a minute of one worker, of which there are two
# at most.  Nothing is counted where there are no circuits.  Uploads are never refused
# for it, they only let others go first more often.
circuit_requests_per_minute = {CIRCUIT_REQUESTS_PER_MINUTE}
circuit_sign_ins_per_minute = {CIRCUIT_SIGN_INS_PER_MINUTE}
circuit_megabytes_per_minute = {CIRCUIT_MEGABYTES_PER_MINUTE}

# In a crowd, who has waited so long is asked to come back later.
patience_seconds = {PATIENCE_SECONDS}
"""
