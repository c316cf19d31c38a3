"""The door over HTTP: the public API with one agent key, for a process that is not the server.

A request whose answer got lost is sent again: reading does no harm, and placing carries its Idempotency-Key.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import anyio
import httpx

from byourside_server.calls.call import JsonValue
from byourside_server.calls.wire import Json
from byourside_server.clock import parse_iso_utc
from byourside_server.errors import STATUS_OF_TOKEN, Refusal
from byourside_server.mcp.door import Placed, Recording, Unreachable, Watch, no_recording
from byourside_server.mcp.http_watch import HttpWatch
from byourside_server.mcp.repeats import mark_of
from byourside_server.media.recording import seconds_of

CALLS = "/v1/agent/calls"
TIMEOUT = httpx.Timeout(30.0, connect=5.0)
# Seconds before the second and the third try of a request that got no answer.
TRY_AGAIN_AFTER_S = (0.3, 1.0)
# A server writes its Date in whole seconds, and may take it from a clock that ticks once in a second.
DATE_SLACK_S = 2.0
MAX_REMEMBERED = 1000
# A key goes into a header: visible ASCII only.
AGENT_KEY = re.compile(r"[\x21-\x7e]{1,512}")


class HttpDoor:
    """The calls of one agent key on the server at `base_url`; made by `open_http_door`."""

    def __init__(self, client: httpx.AsyncClient, agent_key: str) -> None:
        self._client = client
        self.mark = mark_of(agent_key)
        # Idempotency keys that were used here, oldest first.
        self._used: dict[str, None] = {}

    async def place(self, body: Json, idempotency_key: str) -> Placed:
        was_used = idempotency_key in self._used
        asked_at = anyio.current_time()
        answer = await self._ask("POST", CALLS, json=body, headers={"Idempotency-Key": idempotency_key})
        took_s = anyio.current_time() - asked_at
        self._remember(idempotency_key)
        record = await self.get(_text(_object(answer), "callId"))
        return Placed(record, was_used or _is_older(record, answer, took_s))

    async def get(self, call_id: str) -> Json:
        return _object(await self._ask("GET", _path(call_id)))

    async def list(
        self, limit: int, before: str | None, status: str | None
    ) -> tuple[Sequence[Json], str | None]:
        asked = {"limit": str(limit), "before": before, "status": status}
        query = {name: value for name, value in asked.items() if value is not None}
        page = _object(await self._ask("GET", CALLS, params=query))
        calls, cursor = page.get("calls"), page.get("nextCursor")
        if not isinstance(calls, list):
            raise _not_this_api()
        return [call for call in calls if isinstance(call, dict)], cursor if isinstance(cursor, str) else None

    async def cancel(self, call_id: str) -> Json:
        return _object(await self._ask("POST", f"{_path(call_id)}/cancel"))

    async def recording(self, call_id: str) -> Recording:
        url = (await self.get(call_id)).get("recordingUrl")
        if not isinstance(url, str):
            raise no_recording()
        answer = await self._ask("HEAD", f"{_path(call_id)}/recording")
        size = int(answer.headers.get("content-length", "0"))
        return Recording(url, size, seconds_of(size))

    async def read_recording(self, call_id: str) -> bytes:
        return (await self._ask("GET", f"{_path(call_id)}/recording")).content

    @contextlib.asynccontextmanager
    async def watch(self, call_id: str, since_turn: int) -> AsyncIterator[Watch]:
        status = _text(await self.get(call_id), "status")
        async with HttpWatch.open(self._client, f"{_path(call_id)}/events", since_turn, status) as watch:
            yield watch

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        json: JsonValue = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer, tried again where none came. Raises Refusal or Unreachable for any but a good one."""
        for pause_s in (*TRY_AGAIN_AFTER_S, None):
            try:
                answer = await self._client.request(method, path, json=json, params=params, headers=headers)
            except httpx.TransportError as trouble:
                if pause_s is None:
                    raise _unreachable(self._client.base_url, trouble) from None
                await anyio.sleep(pause_s)
                continue
            if not answer.is_success:
                raise refusal_of(answer.status_code, answer.text, answer.headers)
            return answer
        raise AssertionError("the last try has no pause")

    def _remember(self, idempotency_key: str) -> None:
        self._used[idempotency_key] = None
        while len(self._used) > MAX_REMEMBERED:
            del self._used[next(iter(self._used))]


@contextlib.asynccontextmanager
async def open_http_door(
    base_url: str, agent_key: str, *, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[HttpDoor]:
    """A door to the server at `base_url`, with its connections closed in the end."""
    headers = {"Authorization": f"Bearer {agent_key}", "User-Agent": "byourside-mcp"}
    async with httpx.AsyncClient(
        base_url=base_url, headers=headers, timeout=TIMEOUT, transport=transport, follow_redirects=False
    ) as client:
        yield HttpDoor(client, agent_key)


def refusal_of(status: int, text: str, headers: Mapping[str, str]) -> Refusal | Unreachable:
    """What an answer that is no success says, in the API's own tokens."""
    try:
        body: JsonValue = json.loads(text) if text else {}
    except ValueError:
        body = {}
    token = body.get("error") if isinstance(body, dict) else None
    if not text and status == STATUS_OF_TOKEN["not_found"]:
        return no_recording()  # HEAD is only asked of recordings, and its answer has no body
    if not isinstance(body, dict) or not isinstance(token, str) or token not in STATUS_OF_TOKEN:
        return Unreachable(f"The server answered HTTP {status}, but not as this API does: is the URL right?")
    message, retry_after = body.get("message"), headers.get("retry-after", "")
    return Refusal(
        token,
        message if isinstance(message, str) else None,
        retry_after_s=float(retry_after) if retry_after.isdecimal() else None,
    )


def _is_older(record: Json, answer: httpx.Response, took_s: float) -> bool:
    """True where the call is older than the request that took so long, by the server's own clock."""
    try:
        answered_at = parsedate_to_datetime(answer.headers["date"]).timestamp()
        created_at = parse_iso_utc(_text(record, "createdAt"))
    except (KeyError, ValueError):
        return False
    return created_at < answered_at - took_s - DATE_SLACK_S


def _path(call_id: str) -> str:
    if not call_id or call_id in (".", ".."):
        raise Refusal("not_found", "There is no such call on this account.")
    return f"{CALLS}/{quote(call_id, safe='')}"


def _object(answer: httpx.Response) -> Json:
    try:
        body = answer.json()
    except ValueError:
        raise _not_this_api() from None
    if not isinstance(body, dict):
        raise _not_this_api()
    return body


def _text(body: Json, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise _not_this_api()
    return value


def _not_this_api() -> Unreachable:
    return Unreachable("The server's answer is not of this API: is the URL right?")


def _unreachable(base_url: httpx.URL, trouble: httpx.TransportError) -> Unreachable:
    where = f"{base_url.scheme}://{base_url.netloc.decode('ascii')}"
    return Unreachable(
        f"The By Your Side server at {where} does not answer ({type(trouble).__name__}): is it running?"
    )
