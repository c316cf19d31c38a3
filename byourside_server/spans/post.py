"""Takes finished calls and webhook attempts to the collector, behind everybody's back.

The house's loop only puts a value into a queue that never blocks: spans are made and sent in a thread of
their own. A collector that is away costs its spans, one line in the log, and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Protocol, TypeVar

from byourside_server.calls import lifecycle
from byourside_server.calls.call import Call
from byourside_server.errors import Refusal
from byourside_server.measures.book import Book
from byourside_server.measures.table import SPANS
from byourside_server.spans.story import Place, Span, place_of, span_of_delivery, spans_of
from byourside_server.store.courier import Sent

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

# Calls and webhooks on their way to the collector; what is more is left out, and counted.
MOST_WAITING = 2_000
# Of one request to the collector.
MOST_SPANS = 512
# How long a batch waits for company, and how long a collector that failed is left alone.
COMPANY_S = 1.0
REST_S = 10.0
FLUSH_S = 3.0
# Calls whose place is known without asking the store.
REMEMBERED = 10_000
MOST_LOOKED_UP = 100

T = TypeVar("T")
log = logging.getLogger(__name__)
Find = Callable[[str], Awaitable[Call | None]]
Letter = tuple[str, Place, "Call | Span"]


class Exporter(Protocol):
    """What sends; called from the post's thread alone."""

    def span(self, call_id: str, place: Place, span: Span) -> ReadableSpan: ...

    def send(self, spans: list[ReadableSpan]) -> bool: ...

    def close(self) -> None: ...


class SpanPost:
    """Between `start` and `stop`; `see_call` and `see_sent` on the house's loop, and they never wait."""

    def __init__(self, exporter: Exporter, book: Book, find: Find, *, company_s: float = COMPANY_S) -> None:
        """`find` looks a call up: for webhooks of calls that an earlier process had placed."""
        self._exporter = exporter
        self._book = book
        self._find = find
        self._company_s = company_s
        self._waiting: queue.Queue[Letter] = queue.Queue(MOST_WAITING)
        self._places: OrderedDict[str, Place] = OrderedDict()
        self._told: OrderedDict[str, None] = OrderedDict()
        self._looking_up: set[asyncio.Task[None]] = set()
        self._stopping = threading.Event()
        self._is_away = False
        self._thread = threading.Thread(target=self._carry, name="span-post", daemon=True)

    def start(self) -> None:
        self._thread.start()

    async def stop(self, patience_s: float = FLUSH_S) -> None:
        """Send what waits, within `patience_s`; then let go of whatever hangs."""
        if self._looking_up:
            await asyncio.wait(self._looking_up, timeout=patience_s / 3)
        self._stopping.set()
        was_away = self._is_away
        if was_away:
            # Known and told: nobody waits for one more try.
            self._exporter.close()
        await asyncio.to_thread(self._thread.join, patience_s)
        if self._thread.is_alive() and not self._is_away:
            # Said now: what the thread finds when it is let go of is no news.
            self._is_away = True
            waiting = self._waiting.qsize()
            log.warning("collector does not answer: spans left behind", extra={"waiting": waiting})
        if not was_away:
            self._exporter.close()

    def see_call(self, call: Call) -> None:
        """A call has changed; its end is what is told, once."""
        place = self._places.get(call.id)
        if place is None:
            place = _remember(self._places, call.id, place_of(call))
        if call.state in lifecycle.TERMINAL_STATES and call.id not in self._told:
            _remember(self._told, call.id, None)
            self._put((call.id, place, call))

    def see_sent(self, sent: Sent) -> None:
        """A webhook has been handed over, or not."""
        place = self._places.get(sent.call_id)
        if place is not None:
            self._put((sent.call_id, place, span_of_delivery(sent)))
        elif len(self._looking_up) < MOST_LOOKED_UP:
            task = asyncio.ensure_future(self._look_up(sent))
            self._looking_up.add(task)
            task.add_done_callback(self._looking_up.discard)
        else:
            self._book.count(SPANS, "left_out")

    async def _look_up(self, sent: Sent) -> None:
        try:
            call = await self._find(sent.call_id)
        except Refusal:
            call = None
        if call is None:
            self._book.count(SPANS, "left_out")
            return
        place = _remember(self._places, call.id, place_of(call))
        self._put((call.id, place, span_of_delivery(sent)))

    def _put(self, letter: Letter) -> None:
        if not letter[1].is_wanted:
            return
        try:
            self._waiting.put_nowait(letter)
        except queue.Full:
            self._book.count(SPANS, "left_out")

    # --- in the thread ------------------------------------------------------------------------------

    def _carry(self) -> None:
        while not self._stopping.is_set():
            batch = self._gather()
            if batch and not self._send(batch):
                self._stopping.wait(REST_S)
        # A collector that is away is not tried once more at the end.
        while not self._is_away and (batch := self._gather()):
            self._send(batch)

    def _gather(self) -> list[ReadableSpan]:
        """What is there, with whatever comes within `company_s`; empty where nothing did."""
        spans: list[ReadableSpan] = []
        until = time.monotonic() + self._company_s
        while len(spans) < MOST_SPANS:
            left_s = 0.0 if self._stopping.is_set() else max(0.0, until - time.monotonic())
            try:
                # In short waits, so that a stop is noticed.
                letter = self._waiting.get(timeout=min(0.1, left_s)) if left_s else self._waiting.get_nowait()
            except queue.Empty:
                if not left_s:
                    break
                continue
            spans.extend(self._opened(letter))
        return spans

    def _opened(self, letter: Letter) -> Iterator[ReadableSpan]:
        call_id, place, told = letter
        try:
            spans = spans_of(told) if isinstance(told, Call) else [told]
            yield from [self._exporter.span(call_id, place, span) for span in spans]
        except Exception:
            # The edge of a thread that must go on: a record that can't be told costs its own trace.
            log.exception("spans not made", extra={"call_id": call_id})

    def _send(self, batch: list[ReadableSpan]) -> bool:
        try:
            was_sent = self._exporter.send(batch)
        except Exception as fault:
            log.debug("collector failed", extra={"why": str(fault)})
            was_sent = False
        self._book.count(SPANS, "sent" if was_sent else "failed", by=len(batch))
        if was_sent == self._is_away:
            self._is_away = not was_sent
            if self._is_away:
                log.warning("collector takes no spans: those of now are lost; told again when it does")
            else:
                log.warning("collector takes spans again")
        return was_sent


def _remember(kept: OrderedDict[str, T], key: str, value: T) -> T:
    kept[key] = value
    if len(kept) > REMEMBERED:
        kept.popitem(last=False)
    return value
