"""
Mechanism: codenames, key derivation, OpenPGP sealing, reply sealing, padding.

This package imports nothing of ours, knows neither Flask nor a database, and
gives every time, path and secret to the caller to decide.
"""
