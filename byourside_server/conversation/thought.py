"""What the mind is asked and has not answered yet: one request at a time, numbered.

A newer request supersedes the older; whatever still comes for that one is too late.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from byourside_server.conversation.events import ConversationEvent, StopThinking, Think
from byourside_server.conversation.mind import Occasion, Situation


@dataclass
class _Request:
    number: int
    occasion: Occasion
    has_begun: bool = False
    asked_ahead: Situation | None = None
    """Of a reply taken over: what it answers."""


class Thought:
    """The request under way, if any."""

    def __init__(self, events: deque[ConversationEvent]) -> None:
        self._events = events
        self._count = 0
        self._request: _Request | None = None

    @property
    def is_pending(self) -> bool:
        return self._request is not None

    @property
    def has_begun(self) -> bool:
        """Whether the reply's first sentence has come and its end has not."""
        return self._request is not None and self._request.has_begun

    @property
    def occasion(self) -> Occasion | None:
        return self._request.occasion if self._request is not None else None

    def ask(self, situation: Situation) -> None:
        """Ask the mind; an earlier request is superseded."""
        number = self.next_number()
        self._request = _Request(number, situation.occasion)
        self._events.append(Think(number, situation))

    def next_number(self) -> int:
        """For a request of whatever kind."""
        self._count += 1
        return self._count

    def take_over(self, request_id: int, situation: Situation) -> None:
        """What was asked ahead is what is waited for now."""
        self._request = _Request(request_id, situation.occasion, asked_ahead=situation)

    def ask_again(self) -> bool:
        """A reply taken over has failed before its first sentence: ask once more, now that it is time.

        False for one that was not asked ahead, or that has begun.
        """
        request = self._request
        if request is None or request.asked_ahead is None or request.has_begun:
            return False
        self.ask(request.asked_ahead)
        return True

    def is_of(self, request_id: int) -> bool:
        """Whether this is the request that is waited for."""
        return self._request is not None and self._request.number == request_id

    def begin(self) -> None:
        """The reply's first sentence came."""
        if self._request is not None:
            self._request.has_begun = True

    def finish(self) -> None:
        """The reply is complete."""
        self._request = None

    def drop(self) -> None:
        """The reply is not wanted any more."""
        if self._request is not None:
            self._request = None
            self._events.append(StopThinking())
