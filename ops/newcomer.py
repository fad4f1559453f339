"""
A whole Bisik for one person: server, organisation's key and desk in one folder.

    DIR/organisation   a real key, without a passphrase
    DIR/server         a real server directory
    DIR/desk           a real desk, enrolled, without a passphrase

For trying out and for learning, and therefore by the very same steps as in
earnest.  What it lacks is what protects: separate machines, separate people,
passphrases, Tor.  Each step is whole or not there, so that an interrupted start
goes on where it was.
"""

from dataclasses import dataclass
from pathlib import Path

from casework.profile import shipped_profile
from crypto.admission import fingerprint_in
from crypto.wordlist import load_wordlist
from deaddrop import UnknownOfficer
from journalist_app.courier.signing_in import NewAccount
from journalist_app.workstation.colleagues import trust_organisation
from journalist_app.workstation.desk import (
    ENROLMENT,
    Institution,
    create_desk,
    open_desk,
    read_record,
)
from ops.accounts import random_passphrase, simple_user_name
from ops.commands.introducing import read_enrolment
from ops.edge import Edge
from ops.officer_keys import enrol
from ops.organisation import PUBLIC_KEY, certify_enrolment, create_organisation
from ops.server import (
    create_server,
    migrate_server,
    open_server,
)
from ops.serving import make_sign_in
from ops.shipped import local_zone, shipped_calendar

OFFICER = "Petugas Coba"


@dataclass(frozen=True)
class Playground:
    """Where the parts are, and whether they were made just now."""

    organisation: Path
    server: Path
    desk: Path
    made: bool


def prepare(directory: Path, edge: Edge) -> Playground:
    """
    Make what is missing of a whole Bisik.

    Raises:
        As the steps do; the steps before stay.
    """
    directory = directory.absolute()
    playground = Playground(
        organisation=directory / "organisation",
        server=directory / "server",
        desk=directory / "desk",
        made=not (directory / "server").exists(),
    )
    today = edge.today(local_zone())
    if not playground.organisation.exists():
        create_organisation(
            playground.organisation, name="Bisik", passphrase=None, today=today
        )
    if not playground.desk.exists():
        create_desk(
            playground.desk,
            name=OFFICER,
            email=None,
            passphrase=None,
            institution=Institution(shipped_profile(), shipped_calendar()),
            today=today,
            entropy=edge.entropy,
        )
    if not playground.server.exists():
        public_key = (playground.organisation / PUBLIC_KEY).read_bytes()
        create_server(playground.server, edge, organisation_key=public_key, trial=True)
        with open_desk(playground.desk, passphrase=None, entropy=edge.entropy) as desk:
            trust_organisation(desk, public_key)
    # It may have been made by an earlier version.
    migrate_server(playground.server)
    _enrol_once(playground, edge)
    return playground


def trial_account(playground: Playground, edge: Edge) -> NewAccount:
    """Make the officer's account for the courier anew: nothing of it is kept."""
    fingerprint = read_record(playground.desk).fingerprint
    with open_server(playground.server, edge) as server:
        return make_sign_in(server, edge).make_account(
            fingerprint,
            simple_user_name(OFFICER),
            random_passphrase(load_wordlist("id"), edge.entropy),
        )


def _enrol_once(playground: Playground, edge: Edge) -> None:
    fingerprint = read_record(playground.desk).fingerprint
    with open_server(playground.server, edge) as server:
        try:
            server.drop.officers.get(fingerprint)
        except UnknownOfficer:
            enrolment = read_enrolment(playground.desk / ENROLMENT)
            certified = certify_enrolment(
                playground.organisation,
                enrolment,
                # Both are on this machine: nobody has to read anything out.
                fingerprint_read_out=fingerprint_in(
                    enrolment.certificate.encode("ascii")
                ),
                passphrase=None,
                today=server.today(edge),
            )
            enrol(server.drop, server.keyring, certified, today=server.today(edge))
            server.synchronise(edge)
