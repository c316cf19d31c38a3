"""What is on the page at 0 before it has happened: Prometheus sees an increase only between two samples."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from byourside_server.calls.call import Call
from byourside_server.measures import table
from byourside_server.measures.book import Book, Measure
from byourside_server.metrics.beginnings import BEGINNINGS, attempts_of, beginnings
from byourside_server.metrics.observation import ERRORS, note
from tests.metrics.records import BUSY, COMPLETED
from tests.metrics.test_metrics_application import House, value

FAILED = [replace(BUSY, state="failed", error=error) for error in sorted(ERRORS - {"canceled"})]
ENDED = [
    COMPLETED,
    BUSY,
    replace(BUSY, state="no_answer"),
    replace(COMPLETED, state="voicemail"),
    replace(BUSY, state="canceled", error="canceled"),
    replace(COMPLETED, analysis="failed"),
    *FAILED,
]


@pytest.mark.parametrize("measure", BEGINNINGS, ids=lambda measure: measure.name)
def test_each_series_has_the_labels_of_its_measure(measure: Measure) -> None:
    series = BEGINNINGS[measure]
    assert {len(labels) for labels in series} == {len(measure.labels)}
    assert len(set(series)) == len(series)


@pytest.mark.parametrize("call", ENDED, ids=lambda call: f"{call.state} {call.error} {call.analysis}")
def test_the_end_of_a_call_counts_into_series_that_were_there(call: Call) -> None:
    book = Book()
    note(book, call)
    for measure in BEGINNINGS:
        met = {*book.counts(measure), *book.tallies(measure)}
        assert met <= set(beginnings(measure)), measure.name
    tried = set(book.counts(table.ATTEMPTS))
    assert tried <= {labels for trunk in ("first", "second") for labels in attempts_of(trunk)}


def test_the_page_names_whatever_has_only_what_was_met() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text()
    [said] = re.findall(r"Only the series that were met have (.+?): their first event", page)
    labelled = [each for each in table.MEASURES if each.labels and each.kind != "gauge"]
    late = [each.name for each in labelled if each not in BEGINNINGS and each is not table.ATTEMPTS]
    assert sorted(re.findall(r"`(\w+)`", said)) == sorted(late)


def test_the_first_call_that_is_lost_is_an_increase() -> None:
    """Its series stands at 0 from the start, so that the alert `CallsLost` sees the first one."""
    lost = {"state": "failed", "error": "worker_lost"}
    house = House()
    assert value(house.scrape(), "byourside_calls_total", **lost) == 0
    note(house.book, replace(BUSY, state="failed", error="worker_lost"))
    assert value(house.scrape(), "byourside_calls_total", **lost) == 1


def test_a_trunk_has_all_its_answers_from_the_start() -> None:
    families = House().scrape()
    for trunk in ("main", "spare"):
        for status in ("2xx", "486", "5xx", "no_answer"):
            assert value(families, "byourside_dial_attempts_total", trunk=trunk, sip_status=status) == 0


def test_a_histogram_that_has_not_begun_has_all_its_buckets() -> None:
    families = House().scrape()
    for cause in ("recognition", "mind", "voice"):
        assert value(families, "byourside_silence_seconds_count", cause=cause) == 0
        assert value(families, "byourside_silence_seconds_bucket", cause=cause, le="+Inf") == 0
