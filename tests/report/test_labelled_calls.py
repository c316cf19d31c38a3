"""Short calls labelled by hand: what was learned may be missing now and then, but is never wrong.

The labels in data/labelled_calls.json are what a careful listener writes down; null where they would
have to ask again. The bounds below are the measured figures of the rules as they stand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NotRequired, TypedDict, cast

import pytest

from byourside_server.calls.call import Field, FieldType, FieldValue, Report
from byourside_server.calls.transcript import Turn
from byourside_server.conversation.brief import Brief
from byourside_server.conversation.plan import plan_of
from byourside_server.report import compose


class Labelled(TypedDict):
    """One call: each question with the contact's answer, and the truth about it."""

    kind: str
    brief: str
    asked: list[list[str]]
    said: dict[str, FieldValue]
    met: str
    end: NotRequired[str]
    answered: NotRequired[str]
    before: NotRequired[bool]


class Data(TypedDict):
    """The file."""

    briefs: dict[str, tuple[str, list[list[str]]]]
    calls: list[Labelled]


DATA = cast(Data, json.loads((Path(__file__).parent / "data" / "labelled_calls.json").read_text()))
CALLS = DATA["calls"]


def _brief(name: str) -> Brief:
    objective, fields = DATA["briefs"][name]
    return Brief(
        objective,
        fields=tuple(
            Field(each[0], cast(FieldType, each[1]), each[2] if len(each) > 2 else None) for each in fields
        ),
    )


def _turns(call: Labelled) -> list[Turn]:
    plan = plan_of(_brief(call["brief"]))
    said: list[tuple[str, str, str | None]] = [("contact", "hello", None)]
    for name, answer in call["asked"]:
        step = plan.step(name)
        assert step is not None, f"{call['brief']} has no step {name}"
        question, reply = ("agent", step.spoken, name), ("contact", answer, None)
        said += [reply, question] if call.get("before") else [question, reply] if answer else [question]
    return [
        Turn(
            index,
            "agent" if role == "agent" else "contact",
            text,
            index * 1000,
            index * 1000 + 800,
            asks=asks,
        )
        for index, (role, text, asks) in enumerate(said)
    ]


def _report(call: Labelled) -> Report:
    end = call.get("end", "completed")
    return compose(
        _brief(call["brief"]),
        _turns(call),
        answered_by=call.get("answered", "human"),
        ended_by="contact" if end == "hung_up" else "agent",
        end_reason=end,
    )


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call['kind']}: {call['asked'][0][1]}")
def test_nothing_untrue_is_reported(call: Labelled) -> None:
    report, turns = _report(call), _turns(call)
    for name, truth in call["said"].items():
        value, proof = report.extracted[name], report.evidence[name]
        assert value is None or (value == truth and type(value) is type(truth)), (name, value)
        if proof is not None:
            assert proof.quote in turns[proof.turn].text
    assert report.objective_met != "yes" or call["met"] == "yes"
    assert report.objective_met != "no" or call["met"] == "no"


def test_what_was_said_is_seldom_missed() -> None:
    """Recall over all values a listener would write down, and over the judgement."""
    known = missed = judged = 0
    for call in CALLS:
        report = _report(call)
        known += sum(truth is not None for truth in call["said"].values())
        missed += sum(
            truth is not None and report.extracted[name] is None for name, truth in call["said"].items()
        )
        judged += report.objective_met == call["met"]
    assert len(CALLS) >= 80
    assert missed / known <= 0.03
    assert judged / len(CALLS) >= 0.97
