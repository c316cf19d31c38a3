"""A SQLite database full of calls of the past, made by SQLite itself: rows as the server leaves them.

Half of all calls belong to one account; the others are spread over a thousand. Every fifth has ended in
another way than `completed`; the big account has three voicemails, and they are its oldest calls.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from dataclasses import asdict
from pathlib import Path

from byourside_server.calls.call import CallRequest, SipFacts
from byourside_server.calls.wire_request import request_document

BIG, SMALL, EMPTY = "acct_big", "acct_small_", "acct_empty"
SMALL_ACCOUNTS = 1000
INDEXES = "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'calls' AND type = 'index' AND sql > ''"
# uuid4 in SQL: random as the server's, so that the index of ids is filled in no order.
ID = (
    "lower(hex(randomblob(4))||'-'||hex(randomblob(2))||'-4'||substr(hex(randomblob(2)),2)"
    "||'-a'||substr(hex(randomblob(2)),2)||'-'||hex(randomblob(6)))"
)
FILL = f"""
INSERT INTO calls (id, account_id, key_id, state, request, caller_id, reserved_s, run_at, created_at,
  attempt, dialing_at, answered_at, ended_at, finished_at, answered_by, ended_by, end_reason, sip, turns,
  analysis, analysis_attempts, recording_ms, sequence)
WITH RECURSIVE n (i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :last)
SELECT {ID},
  CASE WHEN i % 2 THEN '{BIG}' ELSE '{SMALL}' || (i / 2 % {SMALL_ACCOUNTS}) END, 'key_bench',
  CASE WHEN i % 2 AND i < 6 THEN 'voicemail' WHEN i % 10 = 3 THEN 'no_answer' WHEN i % 10 = 6 THEN 'failed'
    ELSE 'completed' END,
  :request, '+14155550100', 300.0, :since + i * :step, :since + i * :step,
  1, :since + i * :step + 1, :since + i * :step + 5, :since + i * :step + 32, :since + i * :step + 33,
  'human', 'agent', 'done', :sip, :turns, 'done', 1, 27000, 6
FROM n
"""
TURNS = [
    {"index": 0, "role": "agent", "text": "Are you coming tomorrow?", "start_ms": 0, "end_ms": 1500},
    {"index": 1, "role": "contact", "text": "Yes, I am.", "start_ms": 1900, "end_ms": 2600},
]
YEAR_S = 365 * 86_400.0


def add_accounts(path: Path, template: str) -> None:
    """The big account, the small ones and the empty one, as copies of the account of that id."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as conn:
        columns = [row[1] for row in conn.execute("PRAGMA table_info(accounts)")]
        copied = ", ".join(":id" if name in ("id", "name") else name for name in columns)
        names = [BIG, EMPTY, *(f"{SMALL}{number}" for number in range(SMALL_ACCOUNTS))]
        conn.executemany(
            f"INSERT INTO accounts SELECT {copied} FROM accounts WHERE id = :template",
            [{"id": name, "template": template} for name in names],
        )


def fill(path: Path, first: int, last: int) -> float:
    """Add the calls number `first` to `last`; seconds it took. Indexes are made anew at the end."""
    began = time.monotonic()
    request = CallRequest("+14155550123", "Confirm the appointment for tomorrow at 2pm.", max_duration_s=300)
    values = {
        "first": first,
        "last": last,
        "since": time.time() - YEAR_S,
        "step": YEAR_S / 20_000_000,
        "request": json.dumps(request_document(request), separators=(",", ":")),
        "sip": json.dumps(asdict(SipFacts(200, "OK", ring_s=4.0)), separators=(",", ":")),
        "turns": json.dumps(TURNS, separators=(",", ":")),
    }
    conn = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=DELETE", "journal_mode=OFF", "synchronous=OFF", "cache_size=-2000000"):
        conn.execute(f"PRAGMA {pragma}")
    indexes = conn.execute(INDEXES).fetchall()
    for name, _ in indexes:
        conn.execute(f"DROP INDEX {name}")
    conn.execute(FILL, values)
    for _, sql in indexes:
        conn.execute(sql)
    conn.execute("PRAGMA journal_mode=WAL")
    conn.close()
    return time.monotonic() - began


def size_of(path: Path) -> int:
    """Bytes of the database's file."""
    return path.stat().st_size
