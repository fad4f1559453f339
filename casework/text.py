"""
Text: what people write, made harmless without changing what they mean.

    clean_text   many lines: one kind of newline, control characters go
    clean_line   one line: white space becomes single spaces, too

Cleaning is for what comes from a form.  What comes from a file is not cleaned
but refused: `CleanText` and `CleanLine` accept only text that cleaning would
leave as it is, so that a text has one form in every format of ours.

Removed are the C0 and C1 controls, lone surrogates (no UTF-8 has them) and the
bidirectional embeddings, overrides and isolates of UAX #9, with which a line
can be made to read other than it is stored.  Letters, marks, symbols and
joiners of every script stay.
"""

import re

from pydantic import AfterValidator

_NEWLINES = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def clean_text(untrusted_text: str) -> str:
    """
    Return *untrusted_text* with plain newlines and without control characters.

    White space around it goes as well: a field of blanks is an empty field.
    Cleaning twice changes nothing more.
    """
    return _UNWANTED.sub("", _NEWLINES.sub("\n", untrusted_text)).strip()


def clean_line(untrusted_text: str) -> str:
    """Return *untrusted_text* as one line with single spaces in it."""
    return " ".join(clean_text(untrusted_text).split())


def _refuse_unclean_text(text: str) -> str:
    if clean_text(text) != text:
        raise ValueError("the text has control characters or white space around it")
    return text


def _refuse_unclean_line(line: str) -> str:
    if clean_line(line) != line:
        raise ValueError("the line has control characters or stray white space")
    return line


# For use in `typing.Annotated`, behind the limit of length.
CleanText = AfterValidator(_refuse_unclean_text)
CleanLine = AfterValidator(_refuse_unclean_line)
