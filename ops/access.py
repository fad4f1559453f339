"""
Access: which officers can reach the courier, told to a tor that may be running.

    grant    file lands --> tor reads its folder again
    revoke   file goes  --> the service ends and begins anew

Reading the folder again is not enough to shut somebody out: a client that holds the
service's descriptor of before uses it for hours.  Begun anew, the service has other
introduction points, which that descriptor does not know, and no old circuits.  The
reporters' service does not notice.
"""

from collections.abc import Callable

from ops.onion import NoOnion, Onion
from tor.authorization import ClientKey
from tor.control import Control, connect, is_running


def grant(onion: Onion, name: str, key: ClientKey) -> bool:
    """
    Let somebody reach the courier.

    Args:
        onion: Of which server.

        name: For the operator.

        key: Their public key.

    Raises:
        NoOnion: If there is nothing to reach.

        As `AuthorizedClients.grant`; then nothing has changed.

    Returns:
        Whether tor knows already; otherwise it will when it starts.
    """
    _check_is_there(onion)
    onion.clients.grant(name, key)
    return _tell(onion, Control.reload)


def revoke(onion: Onion, name: str) -> bool:
    """
    Shut somebody out, at once.

    Raises:
        NoOnion: If there is nothing to reach.

        As `AuthorizedClients.revoke`; then nothing has changed.

        TorRefused: If the service ended and did not begin anew.

    Returns:
        Whether tor ran, and they were shut out of a running service.
    """
    _check_is_there(onion)
    onion.clients.revoke(name)
    return _tell(onion, lambda control: begin_anew(onion, control))


def begin_anew(onion: Onion, control: Control) -> None:
    """End the officers' service with all its circuits, and begin it again."""
    onion.clients.check()
    control.serve([onion.reporters])
    control.serve(onion.services)


def _check_is_there(onion: Onion) -> None:
    if not onion.officers.directory.exists():
        raise NoOnion(f"there is no {onion.officers.directory}")


def _tell(onion: Onion, say: Callable[[Control], None]) -> bool:
    if not is_running(onion.control_socket):
        return False
    with connect(onion.control_socket) as control:
        say(control)
    return True
