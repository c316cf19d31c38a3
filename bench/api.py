"""How many calls a second can be placed, durably, and read over HTTP, beside the bare framework?

Starts the real server on one core and sends to it from the other: POST (a fifth of them with an
Idempotency-Key, a tenth of those repeated), GET of one call, of a page of 20, and validate, over 50
connections. In the same run the floors: the bare framework, a bare ASGI application, and the load
generator's own ceiling. Calls are placed with `scheduledAt` a year ahead, so that they are accepted as any
other but never dialled; the accounts have no minute allowance and no rate to speak of. Last of all POSTs with
a webhook, from accounts with an allowance: each brings a signed delivery of `call.queued` to a receiver on
the load's core. At the end the server is killed with -9, and every call that was answered must be in the
file.

    script/bench api [--seconds 6] [--postgres]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import uvloop

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = str(ROOT)

from bench.machine import cpu_s, end_with_children  # noqa: E402
from bench.placing_load.client import Requests, Tally, load, request  # noqa: E402
from bench.placing_load.floors import FLOORS  # noqa: E402
from bench.placing_load.postgres import cluster, pinned, settings_of  # noqa: E402
from byourside_server.store import accounts, keys, numbers  # noqa: E402
from byourside_server.store.database import Database, sqlite_engine  # noqa: E402
from byourside_server.store.migrations import migrate  # noqa: E402
from tests.walks.house import House, free_port  # noqa: E402

RESULT = ROOT / "bench" / "results" / "api.json"
PATH = "/v1/agent/calls"
ACCOUNTS = 10
WARM_UP_S = 1.0
KEYED = 5
DELIVERY_PATIENCE_S = 60.0
REPEATED = 50
PRAGMAS = ("journal_mode", "synchronous")
BODY = {
    "to": "+14155550123",
    "objective": "Confirm the appointment for tomorrow at 2pm and ask if they need to reschedule.",
    "context": "The appointment is with Dr. Example at 12 Main Street.",
    "fields": [{"name": "confirmed", "type": "boolean"}, {"name": "new_time", "type": "string"}],
    "metadata": {"customer": "c-1029", "campaign": "reminders"},
    "maxDurationSec": 300,
    "language": "en-US",
}


@dataclass
class Measured:
    """One row of the table."""

    name: str
    tally: Tally
    cpu_s: float

    def as_json(self) -> dict[str, Any]:
        done = len(self.tally.latencies_s)
        return {
            "name": self.name,
            "requests": done,
            "perSecond": round(self.tally.rate, 1),
            "p50Ms": round(self.tally.percentile_ms(0.50), 2),
            "p95Ms": round(self.tally.percentile_ms(0.95), 2),
            "p99Ms": round(self.tally.percentile_ms(0.99), 2),
            "cpuUsPerRequest": round(1e6 * self.cpu_s / done),
            "perSecondOfCpu": round(done / self.cpu_s) if self.cpu_s else None,
            "statuses": {str(status): n for status, n in sorted(self.tally.statuses.items())},
        }


async def measure(
    name: str, pid: int, port: int, requests: Requests, given: argparse.Namespace, *, keep: bool = False
) -> Measured:
    """Warm up, then count."""
    await load(port, requests, given.connections, WARM_UP_S)
    before = cpu_s(pid)
    tally = await load(port, requests, given.connections, given.seconds, keep=keep)
    found = Measured(name, tally, cpu_s(pid) - before)
    row = found.as_json()
    print(
        f"{name:32} {row['perSecond']:9,.0f}/s  p50 {row['p50Ms']:7.2f}  p95 {row['p95Ms']:7.2f}"
        f"  p99 {row['p99Ms']:7.2f} ms  CPU {row['cpuUsPerRequest']:5d} µs  {row['statuses']}",
        flush=True,
    )
    return found


def placements(secrets_: list[str], webhook_url: str | None = None) -> Requests:
    """POSTs; each connection has one account's key, every fifth request an Idempotency-Key."""
    year_ahead = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 365 * 86_400))
    hook = {} if webhook_url is None else {"webhookUrl": webhook_url}
    body = json.dumps({**BODY, **hook, "scheduledAt": year_ahead}).encode()
    plain = [request("POST", PATH, key, body) for key in secrets_]
    run = secrets.token_hex(4)

    def make(connection: int, number: int) -> bytes:
        if number % KEYED:
            return plain[connection % len(plain)]
        # Every tenth key comes a second time.
        mark = number - KEYED if number and number % REPEATED == 0 else number
        headers = f"Idempotency-Key: {run}-{connection}-{mark}\r\n"
        return request("POST", PATH, secrets_[connection % len(plain)], body, headers)

    return make


async def furnish(url: str) -> tuple[list[str], list[str]]:
    """Tables, accounts and numbers in an empty database; keys of accounts without and with an allowance."""
    database = Database(url)
    now = time.time()
    await database.write(migrate, now)
    made = []
    for number in range(2 * ACCOUNTS):
        account = await database.write(
            accounts.create_account,
            f"bench-{number}",
            now,
            calls_per_minute=100_000_000,
            minute_allowance=None if number < ACCOUNTS else 1e9,
        )
        e164 = f"+1415555{100 + number:04d}"
        await database.write(numbers.add_number, account.id, e164, now)
        made.append((await database.write(keys.create_key, account.id, "bench", now))[1])
    await database.close()
    return made[:ACCOUNTS], made[ACCOUNTS:]


@contextlib.contextmanager
def floor(name: str, core: int = 0) -> Iterator[tuple[int, int]]:
    """A floor's process, on the server's core unless another is named: its pid and port."""
    port = free_port()
    command = [sys.executable, "-m", "bench.placing_load.floors", name, str(port)]
    with pinned(core):
        process = subprocess.Popen(command, cwd=ROOT)
    try:
        yield process.pid, port
    finally:
        process.terminate()
        process.wait()


async def until_open(port: int) -> None:
    for _ in range(400):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


async def floors(given: argparse.Namespace) -> list[Measured]:
    found = []
    names = {"fastapi": "bare framework, POST", "asgi": "bare ASGI, POST", "wire": "load generator's ceiling"}
    for name in FLOORS:
        with floor(name) as (pid, port):
            await until_open(port)
            found.append(await measure(names[name], pid, port, placements(["k"]), given))
    return found


def _rows(conn: sa.Connection, query: sa.TextClause) -> list[sa.Row[Any]]:
    return list(conn.execute(query))


async def until_delivered(url: str) -> dict[str, Any]:
    """How far the webhooks are when the last POST has been answered, and how long the rest takes."""
    database = Database(url)
    query = sa.text("SELECT state, count(*) FROM outbox GROUP BY state")
    began = time.perf_counter()
    found: dict[str, Any] = {}
    while time.perf_counter() - began < DELIVERY_PATIENCE_S:
        states = {str(state): int(count) for state, count in await database.read(_rows, query)}
        found = found or {"delivered": states.get("sent", 0), "underWay": states.get("head", 0)}
        found["allAfterSeconds"] = round(time.perf_counter() - began, 1)
        if not states.get("head"):
            break
        await asyncio.sleep(0.1)
    await database.close()
    print(f"  webhooks: {found}")
    return found


async def of_the_server(
    label: str, house: House, url: str, keys_: tuple[list[str], list[str]], given: argparse.Namespace
) -> tuple[list[Measured], set[str], dict[str, Any]]:
    """All rows of one server, the ids of the calls it has answered, and what became of the webhooks."""
    secrets_, with_allowance = keys_
    with pinned(0):
        house.start()
    assert house.process is not None
    pid, port = house.process.pid, house.port
    ids: set[str] = set()
    found = [await measure(f"{label}: POST", pid, port, placements(secrets_), given, keep=True)]
    ids |= {json.loads(body)["callId"] for body in found[0].tally.bodies}
    some = await one_each(port, secrets_)
    reads = {
        "GET a call": [
            request("GET", f"{PATH}/{call_id}", key) for call_id, key in zip(some, secrets_, strict=True)
        ],
        "GET 20 calls": [request("GET", f"{PATH}?limit=20", key) for key in secrets_],
        "POST validate": [
            request("POST", f"{PATH}/validate", key, json.dumps(BODY).encode()) for key in secrets_
        ],
    }
    for name, lines in reads.items():
        rows = await measure(
            f"{label}: {name}", pid, port, lambda n, _, lines=lines: lines[n % len(lines)], given
        )
        found.append(rows)
    with floor("wire", given.load_core) as (_, hook_port):
        await until_open(hook_port)
        full = placements(with_allowance, f"http://localhost:{hook_port}/hook")
        row = await measure(f"{label}: POST, webhook+allowance", pid, port, full, given, keep=True)
        ids |= {json.loads(body)["callId"] for body in row.tally.bodies}
        webhooks = await until_delivered(url)
    return [*found, row], ids, webhooks


async def one_each(port: int, secrets_: list[str]) -> list[str]:
    """The newest call of each account."""
    found = []
    for key in secrets_:
        tally = await load(port, lambda _, __, k=key: request("GET", f"{PATH}?limit=1", k), 1, 0.0, keep=True)
        found.append(str(json.loads(tally.bodies[0])["calls"][0]["id"]))
    return found


async def on_sqlite(given: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="bys-api-") as folder:
        path = Path(folder) / "byourside.db"
        house = House(Path(folder), extra=("--database-url", f"sqlite:///{path}", "--allow-local-webhooks"))
        keys_ = await furnish(f"sqlite:///{path}")
        try:
            rows, ids, webhooks = await of_the_server("SQLite", house, f"sqlite:///{path}", keys_, given)
        finally:
            house.kill()
        engine = sqlite_engine(str(path), pool_size=1, isolation_level=None)
        with engine.connect() as conn:
            settings = {name: conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}
            kept = set(conn.execute(sa.text("SELECT id FROM calls")).scalars())
        engine.dispose()
    return outcome(rows, settings, ids, kept, webhooks)


async def on_postgres(given: argparse.Namespace) -> dict[str, Any] | None:
    with tempfile.TemporaryDirectory(prefix="bys-api-") as folder, cluster() as url:
        if url is None:
            print("no PostgreSQL programs here")
            return None
        keys_ = await furnish(url)
        house = House(Path(folder), extra=("--database-url", url, "--allow-local-webhooks"))
        try:
            rows, ids, webhooks = await of_the_server("PostgreSQL", house, url, keys_, given)
        finally:
            house.kill()
        database = Database(url)
        settings = await database.read(settings_of)
        kept = await database.read(lambda conn: set(conn.execute(sa.text("SELECT id FROM calls")).scalars()))
        await database.close()
    return outcome(rows, settings, ids, kept, webhooks)


def outcome(
    rows: list[Measured], settings: dict[str, Any], ids: set[str], kept: set[str], webhooks: dict[str, Any]
) -> dict[str, Any]:
    lost = len(ids - kept)
    print(f"  {settings}; killed with -9: {len(ids)} calls answered, {lost} of them lost")
    return {
        "settings": settings,
        "answered": len(ids),
        "lostByKill": lost,
        "webhooks": webhooks,
        "rows": [row.as_json() for row in rows],
    }


def write(out: Path, result: dict[str, Any]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n")


async def run(given: argparse.Namespace) -> int:
    os.sched_setaffinity(0, {given.load_core})
    result: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "loadAverage": round(os.getloadavg()[0], 1),
        "connections": given.connections,
        "seconds": given.seconds,
        "floors": [row.as_json() for row in await floors(given)] if not given.no_floors else [],
    }
    result["sqlite"] = await on_sqlite(given)
    if not given.no_postgres:
        result["postgresql"] = await on_postgres(given)
    if given.out:
        write(Path(given.out), result)
    stores = [result[name] for name in ("sqlite", "postgresql") if result.get(name)]
    wrong = [row for store in stores for row in store["rows"] if set(row["statuses"]) != {"200"}]
    return 1 if wrong or any(store["lostByKill"] for store in stores) else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=6.0, help="how long each row is measured")
    parser.add_argument("--load-core", type=int, default=1)
    parser.add_argument("--no-floors", action="store_true")
    parser.add_argument("--no-postgres", action="store_true")
    parser.add_argument("--out", default=str(RESULT), help="where the result goes, '' for nowhere")
    given = parser.parse_args()
    end_with_children()
    return uvloop.run(run(given))


if __name__ == "__main__":
    raise SystemExit(main())
