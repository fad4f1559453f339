"""Coming back: read the answers, add to the case, withdraw, leave."""

import hashlib
import hmac
import io
import itertools
import re
from collections.abc import Iterator, Sequence

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
from casework.files import MOST_FILES, FileSent
from casework.history import ReporterState, Sent
from casework.item import ItemKind, ItemWriter, ReadMarks
from casework.reply import ReplyKind
from crypto.container import Readable
from crypto.fingerprint import parse_fingerprint
from crypto.keys import ReporterKeys, RootKey
from deaddrop import Officer
from fairness.errors import AskedToWait
from fairness.waiting import Line
from source_app import casepage, texts
from source_app.answers import Answer, Answers, collect_answers
from source_app.exposures import Finding, find_in
from source_app.failures import RETRY_AFTER
from source_app.filecheck import Looked
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
    is_signed_in,
    language,
    root_of,
    sign_in,
    signed_in_keys,
)
from source_app.inspector import Inspector
from source_app.reporting import Fill, NothingToSend, OpenState, UnknownReporter
from source_app.services import services
from source_app.uploads import FieldPart, FilePart, read_parts

bp = Blueprint("case", __name__, url_prefix="/case")

_NOTICE = "notice"
_WHY_HERE = {"refused": texts.NOT_RECOGNISED, "ended": texts.SESSION_ENDED}
_AS_IT_IS = "as-it-is"
_LOOK = "look"
# A body may be twice what a case may hold: files beyond the limit are refused
# by name, and for that they have to be read.
BODY_FACTOR = 2


@bp.route("/sign-in", methods=["GET", "POST"], endpoint="sign_in")
def open_case() -> ResponseReturnValue:
    """Recognise a reporter by codename and take them to their case."""
    form = SignInForm()
    if not form.is_submitted():
        error = next(
            (text for name, text in _WHY_HERE.items() if name in request.args), None
        )
        return render_template("sign_in.html", form=form, error=error)
    if not form.validate():
        return render_template("sign_in.html", form=form, error=None), 400
    # Refused and accepted take the same steps on the wire: a redirection, and a page.
    # One answer for all that is refused, so that nobody learns which codenames exist.
    try:
        root = _recognised(typed(form.codename))
    except AskedToWait:
        page = render_template("sign_in.html", form=form, error=texts.ASKED_TO_WAIT)
        return page, 503, RETRY_AFTER
    if root is None:
        return redirect(url_for(".sign_in", refused=1), code=303)
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
    """
    Seal and commit a further message.

    What could give the writer away is shown first.  If the session has ended, the
    text stays in the page, and the codename is asked for.
    """
    form = MessageForm()
    keys = signed_in_keys() if is_signed_in() else None
    if not form.validate():
        if keys is None:
            return _message_page(form), 422
        return _page(keys, _state(keys), message_form=form), 422
    findings = find_in(typed(form.text))
    if findings and request.form.get("go") != _AS_IT_IS:
        return _message_page(form, findings)

    def fill(writer: ItemWriter, opened: OpenState) -> Sent:
        writer.add_message(typed(form.text))
        return _sent(ItemKind.MESSAGE, opened, text=typed(form.text))

    try:
        if keys is None:
            root = _recognised(typed(form.codename)) if typed(form.codename) else None
            if root is None:
                if typed(form.codename):
                    form.codename.errors = [texts.NOT_RECOGNISED]
                return _message_page(form, findings), 422
            sign_in(root)
            keys = ReporterKeys.from_root(root)
        _accept_short(keys, ItemKind.MESSAGE, typed(form.token), fill)
    except AskedToWait:
        form.form_errors.append(str(texts.ASKED_TO_WAIT))
        return _message_page(form, findings), 503, RETRY_AFTER
    return _done("message")


@bp.post("/progress")
def ask_progress() -> ResponseReturnValue:
    """Ask the officers how the case stands; one question a day is enough."""
    keys = signed_in_keys()

    def fill(writer: ItemWriter, opened: OpenState) -> Sent:
        return _sent(ItemKind.PROGRESS, opened)

    token = _token_for(keys, f"progress {services().today().isoformat()}")
    _accept_short(keys, ItemKind.PROGRESS, token, fill)
    return _done("progress")


@bp.post("/contact")
def send_contact() -> ResponseReturnValue:
    """Seal contact details to the officers who asked for them, and nobody else."""
    keys = signed_in_keys()
    officers = [
        parse_fingerprint(officer.fingerprint)
        for officer in _officers_who_asked(_answers(keys, _state(keys)))
    ]
    if not officers:
        return redirect(url_for(".show"), code=303)
    form = ContactForm()
    if not form.validate():
        return _page(keys, _state(keys), contact_form=form), 422

    def fill(writer: ItemWriter, opened: OpenState) -> Sent:
        writer.add_message(typed(form.contact))
        return _sent(ItemKind.CONTACT, opened, text=str(texts.CONTACT_SENT))

    try:
        with services().crowd.sealing(request.environ, Line.FIRST):
            services().cases.accept(
                keys,
                kind=ItemKind.CONTACT,
                day=services().today(),
                language=language(),
                token=typed(form.token),
                fill=fill,
                officers=officers,
            )
    except AskedToWait:
        form.form_errors.append(str(texts.ASKED_TO_WAIT))
        page = _page(keys, _state(keys), contact_form=form)
        return page, 503, RETRY_AFTER
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

    with services().crowd.sealing(request.environ, Line.FIRST):
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
    request.max_content_length = BODY_FACTOR * services().profile.case_bytes
    with services().crowd.uploading(request.environ, request.stream) as stream:
        return _read_and_seal(keys, stream)


def _read_and_seal(keys: ReporterKeys, stream: Readable) -> ResponseReturnValue:
    parts = read_parts(
        stream,
        content_type=request.headers.get("Content-Type", ""),
        file_bytes=services().profile.attachment_bytes,
    )
    looked = Looked()
    with Inspector() as inspector:
        fields, files = _check_fields(parts)
        if fields.get(_LOOK):
            for file in files:
                if looked.is_fit(file):
                    looked.inspect(file, inspector, always=True)
            return _page(keys, _state(keys), looked=looked, looked_only=True)

        def fill(writer: ItemWriter, opened: OpenState) -> Sent:
            left = history.space_left(opened.state, services().profile.case_bytes)
            accepted = _add_files(writer, files, left, looked, inspector)
            return _sent(ItemKind.ATTACHMENTS, opened, files=accepted)

        try:
            state = _accept(keys, ItemKind.ATTACHMENTS, fields["token"], fill)
        except NothingToSend:
            return _page(keys, _state(keys), looked=looked), 422
        for _ in files:  # A form that was accepted before is still read to its end.
            pass
    if not looked.refused and not looked.telling:
        return _done("files")
    return _page(keys, state, looked=looked, notice=str(texts.NOTICES["files"]))


@bp.route("/withdraw", methods=["GET", "POST"])
def withdraw() -> ResponseReturnValue:
    """Withdraw the report, after a second confirmation."""
    keys = signed_in_keys()
    form = EmptyForm()
    if not form.validate_on_submit():
        return render_template("withdraw.html", form=form)

    def fill(writer: ItemWriter, opened: OpenState) -> Sent:
        return _sent(ItemKind.WITHDRAWAL, opened)

    _accept_short(keys, ItemKind.WITHDRAWAL, _token_for(keys, "withdraw"), fill)
    return _done("withdrawn")


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """Forget the visit, here and in the browser."""
    current_session().end()
    answer = redirect(url_for(".signed_out"), code=303)
    # Not the cookies: that of the session has just been replaced, and that of the
    # language says nothing but "en".
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
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


def _accept_short(keys: ReporterKeys, kind: ItemKind, token: str, fill: Fill) -> None:
    with services().crowd.sealing(request.environ, Line.FIRST):
        _accept(keys, kind, token, fill)


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
    for answer in _answers(keys, _state(keys)).found:
        if (answer.desk_id, answer.number) == (desk_id, number):
            return answer
    raise NotFound


def _answers(keys: ReporterKeys, state: ReporterState) -> Answers:
    parts = services()
    return collect_answers(
        parts.drop, keys, state.read, released_through=parts.released_through()
    )


def _officers_who_asked(answers: Answers) -> list[Officer]:
    desks = {
        answer.desk_id
        for answer in answers.found
        if answer.reply.letter.kind is ReplyKind.CONTACT_REQUEST
    }
    return [
        officer
        for officer in services().drop.officers.list()
        if officer.desk_id.hex() in desks
    ]


def _recognised(untrusted_codename: str) -> RootKey | None:
    """Return the root key if a report was sent under it; slow on purpose."""
    root, is_codename = root_of(untrusted_codename)
    try:
        services().cases.recognise(ReporterKeys.from_root(root))
    except UnknownReporter:
        return None
    return root if is_codename else None


def _check_fields(
    parts: Iterator[FieldPart | FilePart],
) -> tuple[dict[str, str], Iterator[FilePart]]:
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
    if not re.match(TOKEN_PATTERN, fields.get("token", "")):
        raise BadRequest
    rest = (part for part in parts if isinstance(part, FilePart))
    return fields, itertools.chain(first_file, rest)


def _add_files(
    writer: ItemWriter,
    files: Iterator[FilePart],
    left_bytes: int,
    looked: Looked,
    inspector: Inspector,
) -> list[FileSent]:
    accepted: list[FileSent] = []
    for file in files:
        if not looked.is_fit(file):
            continue
        if len(file.content or b"") > left_bytes:
            looked.refuse(file, texts.NO_SPACE)
        elif len(accepted) == MOST_FILES:
            looked.refuse(file, texts.TOO_MANY)
        else:
            content = file.content or b""
            accepted.append(writer.add_file(file.untrusted_name, content))
            looked.inspect(file, inspector)
            left_bytes -= len(content)
    if not accepted:
        raise NothingToSend(NothingToSend.__doc__)
    return accepted


def _message_page(form: MessageForm, findings: Sequence[Finding] = ()) -> str:
    return render_template(
        "message.html",
        form=form,
        findings=findings,
        needs_codename=not is_signed_in(),
        as_it_is=_AS_IT_IS,
    )


def _page(
    keys: ReporterKeys,
    state: ReporterState,
    *,
    notice: object = None,
    looked: Looked | None = None,
    looked_only: bool = False,
    message_form: MessageForm | None = None,
    contact_form: ContactForm | None = None,
) -> str:
    parts = services()
    answers = _answers(keys, state)
    shown = [casepage.show_answer(answer, state) for answer in answers.found]
    asked = _officers_who_asked(answers)
    roles = {role.key: role.title for role in parts.profile.roles}
    readers = {
        roles[officer.role].in_language(language())
        for officer in asked
        if officer.role in roles
    }
    return render_template(
        "case.html",
        standing=casepage.standing(answers.found, state),
        release=parts.next_release(),
        new=[answer for answer in shown if answer.unread],
        timeline=casepage.timeline(shown, state),
        unreadable=answers.unreadable,
        space_left_bytes=history.space_left(state, parts.profile.case_bytes),
        files_limit=MOST_FILES,
        withdrawn=state.withdrawn,
        contact_requested=bool(asked) and not state.withdrawn,
        contact_readers=sorted(readers),
        notice=notice,
        refused_files=looked.refused if looked else (),
        telling_files=looked.telling if looked else (),
        looked_only=looked_only,
        message_form=message_form or MessageForm(formdata=None),
        contact_form=contact_form or ContactForm(formdata=None),
        upload_form=TokenForm(formdata=None),
    )
