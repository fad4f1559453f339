"""
Operations: the `bisik` command, which puts the parts together.

This is the outer edge: the clock is read, randomness is drawn and folders are
opened here, and passed on to packages that do none of it by themselves.
"""
