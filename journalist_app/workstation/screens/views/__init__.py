"""Views of the desk: read, decide, answer."""
