"""`/mcp` on the main server: who is let in, and that no process needs to know what another was told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.session import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitRequestParams, ElicitResult
from starlette.types import ASGIApp, Receive, Scope, Send

from byourside_server.mcp.mount import security_of
from tests.api.conftest import KEY, STRANGER_KEY
from tests.mcp.conftest import CALL, OnceDesk, application_over, data_of, error_of

ACCEPT = "application/json, text/event-stream"
INITIALIZE: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "0"},
    },
}
CURRENT = "2026-07-28"


async def nobody(scope: Scope, receive: Receive, send: Send) -> None:
    """What lies beside the tools where a test asks for nothing but them."""
    raise AssertionError("nobody was to be asked")


def knock(desk: OnceDesk, method: str = "POST", path: str = "/mcp", **changes: str | None) -> httpx.Response:
    """One plain request; a header of None is left out."""
    headers = {"authorization": f"Bearer {KEY}", "accept": ACCEPT, "content-type": "application/json"}
    given = {**headers, **changes}

    async def run() -> httpx.Response:
        async with application_over(desk, beside=nobody if path == "/mcp" else None) as application:
            transport = httpx.ASGITransport(application)
            async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
                sent = {name: value for name, value in given.items() if value is not None}
                content = INITIALIZE if method == "POST" else None
                return await client.request(method, path, headers=sent, json=content)

    return asyncio.run(run())


def test_who_shows_a_key_is_let_in_and_gets_no_session(desk: OnceDesk) -> None:
    answer = knock(desk)
    assert answer.status_code == 200
    assert '"name":"byourside"' in answer.text
    assert "mcp-session-id" not in answer.headers


@pytest.mark.parametrize(
    ("given", "challenge"),
    [
        (None, 'Bearer realm="byourside"'),
        ("Basic abc", 'Bearer realm="byourside", error="invalid_token"'),
        ("Bearer bys_ak_" + "x" * 43, 'Bearer realm="byourside", error="invalid_token"'),
    ],
)
def test_who_shows_none_is_told_how(desk: OnceDesk, given: str | None, challenge: str) -> None:
    """RFC 6750 §3."""
    answer = knock(desk, authorization=given)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == challenge
    assert answer.json()["error"] == "unauthorized"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("api.test", 200),
        ("localhost:6274", 200),
        ("evil.test", 421),
        ("api.test.evil", 421),
    ],
)
def test_a_request_addressed_to_another_host_is_not_served(desk: OnceDesk, host: str, status: int) -> None:
    assert knock(desk, host=host).status_code == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://api.test", 200), ("http://localhost:6274", 200), ("http://evil.test", 403), ("null", 403)],
)
def test_a_page_of_another_site_is_not_served(desk: OnceDesk, origin: str, status: int) -> None:
    assert knock(desk, origin=origin).status_code == status


@pytest.mark.parametrize("protocol", ["2025-11-25", CURRENT])
def test_hosts_and_origins_are_looked_at_in_every_edition_of_the_protocol(
    desk: OnceDesk, protocol: str
) -> None:
    assert knock(desk, host="evil.test", **{"mcp-protocol-version": protocol}).status_code == 421


def test_the_public_url_with_its_port_is_what_we_go_by() -> None:
    security = security_of("https://phone.example.com:8443/")
    assert "phone.example.com:8443" in security.allowed_hosts
    assert "phone.example.com" not in security.allowed_hosts
    assert "https://phone.example.com:8443" in security.allowed_origins


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "OPTIONS"])
def test_without_sessions_there_is_nothing_to_listen_to_or_to_end(desk: OnceDesk, method: str) -> None:
    """Streamable HTTP, "Listening for Messages from the Server": 405 where no stream is offered."""
    answer = knock(desk, method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_the_api_beside_it_is_as_it_was(desk: OnceDesk) -> None:
    assert knock(desk, "GET", "/healthz").json() == {"status": "ok", "version": "0.1.0"}
    assert knock(desk, "GET", "/v1/agent/calls").json() == {"calls": [], "nextCursor": None}
    assert knock(desk, "GET", "/mcp/").json()["error"] == "not_found"
    assert knock(desk, "GET", "/v1/agent/calls", authorization=None).status_code == 401


class Processes:
    """Several applications behind one address, each request to the next one in turn."""

    def __init__(self, applications: Sequence[ASGIApp]) -> None:
        self._applications = applications
        self.requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests += 1
        await self._applications[self.requests % len(self._applications)](scope, receive, send)


Scenario = Callable[[Client], Awaitable[Any]]


async def accept(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    return ElicitResult(action="accept", content={"call": True})


def as_client(desk: OnceDesk, scenario: Scenario, *, mode: str = "auto", key: str = KEY) -> int:
    """The official client against two processes on one desk; the number of requests it made."""

    async def run() -> int:
        async with AsyncExitStack() as stack:
            applications = [
                await stack.enter_async_context(application_over(desk, beside=nobody)) for _ in range(2)
            ]
            processes = Processes(applications)
            http = await stack.enter_async_context(
                httpx2.AsyncClient(
                    transport=httpx2.ASGITransport(processes),
                    headers={"Authorization": f"Bearer {key}"},
                )
            )
            transport = streamable_http_client("http://api.test/mcp", http_client=http)
            async with Client(transport, mode=mode, elicitation_callback=accept) as client:
                await scenario(client)
            return processes.requests

    return asyncio.run(run())


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_client_is_served_by_whichever_process_comes_next(desk: OnceDesk, mode: str) -> None:
    """In 2026-07-28 the user's approval is asked by one process and brought back to the other."""

    async def scenario(client: Client) -> None:
        placed = data_of(await client.call_tool("place_call", CALL))
        desk.end(placed["callId"])
        for tool in ("get_call", "wait_for_call"):
            assert data_of(await client.call_tool(tool, {"callId": placed["callId"]}))["done"]
        assert len(data_of(await client.call_tool("list_calls", {}))["calls"]) == 1

    assert as_client(desk, scenario, mode=mode) > 4
    assert len(desk.calls) == 1


def test_progress_comes_through_http(desk: OnceDesk) -> None:
    told: list[str | None] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append(message)

    async def scenario(client: Client) -> None:
        call_id = data_of(await client.call_tool("place_call", CALL))["callId"]
        desk.say(call_id, "contact", "Yes, that works.")
        desk.end(call_id)
        await client.call_tool("wait_for_call", {"callId": call_id}, progress_callback=hear)

    as_client(desk, scenario)
    assert told == ["Contact: Yes, that works.", "(completed)"]


def test_each_key_sees_its_own_calls_at_the_same_time(desk: OnceDesk) -> None:
    async def of_one(application: ASGIApp, key: str) -> list[str]:
        async with (
            httpx2.AsyncClient(
                transport=httpx2.ASGITransport(application), headers={"Authorization": f"Bearer {key}"}
            ) as http,
            Client(streamable_http_client("http://api.test/mcp", http_client=http)) as client,
        ):
            seen = []
            for _ in range(5):
                placed = data_of(await client.call_tool("place_call", CALL))
                listed = data_of(await client.call_tool("list_calls", {}))["calls"]
                assert [call["callId"] for call in listed] == [placed["callId"]]
                seen.append(str(placed["callId"]))
            return seen

    async def run() -> tuple[list[str], list[str]]:
        async with application_over(desk, beside=nobody) as application:
            return await asyncio.gather(of_one(application, KEY), of_one(application, STRANGER_KEY))

    home, stranger = asyncio.run(run())
    assert len(set(home)) == len(set(stranger)) == 1
    assert set(home) != set(stranger)
    assert {call.account_id for call in desk.calls} == {"acct_home", "acct_stranger"}


def current(method: str, params: dict[str, Any]) -> dict[str, Any]:
    """A request of 2026-07-28 as it is on the wire: every one tells who asks and what he can do."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": CURRENT,
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "0"},
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
    }
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}


def test_an_approval_is_good_for_the_key_and_the_request_it_was_asked_for(desk: OnceDesk) -> None:
    async def post(client: httpx.AsyncClient, params: dict[str, Any], key: str = KEY) -> dict[str, Any]:
        headers = {
            "Authorization": f"Bearer {key}",
            "Accept": ACCEPT,
            "MCP-Protocol-Version": CURRENT,
            "Mcp-Method": "tools/call",
            "Mcp-Name": "place_call",
        }
        answer = await client.post("/mcp", headers=headers, json=current("tools/call", params))
        body: dict[str, Any] = answer.json()
        return body

    async def run() -> None:
        async with application_over(desk, beside=nobody) as application:
            transport = httpx.ASGITransport(application)
            async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
                asked = (await post(client, {"name": "place_call", "arguments": CALL}))["result"]
                assert asked["resultType"] == "input_required"
                [question] = asked["inputRequests"]
                yes = {
                    "name": "place_call",
                    "arguments": CALL,
                    "requestState": asked["requestState"],
                    "inputResponses": {question: {"action": "accept", "content": {"call": True}}},
                }
                other = {**CALL, "to": "+14155550124"}
                assert "error" in await post(client, {**yes, "arguments": other})
                assert "error" in await post(client, yes, STRANGER_KEY)
                assert desk.calls == []
                done = (await post(client, yes))["result"]
                assert done["structuredContent"]["placed"], done

    asyncio.run(run())


def test_a_refusal_reaches_the_client_as_words(desk: OnceDesk) -> None:
    async def scenario(client: Client) -> None:
        said = error_of(await client.call_tool("place_call", {**CALL, "to": "+19005550123"}))
        assert said.startswith("destination_blocked:")

    as_client(desk, scenario)


def test_a_body_larger_than_any_request_is_not_read(desk: OnceDesk) -> None:
    async def run() -> int:
        async with application_over(desk, beside=nobody) as application:
            transport = httpx.ASGITransport(application)
            async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
                headers = {"Authorization": f"Bearer {KEY}", "Accept": ACCEPT}
                answer = await client.post("/mcp", headers=headers, json={"x": "y" * 300_000})
                return answer.status_code

    assert asyncio.run(run()) == 413


@pytest.mark.parametrize("protocol", ["2025-06-18", CURRENT])
def test_who_leaves_is_waited_for_no_longer(desk: OnceDesk, base_url: str, protocol: str) -> None:
    """A request whose connection closes is canceled: no wait goes on for nobody."""

    async def run() -> None:
        headers = {
            "Authorization": f"Bearer {KEY}",
            "Accept": ACCEPT,
            "MCP-Protocol-Version": protocol,
            "Mcp-Method": "tools/call",
            "Mcp-Name": "wait_for_call",
        }
        await place_over(base_url)
        wanted = current("tools/call", {"name": "wait_for_call", "arguments": {"callId": "call-0"}})
        wanted["params"]["_meta"]["progressToken"] = 7
        async with (
            httpx.AsyncClient(timeout=30) as client,
            client.stream("POST", f"{base_url}/mcp", headers=headers, json=wanted) as answer,
        ):
            async for line in answer.aiter_lines():
                if "waiting to be dialed" in line:
                    break
        assert await asyncio.to_thread(desk.left.wait, 30)

    asyncio.run(run())


async def place_over(base_url: str) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=30) as client:
        assert (await client.post("/v1/agent/calls", json=CALL)).status_code == 200
