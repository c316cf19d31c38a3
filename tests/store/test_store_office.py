"""What an administrator asks of the store, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from byourside_server.accounts.account import Account
from byourside_server.accounts.password import hash_password
from byourside_server.calls.call import Call
from byourside_server.calls.happened import Answered, LineEnded
from byourside_server.errors import Refusal
from byourside_server.store import sessions
from byourside_server.store.events import latest_moment
from byourside_server.store.sessions import IDLE_S, LONGEST_S, MAX_SESSIONS
from tests.store.rig import OWN_NUMBER, TURNS, Report_, Rig, request

HOUR_S = 3600.0
# Made once: a hash takes a tenth of a second.
KEPT = hash_password("right")


def on(url: str, directory: Path, walk: Callable[[Rig], Awaitable[None]]) -> None:
    async def run() -> None:
        async with Rig(url, directory) as rig:
            await walk(rig)

    asyncio.run(run())


async def talk(rig: Rig, account: Account, **changes: object) -> Call:
    """A call placed now, which has ended well."""
    [key, *_] = await rig.switchboard.office.keys(account)
    call = await rig.switchboard.place(account, key, request(webhook_url=None, **changes))
    return await rig.until(account, call.id, "completed", "failed")


def test_calls_are_found_by_id_number_and_objective(url: str, tmp_path: Path) -> None:
    async def walk(rig: Rig) -> None:
        account, _ = await rig.account()
        stranger, _ = await rig.account("stranger")
        first = await talk(rig, account, to="+14155550123", objective='Ask for "100%" of the _price_.')
        words = "Reschedule\nthe visit."
        second = await talk(rig, account, to="+14155550199", objective=words, context="price")
        await talk(rig, stranger, objective="The price of another account.")

        async def found(text: str) -> list[str]:
            page, _ = await rig.switchboard.list(account, text=text)
            return [call.id for call in page]

        assert await found("PRICE") == [first.id], "in any case, and not in the context"
        assert await found('"100%"') == [first.id]
        assert await found("10_%") == [], "what LIKE would read into it is just text"
        assert await found("reschedule\nthe") == [second.id]
        assert await found("(415) 555-0199") == [second.id]
        assert await found(second.id[:8].upper()) == [second.id]
        assert await found("5550") == [second.id, first.id]
        page, cursor = await rig.switchboard.list(account, 1, text="5550")
        assert ([call.id for call in page], cursor) == ([second.id], second.id)
        page, cursor = await rig.switchboard.list(account, 1, cursor, text="5550")
        assert ([call.id for call in page], cursor) == ([first.id], None)

    on(url, tmp_path, walk)


def test_figures_count_calls_in_their_slots(url: str, tmp_path: Path) -> None:
    async def walk(rig: Rig) -> None:
        account, _ = await rig.account()
        stranger, _ = await rig.account("stranger")

        async def timed(call: Call, report: Report_, cancelled: asyncio.Event) -> None:
            await report(Answered(rig.clock.epoch()))
            ended = LineEnded(rig.clock.epoch(), "post", "agent", "done", answered_by="human", turns=TURNS)
            await report(replace(ended, latency=replace(ended.latency, turns_ms=(900, 400))))

        async def broken(call: Call, report: Report_, cancelled: asyncio.Event) -> None:
            now = rig.clock.epoch()
            await report(LineEnded(now, "failed", "network", "sip_error", error="placement_failed"))

        since = rig.clock.epoch()
        rig.dialer.script = timed
        rig.clock.advance(0.9 * HOUR_S)
        await talk(rig, account)
        rig.clock.advance(0.9 * HOUR_S)
        await talk(rig, account)
        await talk(rig, stranger)
        rig.dialer.script = broken
        rig.clock.advance(HOUR_S)
        await talk(rig, account)
        found = await rig.switchboard.office.figures(account, since, HOUR_S, 4)
        assert found.slots == [{"completed": 1}, {"completed": 1}, {"failed": 1}, {}]
        assert (found.dialed, found.answered_by, found.objectives) == (3, {"human": 2}, {"yes": 2})
        assert found.latencies_ms == [400, 400, 900, 900]
        later = await rig.switchboard.office.figures(account, since + HOUR_S, HOUR_S, 3)
        assert later.slots == [{"completed": 1}, {"failed": 1}, {}]

    on(url, tmp_path, walk)


def test_the_allowance_tells_what_is_used_and_what_is_held(url: str, tmp_path: Path) -> None:
    async def walk(rig: Rig) -> None:
        account, key = await rig.account(minute_allowance=90)
        await talk(rig, account)
        rig.dialer.script = rig.dialer.hold_on
        call = await rig.switchboard.place(account, key, request(max_duration_s=120))
        await rig.until(account, call.id, "in_progress")
        found = await rig.switchboard.office.allowance(account)
        assert found.used_s == pytest.approx(27.0)
        assert (found.held_s, found.allowed_s) == (120.0, 5_400.0)

    on(url, tmp_path, walk)


def test_a_right_password_begins_a_session_and_a_wrong_one_does_not(url: str, tmp_path: Path) -> None:
    async def walk(rig: Rig) -> None:
        office = rig.switchboard.office
        assert await office.sign_in("right") is None, "no password has been made yet"
        await rig.db.write(sessions.set_password, KEPT, rig.clock.epoch())
        assert await office.sign_in("wrong") is None
        token = await office.sign_in("right")
        assert token is not None
        session = await office.session(token)
        assert session is not None
        assert token not in str(session), "the token itself is not kept"
        assert await office.session(token[:-1]) is None
        await office.sign_out(session)
        assert await office.session(token) is None

    on(url, tmp_path, walk)


def test_a_new_password_ends_every_session(url: str, tmp_path: Path) -> None:
    async def walk(rig: Rig) -> None:
        now = rig.clock.epoch()
        await rig.db.write(sessions.set_password, KEPT, now)
        assert await rig.db.write(sessions.begin_session, "token", KEPT, now)
        await rig.db.write(sessions.set_password, "another", now)
        assert await rig.switchboard.office.session("token") is None
        # Whoever proved the old one a moment ago comes too late.
        assert not await rig.db.write(sessions.begin_session, "token", KEPT, now)

    on(url, tmp_path, walk)


def test_a_session_lives_while_it_is_used_and_a_week_at_most(url: str, tmp_path: Path) -> None:
    async def walk(rig: Rig) -> None:
        office, began = rig.switchboard.office, rig.clock.epoch()
        await rig.db.write(sessions.set_password, KEPT, began)
        await rig.db.write(sessions.begin_session, "idle", KEPT, began)
        await rig.db.write(sessions.begin_session, "busy", KEPT, began)
        while rig.clock.epoch() + IDLE_S - 60.0 < began + LONGEST_S:
            rig.clock.advance(IDLE_S - 60.0)
            assert await office.session("busy") is not None
        assert await office.session("idle") is None
        rig.clock.advance(IDLE_S - 60.0)
        assert await office.session("busy") is None

    on(url, tmp_path, walk)


def test_sessions_have_an_end_in_number_too(url: str, tmp_path: Path) -> None:
    async def walk(rig: Rig) -> None:
        now = rig.clock.epoch()
        await rig.db.write(sessions.set_password, KEPT, now)

        def begin_many(conn: sa.Connection) -> None:
            for number in range(MAX_SESSIONS + 2):
                assert sessions.begin_session(conn, f"token-{number}", KEPT, now + number / 1000)

        await rig.db.write(begin_many)
        asked = (0, 1, 2, MAX_SESSIONS + 1)
        alive = [await rig.switchboard.office.session(f"token-{number}") for number in asked]
        assert [session is not None for session in alive] == [False, False, True, True]

    on(url, tmp_path, walk)


def test_a_browser_looks_at_the_account_it_chose(url: str, tmp_path: Path) -> None:
    async def walk(rig: Rig) -> None:
        office = rig.switchboard.office
        await rig.account()
        other, _ = await rig.account("other")
        await rig.db.write(sessions.set_password, KEPT, rig.clock.epoch())
        await rig.db.write(sessions.begin_session, "token", KEPT, rig.clock.epoch())
        session = await office.session("token")
        assert session is not None
        with pytest.raises(Refusal, match="no such account"):
            await office.look_at(session, "acct_none")
        await office.look_at(session, other.id)
        chosen = await office.session("token")
        assert chosen is not None
        assert chosen.account_id == other.id

    on(url, tmp_path, walk)


def test_keys_and_numbers_are_the_accounts_own(url: str, tmp_path: Path) -> None:
    async def walk(rig: Rig) -> None:
        office = rig.switchboard.office
        account, key = await rig.account()
        stranger, theirs = await rig.account("stranger")
        secret = await office.create_key(account, "laptop")
        _, made = await rig.switchboard.authenticate(secret)
        with pytest.raises(Refusal, match="no active key"):
            await office.revoke_key(account, theirs.id)
        await office.revoke_key(account, made.id)
        with pytest.raises(Refusal, match="no active key"):
            await office.revoke_key(account, made.id)
        own = await office.own_key(account)
        assert await office.own_key(account) == own
        assert own.id not in {one.id for one in await office.keys(account)} >= {key.id, made.id}
        with pytest.raises(Refusal, match="not on this account"):
            await office.set_default_caller_id(stranger, OWN_NUMBER)
        await office.set_default_caller_id(account, OWN_NUMBER)
        assert [number.e164 for number in await office.numbers(account)] == [OWN_NUMBER]

    on(url, tmp_path, walk)


def test_webhooks_tell_what_has_become_of_them(url: str, tmp_path: Path) -> None:
    async def walk(rig: Rig) -> None:
        account, key = await rig.account()
        call = await rig.switchboard.place(account, key, request())
        events = await rig.switchboard.events(account)
        office = rig.switchboard.office
        assert await office.webhook_states(account, call.id) == {events[0].event_id: "head"}
        await rig.until(account, call.id, "completed")
        await rig.engine.work()
        assert set((await office.webhook_states(account, call.id)).values()) == {"sent"}
        stranger, _ = await rig.account("stranger")
        assert await office.webhook_states(stranger, call.id) == {}
        assert await office.newest_event(account) == (await rig.switchboard.events(account))[-1].id
        assert await office.newest_event(stranger) == 0

    on(url, tmp_path, walk)


def test_the_latest_moment_in_the_store_is_told(url: str, tmp_path: Path) -> None:
    """Where calls tell each its own time, the last event need not be the latest."""

    async def walk(rig: Rig) -> None:
        assert await rig.db.read(latest_moment) == 0
        account, key = await rig.account()
        call = await rig.switchboard.place(account, key, request())
        await rig.until(account, call.id, "completed")
        latest = rig.clock.epoch()
        rig.clock.advance(-10)
        await rig.switchboard.place(account, key, request())
        assert await rig.db.read(latest_moment) == latest

    on(url, tmp_path, walk)
