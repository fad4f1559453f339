"""
Fairness: a crowd on a few circuits of Tor must not shut the door for the others.

    circuit --keyed hash--> pseudonym --+--> allowances   how much it asks for a minute
                                        +--> turns        who is served next

Behind an onion service all visitors have one address, so that counting them by it
would count them as one.  What can be told apart are circuits, and an attacker pays
for each with work.  Nothing here identifies anybody, is written anywhere, or outlives
the process.  Without Tor nobody can be told apart, and nobody is counted.

Specified in docs/spec/fairness.md.  No Flask, no database, and no I/O.
"""
