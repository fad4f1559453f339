"""The groups of the `bisik` command, one module each."""
