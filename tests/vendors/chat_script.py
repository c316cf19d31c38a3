"""A simulated model's answer as a script: what goes over the wire, piece by piece, and what goes wrong.

Pure values: no socket, no clock. The shapes are those of the OpenAI chat-completions reference ("The chat
completion chunk object"); each fault is a function that spoils a healthy script.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from byourside_server.providers.base import ToolCall, Usage

Body = Mapping[str, object]
FOREVER_S = 60.0  # longer than any test waits; a pause ends at once where the client hangs up
CREATED_AT = 1_800_000_000


@dataclass(frozen=True)
class Answer:
    """What the simulated model says, and how.

    The text is sent word by word, or as cut by `pieces`; `pieces_ms` lie between two pieces and
    `first_token_s` before the first. `reasoning` goes ahead of the text as `reasoning_content`. `fault` is a
    name in FAULTS. A `status` other than 200 is answered with `error` as its body. `headers` are added.
    `packet_bytes` cuts the stream into HTTP chunks of that many bytes, wherever that falls.
    """

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    pieces_ms: float = 0
    first_token_s: float = 0.0
    fault: str | None = None
    usage: Usage | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    error: Mapping[str, object] = field(default_factory=dict)
    reasoning: str = ""
    pieces: tuple[str, ...] | None = None
    packet_bytes: int | None = None

    def __post_init__(self) -> None:
        assert self.fault is None or self.fault in FAULTS, f"no simulated fault is called {self.fault!r}"

    def text_pieces(self) -> tuple[str, ...]:
        """The text as it is cut: by words where nothing else is said."""
        return self.pieces if self.pieces is not None else tuple(re.findall(r"\s*\S+\s*?|\s+$", self.text))


@dataclass(frozen=True)
class Event:
    """One server-sent event; a str is sent as it is, anything else as JSON."""

    data: str | Mapping[str, object]


@dataclass(frozen=True)
class Pause:
    """Nothing for so long."""

    seconds: float


@dataclass(frozen=True)
class Cut:
    """The connection goes away in the middle."""


@dataclass(frozen=True)
class Head:
    """Status and headers; a stream follows."""

    status: int = 200
    content_type: str = "text/event-stream"


@dataclass(frozen=True)
class Whole:
    """An answer in one piece: status, body, content type."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


Step = Head | Event | Pause | Cut | Whole
Script = tuple[Step, ...]


def script_of(answer: Answer, body: Body) -> Script:
    """Everything that goes over the wire for this request, in order."""
    fault = answer.fault or ""
    refusal = REFUSALS[fault](body) if fault in REFUSALS else None
    if answer.status != 200:
        refusal = refused(answer.status, answer.error)
    if refusal is not None:
        return (Pause(answer.first_token_s), refusal)
    if fault in FAULTS_OF_CONTENT:
        answer = FAULTS_OF_CONTENT[fault](answer)
    if not body.get("stream"):
        return (Pause(answer.first_token_s), _whole_completion(answer, body))
    script = _stream(answer, body)
    return FAULTS_IN_STREAM[fault](script) if fault in FAULTS_IN_STREAM else script


def refused(status: int, error: Body, headers: Mapping[str, str] | None = None) -> Whole:
    """An error answer in the protocol's shape."""
    shape = {"message": "simulated", "type": "invalid_request_error", "param": None, "code": None}
    return Whole(status, json.dumps({"error": {**shape, **error}}).encode(), headers=headers or {})


def _stream(answer: Answer, body: Body) -> Script:
    gap = Pause(answer.pieces_ms / 1000)
    steps: list[Step] = [Head(), Pause(answer.first_token_s)]
    steps.append(_chunk(body, {"role": "assistant", "content": ""}))
    for word in answer.reasoning.split():
        steps += [_chunk(body, {"reasoning_content": f"{word} "}), gap]
    for piece in answer.text_pieces():
        steps += [_chunk(body, {"content": piece}), gap]
    for index, call in enumerate(answer.tool_calls):
        steps += [_chunk(body, {"tool_calls": [delta]}) for delta in _tool_deltas(index, call)]
    steps.append(_chunk(body, {}, "tool_calls" if answer.tool_calls else "stop"))
    options = body.get("stream_options")
    if isinstance(options, Mapping) and options.get("include_usage"):
        steps.append(Event({**_envelope(body), "choices": [], "usage": _usage(answer)}))
    return (*steps, Event("[DONE]"))


def _envelope(body: Body) -> dict[str, object]:
    return {
        "id": "chatcmpl-simulated",
        "object": "chat.completion.chunk",
        "created": CREATED_AT,
        "model": body.get("model"),
    }


def _chunk(body: Body, delta: Body, finish_reason: str | None = None) -> Event:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return Event({**_envelope(body), "choices": [choice]})


def _tool_deltas(index: int, call: ToolCall) -> list[Body]:
    """The name first, then the arguments in pieces of eight characters, as the protocol cuts them."""
    first = {
        "index": index,
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": ""},
    }
    cut = [call.arguments[at : at + 8] for at in range(0, len(call.arguments), 8)]
    return [first, *({"index": index, "function": {"arguments": piece}} for piece in cut)]


def _usage(answer: Answer) -> dict[str, object]:
    usage = answer.usage or Usage(prompt_tokens=20, completion_tokens=len(answer.text_pieces()))
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }


def _whole_completion(answer: Answer, body: Body) -> Whole:
    message: dict[str, object] = {"role": "assistant", "content": answer.text or None}
    if answer.tool_calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in answer.tool_calls
        ]
    choice = {
        "index": 0,
        "message": message,
        "finish_reason": "tool_calls" if answer.tool_calls else "stop",
    }
    completion = {
        **_envelope(body),
        "object": "chat.completion",
        "choices": [choice],
        "usage": _usage(answer),
    }
    return Whole(200, json.dumps(completion).encode())


def _middle(script: Script) -> int:
    """In the middle of the text: after the first half of the events."""
    return 2 + (len(script) - 2) // 2


def _before_first_token(script: Script) -> Script:
    return (script[0], Pause(FOREVER_S), *script[1:])


def _stall(script: Script) -> Script:
    return (*script[: _middle(script)], Pause(FOREVER_S), *script[_middle(script) :])


def _cut_off(script: Script) -> Script:
    return (*script[: _middle(script)], Cut())


def _malformed_chunk(script: Script) -> Script:
    return (*script[: _middle(script)], Event('{"id":"chatcmpl-simulated","choices":[{"del'), Event("[DONE]"))


def _error_midway(script: Script) -> Script:
    error = {"message": "simulated overload", "type": "server_error", "code": None, "param": None}
    return (*script[: _middle(script)], Event({"error": error}), Event("[DONE]"))


def _without_finish(script: Script) -> Script:
    return (*(step for step in script if not _finishes(step)), Event("[DONE]"))


def _stall_after_finish(script: Script) -> Script:
    last = next(at for at, step in enumerate(script) if _finishes(step))
    return (*script[: last + 1], Pause(FOREVER_S))


def _finishes(step: Step) -> bool:
    if not isinstance(step, Event):
        return False
    if isinstance(step.data, str):
        return step.data == "[DONE]"
    return '"finish_reason": "' in json.dumps(step.data)


def _without_usage(script: Script) -> Script:
    return tuple(
        step
        for step in script
        if not (isinstance(step, Event) and not isinstance(step.data, str) and "usage" in step.data)
    )


def _without_tool_ids(script: Script) -> Script:
    return tuple(
        Event(json.dumps(step.data).replace('"id": "call_', '"nothing": "call_'))
        if isinstance(step, Event) and not isinstance(step.data, str)
        else step
        for step in script
    )


def _without_tool_index(script: Script) -> Script:
    return tuple(
        Event(re.sub(r'"index": \d+, (?="id"|"function")', "", json.dumps(step.data)))
        if isinstance(step, Event) and not isinstance(step.data, str)
        else step
        for step in script
    )


def _repeating_tool_names(script: Script) -> Script:
    """Every piece of a call brings its id and name again."""
    head, steps = '"index": 0', list[Step]()
    for step in script:
        if isinstance(step, Event) and not isinstance(step.data, str):
            data = json.dumps(step.data)
            named = re.search(
                r'"index": \d+, "id": "[^"]*", "type": "function", "function": {"name": "[^"]*"', data
            )
            head = named[0] if named else head
            step = Event(re.sub(r'"index": \d+, "function": {', f"{head}, ", data))
        steps.append(step)
    return tuple(steps)


def _all_tools_at_index_0(script: Script) -> Script:
    """As some gateways do: every call whole, with an id of its own, all at index 0."""
    return tuple(
        Event(re.sub(r'\{"index": \d+, (?="id"|"function")', '{"index": 0, ', json.dumps(step.data)))
        if isinstance(step, Event) and not isinstance(step.data, str)
        else step
        for step in script
    )


def _web_page(_: Script) -> Script:
    return (Whole(200, b"<html><body>Welcome to the portal</body></html>", "text/html"),)


def _no_answer(_: Script) -> Script:
    return (Cut(),)


def _cut_off_error(_: Script) -> Script:
    return (Whole(500, b'{"error": {"mess', headers={"Content-Length": "4000"}), Cut())


def _hang(_: Script) -> Script:
    return (Pause(FOREVER_S), Cut())


# Faults of the stream itself.
FAULTS_IN_STREAM: Mapping[str, Callable[[Script], Script]] = {
    "slow_first_token": _before_first_token,
    "stall_midway": _stall,
    "stall_after_finish": _stall_after_finish,
    "cut_off_midway": _cut_off,
    "malformed_json_chunk": _malformed_chunk,
    "error_midway": _error_midway,
    "end_without_finish": _without_finish,
    "no_usage": _without_usage,
    "missing_tool_ids": _without_tool_ids,
    "tools_at_index_0": _all_tools_at_index_0,
    "wrong_content_type": _web_page,
    "missing_tool_index": _without_tool_index,
    "repeated_tool_names": _repeating_tool_names,
    "closed_without_answer": _no_answer,
    "cut_off_error": _cut_off_error,
    "hang": _hang,
}


def _rate_limited(_: Body) -> Whole:
    error = {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}
    return refused(429, error, {"Retry-After": "2"})


def _server_error(_: Body) -> Whole:
    return refused(500, {"message": "The server had an error", "type": "server_error"})


def _refuse_json_schema(body: Body) -> Whole | None:
    wanted = body.get("response_format")
    if not (isinstance(wanted, Mapping) and wanted.get("type") == "json_schema"):
        return None
    message = "This response_format type is unavailable now: json_schema"
    return refused(400, {"message": message, "param": "response_format"})


def _choke_on_json_schema(body: Body) -> Whole | None:
    """What the server of llama-cpp-python 0.3.36 answers, as it was heard."""
    wanted = body.get("response_format")
    if not (isinstance(wanted, Mapping) and wanted.get("type") == "json_schema"):
        return None
    message = (
        "1 validation error:\n  {'type': 'literal_error', 'loc': ('body', 'response_format', 'type'),"
        " 'msg': \"Input should be 'text' or 'json_object'\", 'input': 'json_schema'}"
    )
    return refused(500, {"message": message, "type": "internal_server_error", "param": None, "code": None})


def _refuse_response_format(body: Body) -> Whole | None:
    if "response_format" not in body:
        return None
    return refused(400, {"message": "Unrecognized request argument supplied: response_format"})


def _refuse_temperature(body: Body) -> Whole | None:
    if "temperature" not in body:
        return None
    message = "Unsupported value: 'temperature' does not support 0.2 with this model."
    return refused(400, {"message": message, "param": "temperature", "code": "unsupported_value"})


def _refuse_max_tokens(body: Body) -> Whole | None:
    if "max_tokens" not in body:
        return None
    message = "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    return refused(400, {"message": message, "param": "max_tokens", "code": "unsupported_parameter"})


def _refuse_usage(body: Body) -> Whole | None:
    if "stream_options" not in body:
        return None
    return refused(400, {"message": "stream_options: extra inputs are not permitted"})


# Faults that are an answer of their own; None where this request gives no reason to refuse.
REFUSALS: Mapping[str, Callable[[Body], Whole | None]] = {
    "rate_limited": _rate_limited,
    "server_error": _server_error,
    "refuse_json_schema": _refuse_json_schema,
    "refuse_json_schema_as_a_fault": _choke_on_json_schema,
    "refuse_response_format": _refuse_response_format,
    "refuse_temperature": _refuse_temperature,
    "refuse_max_tokens": _refuse_max_tokens,
    "refuse_usage": _refuse_usage,
}

SIMULATED_CALL = ToolCall("call_1", "end_call", '{"reason":"completed"}')


def _cut_arguments(answer: Answer) -> Answer:
    calls = answer.tool_calls or (SIMULATED_CALL,)
    cut = tuple(replace(call, arguments=call.arguments[: len(call.arguments) // 2]) for call in calls)
    return replace(answer, tool_calls=cut)


def _tool_call_alone(answer: Answer) -> Answer:
    return replace(answer, text="", pieces=None, tool_calls=answer.tool_calls or (SIMULATED_CALL,))


def _nothing(answer: Answer) -> Answer:
    return replace(answer, text="", pieces=None, tool_calls=())


# Faults of what is said, not of how.
FAULTS_OF_CONTENT: Mapping[str, Callable[[Answer], Answer]] = {
    "malformed_tool_arguments": _cut_arguments,
    "empty_text_with_tool_call": _tool_call_alone,
    "empty_everything": _nothing,
}

FAULTS = frozenset({*FAULTS_IN_STREAM, *REFUSALS, *FAULTS_OF_CONTENT})
