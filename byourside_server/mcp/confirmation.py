"""Is the user sure? Asked through the client before a phone rings, where the client can ask (elicitation)."""

from __future__ import annotations

from mcp.server.mcpserver import Elicit
from mcp_types import ClientCapabilities
from pydantic import BaseModel, Field

from byourside_server.mcp.surroundings import Asked, door_of, surroundings_of
from byourside_server.mcp.under_way import under_way

MAX_OBJECTIVE_CHARS = 400


class Approval(BaseModel):
    """Whether the call is to be placed."""

    call: bool = Field(True, title="Place this call", description="A real phone will ring.")


class CannotAsk(BaseModel):
    """The user has to be asked, and the client can't."""


async def approval_of(
    asked: Asked, to: str, objective: str, confirmed: bool, scheduledAt: str | None, attempt: int
) -> Elicit[Approval] | Approval | CannotAsk:
    """The question to put to the user, or the answer where none is needed or possible."""
    confirm = surroundings_of(asked).confirm
    if confirm == "never" or (confirm == "ask" and confirmed):
        return Approval(call=True)
    if not can_ask(asked.client_capabilities):
        return Approval(call=True) if confirm == "ask" else CannotAsk()
    if attempt == 1 and not scheduledAt and await under_way(door_of(asked), to, objective):
        return Approval(call=True)  # nothing new will ring
    return Elicit(question_of(to, objective, scheduledAt), Approval)


def can_ask(client: ClientCapabilities | None) -> bool:
    """True where the client takes forms; a bare `elicitation: {}`, older than the modes, means forms."""
    elicitation = client.elicitation if client is not None else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def question_of(to: str, objective: str, scheduled_at: str | None) -> str:
    """What the user reads: the number first, then what the call is for."""
    goal = " ".join(objective.split())
    if len(goal) > MAX_OBJECTIVE_CHARS:
        goal = f"{goal[:MAX_OBJECTIVE_CHARS].rstrip()} …"
    when = f"not before {scheduled_at.strip()}" if scheduled_at else "now"
    return f"Call {to.strip()} {when}? Objective: {goal}"
