"""
Screens: the desk in a browser on the same machine, and for nobody else.

    one-time link --> cookie --> views --> acting, cases, importing, ... --> casebook

Views read, decide and answer.  What a case is and what may be done to it is said
elsewhere; nothing here touches a key or writes to the casebook by itself.
"""
