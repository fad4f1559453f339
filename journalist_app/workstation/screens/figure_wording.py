"""Wording of the statistics: what each table and each of its rows is called."""

from flask_babel import lazy_gettext as _l

TABLES = {
    "completeness": _l("Kelengkapan saat diterima"),
    "deadline": _l("Batas waktu verifikasi"),
    "stage": _l("Keadaan pada akhir triwulan"),
    "answered": _l("Pelapor pernah dijawab"),
    "forwarded": _l("Pernah diteruskan ke instansi lain"),
    "retaliation": _l("Risiko pembalasan dinilai"),
    "withdrawn": _l("Ditarik oleh pelapor"),
    "reopened": _l("Pernah dibuka kembali"),
}
_YES_NO = {"yes": _l("Ya"), "no": _l("Tidak")}
ROWS = {
    "completeness": {
        "complete": _l("Ketujuh pertanyaan dijawab"),
        "mostly": _l("Empat sampai enam dijawab"),
        "little": _l("Satu sampai tiga dijawab"),
        "not-here": _l("Laporannya tidak ada di sini"),
    },
    "deadline": {
        "kept": _l("Ditepati, atau belum jatuh"),
        "missed": _l("Terlewati"),
        "undated": _l("Tanpa batas waktu"),
    },
    "stage": {
        "verification": _l("Dalam verifikasi"),
        "waiting": _l("Menunggu pelapor"),
        "work": _l("Sedang dikerjakan"),
        "forwarded": _l("Diteruskan"),
        "followed-up": _l("Ditindaklanjuti"),
        "concluded": _l("Selesai"),
        "not-competent": _l("Bukan kewenangan"),
    },
    "answered": _YES_NO,
    "forwarded": _YES_NO,
    "retaliation": {
        "yes": _l("Ada risiko"),
        "no": _l("Tidak ada risiko"),
        "unsure": _l("Belum pasti"),
        "not-assessed": _l("Belum dinilai"),
    },
    "withdrawn": _YES_NO,
    "reopened": _YES_NO,
}
DURATIONS = {
    "verification": _l("Sampai hasil verifikasi (hari kerja)"),
    "first-reply": _l("Sampai jawaban pertama (hari)"),
    "closing": _l("Sampai penutupan (hari)"),
}
