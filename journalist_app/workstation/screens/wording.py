"""
Wording: names of things and reasons of refusals, as officers read them.

The parts that do the work speak English, as operators do.  What they refuse is said
here in the officer's language; a sentence that is not listed is shown as it is.
"""

import re
import unicodedata
from datetime import date

import babel.dates
import flask_babel
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l

from casework.exposure import ExposureKind
from casework.item import ItemKind
from casework.reply import CaseStatus, ReplyKind
from casework.traces import TraceKind
from journalist_app.workstation.import_report import Verdict

STATUS_LABELS = {
    CaseStatus.RECEIVED: _l("Diterima"),
    CaseStatus.VERIFICATION: _l("Verifikasi"),
    CaseStatus.NEEDS_COMPLETION: _l("Perlu dilengkapi"),
    CaseStatus.NOT_COMPETENT: _l("Bukan kewenangan"),
    CaseStatus.REGISTERED: _l("Terdaftar"),
    CaseStatus.REVIEW: _l("Penelaahan"),
    CaseStatus.EXAMINATION: _l("Pemeriksaan"),
    CaseStatus.FORWARDED: _l("Diteruskan"),
    CaseStatus.FOLLOWED_UP: _l("Ditindaklanjuti"),
    CaseStatus.CONCLUDED: _l("Selesai"),
    CaseStatus.REOPENED: _l("Dibuka kembali"),
}
STEP_LABELS = {
    CaseStatus.VERIFICATION: _l("Mulai verifikasi"),
    CaseStatus.NEEDS_COMPLETION: _l("Minta pelapor melengkapi"),
    CaseStatus.NOT_COMPETENT: _l("Usulkan: bukan kewenangan kami"),
    CaseStatus.REGISTERED: _l("Daftarkan dan beri nomor"),
    CaseStatus.REVIEW: _l("Serahkan ke penelaahan"),
    CaseStatus.EXAMINATION: _l("Serahkan ke pemeriksaan"),
    CaseStatus.FORWARDED: _l("Catat sebagai diteruskan"),
    CaseStatus.FOLLOWED_UP: _l("Catat sebagai ditindaklanjuti"),
    CaseStatus.CONCLUDED: _l("Usulkan penutupan"),
    CaseStatus.REOPENED: _l("Buka kembali"),
}
KIND_LABELS = {
    ItemKind.REPORT: _l("Laporan"),
    ItemKind.MESSAGE: _l("Pesan"),
    ItemKind.ATTACHMENTS: _l("Dokumen"),
    ItemKind.CONTACT: _l("Kontak pelapor"),
    ItemKind.WITHDRAWAL: _l("Penarikan laporan"),
    ItemKind.READ_RECEIPT: _l("Tanda sudah dibaca"),
    ItemKind.PROGRESS: _l("Pertanyaan perkembangan"),
}
REPLY_LABELS = {
    ReplyKind.ANSWER: _l("Jawaban"),
    ReplyKind.QUESTION: _l("Pertanyaan"),
    ReplyKind.STATUS: _l("Pemberitahuan"),
    ReplyKind.CONTACT_REQUEST: _l("Permintaan kontak"),
    ReplyKind.CLOSING: _l("Penutupan"),
}
QUESTION_LABELS = {
    "title": _l("Judul"),
    "what": _l("Apa"),
    "where": _l("Di mana"),
    "when": _l("Kapan"),
    "who": _l("Siapa"),
    "why": _l("Mengapa"),
    "how": _l("Bagaimana"),
    "how_much": _l("Berapa"),
    "first_hand": _l("Mengetahui sendiri"),
    "reported_elsewhere": _l("Dilaporkan ke tempat lain"),
    "risk": _l("Risiko bagi pelapor"),
    "message": _l("Pesan"),
}
FIRST_HAND_LABELS = {
    "first-hand": _l("Menyaksikan sendiri"),
    "hearsay": _l("Mendengar dari orang lain"),
    "unsure": _l("Tidak pasti"),
    "": _l("Tidak dijawab"),
}
IMPORT_LABELS = {
    Verdict.NEW: _l("baru"),
    Verdict.ALREADY_THERE: _l("sudah ada"),
    Verdict.FOR_OTHERS: _l("disimpan, untuk petugas lain"),
    Verdict.UNOPENED: _l("disimpan, belum dapat dibuka"),
    Verdict.OTHER: _l("baru, dengan nomor yang dulu milik kiriman lain"),
    Verdict.DAMAGED: _l("rusak"),
    Verdict.MISSING: _l("disebut, tetapi tidak ada"),
    Verdict.DUPLICATE: _l("ada dua kali"),
    Verdict.FOREIGN: _l("tidak disebut dalam daftar"),
}
EVENT_LABELS = {
    "step": _l("memindahkan kasus"),
    "closing-proposed": _l("mengusulkan penutupan"),
    "closing-confirmed": _l("menyetujui penutupan"),
    "closing-declined": _l("menolak usulan penutupan"),
    "registered": _l("memberi nomor registrasi"),
    "assigned": _l("menugaskan kasus"),
    "admitted": _l("membagikan kasus"),
    "briefed": _l("menyusun ringkasan"),
    "excluded": _l("mengecualikan petugas"),
    "noted": _l("menulis catatan"),
    "labelled": _l("mengubah label"),
    "linked": _l("menautkan kasus"),
    "assessed": _l("menilai"),
    "exposure-decided": _l("memutuskan hasil periksa paparan"),
    "redacted": _l("menghitamkan bagian teks"),
    "paraphrased": _l("menulis ulang pokok perkara"),
    "replied": _l("menjawab pelapor"),
    "contact-opened": _l("membuka kontak pelapor"),
    "taken-out": _l("mengambil berkas pelapor"),
    "exported": _l("membuat berkas kasus"),
    "undone": _l("membatalkan"),
}
VERDICT_LABELS = {"yes": _l("ya"), "no": _l("tidak"), "unsure": _l("belum pasti")}
SUBJECT_LABELS = {
    "completeness": _l("Lengkap?"),
    "competence": _l("Kewenangan kita?"),
    "retaliation": _l("Ada risiko pembalasan?"),
}
FORM_LABELS = {
    "full": _l("seluruhnya"),
    "redacted": _l("dengan bagian yang dihitamkan"),
    "paraphrase": _l("hanya pokok perkara dengan kata-kata kita"),
}
DECISION_LABELS = {
    "share": _l("Aman dibagikan seluruhnya"),
    "redact": _l("Hanya dengan bagian yang dihitamkan, atau pokok perkara"),
    "withhold": _l("Jangan dibagikan"),
}
TAKEN_LABELS = {
    "original": _l("berkas asli"),
    "cleaned": _l("salinan bersih"),
}
LANGUAGE_LABELS = {"id": _l("Bahasa Indonesia"), "en": _l("Inggris")}

FIELD_LABELS = {
    "text": _l("Isi"),
    "reason": _l("Alasan"),
    "words": _l("Kata-kata yang dihitamkan"),
    "label": _l("Label baru"),
    "other": _l("Nama kasus, atau tempat berkas"),
    "folder": _l("Ke folder"),
}
EXPOSURE_LABELS = {
    ExposureKind.EMAIL: _l("alamat surel"),
    ExposureKind.LINK: _l("tautan"),
    ExposureKind.CIVIL_SERVANT_ID: _l("NIP"),
    ExposureKind.NATIONAL_ID: _l("NIK"),
    ExposureKind.TELEPHONE: _l("nomor telepon"),
    ExposureKind.ONLY_I_KNOW: _l("hanya diketahui pelapor"),
    ExposureKind.NAME: _l("nama"),
    ExposureKind.OWN_POSITION: _l("jabatan atau tempat kerja pelapor"),
    ExposureKind.RELATION: _l("hubungan pelapor dengan seseorang"),
}
TRACE_LABELS = {
    TraceKind.POSITION: _l("Tempat pengambilan"),
    TraceKind.AUTHOR: _l("Pembuat atau pengubah"),
    TraceKind.EDITS: _l("Nama pada komentar atau perubahan"),
    TraceKind.ORGANISATION: _l("Lembaga"),
    TraceKind.DEVICE: _l("Kamera atau ponsel"),
    TraceKind.TIME: _l("Waktu"),
    TraceKind.SOFTWARE: _l("Aplikasi"),
}
# By what the viewer says.
PROBLEMS = {
    "bomb": _l(
        "Arsip ini menjadi jauh lebih besar bila dibuka; mungkin dibuat untuk "
        "melumpuhkan komputer. Jangan dibuka."
    ),
    "it took too long": _l(
        "Berkas ini tidak selesai ditampilkan dalam waktu yang wajar. Mungkin rusak, "
        "atau dibuat untuk melumpuhkan komputer."
    ),
    "it needed too much memory": _l(
        "Berkas ini memerlukan terlalu banyak memori untuk ditampilkan. Mungkin dibuat "
        "untuk melumpuhkan komputer."
    ),
    "archives of this kind cannot be listed": _l(
        "Arsip jenis ini (7-Zip, RAR) tidak dapat didaftar di sini. Mintalah isinya "
        "kepada pelapor sebagai berkas ZIP, atau ambil berkas aslinya dan bukalah di "
        "komputer lain yang tidak menyimpan apa pun."
    ),
    "it wrote too much": _l("Berkas ini terlalu besar untuk ditampilkan."),
    "a page is too large to be shown": _l(
        "Halamannya terlalu besar untuk ditampilkan."
    ),
    "the archive cannot be read": _l("Arsip ini rusak, atau bukan arsip."),
    "other": _l(
        "Berkas ini tidak dapat ditampilkan: rusak, terkunci, atau bukan yang "
        "disebutkan namanya. Berkas aslinya tersimpan utuh."
    ),
}

_EXCLUDED = _l("Petugas ini dikecualikan dari kasus.")

# English sentences of the parts that do the work; `{}` stands for anything.
_SENTENCES = {
    "look first at what could give the reporter away": _l(
        "Lakukan dahulu periksa paparan: apa yang dapat menunjukkan siapa pelapor?"
    ),
    "the reporter has sent something since the exposure check: look at it first": _l(
        "Sejak periksa paparan, pelapor mengirim hal baru. Periksalah itu dahulu."
    ),
    "it was decided that the case is not shared": _l(
        "Sudah diputuskan bahwa kasus ini tidak dibagikan."
    ),
    "it was decided to blacken passages: share that form, or a paraphrase": _l(
        "Sudah diputuskan untuk menghitamkan bagian teks. Bagikan bentuk itu, atau "
        "pokok perkara dengan kata-kata kita."
    ),
    "the reporter does not want this role to see the case": _l(
        "Pelapor tidak menghendaki peran petugas ini melihat kasusnya."
    ),
    "this desk was restored from a backup: first import a bundle made since then.": _l(
        "Meja ini dipulihkan dari cadangan: ambil dahulu bundel yang dibuat setelahnya."
    ),
    "the parcels of this outbox are no longer kept": _l(
        "Isi antaran ini tidak disimpan lagi."
    ),
    "the desk has made no outbox of this number.": _l(
        "Meja ini tidak mempunyai antaran dengan nomor itu."
    ),
    "write the matter in your own words first": _l(
        "Tulislah dahulu pokok perkaranya dengan kata-kata Anda sendiri."
    ),
    "this officer does not have the case: share it first": _l(
        "Petugas ini belum mempunyai kasusnya. Bagikan dahulu."
    ),
    "this officer is excluded from the case": _l(
        "Petugas ini dikecualikan dari kasus."
    ),
    "the officer was excluded from the case by then": _l(
        "Petugas ini dikecualikan dari kasus."
    ),
    "whoever proposed it cannot confirm it": _l(
        "Yang mengusulkan tidak dapat menyetujuinya sendiri."
    ),
    "another closing was proposed already": _l("Penutupan sudah diusulkan."),
    "the proposal was settled by then": _l("Usulan ini sudah diputuskan."),
    "the case has gone on since": _l(
        "Kasusnya sudah berlanjut, sehingga ini tidak dapat dibatalkan."
    ),
    "it was taken back already": _l("Ini sudah dibatalkan."),
    "an officer takes back only what they did themselves": _l(
        "Petugas hanya dapat membatalkan perbuatannya sendiri."
    ),
    "there is nothing of this kind to take back": _l("Ini tidak dapat dibatalkan."),
    "the step to {} needs a reason": _l("Langkah ini memerlukan alasan."),
    "this step needs a second officer": _l("Langkah ini memerlukan petugas kedua."),
    "there is no step from {} to {}": _l(
        "Dari keadaannya sekarang, kasus tidak dapat mengambil langkah itu."
    ),
    "the case was at {} by then, not at {}": _l(
        "Kasusnya sudah berpindah ke keadaan lain."
    ),
    "the case had a registration number by then": _l(
        "Kasus ini sudah mempunyai nomor registrasi."
    ),
    "this desk has told two stories under one number": _l(
        "Meja kerja ini mengirim dua catatan berbeda dengan satu nomor."
    ),
    "its clock goes back": _l(
        "Catatan ini diberi urutan sebelum catatan lain dari meja kerja yang sama."
    ),
    "its day goes back": _l(
        "Catatan ini diberi hari sebelum catatan lain dari meja kerja yang sama."
    ),
    "say what the file is taken for": _l(
        "Tulislah untuk apa berkas ini diambil. Tidak ada yang diambil."
    ),
    "say why the contact details are needed": _l(
        "Tulislah mengapa kontak pelapor diperlukan."
    ),
    "nothing can be sealed to {}: {}": _l(
        "Tidak ada yang dapat disegel untuk petugas ini; kuncinya bermasalah."
    ),
    "only a brief of the case is here: nobody can answer it": _l(
        "Di sini hanya ada ringkasan kasus, sehingga pelapor tidak dapat dijawab."
    ),
    "the reporter comes to a server that was left: no answer arrives there": _l(
        "Pelapor ini datang ke server lama, yang sudah ditinggalkan. Jawaban tidak "
        "akan sampai kepadanya."
    ),
    "a reply of kind {} needs a text": _l("Tulislah isinya dahulu."),
    "a text has at most {} characters": _l("Teks ini terlalu panjang."),
    "there is nothing new to export.": _l("Tidak ada hal baru untuk diantar."),
    "no bundle was imported yet, so it is not known whom an outbox is for.": _l(
        "Ambil dahulu satu bundel dari server."
    ),
    "two cases share this name; neither was chosen": _l(
        "Ada dua kasus dengan nama ini; tidak ada yang dipilih."
    ),
    "the reply and its files are larger than a reply may be.": _l(
        "Jawaban dan berkasnya lebih besar daripada batas satu jawaban (8 MB)."
    ),
    "the bundle is of another installation; nothing of it was imported.": _l(
        "Bundel ini dari server lain. Tidak ada yang diambil."
    ),
    "this desk is for training: it takes no real bundle": _l(
        "Meja kerja ini untuk latihan, sehingga bundel sungguhan tidak diambil."
    ),
    "the bundle is for training: a real desk does not take it": _l(
        "Bundel ini untuk latihan, sehingga tidak diambil."
    ),
    "the sandbox cannot be used: install bubblewrap, and allow user namespaces.": _l(
        "Berkas tidak dapat ditampilkan dengan aman di komputer ini: pasang bubblewrap."
    ),
    "say in one line for whom the case file is": _l(
        "Tulislah dalam satu baris untuk siapa berkas kasus ini."
    ),
    "choose the form: full, redacted or paraphrase": _l("Pilihlah bentuknya."),
    "only a brief of the case is here: who has the case makes its case file": _l(
        "Di sini hanya ada ringkasan kasus. Berkas kasus dibuat oleh yang mempunyai "
        "kasusnya."
    ),
    "the case has no attachment {}": _l("Kasus ini tidak mempunyai lampiran itu."),
    "the case has gone on since the preview: look at it once more": _l(
        "Sejak dilihat, kasusnya atau pilihan Anda berubah. Lihat dahulu isinya sekali "
        "lagi; tidak ada yang ditulis."
    ),
    "attachment {} cannot be made into pages: leave it out of the case file": _l(
        "Satu lampiran tidak dapat dijadikan halaman, jadi tidak dapat disertakan. "
        "Lepaskan tandanya."
    ),
    "nobody could verify the case file: this desk has not got its officer's key as "
    "the organisation certified it": _l(
        "Berkas kasus tidak akan dapat diperiksa keasliannya: kunci Anda yang disahkan "
        "organisasi belum ada di meja kerja ini. Percayai kunci organisasi, lalu ambil "
        "satu bundel dari server."
    ),
    "the case has more text than a case file takes: use the paraphrase form.": _l(
        "Teks kasus ini terlalu panjang untuk berkas kasus. Pakailah bentuk pokok "
        "perkara dengan kata-kata kita."
    ),
    "the typeface is not on this machine: install the package fonts-dejavu-core.": _l(
        "Hurufnya tidak ada di komputer ini: pasang paket fonts-dejavu-core."
    ),
    "the fingerprint is not that of the key in the file.": _l(
        "Sidik jari ini bukan sidik jari kunci dalam berkas itu. Cocokkan lagi dengan "
        "penerima; tidak ada yang ditulis."
    ),
    "a fingerprint must be 40 hexadecimal digits.": _l(
        "Sidik jari terdiri atas 40 angka dan huruf A sampai F."
    ),
    "the quarter {} is not over; its figures can be written from {} on": _l(
        "Triwulan ini belum berakhir, sehingga angkanya belum dapat dibagikan."
    ),
    # Of an import, and of the list of officers.
    "new officer": _l("petugas baru"),
    "no longer an officer": _l("bukan petugas lagi"),
    "new reports are now sealed to them": _l(
        "laporan baru sekarang disegel juga untuknya"
    ),
    "they have another role now": _l("perannya sekarang lain"),
    "not taken in: this desk knows another key or desk of this officer": _l(
        "tidak diterima: meja kerja ini mengenal kunci atau meja lain dari petugas "
        "ini. Tanyakan kepadanya, lalu beri tahu pengelola server."
    ),
    "not taken in: {}": _l("tidak diterima: kuncinya tidak dapat dibaca"),
    "nothing can be sealed to them: {}": _l(
        "tidak ada yang dapat disegel untuknya: kuncinya tidak berlaku, atau belum "
        "disahkan dengan kunci organisasi"
    ),
    "no bundle has brought one's own key, certified": _l(
        "Kunci Anda yang sudah disahkan belum datang dengan bundel."
    ),
    "not certified by the organisation{}": _l("tidak disahkan dengan kunci organisasi"),
    "expired on {}": _l("masa berlakunya habis"),
    "not valid before {}": _l("belum berlaku"),
    "revoked": _l("dicabut"),
    "it names other reply keys than case {} has, which are not used: it may "
    "be forged": _l(
        "menyebut kunci jawaban lain, yang tidak dipakai: mungkin dipalsukan"
    ),
    "another item had this number before": _l("nomor ini dulu milik kiriman lain"),
    "the case has more than {} items, which no decision can name: it is shared with "
    "nobody": _l(
        "Kasus ini mempunyai lebih banyak kiriman daripada yang dapat disebut satu "
        "keputusan (4096), sehingga tidak dapat dibagikan. Mintalah pelapor mengirim "
        "pokoknya sebagai laporan baru: laporan itu dapat dibagikan."
    ),
    "a case cannot be linked to itself": _l(
        "Kasus tidak dapat ditautkan dengan dirinya sendiri."
    ),
    "the key is on smartcard {}, and this machine has no program for smartcards: "
    "install scdaemon": _l(
        "Kuncinya ada pada kartu pintar, dan komputer ini tidak punya program untuk "
        "kartu: pasang paket scdaemon."
    ),
    "the key is on smartcard {}, and no card reader is found: plug it in; if it is, "
    "install pcscd and libccid": _l(
        "Kuncinya ada pada kartu pintar, dan pembaca kartu tidak ditemukan: hubungkan "
        "pembacanya. Bila sudah, pasang paket pcscd dan libccid."
    ),
    "the key is on smartcard {}, which is not in the reader: put it in, and do it "
    "again": _l(
        "Kuncinya ada pada kartu pintar yang tidak terpasang di pembaca: pasang "
        "kartunya, lalu ulangi."
    ),
    "the key is on smartcard {}, and another one is in the reader {}: change them, "
    "and do it again": _l(
        "Kartu di pembaca bukan kartu yang memuat kuncinya: tukar kartunya, lalu "
        "ulangi."
    ),
    "the PIN of smartcard {} is blocked: set a new one with the admin PIN, by gpg "
    "--card-edit": _l(
        "PIN kartu pintar terblokir: buat PIN baru dengan PIN admin, melalui gpg "
        "--card-edit."
    ),
    "smartcard {} did not do it: the PIN was wrong, or nobody typed it; tries left: "
    "{}": _l(
        "PIN kartu pintar salah atau tidak diketik; tidak ada yang berubah. Sesudah "
        "tiga kali salah, kartu terblokir."
    ),
}
_PATTERNS = [
    (re.compile(".*".join(map(re.escape, sentence.split("{}"))), re.IGNORECASE), said)
    for sentence, said in _SENTENCES.items()
]


# Letters that leave no mark: a title of nothing else could not be seen or pressed.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def seen(untrusted_line: str | None) -> str:
    """Return a line as it is, or nothing if there is nothing in it to be seen."""
    line = untrusted_line or ""
    for character in line:
        # Letters, figures, marks of punctuation and symbols (Unicode, table 4-4).
        if unicodedata.category(character)[0] in "LNPS" and character not in _BLANK:
            return line
    return _("(tanpa huruf yang terlihat)") if line else ""


def format_fingerprint(fingerprint: str) -> str:
    """Write a fingerprint in groups of four, to be read aloud and compared."""
    return " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))


def _(sentence: str, **values: object) -> str:
    """Say a sentence in the officer's language now."""
    return str(flask_babel.gettext(sentence, **values))


def plain(sentence: str) -> str:
    """Say a refusal in the officer's language."""
    one_line = " ".join(sentence.split())
    for pattern, said in _PATTERNS:
        if pattern.fullmatch(one_line):
            return str(said)
    return one_line


def status_label(status: CaseStatus) -> str:
    """Name a status."""
    return str(STATUS_LABELS[status])


def kind_label(kind: ItemKind | ReplyKind) -> str:
    """Name what a reporter sent, or what was answered."""
    if isinstance(kind, ItemKind):
        return str(KIND_LABELS[kind])
    return str(REPLY_LABELS[kind])


def question_label(name: str) -> str:
    """Name one of the questions."""
    return str(QUESTION_LABELS.get(name, name))


def verdict_label(verdict: str) -> str:
    """Name how something was judged."""
    return str(VERDICT_LABELS.get(verdict, verdict))


def format_day(day: date) -> str:
    """Write a day shortly, in the reader's language."""
    written: str = babel.dates.format_date(day, "d MMM y", locale=get_locale() or "id")
    return written


def due_words(due: date, today: date) -> str:
    """Say how far a due day is away."""
    days = (due - today).days
    if days == 0:
        return _("hari ini")
    if days == 1:
        return _("besok")
    if days > 1:
        return _("%(days)s hari lagi", days=days)
    late = flask_babel.ngettext("lewat %(num)s hari", "lewat %(num)s hari", -days)
    return str(late)
