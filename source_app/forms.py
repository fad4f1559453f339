"""
The forms of the site.

Every text is cleaned of control characters before it is checked, and every form
that sends something carries a token of its own: sent twice, it is accepted once.
"""

import secrets
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import (
    HiddenField,
    RadioField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import (  # type: ignore[attr-defined]  # Newer than its stubs.
    SelectChoice,
)
from wtforms.validators import InputRequired, Length, Regexp, StopValidation
from wtforms.widgets import CheckboxInput

from casework.item import MESSAGE_CHARACTERS
from casework.report import FIELD_CHARACTERS, TITLE_CHARACTERS
from casework.text import clean_line, clean_text
from crypto.codename import contains_codename
from source_app.identity import language
from source_app.services import services

REQUIRED = _("Bagian ini perlu diisi.")
TOO_LONG = _("Terlalu panjang: paling banyak %(max)d huruf. Tidak ada yang dipotong.")
CODENAME_INSIDE = _(
    "Di sini ada tujuh kata yang berbentuk kata sandi rahasia. Hapuslah atau ubahlah: "
    "siapa pun yang membaca kata sandi Anda dapat membuka laporan Anda."
)
STALE_FORM = _("Formulir ini tidak utuh. Muat ulang halaman, lalu kirim lagi.")

STALE_PAGE = _(
    "Halaman ini sudah lama terbuka, atau Anda memakai jendela lain. Tulisan Anda "
    "masih ada di bawah; tekan sekali lagi."
)
EVERYBODY_EXCLUDED = _(
    "Paling sedikit satu peran harus dapat membaca laporan; tanpa itu tidak ada yang "
    "menanganinya."
)

TOKEN_BYTES = 16
TOKEN_PATTERN = r"^[0-9a-f]{32}\Z"  # noqa: S105  # A form's token, no password.


def typed(field: StringField) -> str:
    """Return what stands in a text field, "" if the form came without it."""
    return field.data or ""


def _line(text: str | None) -> str:
    return clean_line(text or "")


def _text(text: str | None) -> str:
    return clean_text(text or "")


class _Present:
    """Refuse an empty text; unlike WTForms' own, looks at the cleaned one."""

    field_flags = {"required": True}  # noqa: RUF012  # WTForms reads it from the class.

    def __call__(self, form: FlaskForm, field: StringField) -> None:
        if not field.data:
            raise StopValidation(str(REQUIRED))


class _NoCodename:
    """Refuse a text that gives the codename away: it would open the case."""

    def __call__(self, form: FlaskForm, field: StringField) -> None:
        if contains_codename(typed(field), services().wordlists):
            raise StopValidation(str(CODENAME_INSIDE))


class _NotAll:
    """Leave somebody who can read the report."""

    def __call__(self, form: FlaskForm, field: SelectMultipleField) -> None:
        if field.data and len(set(field.data)) >= len(_roles()):
            raise StopValidation(str(EVERYBODY_EXCLUDED))


def _roles() -> list[SelectChoice]:
    parts = services()
    titles = {role.key: role.title for role in parts.profile.roles}
    return [
        SelectChoice(key, titles[key].in_language(language()))
        for key in parts.cases.excludable_roles(today=parts.today())
    ]


def _answer(label: str) -> TextAreaField:
    return TextAreaField(
        label,
        filters=[_text],
        validators=[
            Length(max=FIELD_CHARACTERS, message=TOO_LONG),
            _NoCodename(),
        ],
    )


class StaleTolerantForm(FlaskForm):
    """
    A form with a text that must not be lost.

    Its view is exempt from Flask-WTF's check before all views, which would answer
    with a page that has no text in it.  The form makes the same check itself, and an
    old page is shown again, with the text and a good token.
    """

    def validate(self, extra_validators: Any = None) -> bool:
        """Check the form; say of an old page what it is."""
        valid: bool = super().validate(extra_validators)
        if "csrf_token" in self.errors:
            self.csrf_token.errors = [STALE_PAGE]
        return valid


class EmptyForm(FlaskForm):
    """A form of one button."""


class TokenForm(StaleTolerantForm):
    """A form that is accepted once."""

    token = HiddenField(
        default=lambda: secrets.token_hex(TOKEN_BYTES),
        validators=[
            InputRequired(message=STALE_FORM),
            Regexp(TOKEN_PATTERN, message=STALE_FORM),
        ],
    )


class RetypeForm(FlaskForm):
    """Two of the seven words, to see that they were written down."""

    first_word = StringField(filters=[_line], validators=[_Present()])
    second_word = StringField(filters=[_line], validators=[_Present()])


class SignInForm(StaleTolerantForm):
    """The codename, typed loosely."""

    codename = StringField(_("Kata sandi rahasia Anda"))


class ReportForm(TokenForm):
    """The report: title and 5W + 2H, and what ISO 37002 asks besides."""

    title = StringField(
        _("Judul laporan"),
        filters=[_line],
        validators=[
            _Present(),
            Length(max=TITLE_CHARACTERS, message=TOO_LONG),
            _NoCodename(),
        ],
    )
    what = TextAreaField(
        _("Apa yang terjadi?"),
        filters=[_text],
        validators=[
            _Present(),
            Length(max=FIELD_CHARACTERS, message=TOO_LONG),
            _NoCodename(),
        ],
    )
    where = _answer(_("Di mana?"))
    when = _answer(_("Kapan?"))
    who = _answer(_("Siapa yang diduga terlibat?"))
    why = _answer(_("Mengapa hal itu terjadi?"))
    how = _answer(_("Bagaimana caranya?"))
    how_much = _answer(_("Berapa kerugiannya?"))
    first_hand = RadioField(
        _("Dari mana Anda mengetahuinya?"),
        choices=[
            SelectChoice("first-hand", _("Saya melihat atau mengalaminya sendiri")),
            SelectChoice("hearsay", _("Saya mendengarnya dari orang lain")),
            SelectChoice("unsure", _("Keduanya, atau tidak ingin menjawab")),
        ],
        default="",
        validate_choice=False,
        validators=[Regexp(r"^(first-hand|hearsay|unsure|)\Z", message=STALE_FORM)],
        filters=[_line],
    )
    reported_elsewhere = _answer(_("Pernahkah hal ini dilaporkan ke tempat lain?"))
    risk = _answer(_("Apakah laporan ini dapat membahayakan Anda?"))
    not_for = SelectMultipleField(
        _("Adakah yang tidak boleh melihat laporan ini?"),
        choices=_roles,
        validators=[_NotAll()],
        option_widget=CheckboxInput(),
    )
    # Asked for when the session has ended meanwhile: nothing typed is lost.
    codename = StringField(_("Kata sandi rahasia Anda"))


class MessageForm(TokenForm):
    """A further message to the officers."""

    # As above.
    codename = StringField(_("Kata sandi rahasia Anda"))

    text = TextAreaField(
        _("Pesan untuk petugas"),
        filters=[_text],
        validators=[
            _Present(),
            Length(max=MESSAGE_CHARACTERS, message=TOO_LONG),
            _NoCodename(),
        ],
    )


class ContactForm(TokenForm):
    """Contact details that officers have asked for."""

    contact = StringField(
        _("Kontak yang Anda pilih"),
        filters=[_line],
        validators=[_Present(), Length(max=500, message=TOO_LONG), _NoCodename()],
    )
