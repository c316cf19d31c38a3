"""Who wants to know that something has changed? Live views wait here instead of asking again and again.

Within one process only; whoever waits also looks by himself now and then, for changes made elsewhere.
"""

from __future__ import annotations

import asyncio

from byourside_server.calls.call import Call


class Changes:
    """Wakes those who wait for a call or for anything of an account."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    def tell(self, call: Call) -> None:
        """This call has changed."""
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
