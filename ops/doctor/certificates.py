"""The certificates of TLS between the sites and their database, where there are any."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from cryptography import x509

from ops.doctor.finding import Finding, Verdict
from ops.doctor.keys import KeyLife, judge_keys
from ops.machine import Machine

FOLDER: Final = "/etc/bisik/database"
NAMES: Final = ("machine.crt", "authority.crt")
RENEW: Final = "run the playbook again, which renews it"


def examine_certificates(machine: Machine, today: date) -> Iterator[Finding]:
    """Look until when they are good; nothing is said where there are none."""
    lives = []
    for name in NAMES:
        path = f"{FOLDER}/{name}"
        if not machine.path(path).exists():
            continue
        text = machine.text(path)
        if text is None:
            yield Finding(
                Verdict.LOOK,
                "database",
                f"this user may not read {path}",
                "run bisik doctor as root",
            )
            continue
        try:
            certificate = x509.load_pem_x509_certificate(text.encode())
        except ValueError:
            yield Finding(
                Verdict.BAD, "database", f"{path} is not a certificate", RENEW
            )
            continue
        lives.append(KeyLife(path, certificate.not_valid_after_utc.date()))
    yield from judge_keys("database", lives, today=today, way_out=RENEW)
