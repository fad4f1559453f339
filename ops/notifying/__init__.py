"""
Notifications: one sealed message a day, the same whether there is something or not.

    dead drop --bisik notify seal (bisik, no network)--> sealed messages, in memory
                                                              |
    mail server <--tor <--Unix socket-- bisik notify send (bisik-notify, reads nothing)

    recipients   who gets one: an address, a certificate, officer or operator
    wording      what it says, in Indonesian and English
    message      the same size and the same headers, whatever it says
    sealing      the day's messages, as files
    mail         the mail server, and how it is reached
    posting      sending them, and noting whether that worked

Specified in docs/spec/notifications.md.
"""
