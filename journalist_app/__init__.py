"""
The officers' side: the courier on the server, the workstation away from it.

    courier       carries sealed bundles out and signed outboxes in; reads none
    workstation   the desk on a machine without a network; opens and answers

Neither imports the other: what they have in common are files on a stick.
"""
