"""What this front asks of the house, and who is asking.

`Desk` is the part of the switchboard that HTTP reaches; tests stand in with their own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from starlette.requests import Request

from byourside_server.accounts.account import Account, AgentKey
from byourside_server.calls.call import Call, CallRequest, JsonValue
from byourside_server.guardrails.check import Destination
from byourside_server.sip.trace import Passage


class LoggedEvent(Protocol):
    """One line of the event log."""

    @property
    def id(self) -> int:
        """The place in the log: what `after` counts."""
        ...

    @property
    def body(self) -> dict[str, JsonValue]:
        """What its webhook carries: the record as it was then, and `event`."""
        ...


class Desk(Protocol):
    """Every method raises Refusal for what the caller got wrong."""

    async def authenticate(self, bearer: str) -> tuple[Account, AgentKey]: ...

    async def place(
        self,
        account: Account,
        key: AgentKey,
        request: CallRequest,
        *,
        idempotency_key: str | None = None,
        body_hash: str = "",
    ) -> Call: ...

    async def validate(self, account: Account, request: CallRequest) -> Destination: ...

    async def get(self, account: Account, call_id: str) -> Call: ...

    async def list(
        self, account: Account, limit: int = 20, before: str | None = None, status: str | None = None
    ) -> tuple[list[Call], str | None]: ...

    async def cancel(self, account: Account, call_id: str) -> Call: ...

    def recording_path(self, call: Call) -> Path | None: ...

    async def sip_trace(self, call: Call) -> Sequence[Passage]: ...

    def record(self, call: Call) -> dict[str, JsonValue]: ...

    async def events(
        self, account: Account, after: int = 0, limit: int = 100, call_id: str | None = None
    ) -> Sequence[LoggedEvent]: ...

    async def wait_for_change(self, call_id: str, since_sequence: int, timeout_s: float) -> int: ...

    async def wait_for_event(self, account: Account, after: int, timeout_s: float) -> bool: ...


@dataclass(frozen=True)
class ApiSettings:
    """What the HTTP front may be told about itself."""

    version: str
    """Shown by /healthz and in the OpenAPI document."""
    public_url: str = "http://127.0.0.1:8080"
    """Where callers reach this server; the base URL of the OpenAPI document."""
    allow_local_webhooks: bool = False
    """A developer's setting: `webhookUrl` may be http://localhost."""
    trunks: Callable[[], Mapping[str, bool]] | None = None
    """Each trunk by name, and whether calls can be given to it: shown by /healthz."""
    store_answers: Callable[[], Awaitable[bool]] | None = None
    """Whether the database answers: /healthz says where it does not."""


@dataclass(frozen=True)
class Visit:
    """One request, from the moment the door let it in."""

    request_id: str
    """Also sent back as X-Request-Id."""
    is_head: bool = False
    """The client wants the headers only."""
    account: Account | None = None
    key: AgentKey | None = None


def visit_of(request: Request) -> Visit:
    """The visit that the door noted on this request."""
    visit = request.scope["byourside.visit"]
    assert isinstance(visit, Visit)
    return visit


def account_of(request: Request) -> Account:
    """Whose request it is; only asked under /v1, where the door lets no stranger in."""
    account = visit_of(request).account
    assert account is not None
    return account


def key_of(request: Request) -> AgentKey:
    """With which key it came."""
    key = visit_of(request).key
    assert key is not None
    return key
