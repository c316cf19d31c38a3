"""Who thinks: what the settings `mind` and `analysis` make, and what is said of a wrong one."""

from __future__ import annotations

import asyncio

import pytest

from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.embedded_mind import EmbeddedMind
from byourside_server.conversation.llm_mind import LlmMind
from byourside_server.conversation.mind import Situation
from byourside_server.providers.base import ProviderError
from byourside_server.thinking import Thinking, open_thinking
from tests.conversation.scripted_model import ScriptedModel

KEYS = {"OPENAI_API_KEY": "simulated-key"}
MODEL = "openai?model=small"


def test_embedded_needs_no_model_and_speaks_its_own_languages_only() -> None:
    thinking = open_thinking("embedded", "mind", {})
    assert isinstance(thinking.make_mind(), EmbeddedMind)
    assert thinking.analysis_model is None
    assert thinking.languages == frozenset({"en"})


def test_a_model_holds_the_talk_and_reads_the_transcript() -> None:
    thinking = open_thinking(MODEL, "mind", KEYS)
    mind = thinking.make_mind()
    assert isinstance(mind, LlmMind)
    assert mind is not thinking.make_mind(), "one mind for one call"
    assert "small" in mind.name
    assert thinking.analysis_model is thinking.model
    assert thinking.languages is None
    asyncio.run(thinking.close())


def test_the_reader_may_be_another_or_the_rules() -> None:
    rules = open_thinking(MODEL, "embedded", KEYS)
    assert rules.model is not None
    assert rules.analysis_model is None
    other = open_thinking("embedded", MODEL, KEYS)
    assert other.model is None
    assert other.analysis_model is not None
    assert other.languages == frozenset({"en"})


@pytest.mark.parametrize(("chain", "goes_on"), [(MODEL, False), (f"{MODEL}, embedded", True)])
def test_embedded_at_the_end_goes_on_where_no_model_answers(chain: str, goes_on: bool) -> None:
    assert open_thinking(chain, "mind", KEYS).goes_on_embedded is goes_on


@pytest.mark.parametrize(
    ("mind", "analysis", "named"),
    [
        (MODEL, "mind", "OPENAI_API_KEY"),
        ("openai", "mind", "model"),
        ("parrot?model=x", "mind", "parrot"),
        ("embedded, openai?model=x", "mind", "embedded"),
        ("embedded, embedded", "mind", "embedded"),
        ("embedded?model=x", "mind", "embedded"),
        ("", "mind", "name"),
        (f"{MODEL},", "mind", "name"),
        (f"{MODEL}, , embedded", "mind", "name"),
        (", embedded", "mind", "name"),
        (MODEL, "", "name"),
        ("embedded", "parrot", "parrot"),
        ("openai?model=x&colour=red", "mind", "colour"),
    ],
)
def test_a_wrong_setting_is_named(mind: str, analysis: str, named: str) -> None:
    keys = {} if named == "OPENAI_API_KEY" else KEYS
    with pytest.raises(ProviderError) as caught:
        open_thinking(mind, analysis, keys)
    assert named in str(caught.value)
    assert "simulated-key" not in str(caught.value)


class CountingModel(ScriptedModel):
    """A simulated model that counts how often it was closed."""

    closed = 0

    async def close(self) -> None:
        self.closed += 1


def test_each_model_is_closed_once_and_one_that_does_both_too() -> None:
    one, other = CountingModel(()), CountingModel(())
    asyncio.run(Thinking(one, one, goes_on_embedded=False).close())
    assert one.closed == 1
    asyncio.run(Thinking(one, other, goes_on_embedded=True).close())
    assert (one.closed, other.closed) == (2, 1)


GREETING = Turn(index=0, role="contact", text="Hello?", start_ms=0, end_ms=0)


@pytest.mark.parametrize(
    ("goes_on", "language", "contact_turns", "then"),
    [
        (True, "en", 1, "listen"),
        (True, "en", 2, "listen"),
        (True, "en", 3, "hang_up"),
        (True, "de", 1, "hang_up"),
        (False, "en", 1, "hang_up"),
    ],
)
def test_the_rules_take_over_only_a_call_in_english_that_has_hardly_begun(
    goes_on: bool, language: str, contact_turns: int, then: str
) -> None:
    dead = ScriptedModel(())  # its script is over: it answers nothing
    brief = Brief("Ask if the car is ready.", language=language)
    situation = Situation(brief, (GREETING,) * contact_turns, "heard", "Hello?", 1.0)
    decision = asyncio.run(Thinking(dead, None, goes_on).make_mind().reply(situation, lambda sentence: None))
    assert decision.then == then
    assert (decision.end_reason == "mind_failed") is (then == "hang_up")
