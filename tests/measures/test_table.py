"""The rules that `promtool check metrics` and Prometheus' naming guide hold names to, on our own table."""

from __future__ import annotations

import re

import pytest

from byourside_server.measures.book import Measure
from byourside_server.measures.table import MEASURES

# Units that are not base units, and words that only a format may use (promtool's linter).
NO_BASE_UNITS = re.compile(
    r"_(milliseconds?|ms|minutes?|hours?|days?|kilobytes?|kb|megabytes?|mb|bits?|percent|celsius_?)(_|$)"
)
RESERVED = ("_count", "_sum", "_bucket", "_created")
TIMES = re.compile(r"how long|from .* (until|to)|silence|round trip|jitter|CPU time", re.IGNORECASE)
# Labels that would hold a person, a call or an account, or anything without an end.
PERSONAL = frozenset(
    {"call", "call_id", "number", "to", "caller", "account", "key", "id", "path", "url", "text"}
)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_names_follow_the_guide(measure: Measure) -> None:
    name = measure.name
    assert re.fullmatch(r"byourside(_[a-z]+)+", name)
    assert (measure.kind == "counter") == name.endswith("_total")
    assert not NO_BASE_UNITS.search(name)
    assert not name.endswith(RESERVED)
    assert not name.endswith("_info") or measure.kind == "gauge"
    assert measure.kind not in name.split("_")
    if TIMES.search(measure.help) and measure.kind == "histogram":
        assert name.endswith("_seconds")


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_every_measure_says_what_it_is(measure: Measure) -> None:
    assert measure.help.endswith(".")
    assert len(measure.help) > 15
    assert "\n" not in measure.help


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_labels_hold_nobody(measure: Measure) -> None:
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", label) for label in measure.labels)
    assert not PERSONAL & set(measure.labels)
    assert not {"le", "quantile", "job", "instance"} & set(measure.labels)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_histograms_and_no_others_have_buckets_in_order(measure: Measure) -> None:
    assert (measure.kind == "histogram") == bool(measure.buckets)
    assert list(measure.buckets) == sorted(set(measure.buckets))
    assert len(measure.buckets) <= 16


def test_no_name_is_another_ones_once_its_ending_is_taken_off() -> None:
    """OpenMetrics takes `_total` off a counter's name, and a family must be one thing only."""
    names = [measure.name.removesuffix("_total") for measure in MEASURES]
    assert len(set(names)) == len(names)
