"""
The doctor: is this server well, and can reporters get in?

    ok    tor           in the network
    LOOK  officers      the key of Petugas 1 ends on 2027-01-02
            do: ...
    BAD   officers' door  EVERYBODY who knows the address gets in
            do: stop tor at once ...

Every check says what is so, and what to do where it is not as it must be.  Nothing
is changed.

    finding      what came of a check
    directory    the server directory, as its owner: dead drop, officers, daily work
    onion        tor, and what the network knows of both services
    installed    Debian: services, upgrades, disks, backups, keys in /etc/bisik

What looks is apart from what judges: each `judge_...` is told what there is.
Specified in docs/spec/watching.md.
"""

from ops.doctor.directory import examine_server, examine_server_as_owner
from ops.doctor.finding import Finding, Verdict, from_json, to_json, wrong
from ops.doctor.installed import examine_machine
from ops.doctor.onion import examine_onion

__all__ = [
    "Finding",
    "Verdict",
    "examine_machine",
    "examine_onion",
    "examine_server",
    "examine_server_as_owner",
    "from_json",
    "to_json",
    "wrong",
]
