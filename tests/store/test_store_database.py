"""Transaction functions on a real SQLite file, many in one commit; and the tables' history on both."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.util import await_only

from byourside_server.clock import ManualClock
from byourside_server.errors import ConfigError
from byourside_server.store import database, workers
from byourside_server.store.accounts import RESERVE, create_account, load_account
from byourside_server.store.database import Database, StoreUnavailable
from byourside_server.store.directory_lock import DirectoryLock
from byourside_server.store.engine import House
from byourside_server.store.idempotency import REMEMBER
from byourside_server.store.liveness import Lease
from byourside_server.store.migrations import known_migrations, migrate
from byourside_server.store.outbox import ADD
from byourside_server.store.prepared import Prepared, together
from byourside_server.store.schema import accounts, idempotency, metadata, outbox, schema_version

NOW = 1_800_000_000.0


def insert(conn: sa.Connection, number: int) -> int:
    conn.exec_driver_sql("INSERT INTO things VALUES (?)", (number,))
    return number


def insert_and_fail(conn: sa.Connection, number: int) -> int:
    insert(conn, number)
    raise KeyError(number)


def things(conn: sa.Connection) -> list[int]:
    return list(conn.exec_driver_sql("SELECT n FROM things ORDER BY n").scalars())


async def run_sql(db: Database, statement: str) -> None:
    def run(conn: sa.Connection) -> None:
        conn.exec_driver_sql(statement)

    await db.write(run)


def on_sqlite(path: Path) -> Database:
    return Database(f"sqlite:///{path / 'a.db'}")


def test_a_function_that_fails_takes_nothing_of_its_group_with_it(tmp_path: Path) -> None:
    async def story() -> None:
        db = on_sqlite(tmp_path)
        await db.write(
            lambda conn: conn.exec_driver_sql("CREATE TABLE things (n INTEGER PRIMARY KEY)") and None
        )
        work = [db.write(insert_and_fail if n % 3 == 0 else insert, n) for n in range(300)]
        answers = await asyncio.gather(*work, return_exceptions=True)
        kept = [n for n in range(300) if n % 3]
        assert [n for n in answers if isinstance(n, int)] == kept
        assert all(isinstance(answers[n], KeyError) for n in range(0, 300, 3))
        assert await db.read(things) == kept
        await db.close()

    asyncio.run(story())


def test_what_has_been_answered_is_in_the_file(tmp_path: Path) -> None:
    async def story() -> None:
        db = on_sqlite(tmp_path)
        await run_sql(db, "CREATE TABLE things (n INTEGER)")
        await db.write(insert, 7)
        with sqlite3.connect(tmp_path / "a.db") as other:
            assert other.execute("SELECT n FROM things").fetchall() == [(7,)]
            assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        await db.close()

    asyncio.run(story())


def test_every_write_waits_for_the_disk(tmp_path: Path) -> None:
    """synchronous=FULL is 2: a commit in WAL mode returns after its fsync."""

    async def story() -> None:
        db = on_sqlite(tmp_path)

        def settings(conn: sa.Connection) -> tuple[object, object]:
            mode = conn.exec_driver_sql("PRAGMA journal_mode").scalar()
            return mode, conn.exec_driver_sql("PRAGMA synchronous").scalar()

        assert await db.write(settings) == ("wal", 2)
        await db.close()

    asyncio.run(story())


def test_whoever_has_been_answered_is_seen_by_every_later_look(tmp_path: Path) -> None:
    async def story() -> None:
        db = on_sqlite(tmp_path)
        await run_sql(db, "CREATE TABLE things (n INTEGER)")

        async def write_and_look(number: int) -> None:
            await db.write(insert, number)
            assert number in await db.read(things)
            assert number in await db.glance(things)

        await asyncio.gather(*(write_and_look(number) for number in range(60)))
        await db.close()

    asyncio.run(story())


def test_what_a_caller_who_has_gone_asked_for_is_written_all_the_same(tmp_path: Path) -> None:
    async def story() -> None:
        db = on_sqlite(tmp_path)
        await run_sql(db, "CREATE TABLE things (n INTEGER)")
        gone = asyncio.create_task(db.write(insert, 1))
        await asyncio.sleep(0)
        gone.cancel()
        await db.write(insert, 2)
        assert await db.read(things) == [1, 2]
        await db.close()

    asyncio.run(story())


def test_a_locked_store_refuses_and_recovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)

    async def story() -> None:
        db = on_sqlite(tmp_path)
        await run_sql(db, "CREATE TABLE things (n INTEGER)")
        other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable) as caught:
            await db.write(insert, 1)
        assert (caught.value.token, caught.value.status) == ("store_error", 503)
        other.execute("ROLLBACK")
        await db.write(insert, 2)
        assert await db.read(things) == [2]
        other.close()
        await db.close()

    asyncio.run(story())


def test_a_full_disk_refuses_and_nothing_half_written_stays(tmp_path: Path) -> None:
    async def story() -> None:
        db = on_sqlite(tmp_path)
        await run_sql(db, "CREATE TABLE things (n BLOB)")

        def fill(conn: sa.Connection) -> None:
            conn.exec_driver_sql("PRAGMA max_page_count=1")
            conn.exec_driver_sql("INSERT INTO things VALUES (1)")
            conn.exec_driver_sql("INSERT INTO things VALUES (zeroblob(5000000))")

        with pytest.raises(StoreUnavailable):
            await db.write(fill)
        assert await db.read(things) == []
        await db.close()

    asyncio.run(story())


def test_a_reader_sees_one_moment(tmp_path: Path) -> None:
    async def story() -> None:
        db = on_sqlite(tmp_path)
        await run_sql(db, "CREATE TABLE things (n INTEGER)")
        await db.write(insert, 1)

        def look_twice(conn: sa.Connection) -> tuple[list[int], list[int]]:
            before = things(conn)
            with sqlite3.connect(tmp_path / "a.db") as other:
                other.execute("INSERT INTO things VALUES (2)")
            return before, things(conn)

        assert await db.read(look_twice) == ([1], [1])
        assert await db.read(things) == [1, 2]
        await db.close()

    asyncio.run(story())


def test_a_reader_of_postgresql_sees_one_moment_too(postgres_url: str) -> None:
    """A page of calls reads one state after the other: a call that moves on meanwhile is on it once."""

    async def story() -> tuple[list[int], list[int]]:
        db = Database(postgres_url)
        await run_sql(db, "CREATE TABLE things (n INTEGER)")

        def twice(conn: sa.Connection) -> tuple[list[int], list[int]]:
            before = things(conn)
            await_only(run_sql(db, "INSERT INTO things VALUES (1)"))
            return before, things(conn)

        try:
            return await db.read(twice)
        finally:
            await db.close()

    assert asyncio.run(story()) == ([], [])


def test_an_address_that_is_no_database_of_ours_is_named() -> None:
    for url in ("sqlite://", "sqlite:///:memory:", "mysql://host/db"):
        with pytest.raises((ConfigError, sa.exc.NoSuchModuleError)):
            Database(url)


def test_an_address_that_is_no_database_of_ours_is_named_without_its_password() -> None:
    with pytest.raises(ConfigError) as refused:
        Database("sqlite://me:sesame@/?password=sesame")
    assert "sqlite://" in str(refused.value)
    assert "sesame" not in str(refused.value)


def test_a_store_that_is_down_refuses(tmp_path: Path) -> None:
    async def story() -> None:
        db = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none")
        with pytest.raises(StoreUnavailable):
            await db.read(workers.alive)
        await db.close()

    asyncio.run(story())


def test_the_migrations_make_the_tables_that_the_code_speaks_of(url: str) -> None:
    async def story() -> None:
        db = Database(url)
        assert await db.write(migrate, NOW) == known_migrations()[-1].version
        assert await db.write(migrate, NOW + 1) == known_migrations()[-1].version, "twice is once"

        def compare(conn: sa.Connection) -> None:
            inspector = sa.inspect(conn)
            for table in metadata.sorted_tables:
                made = {
                    column["name"]: bool(column["nullable"]) for column in inspector.get_columns(table.name)
                }
                key = set(inspector.get_pk_constraint(table.name)["constrained_columns"])
                meant = {column.name: bool(column.nullable) for column in table.columns}
                assert made.keys() == meant.keys(), table.name
                assert key == {column.name for column in table.primary_key}, table.name
                for name in made.keys() - key:
                    assert made[name] == meant[name], f"{table.name}.{name}"

        await db.read(compare)
        await db.close()

    asyncio.run(story())


def test_a_database_of_a_newer_edition_is_refused(url: str) -> None:
    async def story() -> None:
        db = Database(url)
        await db.write(migrate, NOW)
        await db.write(
            lambda conn: conn.execute(schema_version.insert().values(version=999, applied_at=NOW)) and None
        )
        with pytest.raises(ConfigError, match="999"):
            await db.write(migrate, NOW)
        await db.close()

    asyncio.run(story())


def sql(*statements: str) -> Callable[[sa.Connection], None]:
    """A transaction of these statements."""

    def run(conn: sa.Connection) -> None:
        for statement in statements:
            conn.exec_driver_sql(statement)

    return run


def test_a_migration_that_lands_later_than_a_higher_one_is_still_applied(url: str) -> None:
    """Two branches, 0006 merged before 0005: a database served in between has the one and not the other."""

    async def story() -> None:
        db = Database(url)
        await db.write(migrate, NOW)
        await db.write(
            sql("ALTER TABLE calls DROP COLUMN answering", "DELETE FROM schema_version WHERE version = 5")
        )
        assert await db.write(migrate, NOW + 1) == known_migrations()[-1].version
        await db.read(sql("SELECT answering, media FROM calls"))
        rows = await db.read(lambda conn: conn.execute(sa.select(schema_version)).all())
        at = {row.version: row.applied_at for row in rows}
        assert sorted(at) == [migration.version for migration in known_migrations()]
        assert at[5] == NOW + 1
        await db.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("done", "says"),
    [
        # Another line of development has used number 6 for something else.
        (["ALTER TABLE calls DROP COLUMN media"], "has no calls.media: it was made by another edition"),
        (["DROP TABLE dashboard_sessions"], "has no dashboard_sessions.hash, dashboard_sessions.account_id"),
        # It has had what 5 does, under another number.
        (["DELETE FROM schema_version WHERE version = 5"], r"migration 5 \(answering\) does not fit"),
        (["INSERT INTO schema_version VALUES (0, 0)"], "had migration 0, which this server does not know"),
    ],
)
def test_a_database_of_another_line_is_refused_and_it_is_said_why(
    url: str, done: list[str], says: str
) -> None:
    async def story() -> None:
        db = Database(url)
        await db.write(migrate, NOW)
        await db.write(sql(*done))
        with pytest.raises(ConfigError, match=says):
            await db.write(migrate, NOW + 1)
        await db.close()

    asyncio.run(story())


def test_servers_that_start_at_once_on_an_empty_database_make_its_tables_once(postgres_url: str) -> None:
    async def story() -> None:
        servers = [Database(postgres_url) for _ in range(3)]
        versions = await asyncio.gather(*(db.write(migrate, NOW) for db in servers))
        assert set(versions) == {known_migrations()[-1].version}
        for db in servers:
            await db.close()

    asyncio.run(story())


def test_a_disk_that_is_full_is_not_taken_for_a_database_of_another_line(tmp_path: Path) -> None:
    def migrate_in_no_room(conn: sa.Connection) -> int:
        conn.exec_driver_sql("PRAGMA max_page_count = 3")
        return migrate(conn, NOW)

    async def story() -> None:
        db = on_sqlite(tmp_path)
        with pytest.raises(StoreUnavailable, match="full"):
            await db.write(migrate_in_no_room)
        await db.close()

    asyncio.run(story())


def test_what_calls_hold_when_the_sum_is_introduced_is_summed_up(url: str) -> None:
    """A database of the edition before 0008, with calls under way."""

    async def story() -> None:
        db = Database(url)
        await db.write(migrate, NOW)
        account = await db.write(create_account, "acme", NOW)
        states = ("queued", "claimed", "dialing", "in_progress", "post", "completed", "failed")
        for power, state in enumerate(states):
            values = f"('{state}', '{account.id}', '{state}', '{{}}', '+1', {2**power}, 0, 0, 0, 0, 1)"
            await db.write(
                sql(
                    "INSERT INTO calls (id, account_id, state, request, caller_id, reserved_s, run_at,"
                    f" created_at, attempt, analysis_attempts, sequence) VALUES {values}"
                )
            )
        await db.write(
            sql(
                "ALTER TABLE accounts DROP COLUMN reserved_s",
                "DELETE FROM schema_version WHERE version = 8",
            )
        )
        await db.write(migrate, NOW)
        kept = await db.read(lambda conn: conn.execute(sa.select(accounts.c.reserved_s)).scalar_one())
        assert kept == 1 + 2 + 4 + 8
        await db.close()

    asyncio.run(story())


def test_no_two_migrations_have_one_number() -> None:
    versions = [migration.version for migration in known_migrations()]
    assert len(versions) == len(set(versions))


class Refused(Exception):
    """Of the tests below."""


def test_what_is_run_together_is_one_transaction_and_nothing_of_it_stays_where_it_fails(url: str) -> None:
    async def story() -> None:
        db = Database(url)
        await db.write(migrate, NOW)
        account = await db.write(create_account, "acme", NOW)
        def write(conn: sa.Connection, key: str, *, fail: bool) -> None:
            with together(conn):
                REMEMBER.run(
                    conn, account_id=account.id, key=key, body_hash="h", call_id="c", created_at=NOW
                )
                RESERVE.run(conn, account_id=account.id, seconds=60.0)
                if fail:
                    raise Refused

        def kept(conn: sa.Connection) -> tuple[float, list[str]]:
            held = conn.execute(sa.select(accounts.c.reserved_s)).scalar_one()
            return held, list(conn.execute(sa.select(idempotency.c.key)).scalars())

        with pytest.raises(Refused):
            await db.write(write, "first", fail=True)
        assert await db.read(kept) == (0.0, [])
        await db.write(write, "second", fail=False)
        assert await db.read(kept) == (60.0, ["second"])
        with pytest.raises((sqlite3.IntegrityError, asyncpg.IntegrityConstraintViolationError)):
            await db.write(lambda conn: ADD.run(conn, **dict.fromkeys(outbox.c.keys())))
        assert await db.read(kept) == (60.0, ["second"]), "the connection is as good as before"
        await db.close()

    asyncio.run(story())


def test_a_connection_that_breaks_is_the_stores_fault_and_the_next_one_works(postgres_url: str) -> None:
    async def story() -> None:
        db = Database(postgres_url)
        await db.write(migrate, NOW)
        account = await db.write(create_account, "acme", NOW)

        def break_off(conn: sa.Connection) -> None:
            RESERVE.run(conn, account_id=account.id, seconds=60.0)
            conn.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

        with pytest.raises(StoreUnavailable):
            await db.write(break_off)
        held = await db.read(lambda conn: conn.execute(sa.select(accounts.c.reserved_s)).scalar_one())
        assert held == 0.0
        await db.close()

    asyncio.run(story())


@pytest.mark.parametrize("way", ["write", "read", "glance"])
def test_after_a_restart_of_the_database_nobody_is_handed_a_connection_of_before(
    postgres_url: str, way: str
) -> None:
    """All that lay idle in the pool are closed; what follows costs no refusal, let alone one each."""

    async def story() -> None:
        db, other = Database(postgres_url), Database(postgres_url)
        await db.write(migrate, NOW)
        account = await db.write(create_account, "acme", NOW)
        all_held, pooled = asyncio.Barrier(5), list[asyncpg.Connection]()

        def hold(conn: sa.Connection) -> int:
            pooled.append(conn.connection.driver_connection)
            await_only(all_held.wait())
            return int(conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())

        pids = await asyncio.gather(*(db.read(hold) for _ in range(5)))
        assert len(set(pids)) == 5
        end = "SELECT pg_terminate_backend(pid) FROM unnest(ARRAY{}) AS pid"
        await other.read(sql(end.format(pids)))
        async with asyncio.timeout(30):
            while not all(each.is_closed() for each in pooled):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        for _ in range(6):
            assert await getattr(db, way)(load_account, account.id) == account
        await db.close()
        await other.close()

    asyncio.run(story())


def test_a_glance_at_a_connection_that_breaks_is_refused_and_the_next_one_works(postgres_url: str) -> None:
    async def story() -> None:
        db = Database(postgres_url)
        await db.write(migrate, NOW)
        account = await db.write(create_account, "acme", NOW)
        ends = Prepared(sa.select(sa.func.pg_terminate_backend(sa.func.pg_backend_pid())))
        with pytest.raises(StoreUnavailable):
            await db.glance(lambda conn: ends.rows(conn))
        assert await db.glance(load_account, account.id) == account
        await db.close()

    asyncio.run(story())


def test_who_waits_for_a_lock_looks_afterwards_whatever_the_database_has_by_default(
    postgres_url: str,
) -> None:
    """A snapshot of before the wait would let a second request with the same Idempotency-Key through."""

    async def story() -> None:
        db = Database(postgres_url)
        default = "ALTER DATABASE postgres {} default_transaction_isolation"
        await db.write(sql(default.format("SET") + " = 'repeatable read'"))
        other = Database(postgres_url)
        shown = await other.write(
            lambda conn: conn.exec_driver_sql("SHOW transaction_isolation").scalar_one()
        )
        await db.write(sql(default.format("RESET")))
        assert shown == "read committed"
        await other.close()
        await db.close()

    asyncio.run(story())


def test_who_goes_away_before_his_failure_has_been_taken_back_leaves_no_transaction_behind(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver is stood in for where it would send ROLLBACK: the caller goes at that moment."""
    execute = asyncpg.Connection.execute

    async def goes_away(self: asyncpg.Connection, query: str) -> object:
        if query == "ROLLBACK":
            raise asyncio.CancelledError
        return await execute(self, query)

    async def story() -> None:
        db = Database(postgres_url)
        await db.write(migrate, NOW)
        account = await db.write(create_account, "acme", NOW)

        def fail(conn: sa.Connection) -> None:
            RESERVE.run(conn, account_id=account.id, seconds=60.0)
            raise Refused

        monkeypatch.setattr(asyncpg.Connection, "execute", goes_away)
        with pytest.raises(asyncio.CancelledError):
            await db.write(fail)
        monkeypatch.undo()
        await db.write(lambda conn: RESERVE.run(conn, account_id=account.id, seconds=1.0))
        held = await db.read(lambda conn: conn.execute(sa.select(accounts.c.reserved_s)).scalar_one())
        assert held == 1.0
        await db.close()

    asyncio.run(story())


def test_who_goes_away_in_the_middle_leaves_no_transaction_behind(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "WRITE_S", 60.0)

    async def story() -> None:
        db = Database(postgres_url)
        await db.write(migrate, NOW)
        account = await db.write(create_account, "acme", NOW)

        def slow(conn: sa.Connection) -> None:
            RESERVE.run(conn, account_id=account.id, seconds=60.0)
            in_the_middle.set()
            conn.exec_driver_sql("SELECT pg_sleep(3600)")

        in_the_middle = asyncio.Event()
        going = asyncio.create_task(db.write(slow))
        await in_the_middle.wait()
        await asyncio.sleep(0.1)
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going
        async with asyncio.timeout(30):
            await db.write(lambda conn: RESERVE.run(conn, account_id=account.id, seconds=1.0))
        held = await db.read(lambda conn: conn.execute(sa.select(accounts.c.reserved_s)).scalar_one())
        assert held == 1.0
        await db.close()

    asyncio.run(story())


def test_one_server_per_file(tmp_path: Path) -> None:
    first, second = DirectoryLock(tmp_path / "lock"), DirectoryLock(tmp_path / "lock")
    first.acquire()
    with pytest.raises(ConfigError, match="another server"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_a_worker_that_cannot_beat_stops_before_others_may_call_it_dead(postgres_url: str) -> None:
    """Self-fencing at 0.75 of the lease, on the worker's own monotonic clock."""

    async def story() -> None:
        db, clock = Database(postgres_url), ManualClock()
        await db.write(migrate, NOW)
        lease = Lease(db, House(lambda conn, item: None, lambda call: {}), "w1", clock, lease_s=20.0)
        await lease.begin()
        clock.advance(14.9)
        assert lease.holds
        clock.advance(0.2)
        assert not lease.holds
        await lease.renew()
        assert lease.holds
        await db.write(workers.retire, "w1")
        await lease.renew()
        assert not lease.holds, "declared dead by somebody else"
        await db.close()

    asyncio.run(story())


def test_whoever_has_not_beaten_for_a_lease_is_declared_dead(postgres_url: str) -> None:
    async def story() -> None:
        db = Database(postgres_url)
        await db.write(migrate, NOW)
        await db.write(workers.register, "old")
        await db.write(
            lambda conn: conn.exec_driver_sql("UPDATE workers SET beat_at = beat_at - 60") and None
        )
        await db.write(workers.register, "young")
        assert await db.write(workers.declare_dead, 20.0) == ["old"]
        assert await db.read(workers.alive) == {"young"}
        await db.close()

    asyncio.run(story())


def test_a_database_url_that_can_not_be_read_is_refused_without_its_password() -> None:
    for url in ("foo", "postgres://u:SECRET@h/db", "mysql://u:SECRET@h/db", "postgresql://u:SECRET@h:x/db"):
        with pytest.raises(ConfigError, match="write sqlite:///FILE or postgresql://") as caught:
            Database(url)
        assert "SECRET" not in str(caught.value)


def test_a_closed_store_refuses_and_lets_nobody_wait(tmp_path: Path) -> None:
    """A straggler's last word at the end of the process must not hang it."""

    async def story() -> None:
        db = Database(f"sqlite:///{tmp_path / 'a.db'}")
        await run_sql(db, "CREATE TABLE things (n INTEGER)")
        await db.close()
        async with asyncio.timeout(30):
            with pytest.raises(StoreUnavailable, match="closed"):
                await db.write(insert, 1)
            with pytest.raises(StoreUnavailable, match="closed"):
                await db.read(things)

    asyncio.run(story())


def test_a_full_disk_refuses_and_is_forgotten_once_there_is_room(tmp_path: Path) -> None:
    """SQLITE_FULL rolls the whole transaction back under the savepoints (sqlite.org/lang_transaction)."""

    def insert_much(conn: sa.Connection) -> int:
        conn.exec_driver_sql("PRAGMA max_page_count = 1")
        conn.exec_driver_sql("INSERT INTO things VALUES (zeroblob(1000000))")
        return 1

    async def story() -> None:
        db = Database(f"sqlite:///{tmp_path / 'a.db'}")
        await run_sql(db, "CREATE TABLE things (n INTEGER)")
        together = await asyncio.gather(
            db.write(insert, 1), db.write(insert_much), db.write(insert, 2), return_exceptions=True
        )
        assert isinstance(together[1], StoreUnavailable)
        kept = [number for number in together if isinstance(number, int)]
        assert await db.read(things) == kept, "what was answered is there, what was refused is not"
        assert await db.write(insert, 3) == 3
        await db.close()

    asyncio.run(story())
