"""Whose fault is it? The two ways this room says no."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from byourside_server.sip.message import Request


class SipParseError(ValueError):
    """What came over the wire is not SIP; the sentence names the first wrong thing.

    `request` is what could be read where that suffices to answer it (RFC 3261 §8.2.6), and `status` is
    the answer it deserves.
    """

    def __init__(self, sentence: str, *, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status
        self.request: Request | None = None


class LocalProtocolError(RuntimeError):
    """Our own side asked for something that the state of the call, or SIP itself, does not allow."""
