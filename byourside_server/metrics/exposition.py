"""The numbers in Prometheus' text format, or in OpenMetrics where the reader prefers it.

The only file that knows the library. Its process-wide registry is not used: two houses in one process must
not count into each other.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from byourside_server.measures import table
from byourside_server.measures.book import Labels, Measure, Tally
from byourside_server.metrics.readings import Sheet


class _Page(Collector):
    """One sheet as the library wants to collect it."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet

    def collect(self) -> Iterator[Metric]:
        for measure in table.MEASURES:
            family = _family(measure, self._sheet)
            if family.samples:
                yield family


def write_out(sheet: Sheet, accept: str) -> tuple[bytes, str]:
    """The body and its content type, in the format that `accept` asks for."""
    registry = CollectorRegistry()
    registry.register(_Page(sheet))
    # CPU, memory, open files and start of this process; from /proc, so nothing elsewhere.
    ProcessCollector(registry=registry)
    try:
        encode, content_type = choose_encoder(accept)
    except (TypeError, ValueError):
        # A version that is no number is more than the library reads.
        encode, content_type = choose_encoder("")
    return encode(registry), content_type


def _family(measure: Measure, sheet: Sheet) -> Metric:
    labels = list(measure.labels)
    if measure.kind == "histogram":
        histogram = HistogramMetricFamily(measure.name, measure.help, labels=labels)
        for values, tally in sorted(sheet.tallies.get(measure, {}).items()):
            histogram.add_metric(values, _buckets(measure, tally), tally.total)
        return histogram
    kind = CounterMetricFamily if measure.kind == "counter" else GaugeMetricFamily
    family = kind(measure.name, measure.help, labels=labels)
    for series, value in _sorted(sheet.values.get(measure, {})):
        family.add_metric(series, value)
    return family


def _sorted(series: dict[Labels, float]) -> list[tuple[Labels, float]]:
    return sorted(series.items())


def _buckets(measure: Measure, tally: Tally) -> list[tuple[str, float]]:
    """Upper bound and how many are no more than it: the library wants them added up."""
    bounds = [*map(floatToGoString, measure.buckets), "+Inf"]
    found, so_far = [], 0
    for bound, count in zip(bounds, tally.counts, strict=True):
        so_far += count
        found.append((bound, float(so_far)))
    return found
