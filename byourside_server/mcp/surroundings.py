"""What every tool finds around it: the door of whoever asks, and how confirmation is handled."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import anyio
from mcp.server.mcpserver import Context
from starlette.requests import Request

from byourside_server.mcp.door import Door

Confirm = Literal["ask", "strict", "never"]
"""`ask`: the user is asked where the client can ask and `confirmed` was not said. `strict`: always asked, and
nothing is placed where the client can't ask. `never`: not asked."""


@dataclass(frozen=True)
class Surroundings:
    """Made once for a server."""

    door_of: Callable[[Request | None], Door]
    """The door for a request; over stdio there is no HTTP request, and one door."""
    confirm: Confirm = "ask"
    locks: weakref.WeakValueDictionary[tuple[str, str], anyio.Lock] = field(
        default_factory=weakref.WeakValueDictionary
    )

    def alone(self, mark: str, number: str) -> anyio.Lock:
        """Held while a number is looked at and called: two requests at once must not both find it free."""
        return self.locks.setdefault((mark, number), anyio.Lock())


Asked: TypeAlias = Context[Surroundings, Request]


def surroundings_of(asked: Asked) -> Surroundings:
    """What was made when the server started."""
    return asked.request_context.lifespan_context


def door_of(asked: Asked) -> Door:
    """The calls that whoever asks may see."""
    return surroundings_of(asked).door_of(asked.request_context.request)
