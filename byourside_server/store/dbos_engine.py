"""The engine port on DBOS: a SQLite file shared with the tables, or an existing PostgreSQL.

One workflow, without steps, carries every item. DBOS runs it on a loop of its own and the handler runs on
ours, so neither waits for the other's housekeeping. DBOS keeps silent: no console, no network.

Facts paid for: the default executor id is `local`, with which a second process would re-run the first
one's live calls; the application version must be constant or a new release would leave old items lying;
threads are unlimited unless capped; polling at 0.1 s starts a call in 72 ms against 561 at the default, and
costs 7 % of a core for ever, so the threads are woken by `dbos_nudges` and poll once a second; and its own
statements for an item take 3 ms of CPU, so webhooks go by the outbox alone (`rounds.py`) but for replays.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
import warnings
from collections.abc import Awaitable, Collection, Mapping
from functools import partial
from typing import TypeVar

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, EnqueueOptions, WorkflowSerializationFormat, WorkflowStatus

from byourside_server.store.afterwards import after_commit
from byourside_server.store.database import Database, StoreUnavailable, sqlite_engine
from byourside_server.store.dbos_nudges import Nudges
from byourside_server.store.engine import Handler, Item, Kind, Rounds

APPLICATION_NAME = "byourside"
APPLICATION_VERSION = "v1"
WORKFLOW_NAME = "byourside.item"
MAX_THREADS = 16
SQLITE_POOL = 4
POSTGRES_POOL = 8
# Its own connections: a network that swallows packets, or a lock held for ever, must end there too.
POSTGRES_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "options": "-c lock_timeout=10s",
}
CHORE_S = 30.0
MAX_RECOVERIES = 1_000
PURGE_BATCH = 500
# Queue of each kind, and items of it that run at once in one process.
QUEUES: dict[Kind, tuple[str, int]] = {
    "dial": ("calls", 64),
    "analyse": ("post", 4),
    "deliver": ("hooks", 64),
}
# Between looks at a queue into which this process puts nothing: what another put, or put off, comes so late.
POLLING_S = 1.0
# The first sleep of a queue thread can't be cut short, and an earlier run may have left something to do.
FIRST_LOOK_S = 0.1
UNDONE = ["ENQUEUED", "DELAYED", "PENDING"]
DONE = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]

T = TypeVar("T")

log = logging.getLogger(__name__)
_running: DbosEngine | None = None


@DBOS.workflow(name=WORKFLOW_NAME, max_recovery_attempts=MAX_RECOVERIES)
async def _run_item(kind: Kind, args: list[str | int]) -> None:
    if _running is not None:
        await _running.run(kind, args)


class DbosEngine:
    """DBOS behind the port. One per process: the library is a singleton."""

    def __init__(self, db: Database) -> None:
        self.worker_id = f"worker-{os.getpid()}-{secrets.token_hex(6)}"
        self._db = db
        self._own_engine: sa.Engine | None = None
        self._client: DBOSClient | None = None
        self._handlers: Mapping[Kind, Handler] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self._nudges = Nudges(queue_name for queue_name, _ in QUEUES.values())
        # One deed for each queue, so that many puts of one transaction are one nudge.
        self._nudge_of = {name: partial(self._nudges.nudge, name) for name, _ in QUEUES.values()}
        self._walking: asyncio.Task[None] | None = None

    async def start(self, handlers: Mapping[Kind, Handler], rounds: Rounds | None = None) -> None:
        global _running
        assert _running is None, "DBOS is a singleton: stop the other engine first"
        self._handlers = handlers
        self._loop = asyncio.get_running_loop()
        _running = self
        # On a thread, so that DBOS does not adopt our loop and its executor for its own bookkeeping.
        await asyncio.to_thread(self._launch)
        if rounds is not None:
            self._walking = asyncio.create_task(rounds.run())

    def _launch(self) -> None:
        _silence()
        url = self._db.url.set(drivername="postgresql").render_as_string(hide_password=False)
        config = DBOSConfig(
            name=APPLICATION_NAME,
            executor_id=self.worker_id,
            application_version=APPLICATION_VERSION,
            max_executor_threads=MAX_THREADS,
            log_level="CRITICAL",
            enable_otlp=False,
            use_listen_notify=False,
        )
        if self._db.path is not None:
            path = str(self._db.path)
            self._own_engine = sqlite_engine(path, pool_size=SQLITE_POOL, isolation_level="IMMEDIATE")
            config["system_database_url"] = f"sqlite:///{path}"
            config["system_database_engine"] = self._own_engine
        else:
            config["system_database_url"] = url
            config["sys_db_pool_size"] = POSTGRES_POOL
            config["db_engine_kwargs"] = {"connect_args": dict(POSTGRES_PATIENCE)}
        self._client = self._make_client(url)
        # Tables and queues before the launch: DBOS looks for new queues only once a second.
        DBOS.migrate(str(config["system_database_url"]))
        self._register_queues(FIRST_LOOK_S)
        dbos = DBOS(config=config)
        DBOS.launch()
        for stop in dbos.background_thread_stop_events:
            self._nudges.stand_in_for(stop)
        # Its threads read this before each sleep.
        self._register_queues(POLLING_S)
        for queue_name, _ in QUEUES.values():
            self._nudges.nudge(queue_name)

    def _register_queues(self, polling_s: float) -> None:
        for queue_name, at_once in QUEUES.values():
            self._theirs.register_queue(
                queue_name,
                worker_concurrency=at_once,
                polling_interval_sec=polling_s,
                on_conflict="always_update",
            )

    def _make_client(self, url: str) -> DBOSClient:
        if self._own_engine is not None:
            return DBOSClient(
                system_database_engine=self._own_engine, application_name=APPLICATION_NAME, lazy=True
            )
        return DBOSClient(
            system_database_url=url,
            system_database_pool_size=2,
            application_name=APPLICATION_NAME,
            lazy=True,
        )

    async def run(self, kind: Kind, args: list[str | int]) -> None:
        """Run one item on the house's loop; what goes wrong with it is logged and left to the reconciler."""
        if self._stopping or self._loop is None:
            # Never returns: the item stays unfinished and is requeued after the next start.
            await asyncio.Event().wait()
        workflow = asyncio.current_task()
        assert self._loop is not None
        assert workflow is not None
        # What this one's place was full for may begin: once DBOS has written the end down and freed it.
        workflow.add_done_callback(lambda _: self._nudges.nudge(QUEUES[kind][0]))
        try:
            handler = self._handlers[kind](*args)
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_awaited(handler), self._loop))
        except Exception:
            log.exception("item failed", extra={"kind": kind, "item_args": list(args)})

    def put(self, conn: sa.Connection, item: Item) -> None:
        queue_name, _ = QUEUES[item.kind]
        options = EnqueueOptions(
            workflow_name=WORKFLOW_NAME,
            queue_name=queue_name,
            workflow_id=item.key,
            app_version=APPLICATION_VERSION,
            application_name=APPLICATION_NAME,
            priority=max(1, item.priority),
            serialization_type=WorkflowSerializationFormat.PORTABLE,
        )
        if item.delay_s > 0:
            options["delay_seconds"] = item.delay_s
        self._theirs.enqueue_in_transaction(conn, options, item.kind, list(item.args))
        after_commit(conn, self._nudge_of[queue_name])

    async def requeue_from_others(self, alive: Collection[str]) -> int:
        return await _in_time(asyncio.to_thread(self._requeue, frozenset(alive)))

    def _requeue(self, alive: frozenset[str]) -> int:
        begun = self._list(["PENDING"])
        of_queue: dict[str, list[str]] = {}
        for item in begun:
            if item.executor_id not in alive and item.queue_name is not None:
                of_queue.setdefault(item.queue_name, []).append(item.workflow_id)
        for queue_name, keys in of_queue.items():
            self._theirs.resume_workflows(keys, queue_name=queue_name)
            self._nudges.nudge(queue_name)
        return sum(len(keys) for keys in of_queue.values())

    async def outstanding(self, keys: Collection[str]) -> frozenset[str]:
        if not keys:
            return frozenset()
        found = await _in_time(asyncio.to_thread(self._list, UNDONE, list(keys)))
        return frozenset(item.workflow_id for item in found)

    async def purge(self, older_than_s: float) -> int:
        return await _in_time(asyncio.to_thread(self._purge, (time.time() - older_than_s) * 1000))

    def _purge(self, before_ms: float) -> int:
        purged = 0
        while True:
            done = self._list(DONE, limit=PURGE_BATCH)
            old = [item.workflow_id for item in done if (item.updated_at or 0) < before_ms]
            if old:
                self._theirs.delete_workflows(old)
                purged += len(old)
            # Oldest first, so a batch with anything young in it is the last one.
            if len(old) < PURGE_BATCH:
                return purged

    def _list(
        self, status: list[str], keys: list[str] | None = None, limit: int | None = None
    ) -> list[WorkflowStatus]:
        return self._theirs.list_workflows(
            status=status,
            workflow_ids=keys,
            name=WORKFLOW_NAME,
            limit=limit,
            load_input=False,
            load_output=False,
        )

    @property
    def _theirs(self) -> DBOSClient:
        assert self._client is not None, "the engine has not been started"
        return self._client

    async def stop(self) -> None:
        global _running
        self._stopping = True
        if self._walking is not None:
            self._walking.cancel()
            await asyncio.wait([self._walking])
        await asyncio.to_thread(self._close)
        if _running is self:
            _running = None

    def _close(self) -> None:
        DBOS.destroy()
        if self._client is not None:
            self._client.destroy()
        if self._own_engine is not None:
            self._own_engine.dispose()


async def _in_time(chore: Awaitable[T]) -> T:
    """A chore of DBOS's, or StoreUnavailable: its thread may hang, whoever beats the lease may not."""
    try:
        async with asyncio.timeout(CHORE_S):
            return await chore
    except TimeoutError:
        raise StoreUnavailable("the work engine's database does not answer") from None


async def _awaited(handler: object) -> None:
    await handler  # type: ignore[misc]


def _silence() -> None:
    # DBOS adds a console handler only where its logger has none.
    theirs = logging.getLogger("dbos")
    if not theirs.handlers:
        theirs.addHandler(logging.NullHandler())
    theirs.propagate = False
    # An item claimed while the engine is taken down is not started: it is requeued after the next start,
    # and the coroutine that nobody awaits any more is no news for an operator.
    warnings.filterwarnings("ignore", message="coroutine 'execute_dequeued_workflow", category=RuntimeWarning)
