"""A real house behind the dashboard, on SQLite, with a scripted telephone network, served on loopback.

Runs on a thread of its own, so that a browser can be driven from the test's.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import sqlalchemy as sa

from byourside_server.accounts.account import Account, AgentKey
from byourside_server.accounts.password import hash_password
from byourside_server.api.application import create_api
from byourside_server.api.desk import ApiSettings
from byourside_server.api.server import make_server
from byourside_server.calls import lifecycle
from byourside_server.calls.call import (
    Call,
    Callback,
    CallRequest,
    Evidence,
    Field,
    Report,
    SipFacts,
    StepProof,
)
from byourside_server.calls.happened import Answered, LineEnded, Ringing, TurnHeard
from byourside_server.calls.latency import LatencyFacts, Silence, TurnLatency
from byourside_server.calls.transcript import Turn
from byourside_server.clock import ManualClock
from byourside_server.dashboard.application import create_dashboard
from byourside_server.dashboard.visit import DashboardSettings
from byourside_server.media.g711 import encode_ulaw
from byourside_server.media.recording import wav_header
from byourside_server.providers.base import Ahead, Usage
from byourside_server.store import accounts, keys, numbers, sessions
from byourside_server.store.database import Database
from byourside_server.store.engine import Item
from byourside_server.store.exchange import ReportHappening
from byourside_server.switchboard import Switchboard, SwitchboardSettings
from tests.store.rig import ScriptedSender
from tests.store.table_engine import TableEngine

T = TypeVar("T")

PASSWORD = "abcd-efgh-ijkm-npqr-stuv-wxyz"
NUMBER, OTHER_NUMBER = "+12134932550", "+12134932551"
TALKS, RINGS_ON, HOLDS_ON = "+14155550123", "+14155550140", "+14155550150"
NOBODY, BUSY, BROKEN, MACHINE = "+14155550141", "+14155550142", "+14155550144", "+14155550143"
HOSTILE = "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>"
HOOK = "https://hooks.example.com/bys"

TURNS = (
    Turn(0, "agent", "Hello, this is an automated assistant calling for Dr. Lee.", 200, 3_000),
    Turn(1, "contact", f"Hi there. {HOSTILE}", 3_600, 5_000, confidence=0.9),
    Turn(2, "agent", "Are you coming tomorrow at two?", 5_700, 7_400, asks="field:confirmed"),
    Turn(3, "contact", "Yes, I am coming, but make it three o'clock please.", 8_000, 10_800),
    Turn(4, "agent", "Three o'clock it is. Please bring your insurance card.", 11_600, 14_600),
    Turn(5, "contact", "Could you call me back on Friday to remind me?", 15_000, 17_500, interrupted=True),
    Turn(6, "agent", "I will pass that on. Goodbye.", 18_200, 19_800),
)
AHEAD = Ahead(3, 2, Usage(1, 0, 1_100, 0, 40, 0.0042))
REPORT = Report(
    summary="They are coming tomorrow at three o'clock instead of two.",
    extracted={"confirmed": True, "new_time": "three o'clock", "party_size": None},
    evidence={
        "confirmed": Evidence(3, "Yes, I am coming", 8_000, 9_100),
        "new_time": Evidence(3, "make it three o'clock", 9_300, 10_800),
        "party_size": None,
    },
    objective_met="yes",
    objective_reason="the contact confirmed and named a new time",
    outcome="confirmed",
    steps=(
        StepProof("disclosure", "This is an automated assistant.", 0, 200, 3_000),
        StepProof("must_say", "Please bring your insurance card.", 4, 12_900, 14_600),
        StepProof("must_ask", "Do you have any allergies?"),
    ),
    callback=Callback("Friday", "Could you call me back on Friday", 5),
    usage=Usage(2, 1, 3_400, 1_200, 310, 0.0123, ("scripted-model",), 420, AHEAD),
)
FIELDS = (Field("confirmed", "boolean"), Field("new_time"), Field("party_size", "number", "How many come"))
LATENCY = LatencyFacts(
    (700, 800, 700, 2_450),
    (
        TurnLatency(700, 1, decided_ms=400, mind_asked_ms=100, first_token_ms=350),
        TurnLatency(800, 3, 160, 290, 420, 430, 610, 610, 610, 740),
    ),
    (Silence(15_000, 17_400, "mind"),),
)


class EagerEngine(TableEngine):
    """Works as soon as something is due; nothing waits for a poll."""

    def __init__(self, db: Database, clock: ManualClock) -> None:
        super().__init__(db, clock)
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()

    def put(self, conn: sa.Connection, item: Item) -> None:
        super().put(conn, item)
        self._loop.call_soon_threadsafe(self._wake.set)

    async def pump(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.work()


@dataclass
class ScriptedNetwork:
    """What happens at each number. A call to HOLDS_ON says what the test gives it to say."""

    clock: ManualClock
    recordings: Path
    reports: dict[str, ReportHappening] = field(default_factory=dict)

    async def admit(self) -> None:
        return

    async def run(self, call: Call, report: ReportHappening, cancelled: asyncio.Event) -> None:
        to = call.request.to
        self.reports[call.id] = report
        if to == BROKEN:
            sip, error = SipFacts(503, "Service Unavailable"), "placement_failed"
            ended = LineEnded(self._now(1), "failed", "network", "sip_error", error=error, sip=sip)
            return await report(ended)
        await report(Ringing(self._now(2)))
        if to == RINGS_ON:
            await cancelled.wait()
            return await report(LineEnded(self._now(1), "canceled", "api", "canceled", error="canceled"))
        if to in (NOBODY, BUSY):
            state = "no_answer" if to == NOBODY else "declined"
            return await report(LineEnded(self._now(30), state, "network", state, sip=SipFacts(480, "Gone")))
        await report(Answered(self._now(3)))
        if to == HOLDS_ON:
            await cancelled.wait()
            return await report(LineEnded(self._now(20), "post", "api", "canceled", answered_by="human"))
        return await report(self._talk(call, to == MACHINE))

    def _talk(self, call: Call, machine: bool) -> LineEnded:
        (self.recordings / f"{call.id}.wav").write_bytes(recording())
        return LineEnded(
            self._now(20),
            "post",
            "agent",
            "voicemail" if machine else "done",
            answered_by="voicemail" if machine else "human",
            sip=SipFacts(200, "OK"),
            turns=TURNS,
            recording_ms=20_000,
            latency=LATENCY,
        )

    def _now(self, later_s: float) -> float:
        self.clock.advance(later_s)
        return self.clock.epoch()


class ScriptedAnalyst:
    """Has one report, with the fields that were asked for."""

    async def compose(self, call: Call) -> Report:
        return REPORT


def recording() -> bytes:
    """Twenty seconds of stereo µ-law: a tone on the side that speaks, as TURNS say."""
    at = np.arange(20 * 8000)
    tone = (9_000 * np.sin(2 * np.pi * 440 * at / 8000) * (0.6 + 0.4 * np.sin(at / 900))).astype(np.int16)
    sides = np.zeros((at.size, 2), np.int16)
    for turn in TURNS:
        part = slice(turn.start_ms * 8, turn.end_ms * 8)
        sides[part, 0 if turn.role == "contact" else 1] = tone[part]
    return wav_header(at.size) + encode_ulaw(sides).tobytes()


class House:
    """The house, from the test's thread: `run` does something inside it and waits for the result."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="house")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.clock = ManualClock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()
        self.run(self._open())

    def stop(self) -> None:
        self.run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float = 20.0) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    @property
    def traces_dir(self) -> Path:
        return self._directory / "traces"

    async def _open(self) -> None:
        self.db = Database(f"sqlite:///{self._directory / 'store.db'}")
        self.sender = ScriptedSender()
        self.network = ScriptedNetwork(self.clock, self._directory)
        engine = EagerEngine(self.db, self.clock)
        self.switchboard = Switchboard(
            self.db,
            engine,
            self.network,
            ScriptedAnalyst(),
            self.sender,
            clock=self.clock,
            recordings_dir=self._directory,
            traces_dir=self.traces_dir,
            public_url=self.url,
            settings=SwitchboardSettings(lease_s=100 * 86_400.0),
        )
        await self.switchboard.start()
        self._pump = asyncio.create_task(engine.pump())
        api = create_api(self.switchboard, settings=ApiSettings("0.0.0", self.url))
        site = create_dashboard(self.switchboard, api, settings=DashboardSettings("0.0.0", self.url))
        self._server = make_server(site, "127.0.0.1", 0, grace_s=1)
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        self.account, self.key = await self.make_account("default", NUMBER, OTHER_NUMBER)
        self.password_hash = hash_password(PASSWORD)
        await self.db.write(sessions.set_password, self.password_hash, self.clock.epoch())

    async def _close(self) -> None:
        self._server.should_exit = True
        await self._serving
        self._pump.cancel()
        await self.switchboard.stop(grace_s=0.2)
        await self.db.close()

    async def make_account(self, name: str, *e164s: str) -> tuple[Account, AgentKey]:
        now = self.clock.epoch()
        account = await self.db.write(
            accounts.create_account, name, now, max_concurrent=50, calls_per_minute=10_000
        )
        for e164 in e164s:
            await self.db.write(numbers.add_number, account.id, e164, now)
        _, secret = await self.db.write(keys.create_key, account.id, "first", now)
        return await self.switchboard.authenticate(secret)

    def session(self, token: str) -> str:
        """Sign a browser in without its showing the password, and return what its cookie holds."""
        begun = self.db.write(sessions.begin_session, token, self.password_hash, self.clock.epoch())
        assert self.run(begun)
        return token

    def place(self, to: str = TALKS, objective: str = "Confirm tomorrow's appointment.", **more: Any) -> Call:
        """Place a call on the default account."""
        self.clock.advance(1.0)
        request = CallRequest(to, objective, **more)
        return self.run(self.switchboard.place(self.account, self.key, request))

    def until(self, call: Call, *states: str) -> Call:
        """The call, once it is in one of the states."""

        async def watch() -> Call:
            while True:
                found = await self.switchboard.get(self.account, call.id)
                if found.state in states:
                    return found
                await self.switchboard.wait_for_change(call.id, found.sequence, 5.0)

        return self.run(watch())

    def over(self, call: Call) -> Call:
        """The call, once nothing will happen to it any more."""
        return self.until(call, *lifecycle.TERMINAL_STATES)

    def say(self, call: Call, turn: Turn) -> None:
        """Something is said on a line that holds on."""

        async def report() -> None:
            await self.network.reports[call.id](TurnHeard(turn))

        self.run(report())
