"""A collector of traces on the loopback: real OTLP over HTTP, decoded by the protocol's own classes."""

from __future__ import annotations

import contextlib
import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.loopback import served


def value_of(found: KeyValue) -> object:
    kind = found.value.WhichOneof("value")
    return None if kind is None else getattr(found.value, kind)


@dataclass
class Collector:
    """What came, whole requests in their order."""

    url: str = ""
    status: int = 200
    token: str = ""
    """What whoever sends shows as bearer; without it 401."""
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    came: threading.Condition = field(default_factory=threading.Condition)
    held: threading.Event = field(default_factory=threading.Event)
    """Set, unless the collector is to hang."""

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in list(self.requests)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def resource(self) -> dict[str, object]:
        found = self.requests[0].resource_spans[0].resource
        return {each.key: value_of(each) for each in found.attributes}

    def wait_for(self, count: int, timeout_s: float = 30.0) -> list[Span]:
        with self.came:
            assert self.came.wait_for(lambda: len(self.spans) >= count, timeout_s), len(self.spans)
        return self.spans


@contextlib.contextmanager
def collector() -> Iterator[Collector]:
    """One that takes everything, until it is told otherwise."""
    kept = Collector()
    kept.held.set()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            kept.held.wait(30)
            is_known = not kept.token or self.headers["Authorization"] == f"Bearer {kept.token}"
            status = kept.status if is_known else 401
            with kept.came:
                kept.paths.append(self.path)
                kept.bodies.append(body)
                if status == 200:
                    request = ExportTraceServiceRequest()
                    request.ParseFromString(body)
                    kept.requests.append(request)
                kept.came.notify_all()
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with served(Receiver) as port:
        kept.url = f"http://127.0.0.1:{port}"
        try:
            yield kept
        finally:
            kept.held.set()
