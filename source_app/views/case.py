"""Coming back: read the answers, add to the case, withdraw, leave."""

import hashlib
import hmac
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from flask import (
    Blueprint,
    redirect,
    render_template,
    request,
    send_file,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, validate_csrf
from werkzeug.exceptions import BadRequest, NotFound
from wtforms.validators import ValidationError

from casework import history
from casework.files import MOST_FILES, FileSent, sanitise_file_name, shown_name
from casework.history import ReporterState, Sent
from casework.item import ItemKind, ItemWriter, ReadMarks
from casework.reply import ReplyKind
from crypto.fingerprint import Fingerprint, parse_fingerprint
from crypto.keys import ReporterKeys
from source_app import texts
from source_app.answers import Answer, Answers, collect_answers
from source_app.forms import (
    TOKEN_PATTERN,
    ContactForm,
    EmptyForm,
    MessageForm,
    SignInForm,
    TokenForm,
    typed,
)
from source_app.identity import (
    current_session,
    language,
    root_of,
    sign_in,
    signed_in_keys,
)
from source_app.reporting import Fill, NothingToSend, OpenState, UnknownReporter
from source_app.services import services
from source_app.uploads import FieldPart, FilePart, read_parts

bp = Blueprint("case", __name__, url_prefix="/case")

_NOTICE = "notice"
# A body may be twice what a case may hold: files beyond the limit are refused
# by name, and for that they have to be read.
BODY_FACTOR = 2

RefusedFiles = list[tuple[str, str]]


@dataclass(frozen=True)
class ShownFile:
    """A file of an answer, as the page links to it."""

    name: str
    size_bytes: int
    url: str


@dataclass(frozen=True)
class ShownAnswer:
    """An answer, as the page shows it."""

    day: date
    kind: str
    status_label: str | None
    text: str
    registration_number: str | None
    due_day: date | None
    files: Sequence[ShownFile]
    unread: bool
    mark_url: str


@dataclass(frozen=True)
class ShownSent:
    """Something the reporter has sent, as the page shows it."""

    day: date
    kind_label: str
    title: str
    text: str
    files: Sequence[FileSent]
    due_day: date | None


@bp.route("/sign-in", methods=["GET", "POST"], endpoint="sign_in")
def open_case() -> ResponseReturnValue:
    """Recognise a reporter by codename and take them to their case."""
    form = SignInForm()
    if not form.validate_on_submit():
        ended = texts.SESSION_ENDED if "ended" in request.args else None
        return render_template("sign_in.html", form=form, error=ended)
    root, is_codename = root_of(typed(form.codename))
    try:
        services().cases.recognise(ReporterKeys.from_root(root))
        if not is_codename:
            raise UnknownReporter(UnknownReporter.__doc__)
    except UnknownReporter:
        # One answer for both, so that nobody learns which codenames exist.
        form = SignInForm(formdata=None)
        return render_template(
            "sign_in.html", form=form, error=texts.NOT_RECOGNISED
        ), 422
    sign_in(root)
    return redirect(url_for(".show"), code=303)


@bp.get("/")
def show() -> ResponseReturnValue:
    """Show the answers, the history, and what can be sent."""
    keys = signed_in_keys()
    opened = services().cases.recognise(keys)
    notice = texts.NOTICES.get(session.pop(_NOTICE, ""))
    return _page(keys, opened.state, notice=notice)


@bp.post("/message")
def send_message() -> ResponseReturnValue:
    """Seal and commit a further message."""
    keys = signed_in_keys()
    form = MessageForm()
    if not form.validate():
        return _page(keys, _state(keys), message_form=form), 422

    def fill(writer: ItemWriter, opened: OpenState) -> Sent:
        writer.add_message(typed(form.text))
        return _sent(ItemKind.MESSAGE, opened, text=typed(form.text))

    _accept(keys, ItemKind.MESSAGE, typed(form.token), fill)
    return _done("message")


@bp.post("/progress")
def ask_progress() -> ResponseReturnValue:
    """Ask the officers how the case stands; one question a day is enough."""
    keys = signed_in_keys()

    def fill(writer: ItemWriter, opened: OpenState) -> Sent:
        return _sent(ItemKind.PROGRESS, opened)

    token = _token_for(keys, f"progress {services().today().isoformat()}")
    _accept(keys, ItemKind.PROGRESS, token, fill)
    return _done("progress")


@bp.post("/contact")
def send_contact() -> ResponseReturnValue:
    """Seal contact details to the officers who asked for them, and nobody else."""
    keys = signed_in_keys()
    answers = collect_answers(services().drop, keys, _state(keys).read)
    officers = _officers_who_asked(answers)
    if not officers:
        return redirect(url_for(".show"), code=303)
    form = ContactForm()
    if not form.validate():
        return _page(keys, _state(keys), contact_form=form), 422

    def fill(writer: ItemWriter, opened: OpenState) -> Sent:
        writer.add_message(typed(form.contact))
        return _sent(ItemKind.CONTACT, opened, text=str(texts.CONTACT_SENT))

    services().cases.accept(
        keys,
        kind=ItemKind.CONTACT,
        day=services().today(),
        language=language(),
        token=typed(form.token),
        fill=fill,
        officers=officers,
    )
    return _done("contact")


@bp.post("/read/<desk_id>/<int:number>")
def mark_read(desk_id: str, number: int) -> ResponseReturnValue:
    """Note, and tell the officers, that answers up to this one were read."""
    keys = signed_in_keys()
    answer = _find_answer(keys, desk_id, number)
    if not answer.is_unread(_state(keys).read):
        return redirect(url_for(".show"), code=303)

    def fill(writer: ItemWriter, opened: OpenState) -> Sent:
        writer.add_read_marks(ReadMarks(read={desk_id: answer.next_number}))
        return _sent(ItemKind.READ_RECEIPT, opened)

    def change(state: ReporterState, sent: Sent) -> ReporterState:
        return history.with_read(state, desk_id, answer.next_number)

    services().cases.accept(
        keys,
        kind=ItemKind.READ_RECEIPT,
        day=services().today(),
        language=language(),
        token=_token_for(keys, f"read {desk_id} {number}"),
        fill=fill,
        change=change,
    )
    return _done("read")


@bp.get("/answer/<desk_id>/<int:number>/<int:index>")
def answer_file(desk_id: str, number: int, index: int) -> ResponseReturnValue:
    """Hand out a file that officers have sent."""
    answer = _find_answer(signed_in_keys(), desk_id, number)
    if index >= len(answer.reply.files):
        raise NotFound
    file = answer.reply.files[index]
    return send_file(
        io.BytesIO(file.content),
        # Never a type that a browser would open inside the site.
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=file.name,
        etag=False,
    )


@bp.post("/files")
def send_files() -> ResponseReturnValue:
    """
    Seal attachments while they arrive.

    The form is read as a stream: its two hidden fields come first and are checked
    before any file is touched.  The blueprint is exempt from Flask-WTF's own
    check for this view only, because that one would read the whole body.
    """
    keys = signed_in_keys()
    profile = services().profile
    request.max_content_length = BODY_FACTOR * profile.case_bytes
    parts = read_parts(
        request.stream,
        content_type=request.headers.get("Content-Type", ""),
        file_bytes=profile.attachment_bytes,
    )
    token, files = _check_fields(parts)
    refused: RefusedFiles = []

    def fill(writer: ItemWriter, opened: OpenState) -> Sent:
        left = history.space_left(opened.state, profile.case_bytes)
        accepted = _add_files(writer, files, left, refused)
        return _sent(ItemKind.ATTACHMENTS, opened, files=accepted)

    try:
        state = _accept(keys, ItemKind.ATTACHMENTS, token, fill)
    except NothingToSend:
        return _page(keys, _state(keys), refused_files=refused), 422
    for _ in files:  # A form that was accepted before is still read to its end.
        pass
    if not refused:
        return _done("files")
    return _page(keys, state, refused_files=refused, notice=str(texts.NOTICES["files"]))


@bp.route("/withdraw", methods=["GET", "POST"])
def withdraw() -> ResponseReturnValue:
    """Withdraw the report, after a second confirmation."""
    keys = signed_in_keys()
    form = EmptyForm()
    if not form.validate_on_submit():
        return render_template("withdraw.html", form=form)

    def fill(writer: ItemWriter, opened: OpenState) -> Sent:
        return _sent(ItemKind.WITHDRAWAL, opened)

    _accept(keys, ItemKind.WITHDRAWAL, _token_for(keys, "withdraw"), fill)
    return _done("withdrawn")


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """Forget the visit, here and in the browser."""
    current_session().end()
    answer = redirect(url_for(".signed_out"), code=303)
    answer.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return answer


@bp.get("/signed-out")
def signed_out() -> ResponseReturnValue:
    """Say what to do after leaving."""
    return render_template("signed_out.html")


def _accept(
    keys: ReporterKeys, kind: ItemKind, token: str, fill: Fill
) -> ReporterState:
    return services().cases.accept(
        keys,
        kind=kind,
        day=services().today(),
        language=language(),
        token=token,
        fill=fill,
    )


def _sent(
    kind: ItemKind,
    opened: OpenState,
    *,
    text: str = "",
    files: Sequence[FileSent] = (),
) -> Sent:
    return Sent(
        kind=kind,
        day=services().today(),
        sequence=history.next_sequence(opened.state),
        text=text,
        files=tuple(files),
    )


def _state(keys: ReporterKeys) -> ReporterState:
    return services().cases.recognise(keys).state


def _done(notice: str) -> ResponseReturnValue:
    session[_NOTICE] = notice
    return redirect(url_for(".show"), code=303)


def _token_for(keys: ReporterKeys, purpose: str) -> str:
    # For buttons that mean the same however often they are pressed.
    label = b"bisik/v1/token " + purpose.encode("ascii")
    return hmac.digest(keys.mailbox_key, label, hashlib.sha256)[:16].hex()


def _find_answer(keys: ReporterKeys, desk_id: str, number: int) -> Answer:
    for answer in collect_answers(services().drop, keys, _state(keys).read).found:
        if (answer.desk_id, answer.number) == (desk_id, number):
            return answer
    raise NotFound


def _officers_who_asked(answers: Answers) -> list[Fingerprint]:
    desks = {
        answer.desk_id
        for answer in answers.found
        if answer.reply.letter.kind is ReplyKind.CONTACT_REQUEST
    }
    return [
        parse_fingerprint(officer.fingerprint)
        for officer in services().drop.officers.list()
        if officer.desk_id.hex() in desks
    ]


def _check_fields(
    parts: Iterator[FieldPart | FilePart],
) -> tuple[str, Iterator[FilePart]]:
    fields: dict[str, str] = {}
    first_file: list[FilePart] = []
    for part in parts:
        if isinstance(part, FilePart):
            first_file.append(part)
            break
        fields[part.name] = part.untrusted_text
    try:
        validate_csrf(fields.get("csrf_token"))
    except ValidationError as error:
        raise CSRFError(str(error)) from None
    token = fields.get("token", "")
    if not re.match(TOKEN_PATTERN, token):
        raise BadRequest
    rest = (part for part in parts if isinstance(part, FilePart))
    return token, itertools.chain(first_file, rest)


def _add_files(
    writer: ItemWriter,
    files: Iterator[FilePart],
    left_bytes: int,
    refused: RefusedFiles,
) -> list[FileSent]:
    accepted: list[FileSent] = []
    for file in files:
        if not file.untrusted_name and not file.content:
            continue  # What a browser sends when no file was chosen.
        reason = None
        if file.content is None:
            reason = texts.TOO_LARGE
        elif not file.content:
            reason = texts.EMPTY_FILE
        elif len(file.content) > left_bytes:
            reason = texts.NO_SPACE
        elif len(accepted) == MOST_FILES:
            reason = texts.TOO_MANY
        else:
            accepted.append(writer.add_file(file.untrusted_name, file.content))
            left_bytes -= len(file.content)
        if reason is not None:
            name = shown_name(sanitise_file_name(file.untrusted_name, 1))
            refused.append((name, str(reason)))
    if not accepted:
        raise NothingToSend(NothingToSend.__doc__)
    return accepted


def _page(
    keys: ReporterKeys,
    state: ReporterState,
    *,
    notice: object = None,
    refused_files: RefusedFiles | None = None,
    message_form: MessageForm | None = None,
    contact_form: ContactForm | None = None,
) -> str:
    parts = services()
    answers = collect_answers(parts.drop, keys, state.read)
    return render_template(
        "case.html",
        replies=[_shown_answer(answer, state) for answer in answers.found],
        unreadable=answers.unreadable,
        sent=[_shown_sent(sent) for sent in reversed(state.sent)],
        space_left_bytes=history.space_left(state, parts.profile.case_bytes),
        files_limit=MOST_FILES,
        withdrawn=state.withdrawn,
        contact_requested=bool(_officers_who_asked(answers)),
        notice=notice,
        refused_files=refused_files,
        message_form=message_form or MessageForm(formdata=None),
        contact_form=contact_form or ContactForm(formdata=None),
        upload_form=TokenForm(formdata=None),
    )


def _shown_answer(answer: Answer, state: ReporterState) -> ShownAnswer:
    letter = answer.reply.letter
    desk_id, number = answer.desk_id, answer.number
    return ShownAnswer(
        day=letter.day,
        kind=letter.kind.value,
        status_label=str(texts.STATUS_LABELS[letter.status]) if letter.status else None,
        text=letter.text,
        registration_number=letter.registration_number,
        due_day=letter.due_day,
        files=[
            ShownFile(
                name=file.name,
                size_bytes=len(file.content),
                url=url_for(
                    ".answer_file", desk_id=desk_id, number=number, index=index
                ),
            )
            for index, file in enumerate(answer.reply.files)
        ],
        unread=answer.is_unread(state.read),
        mark_url=url_for(".mark_read", desk_id=desk_id, number=number),
    )


def _shown_sent(sent: Sent) -> ShownSent:
    return ShownSent(
        day=sent.day,
        kind_label=str(texts.SENT_LABELS[sent.kind]),
        title=sent.title,
        text=sent.text,
        files=sent.files,
        due_day=sent.due_day,
    )
