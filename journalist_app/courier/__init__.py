"""
The courier: sealed bundles go out to the desks, signed outboxes come in.

It works on the server and opens nothing: what it carries is ciphertext, and
what it believes is signed by an officer.
"""
