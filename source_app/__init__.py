"""
The reporters' onion site.

Plain HTML, one request a page, no script.  What a reporter sends is sealed with
OpenPGP while it arrives and is committed before it is acknowledged; what waits
for them is opened only while they are signed in with their codename.

    views ---> reporting ---> casework (meaning), deaddrop (blind store)
      |            |
      |            +--------> crypto (sealing to officers, opening replies)
      +-----> sessions, uploads, wire
"""
