"""A case whose report has things that must not leave, and readers of case files."""

import io
import re
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader
from pypdf.generic import StreamObject
from support.office import NAMES, Office, shown_on
from support.reporters import DAY, Reporter
from support.telling_files import pdf_with_author

from casework.item import ItemKind
from casework.journal import Assessed, Paraphrased, Redacted
from casework.reply import CaseStatus
from casework.report import Report
from journalist_app.workstation.acting import act, decide_exposure, take_step
from journalist_app.workstation.cases import ItemShown, show_case
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.names import case_name

# Test data.  The secrets are what nobody outside may learn.
SECRET_NAME = "Sartika Contohwati"
SECRET_PHONE = "0812-3456-7890"
SECRET_CONTACT = "0899-1111-2222"
SECRET_FILE = "Surat tugas Sartika.pdf"
SECRETS = (SECRET_NAME, SECRET_PHONE, SECRET_CONTACT, SECRET_FILE, "Sartika")
MATTER = "Sebagian bantuan beras tidak sampai kepada penerima."
PARAPHRASE = "Penyaluran bantuan\nMenurut laporan, dua puluh karung tidak sampai."

REPORT = Report(
    title=f"Bantuan berkurang, kata {SECRET_NAME}",
    what=f"{MATTER} Saya {SECRET_NAME}, telepon {SECRET_PHONE}.",
    where="Desa Contoh",
    who="Panitia penyaluran & <b>ketuanya</b>",
    how_much="Dua puluh karung",
    first_hand="first-hand",
)


def picture() -> bytes:
    """Make a photograph."""
    content = io.BytesIO()
    Image.new("RGB", (300, 200), "teal").save(content, "PNG")
    return content.getvalue()


def telling_case(office: Office, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let a case come in, and take it to review; return its name."""
    monkeypatch.setattr("support.reporters.REPORT", REPORT)
    reporter = Reporter("pelapor")
    files = [(SECRET_FILE, pdf_with_author()), ("foto.png", picture())]
    office.send(reporter.write(files=files), to=NAMES[:2])
    message = f"Susulan dari {SECRET_NAME}."
    office.send(reporter.write(ItemKind.MESSAGE, message=message), to=NAMES[:2])
    contact = reporter.write(ItemKind.CONTACT, message=SECRET_CONTACT)
    office.send(contact, to=NAMES[:1])
    office.fetch(NAMES[0])
    desk = office.desks[NAMES[0]]
    name = case_name(reporter.keys.case_id)
    for status in (CaseStatus.VERIFICATION, CaseStatus.REGISTERED, CaseStatus.REVIEW):
        take_step(desk, name, status, reason="Cukup bukti.", today=DAY)
    for subject in ("competence", "retaliation"):
        verdict = {
            "subject": subject,
            "verdict": "yes",
            "reason": f"Dinilai {subject}.",
        }
        act(desk, name, Assessed.model_validate(verdict), today=DAY)
    return name


def blacken_secrets(desk: Desk, name: str) -> None:
    """Blacken every secret in every text, and write the matter anew."""
    for entry in show_case(desk, name, today=DAY, mark_shown=False).thread:
        if not isinstance(entry, ItemShown) or entry.confidential:
            continue
        texts = {"message": entry.message or ""}
        if entry.report:
            texts |= {"title": entry.report.title, "what": entry.report.what}
        for field, text in texts.items():
            spans = sorted(
                found.span()
                for secret in (SECRET_NAME, SECRET_PHONE)
                for found in re.finditer(re.escape(secret), text)
            )
            redacted = Redacted(
                item=entry.digest.hex(), field=field, spans=tuple(spans)
            )
            act(desk, name, redacted, today=DAY)
    act(desk, name, Paraphrased(text=PARAPHRASE), today=DAY)


def decide(desk: Desk, name: str, decision: str) -> None:
    """Decide what may leave."""
    decide_exposure(
        desk,
        name,
        shown=shown_on(desk, name),
        findings=2,
        decision=decision,
        reason="",
        today=DAY,
    )


def members_of(content: bytes) -> Mapping[str, bytes]:
    """Unpack a case file with tar as anybody has it."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {
            member.name: file.read()
            for member in archive
            if (file := archive.extractfile(member))
        }


def pages_of(pdf: bytes, folder: Path) -> list[str]:
    """Return the text of each page as poppler reads it, white space made single."""
    path = folder / "shown.pdf"
    path.write_bytes(pdf)
    said = subprocess.run(
        ["pdftotext", "-layout", path, "-"], check=True, capture_output=True
    )
    path.unlink()
    pages = said.stdout.decode("utf-8").removesuffix("\f").split("\f")
    return [" ".join(page.split()) for page in pages]


def text_of(pdf: bytes, folder: Path) -> str:
    """Return the text of a PDF."""
    return " ".join(pages_of(pdf, folder))


def unpacked(pdf: bytes) -> bytes:
    """Return a PDF with all that its streams hold behind it, decompressed."""
    reader = PdfReader(io.BytesIO(pdf))
    streams = [
        found.get_data()
        for number in range(1, len(reader.xref[0]) + 1)
        if isinstance(found := reader.get_object(number), StreamObject)
    ]
    assert streams
    return b"\n".join([pdf, *streams])
