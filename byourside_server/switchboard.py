"""What the house does, for every front alike: authenticate, place, look, cancel, listen, replay.

Knows no HTTP and no sockets. Whatever a caller can get wrong is a `Refusal`; a store that refuses is the
Refusal `store_error`. `start` also puts right what an older process has left behind.
"""

from __future__ import annotations

import asyncio
import builtins
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from byourside_server.accounts.account import Account, AgentKey
from byourside_server.accounts.key import looks_like_key
from byourside_server.calls import lifecycle
from byourside_server.calls.call import Call, CallRequest
from byourside_server.calls.wire import Json, call_record
from byourside_server.clock import Clock, SystemClock
from byourside_server.errors import UNKNOWN_KEY, Refusal
from byourside_server.guardrails.check import Destination, check_caller_id, check_destination
from byourside_server.lines.equipment import recording_path
from byourside_server.lines.sip_traces import read_trace, trace_path
from byourside_server.measures.book import Book
from byourside_server.media.recording import seconds_of
from byourside_server.sip.trace import Passage
from byourside_server.store import accounts, calls, listing, live, outbox, placing, workers
from byourside_server.store import events as event_log
from byourside_server.store.analysis_desk import AnalysisDesk, Analyst
from byourside_server.store.backlog import Backlog, backlog
from byourside_server.store.changes import Changes
from byourside_server.store.courier import Courier, Sent
from byourside_server.store.database import Database, StoreUnavailable
from byourside_server.store.deliveries import Delivery, list_deliveries
from byourside_server.store.engine import Engine, House
from byourside_server.store.events import Event
from byourside_server.store.exchange import Dialer, Exchange
from byourside_server.store.gate import accounts_due, open_gate
from byourside_server.store.keys import authenticate
from byourside_server.store.liveness import LEASE_S, Lease
from byourside_server.store.migrations import migrate
from byourside_server.store.numbers import owned_numbers
from byourside_server.store.office import Office
from byourside_server.store.reconciler import reconcile, tidy
from byourside_server.store.rounds import WebhookRounds
from byourside_server.webhooks.sender import Sender

__all__ = ["Analyst", "Delivery", "Dialer", "Event", "Switchboard", "SwitchboardSettings"]

MAX_PAGE = 100
GATE_EVERY_S = 1.0
RECONCILE_EVERY_S = 60.0
# How often whoever waits for a change looks by himself: changes made by other processes wake nobody here.
LOOK_EVERY_S = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SwitchboardSettings:
    """What the house may be told about itself."""

    max_live_calls: int = 200
    """Calls on the line at once in this process, over all accounts."""
    lease_s: float = LEASE_S
    """Seconds without a heartbeat after which a worker is dead (PostgreSQL only)."""
    languages: frozenset[str] | None = None
    """Primary language subtags that the mind speaks; None is any."""


class Switchboard:
    """The house's one desk. Made by `app` out of a database, an engine, a dialer, an analyst and a sender."""

    def __init__(
        self,
        db: Database,
        engine: Engine,
        dialer: Dialer,
        analyst: Analyst,
        sender: Sender,
        *,
        clock: Clock | None = None,
        receivers_clock: Clock | None = None,
        go_on_from: Callable[[float], None] | None = None,
        recordings_dir: Path,
        traces_dir: Path | None = None,
        public_url: str,
        settings: SwitchboardSettings | None = None,
        book: Book | None = None,
    ) -> None:
        """`go_on_from` is told at the start the latest moment in the store, for a clock that is moved."""
        settings = settings or SwitchboardSettings()
        # Whether every trunk that takes this number is known to be down; `app` knows the trunks.
        self.trunk_is_down: Callable[[str], bool] = lambda number: False
        # Each trunk by name: whether calls can be given to it.
        self.trunks_up: Callable[[], dict[str, bool]] = dict
        self._languages = settings.languages
        self._db = db
        self._engine = engine
        self._clock = clock or SystemClock()
        self._go_on_from = go_on_from
        self._recordings_dir = recordings_dir
        self._traces_dir = traces_dir
        self._public_url = public_url.rstrip("/")
        self._changes = Changes()
        self.office = Office(db, self._clock)
        self._house = House(engine.put, self.record, self._recorded_s, lambda: self._rounds.nudge())
        self._lease = Lease(db, self._house, engine.worker_id, self._clock, settings.lease_s)
        self._courier = Courier(
            db, self._house, sender, self._clock, receivers_clock=receivers_clock, book=book
        )
        self._rounds = WebhookRounds(db, self._courier, engine.worker_id)
        self._analysis = AnalysisDesk(db, self._house, analyst, self._clock, self._changes)
        self._exchange = Exchange(
            db,
            self._house,
            dialer,
            self._clock,
            self._changes,
            owner=engine.worker_id,
            lease_holds=lambda: self._lease.holds and not self._fenced,
            max_live_calls=settings.max_live_calls,
        )
        # True from the moment the lease was lost until it has been taken again with no line left.
        self._fenced = False
        self._placing: set[tuple[str, str]] = set()
        self._chores: builtins.list[asyncio.Task[None]] = []

    @property
    def clock(self) -> Clock:
        """The house's clock."""
        return self._clock

    async def start(self) -> None:
        """Migrate, take the lease, end what older processes left on the line, and open for calls.

        Raises ConfigError where the database is another server's or of a newer edition.
        """
        await self._db.alter(lambda conn: migrate(conn, self._clock.epoch()))
        if self._go_on_from is not None:
            self._go_on_from(await self._db.read(event_log.latest_moment))
        await self._lease.begin()
        await self._engine.start(
            {
                "dial": self._exchange.dial,
                "analyse": self._analysis.analyse,
                "deliver": self._courier.deliver,
            },
            self._rounds,
        )
        await self.recover()
        await self.reconcile(overdue_s=0.0)
        self._chores = [
            asyncio.create_task(self._every(GATE_EVERY_S, self.open_gates)),
            asyncio.create_task(self._every(self._lease.beat_every_s, self._beat)),
            asyncio.create_task(self._every(RECONCILE_EVERY_S, self._minute)),
        ]

    async def stop(self, grace_s: float = 10.0) -> None:
        """Dial no more, hang up politely within `grace_s`, write the last word down, and let go."""
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        await self._exchange.close(grace_s)
        await self._engine.stop()
        await self._lease.end()

    @property
    def live_calls(self) -> int:
        """Calls on the line in this process."""
        return self._exchange.live_calls

    def look_on(
        self, on_change: Callable[[Call], None], on_sent: Callable[[Sent], None] | None = None
    ) -> None:
        """Hear of every change of a call that this process made, and of every webhook it sent.

        What hears must not wait. A call's last change is told once; it may be told again after trouble.
        """
        self._changes.listen(on_change)
        if on_sent is not None:
            self._courier.on_sent = on_sent

    async def store_answers(self) -> bool:
        """Whether the database answers, within two seconds."""
        return await self._db.answers()

    async def backlog(self) -> Backlog:
        """What waits, over all accounts."""
        return await self._db.read(backlog)

    async def find(self, call_id: str) -> Call | None:
        """The call of that id, whoever's it is: for the house's own books."""
        return await self._db.read(calls.load, call_id)

    async def authenticate(self, bearer: str) -> tuple[Account, AgentKey]:
        """Whose key this is. Asked afresh every time, so a revoked key stops at once."""
        found = await self._db.glance(authenticate, bearer) if looks_like_key(bearer) else None
        if found is None:
            raise Refusal("unauthorized", UNKNOWN_KEY)
        return found

    async def place(
        self,
        account: Account,
        key: AgentKey,
        request: CallRequest,
        *,
        idempotency_key: str | None = None,
        body_hash: str = "",
    ) -> Call:
        """Accept a call, durably, and return it as queued; raises Refusal and then nothing has happened."""
        check_destination(request.to)
        self._check_language(request)
        if request.scheduled_at is None and self.trunk_is_down(request.to):
            raise Refusal("placement_failed", "No trunk can take this call just now. Retry shortly.")
        placement = placing.Placement(account.id, key.id, request, idempotency_key, body_hash)
        mark = (account.id, idempotency_key or "")
        if idempotency_key is not None and mark in self._placing:
            raise Refusal("idempotency_in_flight", "The first request with this key is still being answered.")
        if idempotency_key is not None:
            self._placing.add(mark)
        try:
            call = await self._db.write(placing.accept, self._house, placement, self._clock.epoch())
        finally:
            self._placing.discard(mark)
        self._changes.tell(call)
        return call

    async def validate(self, account: Account, request: CallRequest) -> Destination:
        """The guardrails without a call: raises the Refusal that placing would raise for these numbers."""
        destination = check_destination(request.to)
        self._check_language(request)
        owned = await self._db.glance(owned_numbers, account.id)
        check_caller_id(request.caller_id, owned, account.default_caller_id)
        return destination

    def _check_language(self, request: CallRequest) -> None:
        if self._languages is None or request.language is None:
            return
        if request.language.partition("-")[0].lower() not in self._languages:
            spoken = ", ".join(sorted(self._languages))
            raise Refusal(
                "invalid_language",
                f"`language` is {request.language!r}, and the embedded mind speaks {spoken} only:"
                " configure a language model.",
            )

    async def get(self, account: Account, call_id: str) -> Call:
        """The account's call, or Refusal `not_found`."""
        call = await self._db.glance(calls.get_call, account.id, call_id)
        if call is None:
            raise Refusal("not_found", "There is no such call.")
        return call

    async def list(
        self,
        account: Account,
        limit: int = 20,
        before: str | None = None,
        status: str | None = None,
        text: str | None = None,
    ) -> tuple[builtins.list[Call], str | None]:
        """A page of the account's calls, most recent first, and the cursor of the next or None.

        `text` finds calls by id, number and objective.
        """
        limit = max(1, min(MAX_PAGE, limit))
        states = None
        if status is not None:
            states = [state for state, public in lifecycle.PUBLIC_STATUS.items() if public == status]
        page = await self._db.read(listing.list_calls, account.id, limit + 1, before, states, text)
        more = len(page) > limit
        return page[:limit], page[limit - 1].id if more else None

    async def cancel(self, account: Account, call_id: str) -> Call:
        """Call it off: at once where it is not dialled yet, else the line is asked to hang up."""
        call = await self._db.write(placing.cancel, self._house, account.id, call_id, self._clock.epoch())
        self._exchange.hang_up(call_id)
        self._changes.tell(call)
        return call

    def recording_path(self, call: Call) -> Path | None:
        """Where the call's recording lies, None while there is none."""
        path = recording_path(self._recordings_dir, call.id)
        return path if path.is_file() else None

    def has_sip_trace(self, call: Call) -> bool:
        """Whether any SIP message of the call was kept."""
        return self._traces_dir is not None and trace_path(self._traces_dir, call.id).is_file()

    async def sip_trace(self, call: Call) -> builtins.list[Passage]:
        """The call's SIP messages so far, redacted; none where none were kept."""
        if self._traces_dir is None:
            return []
        return await asyncio.to_thread(read_trace, trace_path(self._traces_dir, call.id))

    def record(self, call: Call) -> Json:
        """The public record; its recording has an address once the call is over and the file is there."""
        over = call.ended_at is not None and self.recording_path(call) is not None
        url = f"{self._public_url}/v1/agent/calls/{call.id}/recording" if over else None
        return call_record(call, url)

    async def events(
        self, account: Account, after: int = 0, limit: int = MAX_PAGE, call_id: str | None = None
    ) -> builtins.list[Event]:
        """The account's events numbered above `after`, oldest first; of one call where it is named."""
        if call_id is not None:
            await self.get(account, call_id)
        limit = max(1, min(MAX_PAGE, limit))
        return await self._db.read(event_log.read_events, account.id, after, limit, call_id)

    async def wait_for_change(self, call_id: str, since_sequence: int, timeout_s: float) -> int:
        """The call's sequence, as soon as it is above `since_sequence`, a turn was heard, or time is up."""
        until = asyncio.get_running_loop().time() + timeout_s
        while True:
            # First in line, then the look: what changes between the two is not missed.
            waiting = asyncio.ensure_future(self._changes.wait(call_id, min(timeout_s, LOOK_EVERY_S)))
            await asyncio.sleep(0)
            sequence = await self._db.read(calls.sequence_of, call_id)
            if sequence > since_sequence or asyncio.get_running_loop().time() >= until:
                waiting.cancel()
                return sequence
            if await waiting:
                return await self._db.read(calls.sequence_of, call_id)

    async def wait_for_event(self, account: Account, after: int, timeout_s: float) -> bool:
        """True as soon as the account has an event numbered above `after`, False where time ran out."""
        until = asyncio.get_running_loop().time() + timeout_s
        while True:
            waiting = asyncio.ensure_future(self._changes.wait(account.id, min(timeout_s, LOOK_EVERY_S)))
            await asyncio.sleep(0)
            if await self._db.read(event_log.read_events, account.id, after, 1):
                waiting.cancel()
                return True
            if asyncio.get_running_loop().time() >= until:
                waiting.cancel()
                return False
            await waiting

    async def deliveries(self, account: Account, call_id: str) -> builtins.list[Delivery]:
        """Every attempt to hand over a webhook of the call, oldest first."""
        await self.get(account, call_id)
        return await self._db.read(list_deliveries, account.id, call_id)

    async def replay(self, account: Account, event_id: str) -> None:
        """Send an event's webhook once more, now; Refusal `not_found` where there is none."""
        if not await self._db.write(self._put_replay, account.id, event_id, self._clock.epoch()):
            raise Refusal("not_found", "There is no webhook of that event.")

    async def webhook_secret(self, account: Account) -> str:
        """The secret that signs the account's webhooks now."""
        current = await self._db.read(accounts.load_account, account.id)
        if current is None:
            raise Refusal("not_found", "There is no such account.")
        return current.webhook_secret

    async def rotate_webhook_secret(self, account: Account, overlap_s: float = 86_400.0) -> str:
        """Give the account a new secret; the old one signs too until `overlap_s` is over."""
        now = self._clock.epoch()
        return await self._db.write(accounts.rotate_webhook_secret, account.id, now, overlap_s)

    def _recorded_s(self, call_id: str) -> float:
        try:
            return seconds_of(recording_path(self._recordings_dir, call_id).stat().st_size)
        except OSError:
            return 0.0

    async def recover(self) -> None:
        """End the live calls of dead workers, and take back the items they had begun."""
        alive = await self._db.read(workers.alive)
        await self._engine.requeue_from_others(alive)
        await self._rounds.free(alive)
        for call in await self._db.write(live.lose_lines, self._house, alive, self._clock.epoch()):
            log.warning("call lost with its worker", extra={"call_id": call.id})
            self._changes.tell(call)

    async def open_gates(self) -> None:
        """Let scheduled calls go whose time has come."""
        now = self._clock.epoch()
        for account_id in await self._db.read(accounts_due, now):
            await self._db.write(open_gate, self._house, account_id, now)

    async def reconcile(self, overdue_s: float = RECONCILE_EVERY_S) -> int:
        """Give rows that have lost their item another; says how many."""
        return await reconcile(self._db, self._engine, self._house, self._clock.epoch(), overdue_s)

    def _put_replay(self, conn: sa.Connection, account_id: str, event_id: str, now: float) -> bool:
        item = outbox.replay_item(conn, account_id, event_id, now)
        if item is not None:
            self._engine.put(conn, item)
        return item is not None or outbox.exists(conn, account_id, event_id)

    async def _beat(self) -> None:
        await self._lease.renew()
        if not self._lease.holds or self._fenced:
            await self._start_over()
        elif not self._db.embedded:
            await self._exchange.hang_up_canceled()
            await self.recover()

    async def _start_over(self) -> None:
        """Without the lease others may end our calls: silence them first, then begin again with none."""
        self._fenced = True
        log.critical("lease lost: hanging up")
        await self._exchange.cut()
        if self._exchange.live_calls:
            return
        for call in await self._lease.start_over():
            log.warning("call lost with the lease", extra={"call_id": call.id})
            self._changes.tell(call)
        self._fenced = False

    async def _minute(self) -> None:
        await self.reconcile()
        await tidy(self._db, self._engine, self._clock.epoch())

    async def _every(self, seconds: float, chore: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await chore()
            except (StoreUnavailable, TimeoutError) as trouble:
                # Away for a while; the next round tries again.
                why = getattr(trouble, "why", "the store does not answer")
                log.warning("chore put off", extra={"chore": getattr(chore, "__name__", ""), "why": why})
            except Exception:
                log.exception("chore failed", extra={"chore": getattr(chore, "__name__", "")})
