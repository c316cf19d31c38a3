"""The labelled calls of bench/results/extraction: the rules must stay as careful as they were measured.

The labels are in corpus.jsonl beside their reasons; the bounds are the measured figures with a little room.
Nothing here is about a model's cleverness: its recorded answers show what the second pass lets through.
"""

from __future__ import annotations

import pytest

from bench.reading.corpus import Labelled, load
from bench.reading.readers import Reader, embedded, recorded, with_model
from bench.reading.scores import Rate, Reading, same, scores
from bench.reading.simulated_careless_model import simulated_careless_extraction
from byourside_server.report.outcome import OUTCOMES

CALLS = load()
KINDS_AT_LEAST = 10


def measured(reader: Reader) -> dict[str, Rate]:
    return scores(CALLS, {call.id: reader.read(call) for call in CALLS})


def share(rate: Rate) -> float:
    assert rate.share is not None
    return rate.share


def test_the_corpus_is_what_its_page_says() -> None:
    counts: dict[str, int] = {}
    for call in CALLS:
        for kind in set(call.kinds):
            counts[kind] = counts.get(kind, 0) + 1
    assert len(CALLS) == 237
    assert min(counts.values()) >= KINDS_AT_LEAST
    assert {outcome for call in CALLS for outcome in call.outcomes} - {None} <= set(OUTCOMES)


def test_the_rules_report_little_that_is_untrue() -> None:
    figures = measured(embedded())
    assert share(figures["precision"]) >= 0.80
    assert share(figures["wrong"]) <= 0.022
    assert share(figures["false_true"]) <= 0.03
    assert share(figures["false_met"]) <= 0.01
    assert share(figures["outcome"]) >= 0.93


def test_the_second_pass_keeps_what_a_careful_model_read() -> None:
    figures = measured(with_model("m", recorded(CALLS))[1])
    assert share(figures["precision"]) == 1.0
    assert share(figures["recall"]) >= 0.97
    assert (figures["false_true"].hits, figures["false_met"].hits) == (0, 0)
    assert share(figures["met"]) >= 0.97


def test_the_second_pass_catches_what_a_careless_model_makes_up() -> None:
    believed, checked = with_model("m", {call.id: simulated_careless_extraction(call) for call in CALLS})
    before, after = measured(believed), measured(checked)
    assert share(before["false_true"]) >= 0.9
    assert share(after["false_true"]) <= 0.01
    assert share(before["false_met"]) == 1.0
    assert share(after["false_met"]) <= 0.04
    assert share(after["wrong"]) <= 0.03


@pytest.mark.parametrize(
    "call", [call for call in CALLS if call.answered_by == "voicemail"], ids=lambda c: c.id
)
def test_no_reader_finds_anything_in_a_voicemail(call: Labelled) -> None:
    for reader in (embedded(), with_model("m", {call.id: simulated_careless_extraction(call)})[1]):
        reading: Reading = reader.read(call)
        assert set(reading.values.values()) <= {None}
        assert reading.met != "yes"


@pytest.mark.parametrize(
    ("truth", "value", "is_same"),
    [
        ("Friday at four", "at 4 on Friday", True),
        ("Friday at 4", "Friday at 4 PM", False),
        ("the ninth of October", "October 9th", True),
        ("14 Larkin Lane", "Fourteen Larkin Lane", True),
        ("KL479B", "kl 479 b", True),
        ("5550182", "555-0182", True),
        ("jo.lee@mail.com", "Jo.Lee@mail.com", True),
        ("jo.lee@mail.com", "jolee@mail.com", False),
        ("Sandra", "Sandra S", False),
        (True, 1, False),
        (12, 12.0, True),
        ("12", 12, False),
        (None, None, True),
    ],
)
def test_what_counts_as_the_same_value(truth: object, value: object, is_same: bool) -> None:
    assert same(truth, value) is is_same  # type: ignore[arg-type]
