"""Two machines with one PostgreSQL behind one onion address."""

from dataclasses import replace

import pytest
from support.balance import running_behind_one_address
from support.identity import reached_anew
from support.onions import short_folder
from support.postgres import PostgresServer
from support.visitor import Visitor

from tor.network import PrivateNetwork

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.postgres]

# Onionbalance waits 45 seconds before it publishes anything.
FRONT_SECONDS = 180.0
AGAIN_SECONDS = 60.0


def test_either_machine_does(
    tor_network: PrivateNetwork, postgres: PostgresServer
) -> None:
    """
    A report that was sent through one machine is read through the other; one of them
    dies, and the next visit succeeds, under the same address.
    """
    database = postgres.create_database("balance")
    with (
        short_folder() as folder,
        running_behind_one_address(folder, tor_network, database) as balanced,
    ):
        first, second = (
            balanced.visiting.visitor(machine.address) for machine in balanced.machines
        )
        for machine in balanced.machines:
            balanced.visiting.connect_soon(
                machine.address, seconds=FRONT_SECONDS
            ).close()
        codename = first.draw_codename()
        assert "sudah kami terima" in first.send_report().text
        assert "Judul uji" in second.sign_in(codename).text

        balanced.wait_until_both_are_known(FRONT_SECONDS)
        balanced.visiting.connect_soon(balanced.front, seconds=FRONT_SECONDS).close()
        visitor = balanced.visiting.visitor(balanced.front)
        assert signs_in(visitor, codename)
        balanced.machines[0].kill()
        again = reached_anew(
            lambda name: replace(balanced.visiting, user=name),
            balanced.begin_anew,
            balanced.front,
            seconds=AGAIN_SECONDS,
        )
        later = again.visitor(balanced.front)
        assert signs_in(later, codename)
        assert "sudah disegel" in later.send_message("Lewat mesin yang kedua.").text
        # The earlier visit goes on over a new circuit: sessions are in the database.
        # Of the old one nobody tells the visitor's tor at times, which waits for it.
        balanced.begin_anew()
        assert "Judul uji" in visitor.get("/case/").text


def signs_in(visitor: Visitor, codename: str) -> bool:
    """Sign in, and tell whether the case is there."""
    return "Judul uji" in visitor.sign_in(codename).text
