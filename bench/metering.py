"""What do /metrics and traces cost: a request watched, a call noted, a scrape, a trace built and encoded?

CPU time of this process alone, medians of rounds, so that other work on the machine shows little. A watched
request is the same bare ASGI application with and without the wrapper; its share is of what a POST took in
bench/results/api.json (script/bench api). Nothing is sent anywhere.

    script/bench metering [--rounds 15]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from starlette.types import Receive, Scope, Send  # noqa: E402

from byourside_server.measures.book import Book  # noqa: E402
from byourside_server.measures.route import ROUTE  # noqa: E402
from byourside_server.measures.table import COMMIT_GROUP, COMMITS, WRITES  # noqa: E402
from byourside_server.metrics.access import Access  # noqa: E402
from byourside_server.metrics.application import Metered  # noqa: E402
from byourside_server.metrics.exposition import write_out  # noqa: E402
from byourside_server.metrics.observation import note  # noqa: E402
from byourside_server.spans.export import open_exporter  # noqa: E402
from byourside_server.spans.story import place_of, spans_of  # noqa: E402
from tests.metrics.records import COMPLETED  # noqa: E402
from tests.metrics.test_metrics_application import full_house  # noqa: E402

API = ROOT / "bench" / "results" / "api.json"
REQUESTS = 20_000
HEAD = {"type": "http.response.start", "status": 200, "headers": []}
BODY = {"type": "http.response.body", "body": b"{}"}


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    scope[ROUTE] = "/v1/agent/calls"
    await send(HEAD)
    await send(BODY)


async def nowhere(message: Any) -> None:
    return None


def us_each(work: Callable[[], object], count: int, rounds: int) -> float:
    """Median CPU microseconds of one of `count` things that `work` does."""
    work()
    found = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        found.append(1e6 * (time.process_time() - began) / count)
    return statistics.median(found)


def requests_through(app: Any) -> Callable[[], None]:
    async def story() -> None:
        for _ in range(REQUESTS):
            scope = {"type": "http", "path": "/v1/agent/calls", "method": "POST", "headers": []}
            await app(scope, cast(Any, None), nowhere)

    return lambda: asyncio.run(story())


def written(book: Book) -> Callable[[], None]:
    """What a POST notes in the store: its own wait, and its transaction where nobody shares it."""

    def work() -> None:
        for _ in range(REQUESTS):
            book.observe(WRITES, 0.004)
            book.observe(COMMITS, 0.003)
            book.observe(COMMIT_GROUP, 1)

    return work


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    rows = json.loads(API.read_text())["sqlite"]["rows"]
    post_us = next(row["cpuUsPerRequest"] for row in rows if row["name"].endswith(": POST"))
    get_us = next(row["cpuUsPerRequest"] for row in rows if row["name"].endswith("GET a call"))

    house = full_house()
    readings = house.app()._readings
    watched = us_each(requests_through(Metered(bare, readings, Access("local"))), REQUESTS, rounds)
    plain = us_each(requests_through(bare), REQUESTS, rounds)
    store = us_each(written(Book()), REQUESTS, rounds)
    print(f"a watched request: {watched - plain:.2f} µs more ({plain:.2f} -> {watched:.2f})")
    print(f"what its write notes: {store:.2f} µs")
    added = watched - plain + store
    print(f"of a POST's {post_us} µs: {100 * added / post_us:.2f} %")
    print(f"of a GET's {get_us} µs: {100 * (watched - plain) / get_us:.2f} %")

    book = Book()
    noted = us_each(lambda: [note(book, COMPLETED) for _ in range(500)], 500, rounds)
    print(f"a finished call noted: {noted:.1f} µs")
    sheet = asyncio.run(readings.take())
    print(f"a scrape written out: {us_each(lambda: write_out(sheet, ''), 1, rounds) / 1000:.2f} ms")

    exporter = open_exporter("http://127.0.0.1:9/v1/traces", "bench")
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

    def told() -> None:
        place = place_of(COMPLETED)
        spans = [exporter.span(COMPLETED.id, place, span) for span in spans_of(COMPLETED)]
        encode_spans(spans).SerializeToString()

    count, told_us = len(spans_of(COMPLETED)), us_each(told, 1, 50)
    print(f"a call of {count} spans built and encoded, in the post's thread: {told_us / 1000:.2f} ms")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
