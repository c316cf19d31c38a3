"""On the way to a collector: nobody waits, nothing piles up, and a collector that is away is told of once."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from byourside_server.calls.call import Call
from byourside_server.measures import table
from byourside_server.measures.book import Book
from byourside_server.spans import post as posting
from byourside_server.spans.export import open_exporter
from byourside_server.spans.post import SpanPost
from byourside_server.spans.story import Place, Span, place_of
from byourside_server.store.courier import Sent
from byourside_server.store.database import StoreUnavailable
from byourside_server.webhooks.sender import Attempt
from tests.metrics.records import BUSY, COMPLETED, NOW
from tests.spans.collector import collector

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
# Long enough for a thread to have done what it had been given, on a machine with other work.
PATIENCE_S = 30.0


@dataclass
class FakeExporter:
    """Keeps what it is given, or fails, or hangs until it is closed."""

    answers: list[bool | Exception] = field(default_factory=list)
    hangs: bool = False
    sent: list[list[tuple[str, Place, Span]]] = field(default_factory=list)
    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    closed: threading.Event = field(default_factory=threading.Event)

    def span(self, call_id: str, place: Place, span: Span) -> Any:
        return call_id, place, span

    def send(self, spans: list[Any]) -> bool:
        # Before anybody hears of it, who may want only the next to hang.
        hangs = self.hangs
        self.asked.release()
        if hangs:
            self.closed.wait(PATIENCE_S)
            return False
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, Exception):
            raise answer
        if answer:
            self.sent.append(spans)
        return answer

    def close(self) -> None:
        self.closed.set()

    @property
    def spans(self) -> list[tuple[str, Place, Span]]:
        return [each for batch in self.sent for each in batch]


async def nobody(call_id: str) -> Call | None:
    return None


def webhook(call_id: str, number: int = 1) -> Sent:
    return Sent(call_id, f"evt_{number}", number, NOW, Attempt(204, 5), "delivered")


async def posted(
    exporter: Any, *seen: Call | Sent, find: Callable[[str], Any] = nobody, book: Book | None = None
) -> Book:
    """Everything seen, and the post stopped again."""
    book = book or Book()
    post = SpanPost(exporter, book, find, company_s=0.0)
    post.start()
    for each in seen:
        if isinstance(each, Call):
            post.see_call(each)
        else:
            post.see_sent(each)
    await post.stop(PATIENCE_S)
    return book


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "REST_S", 0.0)


def test_a_call_is_told_when_it_is_over_and_once() -> None:
    exporter = FakeExporter()
    under_way = [replace(COMPLETED, state=state) for state in ("queued", "dialing", "in_progress", "post")]
    book = asyncio.run(posted(exporter, *under_way, COMPLETED, COMPLETED, BUSY))
    roots = [call_id for call_id, _, span in exporter.spans if span.parent is None]
    assert roots == [COMPLETED.id, BUSY.id]
    assert book.counts(table.SPANS) == {("sent",): len(exporter.spans)}


def test_a_webhook_finds_its_calls_trace_in_memory_or_in_the_store() -> None:
    """An earlier process may have placed the call; only the store knows the caller's trace then."""
    exporter = FakeExporter()
    known = replace(COMPLETED, state="queued", request=replace(COMPLETED.request, traceparent=CALLER))
    stored = replace(known, id="stored")
    asked: list[str] = []

    async def find(call_id: str) -> Call | None:
        asked.append(call_id)
        if call_id == "down":
            raise StoreUnavailable("down")
        return stored if call_id == "stored" else None

    seen = (known, webhook(COMPLETED.id), webhook("stored"), webhook("gone"), webhook("down"))
    book = asyncio.run(posted(exporter, *seen, find=find))
    assert asked == ["stored", "gone", "down"]
    assert {call_id: place for call_id, place, _ in exporter.spans} == {
        COMPLETED.id: place_of(known),
        "stored": place_of(stored),
    }
    assert book.counts(table.SPANS) == {("sent",): 2, ("left_out",): 2}


def test_a_trace_that_its_caller_does_not_keep_is_not_sent() -> None:
    exporter = FakeExporter()
    unsampled = replace(COMPLETED.request, traceparent=f"{CALLER[:-2]}00")
    asyncio.run(posted(exporter, replace(COMPLETED, request=unsampled), webhook(COMPLETED.id)))
    assert exporter.spans == []


def test_a_collector_that_is_away_is_logged_once_and_so_is_its_return(
    caplog: pytest.LogCaptureFixture,
) -> None:
    exporter = FakeExporter([False, ConnectionError("refused"), False, True, True])

    async def story() -> Book:
        book = Book()
        post = SpanPost(exporter, book, nobody, company_s=0.0)
        post.start()
        for number in range(5):
            post.see_call(replace(BUSY, id=f"call-{number}"))
            assert await asyncio.to_thread(exporter.asked.acquire, timeout=PATIENCE_S)
        await post.stop(PATIENCE_S)
        return book

    with caplog.at_level(logging.INFO):
        book = asyncio.run(story())
    said = [record.message for record in caplog.records if record.name.startswith("byourside_server.spans")]
    assert said == [
        "collector takes no spans: those of now are lost; told again when it does",
        "collector takes spans again",
    ]
    assert book.counts(table.SPANS) == {("failed",): 9, ("sent",): 6}


def test_nobody_answers_at_the_address_and_the_library_says_nothing_of_its_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The real exporter on a port where nothing listens."""
    exporter = open_exporter("http://127.0.0.1:9/v1/traces", "9.9")

    async def story() -> Book:
        book = Book()
        post = SpanPost(exporter, book, nobody, company_s=0.0)
        post.start()
        began = time.monotonic()
        for number in range(200):
            post.see_call(replace(COMPLETED, id=f"call-{number}"))
        assert time.monotonic() - began < PATIENCE_S / 2
        await post.stop(0.2)
        return book

    with caplog.at_level(logging.DEBUG):
        book = asyncio.run(story())
    loud = {record.name for record in caplog.records if record.levelno >= logging.WARNING}
    assert loud <= {"byourside_server.spans.post"}
    assert ("sent",) not in book.counts(table.SPANS)


def test_a_collector_that_hangs_holds_up_neither_the_house_nor_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    exporter = FakeExporter(hangs=True)

    async def story() -> float:
        post = SpanPost(exporter, Book(), nobody, company_s=0.0)
        post.start()
        post.see_call(BUSY)
        assert await asyncio.to_thread(exporter.asked.acquire, timeout=PATIENCE_S)
        for number in range(100):
            post.see_call(replace(BUSY, id=f"call-{number}"))
        began = time.monotonic()
        await post.stop(0.1)
        took_s = time.monotonic() - began
        await asyncio.to_thread(post._thread.join, PATIENCE_S)
        return took_s

    assert asyncio.run(story()) < PATIENCE_S / 2
    assert exporter.closed.is_set(), "what hangs is let go of"
    said = [record.message for record in caplog.records if "collector" in record.message]
    assert said == ["collector does not answer: spans left behind"]


def test_for_a_collector_that_is_known_to_be_away_the_end_does_not_wait(
    caplog: pytest.LogCaptureFixture,
) -> None:
    exporter = FakeExporter([False])

    async def story() -> float:
        post = SpanPost(exporter, Book(), nobody, company_s=0.0)
        post.start()
        post.see_call(BUSY)
        assert await asyncio.to_thread(exporter.asked.acquire, timeout=PATIENCE_S)
        exporter.hangs = True
        post.see_call(COMPLETED)
        assert await asyncio.to_thread(exporter.asked.acquire, timeout=PATIENCE_S)
        began = time.monotonic()
        await post.stop(PATIENCE_S)
        return time.monotonic() - began

    assert asyncio.run(story()) < PATIENCE_S / 2
    assert len([record for record in caplog.records if "collector" in record.message]) == 1


def test_what_is_too_much_is_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "MOST_WAITING", 10)
    exporter = FakeExporter(hangs=True)

    async def story() -> Book:
        book = Book()
        post = SpanPost(exporter, book, nobody, company_s=0.0)
        post.start()
        post.see_call(BUSY)
        assert await asyncio.to_thread(exporter.asked.acquire, timeout=PATIENCE_S)
        for number in range(30):
            post.see_call(replace(BUSY, id=f"call-{number}"))
        await post.stop(0.1)
        return book

    assert asyncio.run(story()).counts(table.SPANS)[("left_out",)] == 20


def test_a_record_that_can_not_be_told_costs_its_own_trace(caplog: pytest.LogCaptureFixture) -> None:
    exporter = FakeExporter()
    odd = replace(COMPLETED, id="odd", state="failed", turns=(None,))  # type: ignore[arg-type]
    asyncio.run(posted(exporter, odd, BUSY))
    assert {call_id for call_id, _, _ in exporter.spans} == {BUSY.id}
    assert "spans not made" in caplog.text


def test_the_end_sends_what_waits_to_a_real_collector() -> None:
    with collector() as kept:
        asyncio.run(posted(open_exporter(f"{kept.url}/v1/traces", "9.9"), COMPLETED, BUSY, webhook(BUSY.id)))
        names = [span.name for span in kept.spans]
    assert (names.count("call"), names.count("webhook"), names.count("turn agent")) == (2, 1, 2)
