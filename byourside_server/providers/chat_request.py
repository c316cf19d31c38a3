"""A Generation as the JSON body of a chat-completions request, in the dialect the server understands.

Pure values. The protocol is OpenAI's ("Create chat completion" in its API reference); the servers that speak
it know more or less of it, and say so with a 400. What they don't know is left out from then on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from byourside_server.providers.base import AnswerSchema, Generation, Message, Tool, ToolCall

Body = dict[str, object]
TokenLimit = Literal["max_tokens", "max_completion_tokens"]
AnswerFormat = Literal["json_schema", "json_object", "prompt"]

# From the strictest on: the next is tried where a server refuses one.
LOOSER_FORMAT: Mapping[AnswerFormat, AnswerFormat] = {"json_schema": "json_object", "json_object": "prompt"}
SCHEMA_IN_PROMPT = "Answer with one JSON object and nothing else. It must match this JSON schema:\n"


@dataclass(frozen=True)
class Dialect:
    """What a server understands of the protocol; `reasoning_effort` is sent where it is set."""

    usage: bool = True
    temperature: bool = True
    token_limit: TokenLimit = "max_tokens"
    answer_format: AnswerFormat = "json_schema"
    reasoning_effort: str | None = None


FULL_DIALECT = Dialect()


def body_of(model: str, request: Generation, dialect: Dialect) -> Body:
    """The request; always streaming."""
    body: Body = {"model": model, "messages": _messages(request, dialect), "stream": True}
    if dialect.usage:
        body["stream_options"] = {"include_usage": True}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.max_tokens is not None:
        body[dialect.token_limit] = request.max_tokens
    if request.temperature is not None and dialect.temperature:
        body["temperature"] = request.temperature
    if dialect.reasoning_effort is not None:
        body["reasoning_effort"] = dialect.reasoning_effort
    if request.schema is not None and dialect.answer_format != "prompt":
        body["response_format"] = _response_format(request.schema, dialect.answer_format)
    return body


def _messages(request: Generation, dialect: Dialect) -> list[Body]:
    messages = [_message(message) for message in request.messages]
    if request.schema is None or dialect.answer_format == "json_schema":
        return messages
    demand = SCHEMA_IN_PROMPT + json.dumps(request.schema.schema)
    if messages and messages[0]["role"] == "system":
        return [{"role": "system", "content": f"{messages[0]['content']}\n\n{demand}"}, *messages[1:]]
    return [{"role": "system", "content": demand}, *messages]


def _message(message: Message) -> Body:
    body: Body = {"role": message.role, "content": message.text}
    if message.tool_call_id is not None:
        body["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        body["content"] = message.text or None
        body["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    return body


def _tool_call(call: ToolCall) -> Body:
    arguments = call.arguments if json_object(call.arguments) is not None else "{}"
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def json_object(text: str) -> Mapping[str, object] | None:
    """The JSON object that `text` is, None where it is something else.

    Servers that read earlier arguments again (vLLM does) fail on malformed ones.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _tool(tool: Tool) -> Body:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _response_format(wanted: AnswerSchema, kind: AnswerFormat) -> Body:
    if kind == "json_object":
        return {"type": "json_object"}
    schema: Body = {"name": wanted.name, "schema": wanted.schema}
    if _is_closed(wanted.schema):
        schema["strict"] = True
    return {"type": "json_schema", "json_schema": schema}


def _is_closed(schema: object) -> bool:
    """Whether OpenAI's strict mode takes it: every object closed, and all its properties required."""
    if isinstance(schema, list | tuple):
        return all(_is_closed(part) for part in schema)
    if not isinstance(schema, Mapping):
        return True
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        required = schema.get("required")
        if schema.get("additionalProperties") is not False or not isinstance(required, list | tuple):
            return False
        if set(required) != set(properties):
            return False
        return all(_is_closed(part) for part in properties.values())
    return all(_is_closed(part) for part in schema.values())


def _without_usage(dialect: Dialect) -> Dialect:
    return replace(dialect, usage=False)


def _without_temperature(dialect: Dialect) -> Dialect:
    return replace(dialect, temperature=False)


def _without_effort(dialect: Dialect) -> Dialect:
    return replace(dialect, reasoning_effort=None)


def _other_token_limit(dialect: Dialect) -> Dialect:
    other: TokenLimit = "max_completion_tokens" if dialect.token_limit == "max_tokens" else "max_tokens"
    return replace(dialect, token_limit=other)


def _looser_format(dialect: Dialect) -> Dialect:
    return replace(dialect, answer_format=LOOSER_FORMAT.get(dialect.answer_format, "prompt"))


# What is given up where a refusal names it, in this order.
CONCESSIONS: Mapping[str, Callable[[Dialect], Dialect]] = {
    "stream_options": _without_usage,
    "temperature": _without_temperature,
    "reasoning_effort": _without_effort,
    "max_tokens": _other_token_limit,
    "max_completion_tokens": _other_token_limit,
}


def simpler(dialect: Dialect, body: Mapping[str, object], refusal: str) -> Dialect | None:
    """A dialect without what the server's `refusal` complains of; None where nothing can be given up.

    Servers rarely name `response_format` when they can't do it, so it is given up for any refusal that names
    nothing else.
    """
    for name, concession in CONCESSIONS.items():
        if name in body and name in refusal:
            return concession(dialect)
    return _looser_format(dialect) if "response_format" in body else None
