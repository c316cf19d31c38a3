"""A tool's answer: typed content for programs, a few lines for people, and errors that say what to do."""

from __future__ import annotations

from mcp_types import CallToolResult, ContentBlock, TextContent
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from byourside_server.errors import Refusal

# What a model can do about a refusal, beyond what the refusal says of itself.
HINTS: dict[str, str] = {
    "unauthorized": "Tell the user: the agent key in the client's settings is missing, wrong or revoked.",
    "not_found": "get_call tells how a call stands, list_calls which there are.",
    "invalid_number": "Ask the user for the number in E.164; don't guess.",
    "destination_blocked": "This number may not be called. Tell the user; don't try variations of it.",
    "caller_id_not_owned": "Leave callerId out to call from the account's default number.",
    "rate_limited": "Wait before you call again; sending the same arguments then is safe.",
    "over_minute_cap": "The account's minutes are used up. Tell the user.",
    "placement_failed": "Nothing was dialed. Try again in a minute; sending the same arguments is safe.",
    "store_error": "Try again in a moment; sending the same arguments is safe.",
    "call_ended": "get_call has its result.",
    "internal_error": "Tell the user that the server's log has the reason.",
}


def answer(shape: BaseModel, text: str, *more: ContentBlock) -> CallToolResult:
    """Structured content and the same told briefly."""
    return CallToolResult(
        content=[TextContent(type="text", text=text), *more],
        structured_content=shape.model_dump(mode="json"),
    )


def failure(text: str) -> CallToolResult:
    """An error: text only, since what is structured has the shape of a success."""
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)


def refused(refusal: Refusal) -> CallToolResult:
    """The token, what is wrong, and what to do."""
    parts = [f"{refusal.token}:", refusal.message or "", HINTS.get(refusal.token, "")]
    if refusal.retry_after_s is not None:
        parts.append(f"Wait {refusal.retry_after_s:.0f} seconds.")
    return failure(" ".join(part for part in parts if part))


def misunderstood(tool: str, wrong: ValidationError) -> CallToolResult:
    """Every argument that does not fit, by name."""
    found = [f"`{'.'.join(map(str, error['loc']))}`: {_plain(error)}" for error in wrong.errors()]
    return failure(f"invalid_arguments: {tool} was not carried out. {'; '.join(found)}.")


def _plain(error: ErrorDetails) -> str:
    """What is wrong; our own class names say nothing to whoever calls a tool."""
    return "Input should be an object" if error["type"] == "model_type" else error["msg"]


def unknown(tool: str, names: list[str], known: list[str]) -> CallToolResult:
    """Arguments that the tool does not have: passed over, they would be believed to work."""
    given = ", ".join(f"`{name}`" for name in names)
    return failure(f"invalid_arguments: {tool} does not know {given}; it takes {', '.join(known)}.")
