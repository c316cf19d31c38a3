"""Who wants to know that something has changed? Live views wait here instead of asking again and again.

Within one process only; whoever waits also looks by himself now and then, for changes made elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from byourside_server.calls.call import Call

log = logging.getLogger(__name__)


class Changes:
    """Wakes those who wait for a call or for anything of an account."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._listeners: list[Callable[[Call], None]] = []

    def listen(self, listener: Callable[[Call], None]) -> None:
        """Hear of every change that this process has made, as the call is afterwards."""
        self._listeners.append(listener)

    def tell(self, call: Call) -> None:
        """This call has changed."""
        for listener in self._listeners:
            try:
                listener(call)
            except Exception:
                # Who only looks on must not hold up a call.
                log.exception("listener failed", extra={"call_id": call.id})
        for subject in (call.id, call.account_id):
            for waiting in self._waiting.get(subject, ()):
                waiting.set()

    async def wait(self, subject: str, timeout_s: float) -> bool:
        """Wait for a change of a call or account, by id; False where the time ran out first."""
        changed = asyncio.Event()
        self._waiting.setdefault(subject, set()).add(changed)
        try:
            async with asyncio.timeout(timeout_s):
                await changed.wait()
        except TimeoutError:
            return False
        else:
            return True
        finally:
            self._waiting[subject].discard(changed)
            if not self._waiting[subject]:
                del self._waiting[subject]
