"""The sandbox's carrier: takes INVITEs on a loopback port and rings the phone the number belongs to."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from pathlib import Path

from byourside_server.lines.media_port import MediaPort
from byourside_server.lines.sip_memory import MemorySip, SipWire
from byourside_server.lines.sip_socket import SipSocket
from byourside_server.sandbox.persona import phone_of
from byourside_server.sandbox.simulated_call import SimulatedCall
from byourside_server.sip import events as sip

USER_AGENT = "ByYourSide-Sandbox"

log = logging.getLogger(__name__)


class SandboxCarrier:
    """Every number there is, on one UDP socket.

    `journal` names a file that gets one JSON line for every call dialled: who, when, and the caller's
    X-Call-Id, so that a test can count what a phone really saw; and one for every key that was heard.
    """

    def __init__(self, media: MediaPort, *, journal: Path | None = None) -> None:
        self._media = media
        self._journal = journal
        self._calls: set[asyncio.Task[None]] = set()
        self._count = 0
        self._socket: SipSocket

    async def open(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Bind and answer from now on; the SIP port."""
        self._socket = SipSocket(self._on_event, user_agent=USER_AGENT)
        await self._socket.open(host, port)
        return self._socket.port

    def open_in_memory(self, wire: SipWire, host: str) -> None:
        """Answer on a wire of this process from now on."""
        self._socket = MemorySip(wire, host, self._on_event, user_agent=USER_AGENT)

    async def close(self) -> None:
        for task in list(self._calls):
            task.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        await self._socket.close()

    def _on_event(self, event: sip.SipEvent) -> None:
        if isinstance(event, sip.InviteReceived):
            self._ring(event)
        elif callable(event.call.handle):
            event.call.handle(event)

    def _ring(self, invite: sip.InviteReceived) -> None:
        self._count += 1
        self._note(invite)
        call = SimulatedCall(
            invite,
            phone_of(invite.to_user),
            f"sandbox-{self._count}",
            socket=self._socket,
            media=self._media,
            note_key=lambda key: self._note(invite, key=key),
        )
        task = asyncio.create_task(call.run())
        self._calls.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a simulated call broke off", exc_info=error)

    def _note(self, invite: sip.InviteReceived, **more: str) -> None:
        if self._journal is None:
            return
        headers = {name.lower(): value for name, value in invite.headers}
        line = {"at": time.time(), "to": invite.to_user, "callId": headers.get("x-call-id"), **more}
        with self._journal.open("a") as journal:
            journal.write(json.dumps(line) + "\n")
