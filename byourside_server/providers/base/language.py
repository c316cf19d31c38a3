"""The door to a language model: messages in, text as it comes and the tools it wants used out.

Vendor-neutral plain values. What a tool may do is not decided here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

JsonSchema = Mapping[str, object]


@dataclass(frozen=True)
class ToolCall:
    """A tool the model wants used. `arguments` is JSON text as the model wrote it: it may be malformed."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Message:
    """One message of the exchange with a model. A "tool" message answers `tool_call_id`."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True)
class Tool:
    """Something the model may ask for; `parameters` is the JSON schema of its arguments."""

    name: str
    description: str
    parameters: JsonSchema


@dataclass(frozen=True)
class AnswerSchema:
    """The JSON document a model's text must be."""

    name: str
    schema: JsonSchema


@dataclass(frozen=True)
class Generation:
    """One request to a model. With `schema` the text is JSON that matches it."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    schema: AnswerSchema | None = None
    max_tokens: int | None = None
    temperature: float | None = None


@dataclass(frozen=True)
class Usage:
    """What models were asked and what it cost; `cost_usd` is None where a price is not known.

    `failures` counts requests that brought no answer; `models` are the names that answered, in order of
    first use. `estimated_tokens` are those among the others that no server has counted: of requests called
    off in their middle. `ahead` is None where nothing was asked ahead.
    """

    requests: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None
    models: tuple[str, ...] = ()
    estimated_tokens: int = 0
    ahead: Ahead | None = None


@dataclass(frozen=True)
class Ahead:
    """Replies asked for before it was sure that the contact had finished.

    `dropped_usage` is what those cost that were not taken over; it is a part of the usage that this is in.
    """

    asked: int = 0
    taken_over: int = 0
    dropped_usage: Usage = field(default_factory=Usage)

    @property
    def dropped(self) -> int:
        return self.asked - self.taken_over


def total(parts: Iterable[Usage]) -> Usage:
    """The sum; its cost is known where that of every part with requests or estimated tokens is."""
    used = [part for part in parts if part.requests or part.failures]
    costs = [part.cost_usd for part in used if part.requests or part.estimated_tokens]
    known = [cost for cost in costs if cost is not None]
    return Usage(
        requests=sum(part.requests for part in used),
        failures=sum(part.failures for part in used),
        prompt_tokens=sum(part.prompt_tokens for part in used),
        cached_tokens=sum(part.cached_tokens for part in used),
        completion_tokens=sum(part.completion_tokens for part in used),
        cost_usd=sum(known) if costs and len(known) == len(costs) else None,
        models=tuple(dict.fromkeys(name for part in used for name in part.models)),
        estimated_tokens=sum(part.estimated_tokens for part in used),
        ahead=_ahead([part.ahead for part in used if part.ahead is not None]),
    )


def _ahead(parts: list[Ahead]) -> Ahead | None:
    if not parts:
        return None
    return Ahead(
        asked=sum(part.asked for part in parts),
        taken_over=sum(part.taken_over for part in parts),
        dropped_usage=total(part.dropped_usage for part in parts),
    )


@dataclass(frozen=True)
class TextDelta:
    """The next piece of text, as it comes: any length, cut anywhere."""

    text: str


@dataclass(frozen=True)
class Completion:
    """The end of an answer. `usage` includes what failed attempts before this answer have cost."""

    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    usage: Usage = field(default_factory=Usage)


class LanguageModel(Protocol):
    """A model, or a chain of models, behind one door."""

    name: str

    def generate(self, request: Generation) -> AsyncGenerator[TextDelta | Completion, None]:
        """Text as it comes and, last, one Completion. Raises ProviderError, also in mid-answer.

        Whoever stops listening early closes the generator (`contextlib.aclosing`), which hangs up.
        """
        ...

    async def close(self) -> None: ...
