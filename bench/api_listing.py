"""Does listing stay as fast with ten million calls stored as with ten thousand?

Fills a SQLite database with calls of the past, starts the real server on it, and asks over HTTP, one
request after the other: first page, a page nine tenths down, pages by a status that is common, rare or
unknown there, pages of a small and of an empty account, single calls; then a search for a text through the
store's function, and placing a call. Only the table of calls is filled: listing reads no other.

    script/bench api_listing [--calls 10000 1000000] [--rounds 300]

Ten million calls take about 10 GB under build/ and some minutes: --calls 10000 1000000 10000000.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = str(ROOT)

from bench.placing_load import archive  # noqa: E402
from bench.placing_load.client import load, request  # noqa: E402
from byourside_server.store import accounts, keys, numbers  # noqa: E402
from byourside_server.store.database import Database  # noqa: E402
from byourside_server.store.listing import list_calls  # noqa: E402
from byourside_server.store.migrations import migrate  # noqa: E402
from tests.walks.house import House  # noqa: E402

RESULT = ROOT / "bench" / "results" / "api_listing.json"
FOLDER = ROOT / "build" / "api_listing"
PATH = "/v1/agent/calls"
BYTES_A_CALL = 1_100
BODY = {
    "to": "+14155550123",
    "objective": "Confirm the appointment for tomorrow at 2pm.",
    "scheduledAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + archive.YEAR_S)),
}


async def furnish(url: str) -> str:
    """Tables, and an account as a model for others; its id."""
    database = Database(url)
    now = time.time()
    await database.write(migrate, now)
    account = await database.write(
        accounts.create_account, "bench", now, calls_per_minute=10_000_000, minute_allowance=None
    )
    await database.close()
    return account.id


async def keys_of(url: str) -> dict[str, str]:
    """A key for the big account, a small one and the empty one; the big one may place calls."""
    database = Database(url)
    now = time.time()
    names = (archive.BIG, f"{archive.SMALL}7", archive.EMPTY)
    made = {name: (await database.write(keys.create_key, name, "bench", now))[1] for name in names}
    await database.write(numbers.add_number, archive.BIG, "+14155550100", now)
    await database.close()
    return made


async def timed(port: int, lines: list[bytes], rounds: int) -> dict[str, float]:
    """Median, p95 and worst of so many requests, one after the other on a connection that stays."""
    found = []
    for number in range(rounds):
        tally = await load(port, lambda _, __, n=number: lines[n % len(lines)], 1, 0.0)
        assert set(tally.statuses) == {200}, tally.statuses
        found.append(1000 * tally.latencies_s[0])
    found.sort()
    return {"p50Ms": found[rounds // 2], "p95Ms": found[rounds * 95 // 100], "worstMs": found[-1]}


async def measure(path: Path, made: dict[str, str], count: int, rounds: int) -> dict[str, Any]:
    big, small, empty = made.values()
    with contextlib.closing(sqlite3.connect(path)) as conn:
        depth = "SELECT id FROM calls WHERE account_id = ? ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET ?"
        (deep,) = conn.execute(depth, (archive.BIG, int(0.45 * count))).fetchone()
        one = "SELECT id FROM calls WHERE rowid >= ? AND +account_id = ? LIMIT 1"
        some = []
        for _ in range(100):
            row = random.randrange(1, count)
            some += conn.execute(one, (row, archive.BIG))
    house = House(path.parent, extra=("--database-url", f"sqlite:///{path}"))
    began = time.monotonic()
    house.start()
    start_s = time.monotonic() - began
    asked = {
        "first page of 20": [request("GET", f"{PATH}?limit=20", big)],
        "page nine tenths down": [request("GET", f"{PATH}?limit=20&before={deep}", big)],
        "status=completed": [request("GET", f"{PATH}?limit=20&status=completed", big)],
        "status=completed, nine tenths down": [
            request("GET", f"{PATH}?limit=20&status=completed&before={deep}", big)
        ],
        "status=voicemail, the three oldest": [request("GET", f"{PATH}?limit=20&status=voicemail", big)],
        "status=in_progress, none": [request("GET", f"{PATH}?limit=20&status=in_progress", big)],
        "first page of a small account": [request("GET", f"{PATH}?limit=20", small)],
        "page of an empty account": [request("GET", f"{PATH}?limit=20", empty)],
        "a call by its id": [request("GET", f"{PATH}/{call_id}", big) for (call_id,) in some],
        "POST": [request("POST", PATH, big, json.dumps(BODY).encode())],
    }
    rows = {}
    for name, lines in asked.items():
        await timed(house.port, lines, 5)
        rows[name] = await timed(house.port, lines, rounds)
    house.stop()
    rows["text, of nobody (store only)"] = await searched(path)
    for name, row in rows.items():
        print(f"{count:>10,}  {name:36} p50 {row['p50Ms']:7.2f}  p95 {row['p95Ms']:7.2f} ms", flush=True)
    return {"calls": count, "startS": round(start_s, 1), "bytes": archive.size_of(path), "rows": rows}


async def searched(path: Path) -> dict[str, float]:
    """A text that no call holds: the longest search there is."""
    database = Database(f"sqlite:///{path}")
    found = []
    for _ in range(7):
        began = time.perf_counter()
        await database.read(list_calls, archive.BIG, 21, None, None, "a text that no call holds")
        found.append(1000 * (time.perf_counter() - began))
    await database.close()
    found.sort()
    return {"p50Ms": found[3], "p95Ms": found[-1], "worstMs": found[-1]}


def write(out: Path, found: list[dict[str, Any]]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=1) + "\n")


async def run(given: argparse.Namespace) -> int:
    folder = Path(given.folder)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    free = shutil.disk_usage(folder).free
    if max(given.calls) * BYTES_A_CALL * 1.5 > free:
        print(f"{max(given.calls):,} calls need {max(given.calls) * BYTES_A_CALL * 1.5 / 1e9:.0f} GB there")
        return 2
    path = folder / "listing.db"
    try:
        archive.add_accounts(path, await furnish(f"sqlite:///{path}"))
        made = await keys_of(f"sqlite:///{path}")
        found, first = [], 0
        for count in sorted(given.calls):
            took_s = archive.fill(path, first, count)
            size = archive.size_of(path) / 1e6
            print(f"{count:>10,}  calls stored ({took_s:.0f} s, {size:,.0f} MB)", flush=True)
            found.append(await measure(path, made, count, given.rounds))
            first = count
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if given.out:
        write(Path(given.out), found)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--folder", default=str(FOLDER), help="where the database is made, and removed again")
    parser.add_argument("--out", default=str(RESULT), help="where the result goes, '' for nowhere")
    return uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    raise SystemExit(main())
