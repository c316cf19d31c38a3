"""One server whose calls a real Prometheus and a real collector watch, for both of their tests.

Calls go at virtual time. Beside it a page with every measure there is, behind a token, whose figures all rise
once between two scrapes: what a server without a real trunk, engines and faults would leave at 0.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from byourside_server.lines.media_figures import MediaFigures
from byourside_server.metrics.access import Access
from tests.metrics.test_metrics_application import TICKED, note_everything
from tests.metrics.test_metrics_application import House as Page
from tests.peers.process import free_port, wait_for
from tests.peers.prometheus import Prometheus, scraping
from tests.peers.promtool import found
from tests.peers.rotel import AGENT, Rotel, forwarding
from tests.spans.collector import Collector, collector
from tests.walks.conftest import README_CALL
from tests.walks.house import House, Mailbox, mailbox, wait_for_end

# Who is called: name → the sandbox's number.
CALLED = {
    "agreeable": "+14155550123",
    "busy": "+14155550141",
    "trunk failure": "+14155550144",
}
# What the callers say of themselves (W3C Trace Context): a trace and a span of theirs for each call.
CALLERS = {name: f"00-{number:032x}-{number:016x}-01" for number, name in enumerate(CALLED, start=0xB5)}
TOKEN = "a-token-for-the-scraper"


@dataclass(frozen=True)
class Watched:
    """What is left of it once the server has stopped."""

    records: dict[str, dict[str, Any]]
    page: str
    """One scrape of ours, after the last call."""
    webhooks: int
    log: str
    prometheus: Prometheus | None
    seen_at: float
    """Epoch second of a scrape of Prometheus that has seen all of it."""
    rotel: Rotel | None
    handed_on: Collector


@contextlib.contextmanager
def full_page(port: int) -> Iterator[Callable[[], None]]:
    """Every measure there is, served to whoever shows the token; what it gives has them rise."""
    sums = [TICKED]

    async def engines(patience_s: float) -> MediaFigures:
        return MediaFigures({"running": 2}, 3, sums[-1])

    page = Page(access=Access("token", TOKEN), media=engines)
    note_everything(page.book)
    server = uvicorn.Server(uvicorn.Config(page.app(), "127.0.0.1", port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()

    def rise() -> None:
        note_everything(page.book)
        sums.append(sums[-1] + TICKED)

    try:
        yield rise
    finally:
        server.should_exit = True
        thread.join(5)


@contextlib.contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """Have the calls made and watched by whoever is set up here."""
    with contextlib.ExitStack() as stack:
        mail, handed_on = stack.enter_context(mailbox()), stack.enter_context(collector())
        rotel = None
        if AGENT.exists():
            rotel = stack.enter_context(forwarding(made(folder / "rotel"), handed_on.url))
        environment = {} if rotel is None else {"BYOURSIDE_OTEL_ENDPOINT": rotel.endpoint}
        house = House(folder / "data", ("--allow-local-webhooks", "--virtual-time"), environment)
        prometheus, page_port = None, free_port()
        rise = stack.enter_context(full_page(page_port))
        if found("prometheus") is not None:
            targets = f"127.0.0.1:{house.port}", f"127.0.0.1:{page_port}"
            prometheus = stack.enter_context(scraping(made(folder / "prometheus"), *targets, TOKEN))
        house.start()
        try:
            if prometheus is not None:
                saw_nothing_yet(prometheus)
            rise()
            records = called(house, mail)
            seen_at = 0.0 if prometheus is None else saw_all(prometheus, len(mail))
            page = httpx.get(f"{house.base_url}/metrics", timeout=20).text
        finally:
            assert house.stop() == 0, house.log()
        yield Watched(records, page, len(mail), house.log(), prometheus, seen_at, rotel, handed_on)


def made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def called(house: House, mail: Mailbox) -> dict[str, dict[str, Any]]:
    """Every call of CALLED at once, to its end and its last webhook."""
    # The key that a first start prints: making one costs a process of its own.
    [key] = re.findall(r"bys_ak_\w+", house.log())
    with house.client(key) as client:
        ids = {}
        for name, number in CALLED.items():
            body = {**README_CALL, "to": number, "webhookUrl": mail.url}
            placed = client.post("/v1/agent/calls", json=body, headers={"traceparent": CALLERS[name]})
            ids[name] = placed.json()["callId"]
        records = {name: wait_for_end(client, call_id) for name, call_id in ids.items()}
    for call_id in ids.values():
        mail.wait_for_terminal(call_id)
    return records


def saw_nothing_yet(prometheus: Prometheus) -> None:
    """Both servers have been scraped once."""

    def scraped() -> bool:
        return sum(value for _, value in prometheus.vector("up")) == 2

    wait_for(scraped, "a first scrape")


def saw_all(prometheus: Prometheus, webhooks: int) -> float:
    """The moment of a scrape after every call and webhook."""
    ended = 'sum(byourside_calls_total{job="byourside"})'
    sent = 'sum(byourside_webhook_attempts_total{job="byourside"})'
    moments: list[float] = []

    def has_seen() -> bool:
        query = f"{ended} == {len(CALLED)} and {sent} >= {webhooks}"
        query = f'timestamp(byourside_build_info{{job="byourside"}}) and on () ({query})'
        moments.extend(value for _, value in prometheus.vector(query))
        return bool(moments)

    wait_for(has_seen, "a scrape after the calls")
    return moments[0]
