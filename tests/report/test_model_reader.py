"""A language model reads the call, and the rules where it fails."""

from __future__ import annotations

import asyncio
import json

import pytest

from byourside_server.calls.call import Field, Report
from byourside_server.conversation.brief import Brief
from byourside_server.providers.base import ProviderErrorKind
from byourside_server.report import compose, compose_with_model
from tests.conversation.scripted_model import ScriptedAnswer, ScriptedModel, fails, says
from tests.report.kit import talk

BRIEF = Brief("Confirm the appointment for tomorrow at 2pm.", fields=(Field("confirmed", "boolean"),))
TURNS = talk(
    "C: Hello?",
    "A: Hello, this is an automated AI assistant. Does tomorrow at two still work for you?",
    "C: Yes, that works for me.",
    asks={1: "field:confirmed"},
)
EXTRACTED = json.dumps(
    {
        "fields": {"confirmed": {"turn": 2, "quote": "Yes, that works for me.", "value": True}},
        "outcome": None,
        "summary": "The contact confirmed. It is at two. All is well. Nothing else.",
    }
)
JUDGED = json.dumps({"turn": 2, "quote": "that works for me", "reason": "It was confirmed.", "met": "yes"})


def read(model: ScriptedModel, answered_by: str | None = "human") -> Report:
    return asyncio.run(
        compose_with_model(
            BRIEF, TURNS, model, answered_by=answered_by, ended_by="agent", end_reason="completed"
        )
    )


def test_both_answers_make_the_report_and_the_bill() -> None:
    model = ScriptedModel([says(EXTRACTED), says(JUDGED)])
    report = read(model)
    assert report.extracted == {"confirmed": True}
    assert (report.objective_met, report.objective_reason) == ("yes", "It was confirmed.")
    assert report.summary == "The contact confirmed. It is at two. All is well."
    assert (report.extractor, report.usage.requests) == ("scripted", 2)
    assert [request.schema is not None for request in model.requests] == [True, True]
    assert report.steps[0].turn == 1


def test_a_malformed_answer_is_asked_for_once_more() -> None:
    report = read(ScriptedModel([says("no idea"), says(EXTRACTED), says(JUDGED)]))
    assert (report.extractor, report.usage.requests) == ("scripted", 3)


RULES = compose(BRIEF, TURNS, answered_by="human", ended_by="agent", end_reason="completed")


@pytest.mark.parametrize(
    ("script", "requests", "failures"),
    [
        ([fails()], 0, 1),
        ([fails(EXTRACTED[:20])], 0, 1),
        ([fails(kind=ProviderErrorKind.BAD_CONFIGURATION)], 0, 1),
        ([says("no idea"), says("none at all")], 2, 0),
        ([says(EXTRACTED), fails()], 1, 1),
        ([says(EXTRACTED), says("{}"), says("{}")], 3, 0),
        ([says("x" * 200_000, piece_length=1000)], 0, 0),
    ],
)
def test_where_the_model_fails_the_rules_read(
    script: list[ScriptedAnswer], requests: int, failures: int
) -> None:
    report = read(ScriptedModel(script))
    assert (report.extracted, report.objective_met, report.summary) == (
        RULES.extracted,
        RULES.objective_met,
        RULES.summary,
    )
    assert report.extractor == "embedded"
    if len(script[0].text) < 100_000:
        assert (report.usage.requests, report.usage.failures) == (requests, failures)


@pytest.mark.parametrize("answered_by", ["voicemail", "ivr", "fax"])
def test_no_model_is_asked_about_a_machine(answered_by: str) -> None:
    model = ScriptedModel([])
    report = read(model, answered_by)
    assert model.requests == []
    assert (report.extracted, report.extractor) == ({"confirmed": None}, "embedded")


def test_no_model_is_asked_where_the_contact_said_nothing() -> None:
    model = ScriptedModel([])
    report = asyncio.run(
        compose_with_model(
            BRIEF, TURNS[1:2], model, answered_by="human", ended_by="agent", end_reason="no_response"
        )
    )
    assert model.requests == []
    assert report.outcome == "no_response"
