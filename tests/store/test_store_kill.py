"""kill -9: nothing accepted is lost, nothing is dialled twice, every call ends and says so."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from byourside_server.accounts.account import Account
from byourside_server.calls import lifecycle
from byourside_server.calls.call import Call
from byourside_server.store import accounts, keys, numbers
from tests.store.doomed_server import make_switchboard
from tests.store.rig import OWN_NUMBER, request

ROOT = Path(__file__).resolve().parents[2]
CALLS = 18
AT_ONCE = 4
Told = list[dict[str, object]]
NOW = 1_800_000_000.0
# Only the bound of a wait.
PATIENCE_S = 120.0


async def _receive(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, told: list[dict[str, object]]
) -> None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ") for line in head.split(b"\r\n")[1:] if line)
        body = json.loads(await reader.readexactly(int(fields[b"content-length"])))
    except (asyncio.IncompleteReadError, ConnectionError):
        return  # the sender was killed before it had said all
    told.append({**body["event"], "call": body["id"]})
    writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
    writer.close()


async def _accept_all(directory: Path, hook: str) -> tuple[Account, list[str]]:
    """Accept a batch, and stop before any of it has ended."""
    db, switchboard = make_switchboard(directory, live_s=30.0)
    await switchboard.start()
    account = await db.write(accounts.create_account, "acme", NOW, max_concurrent=AT_ONCE)
    await db.write(numbers.add_number, account.id, OWN_NUMBER, NOW)
    key, _ = await db.write(keys.create_key, account.id, "test", NOW)
    placed = [(await switchboard.place(account, key, request(webhook_url=hook))).id for _ in range(CALLS)]
    await switchboard.stop(grace_s=0.0)
    await db.close()
    return account, placed


def _dials(directory: Path) -> list[str]:
    """The calls that were dialled so far, in their order."""
    log = directory / "dials.log"
    return log.read_text().split() if log.exists() else []


def test_a_killed_server_loses_no_call_and_dials_none_twice(tmp_path: Path) -> None:
    async def story() -> None:
        told: Told = []
        server = await asyncio.start_server(lambda r, w: _receive(r, w, told), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        account, placed = await _accept_all(tmp_path, f"http://localhost:{port}/")
        for live_s in ("30", "0.2"):
            before = _dials(tmp_path)
            program = [sys.executable, "-m", "tests.store.doomed_server", str(tmp_path), live_s]
            doomed = await asyncio.to_thread(subprocess.Popen, program, cwd=ROOT, stdout=subprocess.PIPE)
            assert doomed.stdout is not None
            assert await asyncio.to_thread(doomed.stdout.readline) == b"ready\n"
            async with asyncio.timeout(PATIENCE_S):
                while _dials(tmp_path) == before:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            # In the midst of whatever it does next.
            await asyncio.sleep(0.3)
            doomed.kill()
            await asyncio.to_thread(doomed.wait)
            doomed.stdout.close()

        db, switchboard = make_switchboard(tmp_path, live_s=0.05)
        await switchboard.start()
        ended: dict[str, Call] = {}
        async with asyncio.timeout(PATIENCE_S):
            while len(ended) < CALLS:
                for call_id in placed:
                    call = await switchboard.get(account, call_id)
                    if call.state in lifecycle.TERMINAL_STATES:
                        ended[call_id] = call
                await switchboard.wait_for_event(account, 1_000_000, 0.1)
            last = {(call.id, call.sequence) for call in ended.values()}
            while not last <= {(event["call"], event["sequence"]) for event in told}:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await switchboard.stop()
        await db.close()
        server.close()

        dials = Counter(_dials(tmp_path))
        assert set(dials) <= set(placed)
        assert max(dials.values()) == 1
        states = Counter((call.state, call.error) for call in ended.values())
        assert set(states) <= {("completed", None), ("failed", "worker_lost")}, states
        assert states[("failed", "worker_lost")] >= 1
        assert states[("completed", None)] >= 1
        for call_id in placed:
            sequences = list(dict.fromkeys(event["sequence"] for event in told if event["call"] == call_id))
            assert sequences == list(range(1, ended[call_id].sequence + 1)), "in order and without a gap"

    asyncio.run(story())
