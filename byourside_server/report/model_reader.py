"""Having a language model read a call, through whatever door was handed in.

Asks twice, for the values and for the judgement, each once more where the answer is malformed. Where that
fails the rules read the call, so that a report is always made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypedDict, TypeVar

from byourside_server.calls.call import Report
from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import Brief
from byourside_server.providers.base import (
    Completion,
    Generation,
    LanguageModel,
    ProviderError,
    TextDelta,
    Usage,
    total,
)
from byourside_server.report.claims import PERSONS
from byourside_server.report.composition import EMBEDDED, compose
from byourside_server.report.extraction import (
    ExtractionError,
    extraction_request,
    objective_request,
    read_extraction,
    read_objective,
)

ATTEMPTS = 2
# More than any answer of this shape takes; a model that talks on is stopped.
MAX_ANSWER_CHARS = 100_000

Answer = TypeVar("Answer")


class _Ending(TypedDict):
    answered_by: str | None
    ended_by: str | None
    end_reason: str | None


@dataclass
class _Bill:
    """What was asked so far."""

    parts: list[Usage] = field(default_factory=list)

    @property
    def usage(self) -> Usage:
        return total(self.parts)


async def compose_with_model(
    brief: Brief,
    turns: Iterable[Turn],
    model: LanguageModel,
    *,
    answered_by: str | None,
    ended_by: str | None,
    end_reason: str | None,
) -> Report:
    """The report of a call as `model` reads it, verified; as the rules read it where the model fails."""
    spoken, bill = tuple(turns), _Bill()
    how = _Ending(answered_by=answered_by, ended_by=ended_by, end_reason=end_reason)
    # A model is asked where a person may have spoken.
    if answered_by not in PERSONS or not any(turn.role == "contact" for turn in spoken):
        return compose(brief, spoken, **how)
    asked = extraction_request(brief, spoken, **how)
    try:
        extraction = await _asked(model, asked, bill, lambda text: read_extraction(text, brief.fields))
        judged = await _asked(model, objective_request(brief, spoken, **how), bill, read_objective)
    except (ProviderError, ExtractionError):
        return compose(brief, spoken, **how, extractor=EMBEDDED, usage=bill.usage)
    name = next(iter(bill.usage.models), model.name)
    return compose(
        brief,
        spoken,
        **how,
        extraction=replace(extraction, objective=judged),
        extractor=name,
        usage=bill.usage,
    )


async def _asked(
    model: LanguageModel, request: Generation, bill: _Bill, read: Callable[[str], Answer]
) -> Answer:
    """The answer as `read` understands it. Raises ProviderError, and ExtractionError where it never does."""
    for attempt in range(1, ATTEMPTS + 1):
        text = await _generated(model, request, bill)
        try:
            return read(text)
        except ExtractionError:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("every attempt returns or raises")


async def _generated(model: LanguageModel, request: Generation, bill: _Bill) -> str:
    """The whole text of one answer, its cost put on the bill. Raises ProviderError, ExtractionError."""
    pieces: list[str] = []
    try:
        async for part in model.generate(request):
            if isinstance(part, Completion):
                bill.parts.append(part.usage)
            elif isinstance(part, TextDelta):
                pieces.append(part.text)
            if sum(map(len, pieces)) > MAX_ANSWER_CHARS:
                raise ExtractionError("the answer does not end")
    except ProviderError:
        bill.parts.append(Usage(failures=1))
        raise
    return "".join(pieces)
