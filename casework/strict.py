"""
Strict JSON: the one way in which a format of ours is read and written.

    bytes --limit--> UTF-8 --> JSON --> model --> would we write the same?

Everything read here came from outside, so a document is accepted only if it is
small enough, is UTF-8, is JSON (RFC 8259) with no key twice, no fraction, no
NaN, and says exactly what `render` would have said of the same model.  The last
test leaves one meaning and one spelling for every value: a default may not be
left out, 1 may not be written as true, a day has one form (a field that came later
is there only if it says something).  White space, the
order of keys and the escapes in strings are free.

Error messages name the field and never its value, which may be a secret.
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, NoReturn, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from casework.errors import CaseworkError

# RFC 8259, section 6: integers up to here mean the same to every reader.
LARGEST_INTEGER = 2**53 - 1

_STEP = re.compile(r"[a-z0-9_]{1,40}")
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class StrictModel(BaseModel):
    """A frozen record that coerces nothing and knows all of its fields."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        # Python's own message would quote what a reporter wrote.
        hide_input_in_errors=True,
    )


Model = TypeVar("Model", bound=StrictModel)


def _parse_day(untrusted_day: object) -> object:
    if isinstance(untrusted_day, str):
        # fromisoformat alone would also take "20270305" and "2027-W09-5".
        if not _ISO_DAY.fullmatch(untrusted_day):
            raise ValueError("a day is written as YYYY-MM-DD")
        return date.fromisoformat(untrusted_day)
    return untrusted_day


Day = Annotated[date, BeforeValidator(_parse_day)]
Count = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]
Identity = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]  # 16 bytes
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]  # 32 bytes, SHA-256


def is_absent(value: object) -> bool:
    """
    Tell whether a field that came later is left out when it is written.

    For `Field(exclude_if=is_absent)`: documents from before the field was there
    stay readable, and there is still one spelling, without the field.
    """
    return value is None or value == ()


def render(model: StrictModel) -> bytes:
    """Write *model* as JSON that a person can read, with a newline behind it."""
    text = json.dumps(model.model_dump(mode="json"), ensure_ascii=False, indent=1)
    return text.encode() + b"\n"


def parse(
    model: type[Model],
    content: bytes,
    *,
    limit_bytes: int,
    malformed: Callable[[str], CaseworkError],
) -> Model:
    """
    Read the only *model* that *content* can mean.

    Args:
        model: What is expected.

        content: Bytes from outside.

        limit_bytes: How many there may be; more are not even decoded.

        malformed: Makes the error of the calling format from a sentence.

    Raises:
        CaseworkError: As made by *malformed*, whatever is wrong.
    """
    if len(content) > limit_bytes:
        raise malformed(f"the document is larger than {limit_bytes} bytes")
    try:
        untrusted_value = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_no_key_twice,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except (ValueError, RecursionError):
        # Not UTF-8, not JSON, a key twice, a fraction, or nested beyond reason.
        # The cause is left out: it would carry the document with it.
        raise malformed("the document is not JSON as it is written here") from None
    try:
        parsed = model.model_validate_json(content)
    except ValidationError as error:
        raise malformed(_first_fault(error)) from None
    # Compared as text, because to Python True == 1.
    if _canonical(parsed.model_dump(mode="json")) != _canonical(untrusted_value):
        raise malformed("the document leaves out or respells a field")
    return parsed


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _no_key_twice(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key is there twice")
    return members


def _refuse_number(_untrusted_number: str) -> NoReturn:
    raise ValueError("a number is not a whole number")


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_context=False, include_input=False)[
        0
    ]
    if fault["type"] == "extra_forbidden":
        # The name of an unknown field is not ours to repeat.
        return "the document has a field that does not belong there"
    # A step may be a key of a mapping, which is not ours to repeat either.
    place = ".".join(
        str(step) if _STEP.fullmatch(str(step)) else "?" for step in fault["loc"]
    )
    if not place:
        return "the document contradicts itself"
    return f"the field {place!r} is not as it must be"
