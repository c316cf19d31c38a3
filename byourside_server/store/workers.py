"""Who is alive? One row per start of a process, beaten on the database's own clock.

Embedded, the lock on the data directory answers instead: whoever holds it is the only one.
"""

from __future__ import annotations

import sqlalchemy as sa

from byourside_server.store.schema import now_of_database, workers

FORGOTTEN_AFTER_S = 24 * 3600.0


def register(conn: sa.Connection, worker_id: str) -> None:
    """Say that this worker has started."""
    conn.execute(workers.insert().values(id=worker_id, beat_at=now_of_database(conn), dead=0))


def beat(conn: sa.Connection, worker_id: str) -> bool:
    """Say that this worker lives; False where it has been declared dead and must stop at once."""
    beaten = conn.execute(
        workers.update()
        .where(workers.c.id == worker_id, workers.c.dead == 0)
        .values(beat_at=now_of_database(conn))
        .returning(workers.c.id)
    )
    return beaten.one_or_none() is not None


def start_over(conn: sa.Connection, worker_id: str) -> None:
    """Say that a worker which was, or might have been, declared dead lives again; it has no calls left."""
    values = {"beat_at": now_of_database(conn), "dead": 0}
    again = workers.update().where(workers.c.id == worker_id).values(values).returning(workers.c.id)
    if conn.execute(again).one_or_none() is None:
        register(conn, worker_id)


def is_alive(conn: sa.Connection, worker_id: str) -> bool:
    """False once anyone has declared this worker dead; nobody can until this transaction is over."""
    query = sa.select(workers.c.dead).where(workers.c.id == worker_id)
    if conn.dialect.name == "postgresql":
        query = query.with_for_update(read=True)
    return conn.execute(query).scalar() == 0


def declare_dead(conn: sa.Connection, lease_s: float) -> list[str]:
    """Declare dead whoever has not beaten for a lease."""
    late = workers.c.beat_at < now_of_database(conn) - lease_s
    gone = workers.update().where(workers.c.dead == 0, late).values(dead=1).returning(workers.c.id)
    return list(conn.execute(gone).scalars())


def declare_all_others_dead(conn: sa.Connection, worker_id: str) -> None:
    """Embedded: the directory is ours, so every older worker is gone."""
    conn.execute(workers.update().where(workers.c.id != worker_id).values(dead=1))


def alive(conn: sa.Connection) -> frozenset[str]:
    """Those not declared dead."""
    return frozenset(conn.execute(sa.select(workers.c.id).where(workers.c.dead == 0)).scalars())


def retire(conn: sa.Connection, worker_id: str) -> None:
    """Say that this worker has stopped of its own will."""
    conn.execute(workers.update().where(workers.c.id == worker_id).values(dead=1))


def forget_dead(conn: sa.Connection) -> None:
    """Drop rows of workers dead for a day."""
    long_ago = workers.c.beat_at < now_of_database(conn) - FORGOTTEN_AFTER_S
    conn.execute(workers.delete().where(workers.c.dead == 1, long_ago))
