"""The courier's key: one of a server directory, however many ask for it first."""

import os
from dataclasses import replace

from support.command import World

from ops.server import COURIER_KEY, COURIER_KEY_BYTES, open_server


def test_workers_that_begin_at_once_have_one_key(world: World) -> None:
    """Whoever is overtaken while making it takes that of the other, which stays."""
    others: list[bytes] = []
    with (
        open_server(world.server, world.edge) as server,
        open_server(world.server, world.edge) as other,
    ):

        def overtaken(size: int) -> bytes:
            if size == COURIER_KEY_BYTES:
                others.append(other.courier_key(world.edge))
            return os.urandom(size)

        mine = server.courier_key(replace(world.edge, entropy=overtaken))
        again = server.courier_key(world.edge)

    stored = (world.server / COURIER_KEY).read_bytes()
    assert [stored] == others
    assert stored == mine == again
    left = [path.name for path in world.server.glob(f"*{COURIER_KEY}*")]
    left += [path.name for path in world.server.glob(f".*{COURIER_KEY}*")]
    assert {COURIER_KEY} == set(left)
