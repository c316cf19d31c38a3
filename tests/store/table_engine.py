"""An engine for tests: items are rows of a table, run when told to, on a clock that only moves when told."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

import sqlalchemy as sa

from byourside_server.clock import ManualClock
from byourside_server.store.database import Database
from byourside_server.store.engine import Handler, Item, Kind, Rounds

items = sa.Table(
    "test_items",
    sa.MetaData(),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text),
    sa.Column("args", sa.Text),
    sa.Column("due_at", sa.Double),
    sa.Column("priority", sa.Integer),
    sa.Column("done", sa.Integer),
)


class TableEngine:
    """The five calls on one table; `work` runs what is due."""

    def __init__(self, db: Database, clock: ManualClock, worker_id: str = "worker-test") -> None:
        self.worker_id = worker_id
        self.requeued_but: list[frozenset[str]] = []
        self._db = db
        self._clock = clock
        self._handlers: Mapping[Kind, Handler] = {}
        self._rounds: Rounds | None = None

    async def start(self, handlers: Mapping[Kind, Handler], rounds: Rounds | None = None) -> None:
        self._handlers = handlers
        self._rounds = rounds
        await self._db.write(lambda conn: items.create(conn, checkfirst=True))

    def put(self, conn: sa.Connection, item: Item) -> None:
        known = conn.execute(sa.select(items.c.key).where(items.c.key == item.key)).one_or_none()
        if known is None:
            conn.execute(
                items.insert().values(
                    key=item.key,
                    kind=item.kind,
                    args=json.dumps(item.args),
                    due_at=self._clock.epoch() + item.delay_s,
                    priority=item.priority,
                    done=0,
                )
            )

    async def work(self) -> list[str]:
        """Run every item that is due, and those they bring, and the rounds; name it all in order."""
        ran: list[str] = []
        while True:
            row = await self._db.write(self._take)
            if row is None:
                walked = await self._rounds.walk() if self._rounds is not None else []
                if not walked:
                    return ran
                ran += walked
                continue
            ran.append(str(row.key))
            kind: Kind = row.kind
            await self._handlers[kind](*json.loads(row.args))

    def _take(self, conn: sa.Connection) -> sa.Row[tuple[object, ...]] | None:
        due = sa.select(items).where(items.c.done == 0, items.c.due_at <= self._clock.epoch())
        row = conn.execute(due.order_by(items.c.priority, items.c.due_at, items.c.key)).first()
        if row is not None:
            conn.execute(items.update().where(items.c.key == row.key).values(done=1))
        return row

    async def lose_all(self) -> None:
        """What a database brought back from a copy would look like."""
        await self._db.write(lambda conn: conn.execute(items.delete()) and None)

    async def requeue_from_others(self, alive: Collection[str]) -> int:
        self.requeued_but.append(frozenset(alive))
        return 0

    async def outstanding(self, keys: Collection[str]) -> frozenset[str]:
        query = sa.select(items.c.key).where(items.c.key.in_(keys), items.c.done == 0)
        return await self._db.read(lambda conn: frozenset(conn.execute(query).scalars()))

    async def purge(self, older_than_s: float) -> int:
        return 0

    async def stop(self) -> None:
        self._handlers = {}
