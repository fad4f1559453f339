"""
Access: who can reach a guarded service, told to a tor that may be running.

Guarded are the officers' service and, if there is one, the administrators'.

    grant    file lands --> tor reads its folder again
    revoke   file goes  --> the service ends and begins anew

Reading the folder again is not enough to shut somebody out: a client that holds the
service's descriptor of before uses it for hours.  Begun anew, the service has other
introduction points, which that descriptor does not know, and no old circuits.  The
other services do not notice.
"""

from collections.abc import Callable

from ops.errors import OpsError
from ops.onion import NoOnion, Onion
from tor.authorization import ClientKey
from tor.control import Control, connect, is_running
from tor.torrc import Service


class NotServed(OpsError):
    """bisik.toml does not want this service."""


def grant(onion: Onion, service: Service, name: str, key: ClientKey) -> bool:
    """
    Let somebody reach a service.

    Args:
        onion: Of which server.

        service: A guarded one.

        name: For the operator.

        key: Their public key.

    Raises:
        NotServed, NoOnion: If there is nothing to reach.

        As `AuthorizedClients.grant`; then nothing has changed.

    Returns:
        Whether tor knows already; otherwise it will when it starts.
    """
    check_is_there(onion, service)
    onion.clients_of(service).grant(name, key)
    return _tell(onion, Control.reload)


def revoke(onion: Onion, service: Service, name: str) -> bool:
    """
    Shut somebody out of a guarded service, at once.

    Raises:
        NotServed, NoOnion: If there is nothing to reach.

        As `AuthorizedClients.revoke`; then nothing has changed.

        TorRefused: If the service ended and did not begin anew.

    Returns:
        Whether tor ran, and they were shut out of a running service.
    """
    check_is_there(onion, service)
    onion.clients_of(service).revoke(name)
    return _tell(onion, lambda control: begin_anew(onion, service, control))


def begin_anew(
    onion: Onion,
    service: Service,
    control: Control,
    *,
    between: Callable[[], object] = lambda: None,
) -> None:
    """
    End a guarded service with all its circuits, and begin it again.

    Args:
        onion: Of which server.

        service: Which one; all others go on.

        control: Of its tor.

        between: What is done while the service is not there.
    """
    onion.check_guarded()
    control.serve([other for other in onion.services if other != service])
    between()
    control.serve(onion.services)


def check_is_there(onion: Onion, service: Service) -> None:
    """
    Make sure that there is something to reach, or was.

    Raises:
        NotServed, NoOnion: As their sentences say.
    """
    if service not in onion.services:
        raise NotServed(f"bisik.toml does not want {service.directory.name}")
    if not service.directory.exists():
        raise NoOnion(f"there is no {service.directory}")


def _tell(onion: Onion, say: Callable[[Control], None]) -> bool:
    if not is_running(onion.control_socket):
        return False
    with connect(onion.control_socket) as control:
        say(control)
    return True
