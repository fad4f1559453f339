"""
Training: a desk of its own with ready-made cases, to learn the work at.

    cases.toml --sealed, bundled, imported, acted on as everything else--> a desk
"""
