"""A streamed chat-completions answer put together from its chunks.

Pure values: knows no connection and no clock. Servers differ in what they leave out or repeat, so everything
but the outer shape may be missing.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from byourside_server.providers.base import ToolCall

OPENING_TAG, CLOSING_TAG = "<think>", "</think>"


class MalformedAnswer(ValueError):
    """A chunk that is not what the protocol says; the text holds nothing of its content."""


@dataclass(frozen=True)
class Tokens:
    """What the server counted; `cached` of the `prompt` came out of its cache."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0


@dataclass
class _Call:
    id: str = ""
    name: str = ""
    arguments: str = ""


class ChatAnswer:
    """The answer so far. `receive` returns what each chunk adds to its text."""

    def __init__(self) -> None:
        self._opening = Opening()
        self._calls: list[_Call] = []
        self._call_at_index: dict[object, _Call] = {}
        self.has_begun = False
        """Whether text or a tool call has come; reasoning does not count."""
        self.has_chunks = False
        self.finish_reason: str | None = None
        self.tokens: Tokens | None = None

    def receive(self, chunk: object) -> str:
        """Take the next chunk in; the text to hand on. Raises MalformedAnswer."""
        if not isinstance(chunk, dict):
            raise MalformedAnswer("a chunk that is no JSON object")
        self.has_chunks = True
        if isinstance(chunk.get("usage"), dict):
            self.tokens = _tokens(chunk["usage"])
        choices = chunk.get("choices")
        if not isinstance(choices, list) or not choices:
            return ""
        if not isinstance(choices[0], dict):
            raise MalformedAnswer("a choice that is no JSON object")
        return self._receive_choice(choices[0])

    def finish(self) -> str:
        """The text that was still held back: the last of the answer."""
        return self._opening.finish()

    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls in order of appearance. Raises MalformedAnswer for one without a name."""
        if any(not call.name for call in self._calls):
            raise MalformedAnswer("a tool call that names no tool")
        return tuple(
            ToolCall(call.id or f"call_{uuid.uuid4().hex}", call.name, call.arguments or "{}")
            for call in self._calls
        )

    def _receive_choice(self, choice: Mapping[str, object]) -> str:
        delta = choice.get("delta")
        text = ""
        if isinstance(delta, dict):
            text = self._opening.receive(_text(delta.get("content")))
            calls = delta.get("tool_calls")
            for call in calls if isinstance(calls, list) else ():
                self._receive_call(call)
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self.finish_reason = reason
        self.has_begun = self.has_begun or bool(text or self._calls)
        return text

    def _receive_call(self, delta: object) -> None:
        function = delta.get("function") if isinstance(delta, dict) else None
        if not isinstance(delta, dict) or not isinstance(function, dict | None):
            raise MalformedAnswer("a tool call that is no JSON object")
        call = self._call_of(delta.get("index"), _word(delta.get("id")))
        if function is None:
            return
        name, arguments = _word(function.get("name")), function.get("arguments")
        if name != call.name:
            call.name += name
        call.arguments += json.dumps(arguments) if isinstance(arguments, dict) else _word(arguments)

    def _call_of(self, index: object, call_id: str) -> _Call:
        """The call a piece belongs to: by its index, unless it brings an id of its own.

        Some gateways put every call at index 0, others send no index and no id after the first piece.
        """
        if not isinstance(index, int):
            index = None
        call = self._call_at_index.get(index)
        if call is None or (call_id and call.id and call_id != call.id):
            call = _Call(call_id)
            self._calls.append(call)
            self._call_at_index[index] = call
        return call


class Opening:
    """Holds the start of an answer back until it is sure to be meant for the reader.

    A model behind a server without a reasoning parser thinks aloud between <think> and </think> first; and
    white space alone is no answer.
    """

    def __init__(self) -> None:
        self._held = ""
        self._is_over = False

    def receive(self, text: str) -> str:
        """What may be handed on now."""
        if self._is_over:
            return text
        self._held += text
        while self._held.lstrip().startswith(OPENING_TAG):
            _, closing, rest = self._held.partition(CLOSING_TAG)
            if not closing:
                return ""
            self._held = rest.lstrip()
        if OPENING_TAG.startswith(self._held.lstrip()):
            return ""
        return self._release()

    def finish(self) -> str:
        """What is left at the end: nothing of an unfinished thought, nothing of white space alone."""
        if not self._held.strip() or self._held.lstrip().startswith(OPENING_TAG):
            return ""
        return self._release()

    def _release(self) -> str:
        released, self._held, self._is_over = self._held, "", True
        return released


def _text(content: object) -> str:
    """`content` is a string, or with some servers a list of parts of which only the text is to be read."""
    if not isinstance(content, list):
        return _word(content)
    parts = [part for part in content if isinstance(part, dict) and part.get("type") == "text"]
    return "".join(_word(part.get("text")) for part in parts)


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _tokens(usage: Mapping[str, object]) -> Tokens:
    details = usage.get("prompt_tokens_details")
    cached = (
        details.get("cached_tokens") if isinstance(details, dict) else usage.get("prompt_cache_hit_tokens")
    )
    prompt = _count(usage.get("prompt_tokens"))
    return Tokens(prompt, min(prompt, _count(cached)), _count(usage.get("completion_tokens")))


def _count(value: object) -> int:
    return max(0, value) if isinstance(value, int) else 0
