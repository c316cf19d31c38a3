"""Whether the OpenTelemetry collector takes what this server will send: asked with a request of no spans."""

from __future__ import annotations

import os
from collections.abc import Iterator

from byourside_server.cli.findings import Finding
from byourside_server.config import Config

PATIENCE_S = 4.0
# An ExportTraceServiceRequest without spans is no bytes at all, and every collector takes it.
NO_SPANS = b""


def check_collector(config: Config) -> Iterator[Finding]:
    endpoint = config.otel_endpoint
    if endpoint is None:
        return
    import httpx

    from byourside_server.spans.export import CURE, headers_given, is_installed

    if not is_installed():
        yield Finding("fail", "collector", f"otel_endpoint is set, and its library is not installed: {CURE}")
        return
    try:
        headers = {**headers_given(os.environ), "content-type": "application/x-protobuf"}
        answer = httpx.post(endpoint, content=NO_SPANS, headers=headers, timeout=PATIENCE_S)
    except (httpx.HTTPError, httpx.InvalidURL) as trouble:
        # A server without its collector works; only its traces are lost.
        yield Finding("warn", "collector", f"{endpoint} gives no answer ({trouble}): traces will be lost")
        return
    if answer.is_success:
        yield Finding("ok", "collector", f"{endpoint} takes traces")
    else:
        cure = "is it the address for OTLP over HTTP, and does it want OTEL_EXPORTER_OTLP_HEADERS?"
        yield Finding("warn", "collector", f"{endpoint} answers {answer.status_code}: {cure}")
