"""
What a case file says in its own words, in Indonesian and in English.

The language is that of whoever reads the file, and not that of the officer's screen.
"""

from collections.abc import Mapping
from datetime import date

import babel.dates

from casework.casefile import Form
from casework.profile import LocalText
from casework.reply import CaseStatus

TITLE = LocalText(id="Berkas kasus", en="Case file")
# The classification is a term of Indonesian law and stays in every language.
CLASSIFICATION = LocalText(id="RAHASIA", en="RAHASIA (CONFIDENTIAL)")
PAGE = LocalText(id="Halaman {page} dari {pages}", en="Page {page} of {pages}")
FOR = LocalText(id="Untuk: {recipient}", en="For: {recipient}")

CASE = LocalText(id="Kasus", en="Case")
RECIPIENT = LocalText(id="Untuk", en="For")
MADE = LocalText(id="Dibuat", en="Made")
BY = LocalText(id="{day}, oleh {officer}", en="{day}, by {officer}")
FORM = LocalText(id="Bentuk", en="Form")
KEY = LocalText(id="Kunci penanda tangan", en="Key of the signer")
WITHDRAWN = LocalText(
    id="Pelapor telah menarik laporannya.",
    en="The reporter has withdrawn the report.",
)
RECEIVED = LocalText(id="Laporan diterima", en="Report received")

FORMS: Mapping[Form, LocalText] = {
    "full": LocalText(id="seluruhnya", en="in full"),
    "redacted": LocalText(id="dengan bagian yang dihitamkan", en="redacted"),
    "paraphrase": LocalText(
        id="pokok perkara dengan kata-kata petugas",
        en="the matter in an officer's words",
    ),
}

ABOUT = LocalText(id="Tentang berkas ini", en="About this file")
NOTES: Mapping[Form, LocalText] = {
    "full": LocalText(
        id=(
            "Berkas ini memuat kata-kata pelapor sendiri, tanpa bagian yang "
            "dihitamkan. Kontak pelapor tidak termasuk. Jangan menyalin, memotret, "
            "atau meneruskannya: gaya bahasa dan isi cerita dapat menunjukkan siapa "
            "pelapor. Jangan mencari tahu siapa pelapor."
        ),
        en=(
            "This file has the reporter's own words, with nothing blackened. Contact "
            "details are not in it. Do not copy, photograph or pass it on: a style "
            "of writing and what a story tells can show who the reporter is. Do not "
            "try to find out who that is."
        ),
    ),
    "redacted": LocalText(
        id=(
            "Bagian yang dapat menunjukkan siapa pelapor diganti dengan █████. "
            "Panjang tanda itu selalu sama dan tidak menunjukkan panjang teks yang "
            "dihitamkan. Teks itu tidak ada di dalam dokumen ini. Lampiran yang "
            "disertakan ada sebagai halaman seperti terlihat; nama, ukuran, dan nilai "
            "hash aslinya tidak dicantumkan. Jangan mencari tahu siapa pelapor."
        ),
        en=(
            "Passages that could show who the reporter is were replaced by █████. "
            "This mark is always of one length and does not tell how long the text "
            "was. That text is not in this document. Attachments that are enclosed "
            "are pages as they are seen; names, sizes and digests of the originals "
            "are left out. Do not try to find out who the reporter is."
        ),
    ),
    "paraphrase": LocalText(
        id=(
            "Pokok perkara ditulis dengan kata-kata petugas. Kata-kata pelapor "
            "sendiri tidak ada di dalam dokumen ini. Lampiran yang disertakan ada "
            "sebagai halaman seperti terlihat; nama, ukuran, dan nilai hash aslinya "
            "tidak dicantumkan. Jangan mencari tahu siapa pelapor."
        ),
        en=(
            "The matter is told in an officer's words. The reporter's own words are "
            "not in this document. Attachments that are enclosed are pages as they "
            "are seen; names, sizes and digests of the originals are left out. Do not "
            "try to find out who the reporter is."
        ),
    ),
}
CHECKED = LocalText(
    id="Paparan pelapor diperiksa pada {day} sebelum berkas ini dibuat.",
    en="The reporter's exposure was assessed on {day}, before this file was made.",
)

MATTER = LocalText(id="Pokok perkara", en="The matter")
SUMMARY = LocalText(id="Ringkasan petugas", en="An officer's summary")
QUESTIONS: Mapping[str, LocalText] = {
    "title": LocalText(id="Judul", en="Title"),
    "what": LocalText(id="Apa", en="What"),
    "where": LocalText(id="Di mana", en="Where"),
    "when": LocalText(id="Kapan", en="When"),
    "who": LocalText(id="Siapa", en="Who"),
    "why": LocalText(id="Mengapa", en="Why"),
    "how": LocalText(id="Bagaimana", en="How"),
    "how_much": LocalText(id="Berapa", en="How much"),
    "reported_elsewhere": LocalText(
        id="Dilaporkan ke tempat lain", en="Reported elsewhere"
    ),
    "risk": LocalText(id="Risiko bagi pelapor", en="Risk to the reporter"),
}
FIRST_HAND = LocalText(id="Mengetahui sendiri", en="Knows at first hand")
FIRST_HAND_ANSWERS: Mapping[str, LocalText] = {
    "first-hand": LocalText(id="menyaksikan sendiri", en="saw it"),
    "hearsay": LocalText(id="mendengar dari orang lain", en="heard it from others"),
    "unsure": LocalText(id="tidak pasti", en="not sure"),
}
MESSAGES = LocalText(id="Kiriman berikutnya", en="What came later")
MESSAGE = LocalText(id="Pesan {number}", en="Message {number}")

COURSE = LocalText(id="Jalannya kasus", en="Course of the case")
PROPOSED = LocalText(id="mengusulkan penutupan: {status}", en="proposed: {status}")
CONFIRMED = LocalText(
    id="menyetujui usulan penutupan", en="agreed to the proposed closing"
)
DECLINED = LocalText(
    id="menolak usulan penutupan", en="did not agree to the proposed closing"
)
REGISTERED = LocalText(
    id="memberi nomor registrasi {number}", en="registered it as {number}"
)
NOW = LocalText(id="Sekarang", en="Now")
COLLEAGUE = LocalText(id="petugas lain", en="another officer")

ASSESSMENT = LocalText(id="Penilaian petugas", en="Officers' assessment")
SUBJECTS: Mapping[str, LocalText] = {
    "completeness": LocalText(id="Lengkap", en="Complete"),
    "competence": LocalText(id="Kewenangan", en="Within our competence"),
    "retaliation": LocalText(id="Risiko pembalasan", en="Risk of retaliation"),
}
VERDICTS: Mapping[str, LocalText] = {
    "yes": LocalText(id="ya", en="yes"),
    "no": LocalText(id="tidak", en="no"),
    "unsure": LocalText(id="belum pasti", en="not certain"),
}
NOT_ASSESSED = LocalText(id="Belum dinilai.", en="Not assessed yet.")

REPLIES = LocalText(id="Jawaban kepada pelapor", en="Replies to the reporter")
NO_REPLIES = LocalText(id="Belum ada.", en="There are none yet.")

ATTACHMENTS = LocalText(id="Lampiran", en="Attachments")
ENCLOSED = LocalText(
    id="Disertakan {enclosed} dari {of} lampiran.",
    en="{enclosed} of {of} attachments are enclosed.",
)
COPY = LocalText(id="Lampiran {number}: {member}", en="Attachment {number}: {member}")
COPY_PAGES = LocalText(
    id="Salinan bersih, {pages} halaman.", en="Cleaned copy, pages: {pages}."
)
COPY_CUT = LocalText(
    id="Salinan bersih dari {pages} halaman pertama; aslinya lebih panjang.",
    en="Cleaned copy of the first {pages} pages; the original has more.",
)
COPY_DIGEST = LocalText(id="SHA-256 salinan", en="SHA-256 of the copy")
ORIGINAL = LocalText(
    id="Asli: {name}, {size} byte", en="Original: {name}, {size} bytes"
)
ORIGINAL_DIGEST = LocalText(id="SHA-256 asli", en="SHA-256 of the original")

AUTHENTIC = LocalText(id="Memeriksa keaslian berkas ini", en="Is this file authentic?")
HOW_TO_CHECK = LocalText(
    id=(
        "Berkas ini datang bersama manifest.json, tanda tangan manifest.sig, dan "
        "kunci officer.asc dalam satu arsip tar. Dengan kunci organisasi "
        "(organisation.asc), yang sidik jarinya dicocokkan di atas kertas:"
    ),
    en=(
        "This file came with manifest.json, its signature manifest.sig, and the key "
        "officer.asc in one tar archive. With the organisation's key "
        "(organisation.asc), whose fingerprint was compared on paper:"
    ),
)
COMMANDS = """\
bisik verify-case-file FILE --organisation organisation.asc"""
OR_WITHOUT = LocalText(
    id="atau tanpa program kami, dari folder arsip yang sudah dibuka:",
    en="or without a program of ours, in the folder of the unpacked archive:",
)
PLAIN_COMMANDS = """\
gpg --import organisation.asc officer.asc
gpg --check-signatures {fingerprint}
gpg --verify manifest.sig manifest.json
sha256sum case-file.pdf officer.asc{copies}"""
COMPARE = LocalText(
    id="lalu cocokkan setiap nilai SHA-256 dengan manifest.json.",
    en="and compare every SHA-256 with manifest.json.",
)

STATUSES: Mapping[CaseStatus, LocalText] = {
    CaseStatus.RECEIVED: LocalText(id="diterima", en="received"),
    CaseStatus.VERIFICATION: LocalText(id="verifikasi", en="verification"),
    CaseStatus.NEEDS_COMPLETION: LocalText(
        id="perlu dilengkapi", en="needs completion"
    ),
    CaseStatus.NOT_COMPETENT: LocalText(
        id="bukan kewenangan", en="not within our competence"
    ),
    CaseStatus.REGISTERED: LocalText(id="terdaftar", en="registered"),
    CaseStatus.REVIEW: LocalText(id="penelaahan", en="review"),
    CaseStatus.EXAMINATION: LocalText(id="pemeriksaan", en="examination"),
    CaseStatus.FORWARDED: LocalText(id="diteruskan", en="forwarded"),
    CaseStatus.FOLLOWED_UP: LocalText(id="ditindaklanjuti", en="followed up"),
    CaseStatus.CONCLUDED: LocalText(id="selesai", en="concluded"),
    CaseStatus.REOPENED: LocalText(id="dibuka kembali", en="reopened"),
}


def written_day(day: date, language: str) -> str:
    """Write a day in full, in a language."""
    written: str = babel.dates.format_date(day, "d MMMM y", locale=language)
    return written
