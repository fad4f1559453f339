"""The onion folder of a world, and a tor that is not on any network."""

from collections.abc import Iterator
from contextlib import contextmanager

from support.command import World

from ops.onion import Onion, write_torrc
from ops.server import read_settings
from tor.program import TorProcess, find_tor

PASSPHRASE = "kata sandi cadangan"
ALONE = ["DisableNetwork 1"]


def onion_of(world: World) -> Onion:
    """Return the onion folder of a world."""
    return Onion.of(world.server, read_settings(world.server))


@contextmanager
def running_tor(world: World) -> Iterator[Onion]:
    """Let tor run without a network: it makes keys and takes commands."""
    onion = onion_of(world)
    world.done("onion", "torrc")
    write_torrc(onion, onion.torrc, network=ALONE)
    log = onion.directory / "log"
    with TorProcess(onion.torrc, log=log, program=find_tor()):
        for service in onion.services:
            onion.wait_for_address(service)
        yield onion


def with_passphrase(world: World, *words: object, refused: bool = False) -> str:
    """Run a command that asks for a passphrase twice."""
    result = world.bisik(*words, stdin=f"{PASSPHRASE}\n{PASSPHRASE}\n")
    assert int(refused) == result.exit_code, result.output
    assert PASSPHRASE not in result.output
    return result.output


def everything(onion: Onion) -> dict[str, bytes]:
    """Return every key, address and client."""
    return {
        str(path.relative_to(onion.directory)): path.read_bytes()
        for service in onion.services
        for path in service.directory.rglob("*")
        if path.is_file()
    }
