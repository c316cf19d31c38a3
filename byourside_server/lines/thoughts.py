"""The mind at work beside the talk: one thought at a time, which may be called off.

Knows when a mind is asked and how its answer comes back; not what it thinks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from byourside_server.conversation.brief import Brief
from byourside_server.conversation.events import Think
from byourside_server.conversation.mind import ForesightedMind, Mind
from byourside_server.lines.inbound import Inbound, MindFailed, Replied, Spoke
from byourside_server.lines.tasks import Tasks
from byourside_server.providers.base import ProviderError

log = logging.getLogger(__name__)


class Thoughts:
    """The mind of one call."""

    def __init__(self, call_id: str, mind: Mind, receive: Callable[[Inbound], None]) -> None:
        self.mind = mind
        self._call_id = call_id
        self._receive = receive
        self._tasks = Tasks()
        self._thought: asyncio.Task[None] | None = None

    @property
    def may_be_asked_ahead(self) -> bool:
        return isinstance(self.mind, ForesightedMind)

    def prepare(self, brief: Brief, expect_to_say: Callable[[str], None]) -> None:
        """Get the mind ready while the phone rings; its likely first words go to `expect_to_say`."""
        self._tasks.start(self._prepare(brief, expect_to_say))

    def think(self, wish: Think) -> None:
        """Ask what comes next, in place of whatever was asked before."""
        self.stop()
        self._thought = self._tasks.start(self._think(wish))

    async def confirm(self) -> None:
        """What was asked ahead is the answer."""
        if isinstance(self.mind, ForesightedMind):
            # One asked at this very moment (the machine had stalled) begins in the next round; until then the
            # mind would take an earlier one for it, which was dropped.
            await asyncio.sleep(0)
            self.mind.confirm()

    def stop(self) -> None:
        """What is being thought about is not wanted any more."""
        if self._thought is not None:
            self._thought.cancel()
            self._thought = None

    def close(self) -> None:
        """Let nothing more come back."""
        self._tasks.cancel()

    async def _prepare(self, brief: Brief, expect_to_say: Callable[[str], None]) -> None:
        try:
            words = await self.mind.prepare(brief)
        except ProviderError:
            return  # met again, and told, when it is needed
        except Exception:
            log.exception("a mind broke in its preparation", extra={"call_id": self._call_id})
            return
        if words:
            expect_to_say(words)

    async def _think(self, wish: Think) -> None:
        try:
            decision = await self.mind.reply(
                wish.situation, lambda text: self._receive(Spoke(wish.request_id, text))
            )
        except Exception:
            log.exception("a mind broke", extra={"call_id": self._call_id, "mind": self.mind.name})
            self._receive(MindFailed(wish.request_id))
        else:
            self._receive(Replied(wish.request_id, decision))
