"""A SIP user agent without sockets: bytes and the time go in, bytes and events come out.

RFC 3261, both sides, as three layers named as in the RFC: messages (`message`, `parse`, `grammar`),
transactions (`transaction`), and dialogs and calls (`dialog`, `call`). `endpoint` is the door.
"""
