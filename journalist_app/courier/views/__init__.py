"""Views of the courier: read, decide, answer."""
