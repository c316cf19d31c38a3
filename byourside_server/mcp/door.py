"""What the tools ask of the phone: the calls of one agent key, as public records.

Two doors are made: `house_door` in the server's own process, `http_door` over the public API. Every method
raises Refusal for what the caller got wrong and Unreachable where no answer comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from byourside_server.calls.wire import Json
from byourside_server.errors import Refusal


class Unreachable(Exception):
    """The server gives no answer, or not as this API does; the text says what to look at."""


@dataclass(frozen=True)
class Placed:
    """A call as it is now that it was asked for."""

    record: Json
    is_repeat: bool
    """True where the same request had placed it before: nothing new will be dialled."""


@dataclass(frozen=True)
class Recording:
    """Where a call's sound is, and how much of it."""

    url: str
    size: int
    duration_s: float


@dataclass(frozen=True)
class News:
    """What has happened to a watched call since the last time."""

    status: str
    turns: tuple[Json, ...] = ()
    """Elements of the record's `turns`, in order of speaking."""
    is_over: bool = False


class Watch(Protocol):
    """One call, watched while it happens."""

    async def news(self, timeout_s: float) -> News | None:
        """What is new, as soon as there is something; None where nothing happened in `timeout_s`."""
        ...


class Door(Protocol):
    """The calls that one agent key may see and place."""

    @property
    def mark(self) -> str:
        """Names the agent key without telling it: the same key has the same mark behind every door."""
        ...

    async def place(self, body: Json, idempotency_key: str) -> Placed:
        """Place the call of a POST body; the same key and body within 24 hours is the same call again."""
        ...

    async def get(self, call_id: str) -> Json:
        """The call's record."""
        ...

    async def list(
        self, limit: int, before: str | None, status: str | None
    ) -> tuple[Sequence[Json], str | None]:
        """Records, most recent first, and the cursor of the next page or None."""
        ...

    async def cancel(self, call_id: str) -> Json:
        """Call it off; the record as it is then."""
        ...

    async def recording(self, call_id: str) -> Recording:
        """Where the sound is; Refusal `not_found` while there is none."""
        ...

    async def read_recording(self, call_id: str) -> bytes:
        """The whole WAV."""
        ...

    def watch(self, call_id: str, since_turn: int) -> AbstractAsyncContextManager[Watch]:
        """Watch the call from its turn number `since_turn` on."""
        ...


def no_recording() -> Refusal:
    """What both doors say while there is nothing to hear."""
    return Refusal("not_found", "This call has no recording, or not yet: `recordingUrl` is set once it has.")
