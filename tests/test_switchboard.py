"""The house as a front meets it: one switchboard on SQLite and the real engine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from byourside_server.accounts.account import Account, AgentKey
from byourside_server.accounts.key import make_key
from byourside_server.calls import lifecycle
from byourside_server.calls.call import Call
from byourside_server.clock import SystemClock
from byourside_server.errors import ConfigError, Refusal
from byourside_server.store import accounts, keys, numbers
from byourside_server.store.database import Database
from byourside_server.store.dbos_engine import DbosEngine
from byourside_server.switchboard import Switchboard
from byourside_server.webhooks.sender import Sender
from tests.store.doomed_server import CountedDialer, ShortAnalyst, make_switchboard
from tests.store.rig import OWN_NUMBER, Rig, request


@asynccontextmanager
async def house(path: Path, live_s: float = 0.05) -> AsyncIterator[tuple[Database, Switchboard]]:
    db, switchboard = make_switchboard(path, live_s)
    await switchboard.start()
    try:
        yield db, switchboard
    finally:
        await switchboard.stop(grace_s=0.2)
        await db.close()


async def acme(db: Database, switchboard: Switchboard) -> tuple[Account, AgentKey]:
    now = SystemClock().epoch()
    account = await db.write(accounts.create_account, "acme", now)
    await db.write(numbers.add_number, account.id, OWN_NUMBER, now)
    _, secret = await db.write(keys.create_key, account.id, "test", now)
    return await switchboard.authenticate(secret)


async def ended(switchboard: Switchboard, account: Account, call_id: str) -> Call:
    async with asyncio.timeout(60):
        call = await switchboard.get(account, call_id)
        while call.state not in lifecycle.TERMINAL_STATES:
            await switchboard.wait_for_change(call_id, call.sequence, 5.0)
            call = await switchboard.get(account, call_id)
        return call


def test_a_placed_call_runs_to_its_end_through_the_real_engine(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async def story() -> None:
        async with house(tmp_path) as (db, switchboard):
            account, key = await acme(db, switchboard)
            placed = await switchboard.place(account, key, request(webhook_url=None))
            call = await ended(switchboard, account, placed.id)
            assert call.state == "completed"
            record = switchboard.record(call)
            assert record["summary"] == "It went well."
            assert record["recordingUrl"] is None, "no file, no address"
            (tmp_path / f"{call.id}.wav").write_bytes(b"RIFF")
            assert switchboard.recording_path(call) == tmp_path / f"{call.id}.wav"
            assert str(switchboard.record(call)["recordingUrl"]).endswith(f"/{call.id}/recording")

    asyncio.run(story())
    assert capfd.readouterr().out == ""


def test_a_recording_has_no_address_while_the_call_is_live(tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(f"sqlite:///{tmp_path / 'a.db'}", tmp_path) as rig:
            account, key = await rig.account()
            rig.dialer.script = rig.dialer.hold_on
            placed = await rig.switchboard.place(account, key, request())
            (tmp_path / f"{placed.id}.wav").write_bytes(b"RIFF")
            live = await rig.until(account, placed.id, "in_progress")
            assert rig.switchboard.record(live)["recordingUrl"] is None

    asyncio.run(story())


def test_a_revoked_key_stops_at_once_and_a_stray_one_never_worked(tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(f"sqlite:///{tmp_path / 'a.db'}", tmp_path) as rig:
            account, _ = await rig.account()
            key, secret = await rig.db.write(keys.create_key, account.id, "second", 1.0)
            assert await rig.switchboard.authenticate(secret) == (account, key)
            assert await rig.db.write(keys.revoke_key, key.id, 2.0)
            assert not await rig.db.write(keys.revoke_key, key.id, 3.0)
            for bearer in (secret, make_key(), "", "bys_ak_", key.hash):
                with pytest.raises(Refusal, match="agent key"):
                    await rig.switchboard.authenticate(bearer)

    asyncio.run(story())


def test_secrets_are_kept_as_hashes_only(tmp_path: Path) -> None:
    async def story() -> str:
        async with Rig(f"sqlite:///{tmp_path / 'a.db'}", tmp_path) as rig:
            account, _ = await rig.account()
            _, secret = await rig.db.write(keys.create_key, account.id, "second", 1.0)
            return secret

    secret = asyncio.run(story())
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("a.db*"))
    assert secret.encode() not in kept


def test_lists_are_pages_most_recent_first(tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(f"sqlite:///{tmp_path / 'a.db'}", tmp_path) as rig:
            account, key = await rig.account()
            placed: list[str] = []
            for _ in range(5):
                placed.insert(0, (await rig.switchboard.place(account, key, request())).id)
                rig.clock.advance(0.5)
            first, cursor = await rig.switchboard.list(account, limit=2)
            second, cursor = await rig.switchboard.list(account, limit=2, before=cursor)
            third, end = await rig.switchboard.list(account, limit=2, before=cursor)
            assert [call.id for call in [*first, *second, *third]] == placed
            assert end is None
            await rig.until(account, placed[0], "completed")
            done, _ = await rig.switchboard.list(account, status="completed")
            assert placed[0] in [call.id for call in done]
            assert await rig.switchboard.list(account, status="no_such_status") == ([], None)
            assert len((await rig.switchboard.list(account, limit=0))[0]) == 1, "clamped to 1"

    asyncio.run(story())


def test_validate_is_the_guardrails_without_a_call(tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(f"sqlite:///{tmp_path / 'a.db'}", tmp_path) as rig:
            await rig.account()
            account, _ = await rig.account("other")
            account = (await rig.switchboard.authenticate(await _secret(rig, account)))[0]
            assert (await rig.switchboard.validate(account, request())).country == "US"
            for change, token in (
                ({"to": "0123"}, "invalid_number"),
                ({"to": "+19001234567"}, "destination_blocked"),
                ({"caller_id": OWN_NUMBER}, "caller_id_not_owned"),
            ):
                with pytest.raises(Refusal) as caught:
                    await rig.switchboard.validate(account, request(**change))
                assert caught.value.token == token
            assert await rig.switchboard.list(account) == ([], None)

    asyncio.run(story())


async def _secret(rig: Rig, account: Account) -> str:
    return (await rig.db.write(keys.create_key, account.id, "again", 1.0))[1]


def test_a_trunk_known_to_be_down_refuses_the_placement(tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(f"sqlite:///{tmp_path / 'a.db'}", tmp_path) as rig:
            account, key = await rig.account()
            asked: list[str] = []

            def is_down(number: str) -> bool:
                asked.append(number)
                return True

            rig.switchboard.trunk_is_down = is_down
            with pytest.raises(Refusal) as caught:
                await rig.switchboard.place(account, key, request())
            assert (caught.value.token, caught.value.status) == ("placement_failed", 502)
            assert asked == [request().to]
            later = replace(request(), scheduled_at=4_000_000_000.0)
            assert (await rig.switchboard.place(account, key, later)).state == "queued"

    asyncio.run(story())


def test_a_live_view_is_woken_by_turns_and_events(tmp_path: Path) -> None:
    async def story() -> None:
        async with Rig(f"sqlite:///{tmp_path / 'a.db'}", tmp_path) as rig:
            account, key = await rig.account()
            call = await rig.switchboard.place(account, key, request())
            seen = (await rig.switchboard.events(account))[-1].id
            assert await rig.switchboard.wait_for_change(call.id, 0, 5.0) == 1
            assert await rig.switchboard.wait_for_change(call.id, 1, 0.0) == 1
            assert not await rig.switchboard.wait_for_event(account, seen, 0.0)
            waiting = asyncio.create_task(rig.switchboard.wait_for_change(call.id, 1, 60.0))
            listening = asyncio.create_task(rig.switchboard.wait_for_event(account, seen, 60.0))
            await rig.engine.work()
            async with asyncio.timeout(30):
                assert await waiting > 1
                assert await listening

    asyncio.run(story())


def test_two_servers_do_not_share_a_file(tmp_path: Path) -> None:
    async def story() -> None:
        async with house(tmp_path):
            db, second = make_switchboard(tmp_path, 0.05)
            with pytest.raises(ConfigError, match="another server"):
                await second.start()
            await db.close()

    asyncio.run(story())


def test_a_store_that_is_away_is_the_refusal_store_error(tmp_path: Path) -> None:
    async def story() -> None:
        db = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none")
        switchboard = Switchboard(
            db,
            DbosEngine(db),
            CountedDialer(tmp_path / "dials.log", 0.0),
            ShortAnalyst(),
            Sender(),
            recordings_dir=tmp_path,
            public_url="http://localhost",
        )
        with pytest.raises(Refusal) as caught:
            await switchboard.authenticate(make_key())
        assert (caught.value.token, caught.value.status) == ("store_error", 503)
        await db.close()

    logging.getLogger("asyncio").setLevel(logging.ERROR)
    asyncio.run(story())
