"""
Tor: the only door of Bisik, configured, watched and tested like the rest.

    address          is this the name of an onion service?
    torrc            what tor is told: its onion services and nothing else
    authorization    who may reach the services that are not for everybody
    program          the tor program itself: is the configuration one, start it
    control          what a running tor says of itself
    descriptor       what the network is told of a service
    network          a private Tor network on this machine, for trying out and for tests

Knows nothing of reports, officers or databases.
"""
