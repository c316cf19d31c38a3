"""Web addresses as they may be printed: without user and password, and without what a query says."""

from __future__ import annotations

import re

REMOVED = "***"
# RFC 3986 §3.1: what an address begins with; where it ends in running text only a space can tell.
_IN_TEXT = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
# Up to the last @: who writes a password into an address often leaves its / ? and # as they are.
_USER = re.compile(r"^([a-z][a-z0-9+.-]*://)?.*@", re.IGNORECASE | re.DOTALL)
_QUERY = re.compile(r"([?&;#])([^=&;#?]*=)?[^&;#?]+")
_END = re.compile(r"[\"'),.:;\]>]*$")


def printable_address(address: str) -> str:
    """The address with its user part (a name alone may be the secret) and the values of its query removed."""
    end = _END.search(address)
    assert end is not None, "matches nothing at all, too"
    bare = _USER.sub(rf"\1{REMOVED}@", address[: end.start()])
    return _QUERY.sub(rf"\1\2{REMOVED}", bare) + end.group()


def printable(text: str) -> str:
    """The text with every web address in it made printable."""
    return _IN_TEXT.sub(lambda found: printable_address(found.group()), text) if "://" in text else text
