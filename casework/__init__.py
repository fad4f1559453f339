"""
Meaning: reports, case states, deadlines, and the formats that carry them.

This package is pure.  It knows neither Flask nor a database, opens no file of
the caller's, reads no clock and draws no random number: streams, days and
numbers are passed in.  Of ours it imports `crypto` alone.
"""
