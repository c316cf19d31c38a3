"""A desk that remembers what it was asked, and a browser of the API over it: no socket, no store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from byourside_server.accounts.account import Account, AgentKey
from byourside_server.api.application import create_api
from byourside_server.api.desk import ApiSettings
from byourside_server.calls import lifecycle
from byourside_server.calls.call import Call, CallRequest, JsonValue
from byourside_server.calls.wire import call_record, event_body
from byourside_server.errors import Refusal
from byourside_server.guardrails.check import Destination, check_destination
from byourside_server.sip.trace import Passage

KEY = "bys_ak_" + "k" * 43
STRANGER_KEY = "bys_ak_" + "s" * 43
# Text, or the very bytes that go on the wire.
Headers = Mapping[str, str] | Mapping[bytes, bytes] | list[tuple[str, str]]
NOW = 1_781_704_992.0


def account(name: str) -> Account:
    return Account(f"acct_{name}", name, 60, None, 10, "+14155550100", "whsec_x", NOW)


@dataclass(frozen=True)
class Logged:
    id: int
    call_id: str
    body: dict[str, JsonValue]


@dataclass
class FakeDesk:
    """The Desk with its memory in lists. `fault` is raised by the next method that is asked."""

    recordings: Path
    calls: list[Call] = field(default_factory=list)
    log: list[Logged] = field(default_factory=list)
    placed: list[tuple[str | None, str]] = field(default_factory=list)
    asked: list[tuple[int, str | None, str | None]] = field(default_factory=list)
    traces: dict[str, Sequence[Passage]] = field(default_factory=dict)
    fault: BaseException | None = None
    meanwhile: list[Callable[[], object]] = field(default_factory=list)
    """What happens while somebody waits, one at a time; with nothing left to happen waiting fails."""

    async def authenticate(self, bearer: str) -> tuple[Account, AgentKey]:
        for name, key in (("home", KEY), ("stranger", STRANGER_KEY)):
            if bearer == key:
                return account(name), AgentKey(f"key_{name}", f"acct_{name}", name, "kkkk", "", NOW)
        raise Refusal("unauthorized", "The agent key is not known.")

    async def place(
        self,
        account: Account,
        key: AgentKey,
        request: CallRequest,
        *,
        idempotency_key: str | None = None,
        body_hash: str = "",
    ) -> Call:
        self._stumble()
        check_destination(request.to)
        self.placed.append((idempotency_key, body_hash))
        call = Call(
            id=f"call-{len(self.calls)}",
            account_id=account.id,
            key_id=key.id,
            request=request,
            caller_id=request.caller_id or "+14155550100",
            state="queued",
            created_at=NOW + len(self.calls),
            sequence=1,
        )
        self.calls.append(call)
        self._tell(call)
        return call

    async def validate(self, account: Account, request: CallRequest) -> Destination:
        self._stumble()
        return check_destination(request.to)

    async def get(self, account: Account, call_id: str) -> Call:
        self._stumble()
        for call in self.calls:
            if call.id == call_id and call.account_id == account.id:
                return call
        raise Refusal("not_found", "There is no such call on this account.")

    async def list(
        self, account: Account, limit: int = 20, before: str | None = None, status: str | None = None
    ) -> tuple[list[Call], str | None]:
        self._stumble()
        self.asked.append((limit, before, status))
        mine = [call for call in reversed(self.calls) if call.account_id == account.id]
        return mine[:limit], mine[limit - 1].id if len(mine) > limit else None

    async def cancel(self, account: Account, call_id: str) -> Call:
        call = await self.get(account, call_id)
        if call.state in lifecycle.TERMINAL_STATES:
            raise Refusal("call_ended", "The call is over.")
        over = replace(call, state="canceled", error="canceled", ended_by="api", ended_at=NOW, sequence=2)
        self.calls[self.calls.index(call)] = over
        self._tell(over)
        return over

    def recording_path(self, call: Call) -> Path | None:
        path = self.recordings / f"{call.id}.wav"
        return path if path.exists() else None

    async def sip_trace(self, call: Call) -> Sequence[Passage]:
        return self.traces.get(call.id, [])

    def record(self, call: Call) -> dict[str, JsonValue]:
        return call_record(call, None)

    async def events(
        self, account: Account, after: int = 0, limit: int = 100, call_id: str | None = None
    ) -> Sequence[Logged]:
        self._stumble()
        return [e for e in self.log if e.id > after and call_id in (None, e.call_id)][:limit]

    async def wait_for_change(self, call_id: str, since_sequence: int, timeout_s: float) -> int:
        self.meanwhile.pop(0)()
        return since_sequence

    async def wait_for_event(self, account: Account, after: int, timeout_s: float) -> bool:
        before = len(self.log)
        self.meanwhile.pop(0)()
        return len(self.log) > before

    def become(self, call_id: str, **changes: Any) -> None:
        """The call changes; a change of state is an event."""
        [old] = [call for call in self.calls if call.id == call_id]
        new = replace(old, sequence=old.sequence + ("state" in changes), **changes)
        self.calls[self.calls.index(old)] = new
        if "state" in changes:
            self._tell(new)

    def forget(self, recordings: Path) -> None:
        """Be as new."""
        for memory in (self.calls, self.log, self.placed, self.asked, self.meanwhile):
            memory.clear()
        self.traces.clear()
        self.recordings, self.fault = recordings, None

    def _tell(self, call: Call) -> None:
        event_type = lifecycle.EVENT_OF_STATE[call.state]
        body = event_body(self.record(call), f"evt_{len(self.log)}", event_type, NOW, call.sequence)
        self.log.append(Logged(len(self.log) + 1, call.id, body))

    def _stumble(self) -> None:
        fault, self.fault = self.fault, None
        if fault is not None:
            raise fault


class Browser:
    """Asks the application as a client would, one request at a time, without a socket."""

    def __init__(self, app: ASGIApp) -> None:
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.test")
        self.headers = self._client.headers

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Headers | None = None,
        json: JsonValue = None,
        content: str | bytes | None = None,
    ) -> httpx.Response:
        asked = self._client.request(method, path, headers=headers, json=json, content=content)
        return self._runner.run(asked)

    def get(self, path: str, *, headers: Headers | None = None) -> httpx.Response:
        return self.request("GET", path, headers=headers)

    def head(self, path: str, *, headers: Headers | None = None) -> httpx.Response:
        return self.request("HEAD", path, headers=headers)

    def post(
        self,
        path: str,
        *,
        headers: Headers | None = None,
        json: JsonValue = None,
        content: str | bytes | None = None,
    ) -> httpx.Response:
        return self.request("POST", path, headers=headers, json=json, content=content)

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


@pytest.fixture(scope="session")
def house() -> Iterator[tuple[FakeDesk, Browser]]:
    """One application for all tests: making its routes takes longer than most of them."""
    desk = FakeDesk(Path())
    browser = Browser(create_api(desk, settings=ApiSettings(version="0.1.0")))
    yield desk, browser
    browser.close()


@pytest.fixture
def desk(house: tuple[FakeDesk, Browser], tmp_path: Path) -> FakeDesk:
    house[0].forget(tmp_path)
    return house[0]


@pytest.fixture
def api(house: tuple[FakeDesk, Browser], desk: FakeDesk) -> Browser:
    house[1].headers["Authorization"] = f"Bearer {KEY}"
    return house[1]


@pytest.fixture
def placed(api: Browser) -> str:
    """The id of a call that was placed."""
    answer = api.post("/v1/agent/calls", json={"to": "+14155550123", "objective": "Say hello."})
    call_id = answer.json()["callId"]
    assert isinstance(call_id, str)
    return call_id


def error_of(answer: httpx.Response) -> str:
    """The token of an error answer, which must have the one shape there is."""
    body = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert set(body) <= {"error", "message", "requestId"}, body
    assert body["requestId"] == answer.headers["x-request-id"]
    assert isinstance(body.get("message", ""), str)
    token = body["error"]
    assert isinstance(token, str)
    return token
