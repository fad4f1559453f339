"""How the units that watch, and that send messages, are confined: judged offline."""

from pathlib import Path

import pytest
from support.units import DEPLOYMENT, exposure, with_units

from ops.notifying.mail import MailSettings
from tor.program import find_tor, verify

SEALED_BEST = 0.1
# Root, without a network, that can read everything and become the service's user.
WATCHING = 2.0
# It opens connections to anywhere: that is what it is for.
CARRYING = 1.5


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the units as on a server."""
    with_units(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["bisik-notify-seal", "bisik-notify"])
def test_what_seals_and_sends_is_as_tight_as_a_site(root: Path, name: str) -> None:
    """
    Neither has a network: the one way out of the sender is a file.
    """
    good, open_still = exposure(root, f"{name}.service", threshold=SEALED_BEST)

    assert good, open_still
    assert {"RestrictAddressFamilies_AF_UNIX", "DeviceAllow"} == open_still.keys()


@pytest.mark.parametrize(
    ("name", "threshold"),
    [
        ("bisik-doctor", WATCHING),
        ("bisik-counters", WATCHING),
        ("bisik-notify-tor", CARRYING),
    ],
)
def test_the_others_are_tight_for_what_they_do(
    root: Path, name: str, threshold: float
) -> None:
    """
    Root that watches has no network; tor that carries has no root.
    """
    good, open_still = exposure(root, f"{name}.service", threshold=threshold)

    assert good, open_still
    assert ("PrivateNetwork" in open_still) == (name == "bisik-notify-tor")
    assert ("UserOrDynamicUser" in open_still) == (name != "bisik-notify-tor")


def test_the_sender_reads_neither_dead_drop_nor_keys() -> None:
    """
    Of the machine's files it has its settings, sealed messages and one socket.
    """
    text = (DEPLOYMENT / "systemd/bisik-notify.service").read_text()
    bound = [line for line in text.splitlines() if line.startswith("Bind")]
    assert not any("/var/lib/bisik/" in line for line in bound)
    assert "BindReadOnlyPaths=/run/bisik-notify-tor" in bound
    socks = Path(str(MailSettings.model_fields["socks"].default))
    assert Path("/run/bisik-notify-tor/socks") == socks
    assert str(socks) in (DEPLOYMENT / "tor/bisik-notify.torrc").read_text()
    assert "LoadCredential=mail-password:/etc/bisik/mail-password" in text
    assert "Environment=PATH=/usr/bin LANG=C.UTF-8 HOME=/tmp\n" in text


def test_tor_reads_what_it_is_told(tmp_path: Path) -> None:
    """
    The shipped torrc, with folders that are there.
    """
    shipped = (DEPLOYMENT / "tor/bisik-notify.torrc").read_text()
    for folder in ("/run/bisik-notify-tor", "/var/lib/bisik-notify-tor"):
        here = tmp_path / Path(folder).parent.name
        here.mkdir(mode=0o700)
        shipped = shipped.replace(folder, str(here))
    torrc = tmp_path / "torrc"
    torrc.write_text(shipped)

    verify(torrc, program=find_tor())
