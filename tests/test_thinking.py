"""Who thinks: what the settings `mind` and `analysis` make, and what is said of a wrong one."""

from __future__ import annotations

import asyncio

import pytest

from byourside_server.conversation.embedded_mind import EmbeddedMind
from byourside_server.conversation.llm_mind import LlmMind
from byourside_server.providers.base import ProviderError
from byourside_server.thinking import open_thinking

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
        ("", "mind", "name"),
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
