"""Names of things, as reporters read them."""

from flask_babel import lazy_gettext as _

from casework.item import ItemKind
from casework.reply import CaseStatus

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
