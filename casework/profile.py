"""
The profile: everything about an institution that is no code.

Names, texts, limits, deadline and contact of the programme come from one TOML
file, so that another institution can use Bisik without touching code.  The
shipped profile is casework/profiles/kemensos.toml.

Specified in docs/spec/profile.md.
"""

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
)

from casework.errors import CaseworkError
from casework.report import MOST_ROLES, RoleKey

LANGUAGES = ("id", "en")
# As people in Indonesia call them, in both languages.
_ZONE_NAMES = {
    "Asia/Jakarta": "WIB",
    "Asia/Pontianak": "WIB",
    "Asia/Makassar": "WITA",
    "Asia/Jayapura": "WIT",
}
MEGABYTE = 1024 * 1024  # bytes, as the programme counts them
# Public pages of the site, by the names that the profile calls them.
COVER_PAGES = ("rights", "lpsk", "aid")


class MalformedProfile(CaseworkError):
    """The profile must be a TOML file with the fields of docs/spec/profile.md."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("is no time zone of the IANA database") from None
    return name


def _known_page(name: str) -> str:
    if name not in COVER_PAGES:
        known = ", ".join(COVER_PAGES)
        raise ValueError(f"{name!r} is no page of the site; there are {known}")
    return name


def _each_once(names: list[str]) -> list[str]:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name!r} is listed twice")
    return names


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _unlike(roles: "list[Role]") -> "list[Role]":
    if len({role.key for role in roles}) != len(roles):
        raise ValueError("two roles have the same key")
    return roles


class LocalText(_Strict):
    """One text in every language of the site."""

    id: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]

    def in_language(self, language: str) -> str:
        """Return the text in *language*; Indonesian where it is not known."""
        return self.en if language == "en" else self.id


class Role(_Strict):
    """
    A public role of officers, such as the verifier.

    Attributes:
        key: Names the role in the formats and on the server.

        title: What reporters read.
    """

    key: RoleKey
    title: LocalText


class Profile(_Strict):
    """An institution and its programme, in all languages."""

    version: Literal[1]
    organisation_name: LocalText
    organisation_short: LocalText
    programme_name: LocalText
    competence: LocalText
    contact_url: str
    time_zone: Annotated[str, AfterValidator(_known_zone)]
    deadline_working_days: Annotated[int, Field(ge=1, le=60)]
    attachment_megabytes: Annotated[int, Field(ge=1, le=100)]
    case_megabytes: Annotated[int, Field(ge=1, le=2000)]
    answers_hour: Annotated[int, Field(ge=0, le=23)] | None = None
    roles: Annotated[
        list[Role], Field(max_length=MOST_ROLES), AfterValidator(_unlike)
    ] = []
    # The page on social aid fits one ministry only, so it is asked for.
    cover_pages: Annotated[
        list[Annotated[str, AfterValidator(_known_page)]], AfterValidator(_each_once)
    ] = ["rights", "lpsk"]

    @classmethod
    def parse(cls, untrusted_text: str) -> Self:
        """
        Read a profile file.

        Raises:
            MalformedProfile: Naming the field that is wrong.
        """
        try:
            return cls.model_validate(tomllib.loads(untrusted_text))
        except tomllib.TOMLDecodeError as error:
            raise MalformedProfile(f"the profile is not TOML: {error}") from None
        except ValidationError as error:
            fault = error.errors()[0]
            place = ".".join(str(part) for part in fault["loc"])
            raise MalformedProfile(
                f"the profile's field {place!r}: {fault['msg']}"
            ) from None

    @property
    def attachment_bytes(self) -> int:
        """The limit for one attachment."""
        return self.attachment_megabytes * MEGABYTE

    @property
    def case_bytes(self) -> int:
        """The limit for all attachments of one case."""
        return self.case_megabytes * MEGABYTE

    def role_title(self, key: str, language: str) -> str:
        """
        Return what people call a role; its key, if the profile has no such role.

        A report keeps the roles that it is not for, whatever the profile says later.
        """
        for role in self.roles:
            if role.key == key:
                return role.title.in_language(language)
        return key

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which a day begins and ends."""
        return ZoneInfo(self.time_zone)

    def in_language(self, language: str) -> "LocalProfile":
        """Return what the pages show, in one language."""
        return LocalProfile(
            organisation_name=self.organisation_name.in_language(language),
            organisation_short=self.organisation_short.in_language(language),
            programme_name=self.programme_name.in_language(language),
            competence=self.competence.in_language(language),
            contact_url=self.contact_url,
            deadline_working_days=self.deadline_working_days,
            attachment_megabytes=self.attachment_megabytes,
            case_megabytes=self.case_megabytes,
            zone_name=_ZONE_NAMES.get(self.time_zone, self.time_zone),
            cover_pages=tuple(self.cover_pages),
        )


@dataclass(frozen=True)
class LocalProfile:
    """A profile in one language."""

    organisation_name: str
    organisation_short: str
    programme_name: str
    competence: str
    contact_url: str
    deadline_working_days: int
    attachment_megabytes: int
    case_megabytes: int
    zone_name: str
    cover_pages: tuple[str, ...]


def shipped_profile() -> str:
    """Return the text of the profile that Bisik ships, for Kementerian Sosial."""
    return (
        resources.files("casework")
        .joinpath("profiles/kemensos.toml")
        .read_text(encoding="utf-8")
    )
