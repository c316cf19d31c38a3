"""A simulated language model: plays answers from a script and records what it was asked.

An answer is text in pieces of a given length, tool calls, and a cost; or it fails, at once or in the middle.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from byourside_server.providers.base import (
    Completion,
    Generation,
    ProviderError,
    ProviderErrorKind,
    TextDelta,
    ToolCall,
    Usage,
)

ONE_REQUEST = Usage(requests=1, prompt_tokens=100, completion_tokens=10, cost_usd=0.001, models=("scripted",))


@dataclass(frozen=True)
class ScriptedAnswer:
    """What one request brings. With `fails` the answer breaks off behind its text, which has no end then."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    fails: ProviderErrorKind | None = None
    finish_reason: str = "stop"
    usage: Usage = ONE_REQUEST
    piece_length: int = 3
    has_end: bool = True


def says(text: str, *tool_calls: ToolCall, **rest: object) -> ScriptedAnswer:
    """Words and tool calls."""
    return ScriptedAnswer(text, tool_calls, **rest)  # type: ignore[arg-type]


def fails(text: str = "", kind: ProviderErrorKind = ProviderErrorKind.UNAVAILABLE) -> ScriptedAnswer:
    """Breaks off behind `text`, or brings nothing at all."""
    return ScriptedAnswer(text, fails=kind)


def calls(name: str, arguments: str | None = None, /, **values: object) -> ToolCall:
    """A call of a tool with these values, or with `arguments` exactly as given."""
    return ToolCall(f"call_{name}", name, json.dumps(values) if arguments is None else arguments)


@dataclass
class ScriptedModel:
    """A LanguageModel; once the script is over it fails."""

    script: Sequence[ScriptedAnswer]
    name: str = "scripted"
    requests: list[Generation] = field(default_factory=list)
    pieces_given: int = 0
    answers_left_early: int = 0

    async def generate(self, request: Generation) -> AsyncGenerator[TextDelta | Completion, None]:
        self.requests.append(request)
        if len(self.requests) > len(self.script):
            raise ProviderError(ProviderErrorKind.UNAVAILABLE, "the script is over")
        answer = self.script[len(self.requests) - 1]
        is_finished = False
        try:
            for start in range(0, len(answer.text), answer.piece_length):
                self.pieces_given += 1
                yield TextDelta(answer.text[start : start + answer.piece_length])
            is_finished = True
            if answer.fails is not None:
                raise ProviderError(answer.fails, "scripted failure")
            if answer.has_end:
                yield Completion(answer.tool_calls, answer.finish_reason, answer.usage)
        finally:
            self.answers_left_early += not is_finished

    async def close(self) -> None:
        """Nothing to close."""

    @property
    def last_note(self) -> str:
        """The last line of the last request that is the system's."""
        text = self.requests[-1].messages[-1].text
        return text[text.rfind("NOTE: ") :]


def model(*script: ScriptedAnswer | str) -> ScriptedModel:
    """A model with this script; plain text is an answer of words alone."""
    return ScriptedModel([says(each) if isinstance(each, str) else each for each in script])
