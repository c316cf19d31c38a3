"""One of the phones an INVITE of ours rings at: its early dialog, its description, its numbered responses.

Of several that send early media, the one whose description came last is listened to (docs/sip-dialogs.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from byourside_server.sip.dialog import Dialog
from byourside_server.sip.message import Response
from byourside_server.sip.reliable import InOrder


@dataclass
class Fork:
    """What one To tag stands for until somebody answers."""

    dialog: Dialog
    # Its first description, which counts as the answer to our offer (RFC 3261 §13.2.1); later its offers.
    sdp: bytes = b""
    order: InOrder = field(default_factory=InOrder)


class Forks:
    """All of them, the one listened to last."""

    def __init__(self) -> None:
        self._by_tag: dict[str, Fork] = {}

    def find(self, tag: str) -> Fork | None:
        return self._by_tag.get(tag)

    def of(self, response: Response, dialog: Dialog) -> Fork:
        """The fork a response comes from; a new one with `dialog`."""
        return self._by_tag.setdefault(response.to.tag or "", Fork(dialog))

    def describe(self, fork: Fork, sdp: bytes) -> bool:
        """Take in a description; True where it is new, and the fork the one to listen to."""
        if not sdp or fork.sdp:
            return False
        fork.sdp = sdp
        tag = fork.dialog.remote_tag
        self._by_tag[tag] = self._by_tag.pop(tag)
        return True

    def drop(self, tag: str) -> Fork | None:
        return self._by_tag.pop(tag, None)

    @property
    def listened_to(self) -> Fork | None:
        """The latest that has a description."""
        return next((fork for fork in reversed(self._by_tag.values()) if fork.sdp), None)

    def clear(self) -> None:
        """A new INVITE rings anew."""
        self._by_tag.clear()
