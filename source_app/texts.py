"""Names of things, as reporters read them."""

from flask_babel import lazy_gettext as _

from casework.exposure import ExposureKind
from casework.item import ItemKind
from casework.reply import CaseStatus
from casework.traces import TraceKind

STATUS_LABELS = {
    CaseStatus.RECEIVED: _("Diterima"),
    CaseStatus.VERIFICATION: _("Sedang diverifikasi"),
    CaseStatus.NEEDS_COMPLETION: _("Perlu dilengkapi"),
    CaseStatus.NOT_COMPETENT: _("Bukan kewenangan kami"),
    CaseStatus.REGISTERED: _("Terdaftar"),
    CaseStatus.REVIEW: _("Sedang ditelaah"),
    CaseStatus.EXAMINATION: _("Sedang diperiksa"),
    CaseStatus.FORWARDED: _("Diteruskan ke lembaga lain"),
    CaseStatus.FOLLOWED_UP: _("Ditindaklanjuti"),
    CaseStatus.CONCLUDED: _("Selesai"),
    CaseStatus.REOPENED: _("Dibuka kembali"),
}

# Said where a form comes back with its text.
ASKED_TO_WAIT = _(
    "Terlalu banyak permintaan datang pada saat yang sama, mungkin dengan sengaja. "
    "Tidak ada yang hilang: tunggu satu atau dua menit, lalu tekan sekali lagi. "
    "Pelapor yang kembali dan pesan singkat didahulukan."
)

WITHDRAWN = _("Ditarik oleh Anda")

SENT_LABELS = {
    ItemKind.REPORT: _("Laporan"),
    ItemKind.MESSAGE: _("Pesan"),
    ItemKind.ATTACHMENTS: _("Dokumen"),
    ItemKind.CONTACT: _("Kontak"),
    ItemKind.WITHDRAWAL: _("Penarikan laporan"),
    ItemKind.READ_RECEIPT: _("Tanda sudah dibaca"),
    ItemKind.PROGRESS: _("Pertanyaan perkembangan"),
}

# What the history shows in place of a telephone number: the number itself is
# kept nowhere but in the item that is sealed to the officers concerned.
CONTACT_SENT = _("Kontak Anda sudah dikirim dan tidak ditampilkan di sini.")

NOTICES = {
    "message": _("Pesan Anda sudah disegel dan tersimpan."),
    "files": _("Dokumen Anda sudah disegel dan tersimpan."),
    "progress": _("Pertanyaan Anda sudah tersimpan. Jawabannya akan ada di sini."),
    "contact": _("Kontak Anda sudah disegel dan tersimpan."),
    "read": _("Tanda sudah dibaca telah tersimpan."),
    "withdrawn": _("Laporan Anda sudah ditarik."),
}

NOT_RECOGNISED = _(
    "Kata sandi ini tidak kami kenali. Periksa ejaan dan urutan ketujuh kata, lalu "
    "coba lagi. Kata sandi baru berlaku setelah laporan pertamanya terkirim."
)
SESSION_ENDED = _(
    "Anda belum masuk, atau kunjungan Anda berakhir karena 30 menit tidak ada "
    "kegiatan. Tidak ada yang terkirim. Ketik kata sandi rahasia Anda untuk masuk."
)

TOO_LARGE = _("lebih besar dari batas untuk satu dokumen; tidak disimpan")
NO_SPACE = _("tidak muat lagi di ruang laporan ini; tidak disimpan")
TOO_MANY = _("melebihi jumlah berkas sekali kirim; kirimlah tersendiri")
EMPTY_FILE = _("berkasnya kosong; tidak disimpan")

EXPOSURE_LABELS = {
    ExposureKind.NATIONAL_ID: _("Tampak seperti NIK (16 angka)"),
    ExposureKind.CIVIL_SERVANT_ID: _("Tampak seperti NIP (18 angka)"),
    ExposureKind.TELEPHONE: _("Tampak seperti nomor telepon"),
    ExposureKind.EMAIL: _("Tampak seperti alamat surel"),
    ExposureKind.LINK: _("Tautan"),
    ExposureKind.NAME: _("Tampak seperti nama Anda"),
    ExposureKind.OWN_POSITION: _("Jabatan atau unit kerja Anda"),
    ExposureKind.RELATION: _("Hubungan Anda dengan seseorang"),
    ExposureKind.ONLY_I_KNOW: _("Sesuatu yang hanya Anda ketahui"),
}
_NUMBER = _(
    "Bila ini milik Anda, petugas yang membaca langsung tahu siapa Anda. Hapuslah. "
    "Bila milik orang yang dilaporkan, boleh tetap ada."
)
EXPOSURE_REASONS = {
    ExposureKind.NATIONAL_ID: _NUMBER,
    ExposureKind.CIVIL_SERVANT_ID: _NUMBER,
    ExposureKind.TELEPHONE: _NUMBER,
    ExposureKind.EMAIL: _NUMBER,
    ExposureKind.LINK: _(
        "Tautan berbagi berkas sering memuat nama akun pembuatnya, dan pemilik "
        "situsnya dapat melihat siapa yang membuka. Lebih baik lampirkan berkasnya."
    ),
    ExposureKind.NAME: _("Anda tidak perlu menyebut nama. Laporan tetap ditangani."),
    ExposureKind.OWN_POSITION: _(
        "Bila hanya sedikit orang yang memenuhi keterangan ini, Anda mudah ditebak. "
        "Ceritakan peristiwanya tanpa menyebut kedudukan Anda."
    ),
    ExposureKind.RELATION: _(
        "Hubungan keluarga atau kerja mempersempit siapa Anda. Sebut orangnya saja, "
        "tanpa hubungannya dengan Anda."
    ),
    ExposureKind.ONLY_I_KNOW: _(
        "Bila hanya Anda yang tahu, isi laporan sendiri sudah menunjuk kepada Anda. "
        "Tulislah lebih umum, atau tanpa bagian itu."
    ),
}

TRACE_LABELS = {
    TraceKind.POSITION: _("Tempat pengambilan"),
    TraceKind.AUTHOR: _("Nama pembuat atau pengubah"),
    TraceKind.EDITS: _("Nama pada komentar atau perubahan"),
    TraceKind.ORGANISATION: _("Nama lembaga"),
    TraceKind.DEVICE: _("Jenis kamera atau ponsel"),
    TraceKind.TIME: _("Waktu"),
    TraceKind.SOFTWARE: _("Aplikasi"),
}
_NAMES = _("Bila itu nama atau akun Anda, petugas akan membacanya.")
_HABITS = _("Hal ini dapat dicocokkan dengan perangkat atau jadwal Anda.")
TRACE_ADVICE = {
    TraceKind.POSITION: _(
        "Bila itu rumah atau tempat kerja Anda, tempat itu menunjuk Anda."
    ),
    TraceKind.AUTHOR: _NAMES,
    TraceKind.EDITS: _NAMES,
    TraceKind.ORGANISATION: _("Lembaga atau unit kerja dapat mempersempit siapa Anda."),
    TraceKind.DEVICE: _HABITS,
    TraceKind.TIME: _HABITS,
    TraceKind.SOFTWARE: _(
        "Jarang menunjuk orang, tetapi dapat menunjuk perangkat kantor."
    ),
}
