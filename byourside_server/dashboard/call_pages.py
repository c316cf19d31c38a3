"""The list of calls, one call, and what may be done to it."""

from __future__ import annotations

import asyncio
import re

from starlette.responses import RedirectResponse, Response

from byourside_server.calls.lifecycle import PUBLIC_STATUSES
from byourside_server.dashboard.call_view import (
    axis_labels,
    length_ms,
    shown_fields,
    shown_turns,
    shown_waits,
    shown_webhooks,
)
from byourside_server.dashboard.pages import Pages
from byourside_server.dashboard.visit import Visit
from byourside_server.errors import Refusal
from byourside_server.providers.base import Usage, total
from byourside_server.sip import pcap
from byourside_server.sip.trace import as_text
from byourside_server.switchboard import Switchboard

PAGE = 25
MAX_QUERY_CHARS = 200
CURSOR = re.compile(r"[A-Za-z0-9_-]{1,64}")


class CallPages:
    """`/calls` and `/calls/{call_id}`."""

    def __init__(self, switchboard: Switchboard, pages: Pages) -> None:
        self._switchboard = switchboard
        self._pages = pages

    async def list(self, visit: Visit) -> Response:
        """A page of calls, most recent first; `status`, `q` and `before` as in the address."""
        query = visit.request.query_params
        status = query.get("status") if query.get("status") in PUBLIC_STATUSES else None
        text = query.get("q", "").replace("\x00", "").strip()[:MAX_QUERY_CHARS]
        before = query.get("before") if CURSOR.fullmatch(query.get("before", "")) else None
        calls, cursor = await self._switchboard.list(visit.account, PAGE, before, status, text or None)
        return self._pages.show(
            "calls",
            visit,
            title="Calls",
            calls=calls,
            cursor=cursor,
            before=before,
            status_filter=status or "",
            text=text,
            statuses=PUBLIC_STATUSES,
        )

    async def show(self, visit: Visit) -> Response:
        """Everything that is known of a call. Raises Refusal `not_found`."""
        call = await self._switchboard.get(visit.account, visit.part("call_id"))
        events = await self._switchboard.events(visit.account, call_id=call.id)
        states = await self._switchboard.office.webhook_states(visit.account, call.id)
        deliveries = await self._switchboard.deliveries(visit.account, call.id)
        has_sound = call.ended_at is not None and self._switchboard.recording_path(call) is not None
        return self._pages.show(
            "call",
            visit,
            title=f"Call to {call.request.to}",
            call=call,
            report=call.report,
            turns=shown_turns(call),
            fields=shown_fields(call),
            axis=axis_labels(call),
            waits=shown_waits(call),
            length_ms=length_ms(call),
            has_sound=has_sound,
            has_trace=self._switchboard.has_sip_trace(call),
            events=events,
            webhooks=shown_webhooks(events, states, deliveries),
            usage=total([call.usage, call.report.usage if call.report else Usage()]),
        )

    async def sip_trace(self, visit: Visit) -> Response:
        """The call's SIP messages as text, or as a capture file. Raises Refusal `not_found`."""
        call = await self._switchboard.get(visit.account, visit.part("call_id"))
        passages = await self._switchboard.sip_trace(call)
        if not passages:
            raise Refusal("not_found", "This call has no SIP trace.")
        if visit.request.query_params.get("format") == "pcap":
            name = {"Content-Disposition": f'attachment; filename="call-{call.id}.pcap"'}
            body = await asyncio.to_thread(pcap.as_pcap, passages)
            return Response(body, headers=name, media_type=pcap.MEDIA_TYPE)
        text = as_text(call.id, passages).encode("utf-8", "backslashreplace")
        return Response(text, media_type="text/plain; charset=utf-8")

    async def hang_up(self, visit: Visit) -> Response:
        """Call the call off, or note that it was over. Raises Refusal `not_found`."""
        call_id, note = visit.part("call_id"), "hung_up"
        try:
            await self._switchboard.cancel(visit.account, call_id)
        except Refusal as refusal:
            if refusal.token != "call_ended":
                raise
            note = "over"
        return RedirectResponse(f"/calls/{call_id}?note={note}", 303)

    async def replay(self, visit: Visit) -> Response:
        """Send a webhook of the call once more. Raises Refusal `not_found`."""
        call = await self._switchboard.get(visit.account, visit.part("call_id"))
        await self._switchboard.replay(visit.account, visit.form.one("event"))
        return RedirectResponse(f"/calls/{call.id}?note=replayed#webhooks", 303)
