"""Spans to an OpenTelemetry collector: OTLP over HTTP, in the library's own words.

The only file that knows the library. It is an extra: `open_exporter` says so where it is not installed.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from byourside_server.errors import ConfigError
from byourside_server.spans.story import Place, Span, span_id

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

EXPORT_TIMEOUT_S = 5.0
SERVICE = "byourside"
CURE = "pip install 'byourside-server[otel]'"


class Exporter:
    """Sends batches, in whatever thread it is called from; never raises for what a collector does."""

    def __init__(self, endpoint: str, version: str) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace.export import SpanExportResult
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        _silence()
        self._exporter = OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_TIMEOUT_S)
        self._sent = SpanExportResult.SUCCESS
        resource = Resource.create()
        # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES count, where the operator has set them.
        if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: SERVICE}))
        self._resource = resource.merge(Resource({"service.version": version}))
        self._scope = InstrumentationScope("byourside_server", version)

    def span(self, call_id: str, place: Place, span: Span) -> ReadableSpan:
        """One span of ours as one of theirs."""
        from opentelemetry.sdk.trace import Event, ReadableSpan
        from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
        from opentelemetry.trace.status import Status, StatusCode

        flags = TraceFlags(TraceFlags.SAMPLED)
        parent = None
        if span.parent is not None:
            parent = SpanContext(place.trace_id, span_id(call_id, span.parent), False, flags)
        elif place.caller is not None:
            parent = SpanContext(place.trace_id, place.caller.span_id, True, flags)
        return ReadableSpan(
            span.name,
            SpanContext(place.trace_id, span_id(call_id, span.key), False, flags),
            parent,
            self._resource,
            dict(span.attributes),
            tuple(Event(name, timestamp=_ns(at)) for name, at in span.events),
            kind=SpanKind.CLIENT if span.is_client else SpanKind.INTERNAL,
            status=Status(StatusCode.UNSET) if span.failed is None else Status(StatusCode.ERROR, span.failed),
            start_time=_ns(span.start),
            end_time=_ns(max(span.start, span.end)),
            instrumentation_scope=self._scope,
        )

    def send(self, spans: Sequence[ReadableSpan]) -> bool:
        """True where the collector took them; asks again itself, for EXPORT_TIMEOUT_S in all."""
        return self._exporter.export(spans) is self._sent

    def close(self) -> None:
        """Give up whatever is being tried, and let go."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


def open_exporter(endpoint: str, version: str) -> Exporter:
    """Connects to nothing yet. Raises ConfigError where the library is not installed."""
    if not is_installed():
        raise ConfigError(f"otel_endpoint needs the extra `otel`: {CURE}")
    return Exporter(endpoint, version)


def is_installed() -> bool:
    """Whether the library is there; others bring parts of it along."""
    try:
        return importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False


def headers_given(environ: Mapping[str, str]) -> Mapping[str, str]:
    """What the protocol's variables add to every request, read as the library reads them."""
    from opentelemetry.util.re import parse_env_headers

    of_traces = environ.get("OTEL_EXPORTER_OTLP_TRACES_HEADERS")
    return parse_env_headers(of_traces or environ.get("OTEL_EXPORTER_OTLP_HEADERS", ""), liberal=True)


def _silence() -> None:
    # It logs every attempt that fails; `post` says once that a collector is away, and that it is back.
    logging.getLogger("opentelemetry.exporter.otlp").setLevel(logging.CRITICAL + 1)


def _ns(moment: float) -> int:
    return round(moment * 1_000_000_000)
