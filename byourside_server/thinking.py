"""Who thinks: the minds that talk and the analyst that reads, made from the words of a setting.

`embedded` is the rules; anything else names language models, in the order they are tried. Ending the list
with `embedded` has the rules go on where no model answers a call that has hardly begun, in English; else
the agent says so and ends the call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from byourside_server import report
from byourside_server.calls.call import Call, Report
from byourside_server.conversation.brief import brief_of
from byourside_server.conversation.embedded_mind import EMBEDDED_LANGUAGES, EmbeddedMind
from byourside_server.conversation.llm_mind import LlmMind
from byourside_server.conversation.mind import Mind
from byourside_server.measures.book import Book
from byourside_server.providers.base import LanguageModel

EMBEDDED = "embedded"


@dataclass(frozen=True)
class Thinking:
    """The models behind one server; `model` is None where only rules think."""

    model: LanguageModel | None
    analysis_model: LanguageModel | None
    goes_on_embedded: bool

    @property
    def languages(self) -> frozenset[str] | None:
        """Primary language subtags that a call may be held in; None is any."""
        return frozenset(EMBEDDED_LANGUAGES) if self.model is None else None

    def make_mind(self) -> Mind:
        """A mind for one call."""
        if self.model is None:
            return EmbeddedMind()
        return LlmMind(self.model, on_failure="embedded" if self.goes_on_embedded else "goodbye")

    async def close(self) -> None:
        for model in {id(each): each for each in (self.model, self.analysis_model) if each}.values():
            await model.close()


def open_thinking(
    mind: str, analysis: str, environ: Mapping[str, str], book: Book | None = None
) -> Thinking:
    """Models are timed in `book`. Raises ProviderError for a name, option or key that is wrong or missing."""
    models, goes_on = _without_embedded(mind)
    model = None if models is None else _open_model(models, environ, book)
    if analysis == "mind":
        return Thinking(model, model, goes_on)
    readers, _ = _without_embedded(analysis)
    return Thinking(model, None if readers is None else _open_model(readers, environ, book), goes_on)


def _open_model(chain: str, environ: Mapping[str, str], book: Book | None) -> LanguageModel:
    # Here and not above: a server without language models need not wait half a second for their library.
    from byourside_server.providers.language_registry import open_language_model

    return open_language_model(chain, environ, book=book)


def _without_embedded(chain: str) -> tuple[str | None, bool]:
    """The models of a chain, None where there are none, and whether `embedded` stands at its end."""
    links = [link.strip() for link in chain.split(",")]
    goes_on = links[-1] == EMBEDDED
    models = links[:-1] if goes_on else links
    return (", ".join(models) if models else None), goes_on


@dataclass(frozen=True)
class Reader:
    """The analyst: reads by a language model where there is one, by rules where not or where it fails."""

    model: LanguageModel | None
    on_behalf_of: str | None = None
    day_of: Callable[[float], date] = date.fromtimestamp

    async def compose(self, call: Call) -> Report:
        day = self.day_of(call.answered_at or call.created_at)
        brief = brief_of(call.request, today=day, on_behalf_of=self.on_behalf_of)
        if self.model is not None:
            return await report.compose_with_model(
                brief,
                call.turns,
                self.model,
                answered_by=call.answered_by,
                ended_by=call.ended_by,
                end_reason=call.end_reason,
            )
        return await asyncio.to_thread(
            report.compose,
            brief,
            call.turns,
            answered_by=call.answered_by,
            ended_by=call.ended_by,
            end_reason=call.end_reason,
        )
