"""`/v1/agent/calls` and what lies under it: each handler asks the desk once and answers.

Handlers take the bare request: no framework validates here, so every refusal is the house's own.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from byourside_server.api.answers import answer
from byourside_server.api.body import hash_of, parse_object, read_body
from byourside_server.api.desk import ApiSettings, Desk, account_of, key_of, visit_of
from byourside_server.api.event_stream import (
    event_stream,
    frames_of_account,
    frames_of_call,
    place_of,
    wants_stream,
)
from byourside_server.api.headers import idempotency_key_of, traceparent_of
from byourside_server.api.query import after_of, limit_of, word_of
from byourside_server.api.recording import no_recording, recording_answer
from byourside_server.api.sip_trace import sip_trace_answer
from byourside_server.calls.call import JsonValue
from byourside_server.calls.lifecycle import PUBLIC_STATUS
from byourside_server.calls.wire_request import parse_call_request
from byourside_server.errors import Refusal

CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# A call is queued when its POST is answered; the answer to a repeated POST is the first answer again.
PLACED_STATUS = PUBLIC_STATUS["queued"]


class Calls:
    """The handlers of calls, over one desk."""

    def __init__(self, desk: Desk, settings: ApiSettings) -> None:
        self._desk = desk
        self._settings = settings

    async def place(self, request: Request) -> Response:
        idempotency_key = idempotency_key_of(request.headers)
        body = parse_object(await read_body(request))
        wanted = parse_call_request(body, allow_local_webhooks=self._settings.allow_local_webhooks)
        traceparent = traceparent_of(request.headers)
        if traceparent is not None:
            wanted = replace(wanted, traceparent=traceparent)
        call = await self._desk.place(
            account_of(request),
            key_of(request),
            wanted,
            idempotency_key=idempotency_key,
            body_hash=hash_of(body) if idempotency_key is not None else "",
        )
        return answer({"callId": call.id, "status": PLACED_STATUS})

    async def validate(self, request: Request) -> Response:
        body = parse_object(await read_body(request))
        wanted = parse_call_request(body, allow_local_webhooks=self._settings.allow_local_webhooks)
        found = await self._desk.validate(account_of(request), wanted)
        return answer({"valid": True, "to": found.e164, "country": found.country, "kind": found.kind})

    async def list(self, request: Request) -> Response:
        query = request.query_params
        calls, cursor = await self._desk.list(
            account_of(request),
            limit=limit_of(query),
            before=word_of(query, "before"),
            status=word_of(query, "status"),
        )
        return answer({"calls": [self._desk.record(call) for call in calls], "nextCursor": cursor})

    async def get(self, request: Request) -> Response:
        call = await self._desk.get(account_of(request), call_id_of(request))
        return answer(self._desk.record(call))

    async def cancel(self, request: Request) -> Response:
        call = await self._desk.cancel(account_of(request), call_id_of(request))
        return answer(self._desk.record(call))

    async def recording(self, request: Request) -> Response:
        call = await self._desk.get(account_of(request), call_id_of(request))
        path = self._desk.recording_path(call)
        if path is None or call.ended_at is None:
            # While the call lives its file grows: a WAV is one only once its header tells its length.
            raise no_recording()
        visit = visit_of(request)
        return recording_answer(path, call.id, request.headers, visit.request_id, is_head=visit.is_head)

    async def sip_trace(self, request: Request) -> Response:
        call = await self._desk.get(account_of(request), call_id_of(request))
        passages = await self._desk.sip_trace(call)
        return await asyncio.to_thread(sip_trace_answer, call.id, passages, request.query_params)

    async def call_events(self, request: Request) -> Response:
        account = account_of(request)
        call = await self._desk.get(account, call_id_of(request))
        if _is_stream(request):
            place = place_of(request.headers, after_of(request.query_params))
            return event_stream(frames_of_call(self._desk, account, call.id, place))
        return await self._events(request, call.id)

    async def events(self, request: Request) -> Response:
        if _is_stream(request):
            place = place_of(request.headers, after_of(request.query_params))
            return event_stream(frames_of_account(self._desk, account_of(request), place))
        return await self._events(request, None)

    async def _events(self, request: Request, call_id: str | None) -> Response:
        after = after_of(request.query_params)
        found = await self._desk.events(
            account_of(request), after=after, limit=limit_of(request.query_params, 100), call_id=call_id
        )
        bodies: list[JsonValue] = [event.body for event in found]
        return answer({"events": bodies, "nextAfter": found[-1].id if found else after})


def _is_stream(request: Request) -> bool:
    return wants_stream(request.headers) and not visit_of(request).is_head


def call_id_of(request: Request) -> str:
    """The call id in the path. What can't be one is not looked up: Refusal `not_found`."""
    call_id = request.path_params["call_id"]
    if not isinstance(call_id, str) or not CALL_ID.fullmatch(call_id):
        raise Refusal("not_found", "There is no such call on this account.")
    return call_id
