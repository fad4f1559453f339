"""
A busy desk: three weeks of an office's work, for pictures and measurements of screens.

Everything is test data: no person, village or agency is real.  Some of it is hostile on
purpose, because a desk must look the same after it.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from PIL import Image, ImageDraw
from support.hostile_files import archive, pdf
from support.office import NAMES, Office, shown_on
from support.reporters import DAY, Reporter

from casework.item import ItemKind
from casework.journal import Action, Assessed, Labelled, Noted, Paraphrased
from casework.reply import CaseStatus, ReplyKind
from casework.report import Report
from casework.text import clean_line
from journalist_app.workstation import acting
from journalist_app.workstation.cases import show_case
from journalist_app.workstation.desk import Desk
from journalist_app.workstation.names import case_name
from journalist_app.workstation.replying import Draft, write_reply

TODAY = DAY + timedelta(days=22)
ANI, BUDI, CITRA = NAMES
_S = CaseStatus

WHAT = (
    "Setiap penerima hanya menerima Rp400.000 dari Rp600.000 yang tertulis di surat "
    "undangan. Sisanya diminta kembali di pintu keluar oleh dua orang panitia dengan "
    "alasan “uang administrasi dan konsumsi”.\n\nSaya bendahara di Bagian Keuangan dan "
    "hanya saya yang menyimpan daftar aslinya. Telepon saya 0812-3456-7890, sesudah "
    "jam lima sore."
)
WHERE = "Balai Desa Contoh, Kecamatan Uji, sesudah pembagian di aula."
WHEN = "Setiap Sabtu pertama, sejak Maret 2026; terakhir 7 November 2026."
WHO = "Ketua panitia penyaluran, dan seorang petugas bank yang ikut menghitung."
HOW = (
    "Nama dipanggil satu per satu. Setelah menandatangani kuitansi untuk jumlah penuh, "
    "orang diarahkan ke meja kedua. Di situ uangnya dihitung lagi dan sebagian diambil."
)
HOW_MUCH = "Sekitar 120 orang kali Rp200.000, sembilan kali: Rp216 juta."

# Title, labels, and how far the case has come.
ORDINARY: Sequence[tuple[str, tuple[str, ...], str]] = (
    ("Bantuan tunai dipotong di Desa Contoh, Maret 2026", ("bansos", "PKH"), "rich"),
    ("Bantuan tunai dipotong juga di Desa Contoh Timur", ("bansos",), "verification"),
    ("Beras bantuan ditimbang kurang di gudang Kecamatan Uji", ("bansos",), "waiting"),
    ("Pungutan untuk pendaftaran calon pendamping", ("rekrutmen",), "registered"),
    (
        "Kepala seksi meminta komisi dari penyedia makanan panti",
        ("pengadaan",),
        "review",
    ),
    ("Harga kursi roda dinaikkan dua kali lipat", ("pengadaan",), "examination"),
    ("Penerima fiktif dalam daftar Desa Percobaan", ("data", "bansos"), "proposed"),
    ("Rumah singgah menagih biaya kepada keluarga", ("panti",), "competence"),
    ("Perjalanan dinas yang tidak pernah terjadi", ("anggaran",), "forwarded"),
    ("Kendaraan operasional dipakai untuk keperluan pribadi", (), "unanswered"),
    ("Sembako kedaluwarsa dibagikan di RT 03", ("bansos", "mendesak"), "new"),
    ("Ancaman terhadap pendamping yang menolak memotong bantuan", ("mendesak",), "new"),
    ("Cash transfer is paid out under other people's names", ("bansos",), "english"),
    ("Staff at the shelter ask families for money", ("panti",), "english"),
    ("Tanda tangan penerima dipalsukan pada daftar hadir", ("data",), "verification"),
    ("Lelang bahan pangan dimenangkan perusahaan keluarga pejabat", ("pengadaan",), ""),
    ("Kartu bantuan ditahan oleh agen", ("bansos",), "waiting"),
    ("Dana santunan duka cair kepada orang yang masih hidup", ("data",), "new"),
    ("Petugas meminta foto KTP lewat telepon", (), "closed"),
    ("Pembangunan gedung panti berhenti, uangnya habis", ("anggaran", "panti"), ""),
    ("Honor relawan bencana tidak dibayarkan sejak Januari", ("bencana",), "withdrawn"),
    ("Tenda bantuan bencana dijual di pasar", ("bencana",), "contact"),
    ("Jual beli jabatan di tingkat kabupaten", ("rekrutmen", "mendesak"), "missing"),
    ("Laporan keuangan yayasan mitra tidak masuk akal", ("anggaran",), ""),
)
PLACES = ("Desa Contoh", "Desa Percobaan", "Kecamatan Uji", "Kelurahan Model", "RW 07")
MATTERS = (
    "Uang transpor penyaluran dipotong",
    "Penerima meninggal masih tercatat",
    "Kuitansi kosong diminta ditandatangani",
    "Barang bantuan tidak sampai",
    "Pungutan liar saat verifikasi data",
)
# Titles as somebody sends them who wants to break the screen.
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)> &amp; {{ 7 * 7 }}",
    "x" * 200,
    "مكتب المساعدات \u200f\u061c في القرية \u05d0\u05d1\u05d2 123 (בדיקה)",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324" * 12 + " cap",
    "a\u200b\u200c\u200d\u2060\ufeffb \u00ad" + "\u3164" * 20 + "🏴‍☠️" * 30,
)


@dataclass(frozen=True)
class BusyDesk:
    """Where to look: names of cases by what is to be seen in them."""

    rich: str
    proposed: str
    hostile: str
    english: str
    contact: str


def fill(office: Office) -> BusyDesk:
    """Let reports come in for three weeks and officers work on them."""
    desk = office.desks[ANI]
    people: dict[str, Reporter] = {}
    days = [DAY + timedelta(days=number) for number in range((TODAY - DAY).days + 1)]
    reports = [_ordinary(title) for title, _labels, _state in ORDINARY]
    reports += [_short(number) for number in range(26)]
    reports += [_hostile(title) for title in HOSTILE]
    for number, report in enumerate(reports):
        day = days[number * len(days) // len(reports)]
        state = ORDINARY[number][2] if number < len(ORDINARY) else ""
        reporter = Reporter(f"pelapor {number}", day=day)
        people[report.title] = reporter
        language = "en" if state == "english" else "id"
        if state == "missing":
            reporter.sequence += 1
        files = _files() if state in ("rich", "contact") else ()
        plaintext = reporter.write(report=report, files=files, language=language)
        office.send(plaintext, to=NAMES[:2], day=day)
    for name in (ANI, BUDI):
        office.fetch(name, today=TODAY)
    for title, labels, state in ORDINARY:
        name = case_name(people[title].keys.case_id)
        _work(office, desk, people[title], name, labels, state)
    for name in (ANI, BUDI):
        office.fetch(name, today=TODAY)
    names = {title: case_name(one.keys.case_id) for title, one in people.items()}
    _share(office, names[ORDINARY[0][0]])
    # Seen, but for some.
    for number, (title, name) in enumerate(names.items()):
        if number % 4 and title not in ("", *HOSTILE[1:2]):
            show_case(desk, name, today=TODAY)
    by_state = {state: names[title] for title, _labels, state in ORDINARY}
    return BusyDesk(
        rich=names[ORDINARY[0][0]],
        proposed=by_state["proposed"],
        hostile=names[clean_line(HOSTILE[0])],
        english=by_state["english"],
        contact=by_state["contact"],
    )


def _ordinary(title: str) -> Report:
    return Report(
        title=title,
        what=WHAT,
        where=WHERE,
        when=WHEN,
        who=WHO,
        how=HOW if len(title) % 2 else "",
        how_much=HOW_MUCH,
        first_hand="first-hand",
        risk="Ketua panitia tahu bahwa saya yang memegang daftarnya.",
        not_for=("kepala-dinas",) if len(title) % 3 else (),
    )


def _short(number: int) -> Report:
    matter = MATTERS[number % len(MATTERS)]
    place = PLACES[number * 3 % len(PLACES)]
    return Report(
        title=f"{matter} di {place}, tahap {number // 5 + 1}",
        what=f"{matter}. {place} nomor {number * 37 % 91}, lihat catatan {number}.",
        where=place,
    )


def _hostile(title: str) -> Report:
    return Report(
        title=clean_line(title),
        what="y" * 19_000,
        where="</textarea><b>tebal</b> " + HOSTILE[2],
        who=HOSTILE[3],
    )


def _files() -> list[tuple[str, bytes]]:
    photo = io.BytesIO()
    exif = Image.Exif()
    exif[0x013B] = "Sari Contoh"
    exif[0x0110] = "Kamera Uji 5"
    image = Image.new("RGB", (900, 600), "#c9b58f")
    draw = ImageDraw.Draw(image)
    for step in range(12):
        draw.rectangle(
            (60 + step * 65, 500 - step * 30, 110 + step * 65, 540), "#3f5b4c"
        )
    image.save(photo, "JPEG", exif=exif)
    return [
        ("Surat undangan penyaluran.pdf", pdf(pages=3)),
        ("IMG_20261107_101512.jpg", photo.getvalue()),
        (
            "daftar penerima tahap 1 sampai 9, salinan lengkap dengan tanda tangan.zip",
            archive({f"daftar-{one}.txt": bytes(900 * one) for one in range(1, 9)}),
        ),
        ("catatan.txt", ("Baris satu\n" + "z" * 3000).encode()),
        ("rusak.pdf", b"%PDF-1.7 nothing"),
    ]


def _work(
    office: Office,
    desk: Desk,
    reporter: Reporter,
    name: str,
    labels: Sequence[str],
    state: str,
) -> None:
    day = min(reporter.day + timedelta(days=2), TODAY)

    def do(action: Action) -> None:
        acting.act(desk, name, action, today=day)

    def go(*steps: CaseStatus) -> None:
        for step in steps:
            reason = "Sudah diperiksa bersama tim; lihat catatan."
            acting.take_step(desk, name, step, reason=reason, today=day)

    def say(kind: ReplyKind, text: str, status: CaseStatus | None = None) -> None:
        number = acting.state_of(desk, name).registration_number
        draft = Draft(kind, text, status, number if status else None)
        write_reply(desk, name, draft, today=day)

    for label in labels:
        do(Labelled(label=label, on=True))
    path: dict[str, tuple[CaseStatus, ...]] = {
        "verification": (_S.VERIFICATION,),
        "waiting": (_S.VERIFICATION, _S.NEEDS_COMPLETION),
        "registered": (_S.VERIFICATION, _S.REGISTERED),
        "review": (_S.VERIFICATION, _S.REGISTERED, _S.REVIEW),
        "examination": (_S.VERIFICATION, _S.REGISTERED, _S.REVIEW, _S.EXAMINATION),
        "forwarded": (_S.VERIFICATION, _S.REGISTERED, _S.REVIEW, _S.FORWARDED),
        "rich": (_S.VERIFICATION, _S.REGISTERED),
        "contact": (_S.VERIFICATION, _S.REGISTERED, _S.REVIEW),
    }
    go(*path.get(state, ()))
    if state in ("registered", "review", "examination", "rich", "contact"):
        acting.assign(desk, name, desk.record.desk_id, today=day)
    if state == "waiting":
        say(ReplyKind.QUESTION, "Kapan hal itu terakhir terjadi, dan di mana?")
    if state in ("rich", "review", "contact"):
        say(
            ReplyKind.STATUS,
            "Verifikasi laporan Anda selesai: laporan ini lengkap dan termasuk "
            "kewenangan kami.",
            _S.REGISTERED if state == "rich" else _S.REVIEW,
        )
    if state == "closed":
        office.fetch(BUDI, today=TODAY)
        go(_S.VERIFICATION, _S.REGISTERED)
        go(_S.CONCLUDED)
        say(ReplyKind.ANSWER, "Terima kasih. Hal ini kami catat.")
    if state in ("proposed", "competence"):
        other = office.desks[BUDI] if state == "proposed" else desk
        acting.take_step(other, name, _S.VERIFICATION, reason="", today=day)
        reason = "Hal ini menjadi kewenangan pemerintah kabupaten; pelapor diberi tahu."
        acting.take_step(other, name, _S.NOT_COMPETENT, reason=reason, today=day)
        office.exchange(today=TODAY)
    if state == "withdrawn":
        office.send(reporter.write(ItemKind.WITHDRAWAL), to=NAMES[:2], day=day)
    if state == "contact":
        contact = reporter.write(ItemKind.CONTACT, message="0811-contoh, malam hari")
        office.send(contact, to=(ANI,), day=day)
    if state == "rich":
        do(Noted(text="Daftar penerima sudah diminta ke dinas; balasan pekan depan."))
        do(Noted(text="Jangan hubungi kantor desa: ketua panitia adalah kerabatnya."))
        for subject, verdict, reason in (
            ("completeness", "yes", ""),
            ("competence", "yes", "Permensos tentang penyaluran bantuan, pasal 12."),
            ("retaliation", "unsure", "Pelapor memegang daftar yang hanya ia miliki."),
        ):
            do(
                Assessed.model_validate(
                    {"subject": subject, "verdict": verdict, "reason": reason}
                )
            )
        message = (
            "Saya menemukan kuitansi dari bulan Agustus. Atasan saya mulai bertanya "
            "siapa yang membuka lemari arsip."
        )
        office.send(
            reporter.write(ItemKind.MESSAGE, message=message), to=NAMES[:2], day=TODAY
        )


def _share(office: Office, name: str) -> None:
    desk = office.desks[ANI]
    text = (
        "Pemotongan bantuan tunai di satu desa\n"
        "Menurut laporan, sepertiga bantuan diminta kembali pada setiap penyaluran."
    )
    acting.act(desk, name, Paraphrased(text=text), today=TODAY)
    acting.decide_exposure(
        desk,
        name,
        shown=shown_on(desk, name),
        findings=3,
        decision="redact",
        reason="Jabatan.",
        today=TODAY,
    )
    citra = office.desks[CITRA].record.desk_id
    acting.share(
        desk,
        name,
        citra,
        form="paraphrase",
        reason="Perlu telaah keuangan.",
        today=TODAY,
    )
