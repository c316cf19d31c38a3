"""A whole switchboard on a real database, with a scripted telephone network and a scripted receiver."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from byourside_server.accounts.account import Account, AgentKey
from byourside_server.calls.call import Call, CallRequest, Evidence, Report
from byourside_server.calls.happened import Answered, Happening, LineEnded, Ringing, TurnHeard
from byourside_server.calls.transcript import Turn
from byourside_server.clock import ManualClock
from byourside_server.store import accounts, keys, numbers
from byourside_server.store.database import Database
from byourside_server.switchboard import Switchboard, SwitchboardSettings
from byourside_server.webhooks.sender import Attempt, Sender
from tests.store.table_engine import TableEngine

OWN_NUMBER = "+12134932550"
TO = "+14155550123"
HOOK = "https://hooks.example.com/bys"
TURNS = (
    Turn(0, "agent", "Are you coming tomorrow?", 0, 1500, asks="field:confirmed"),
    Turn(1, "contact", "Yes, I am.", 1900, 2600, confidence=0.9),
)
REPORT = Report(
    summary="They are coming.",
    extracted={"confirmed": True},
    evidence={"confirmed": Evidence(1, "Yes, I am.", 1900, 2600)},
    objective_met="yes",
    objective_reason="said so",
    outcome="confirmed",
)

Report_ = Callable[[Happening], Awaitable[None]]
Script = Callable[[Call, Report_, asyncio.Event], Awaitable[None]]


class ScriptedDialer:
    """Plays the script of the number called, and remembers whom it dialled."""

    def __init__(self, clock: ManualClock) -> None:
        self.dialled: list[str] = []
        self.script: Script = self.talk
        self._clock = clock
        self.has_room = asyncio.Event()
        self.has_room.set()

    async def admit(self) -> None:
        await self.has_room.wait()

    async def run(self, call: Call, report: Report_, cancelled: asyncio.Event) -> None:
        self.dialled.append(call.id)
        await self.script(call, report, cancelled)

    async def talk(self, call: Call, report: Report_, cancelled: asyncio.Event) -> None:
        await self.answer(report)
        self._clock.advance(27.0)
        await report(
            LineEnded(self._clock.epoch(), "post", "agent", "done", turns=TURNS, recording_ms=27_000)
        )

    async def answer(self, report: Report_) -> None:
        """Ring, be picked up, and say two things."""
        await report(Ringing(self._clock.epoch()))
        self._clock.advance(3.0)
        await report(Answered(self._clock.epoch()))
        for turn in TURNS:
            await report(TurnHeard(turn))

    async def hold_on(self, call: Call, report: Report_, cancelled: asyncio.Event) -> None:
        """Talk until asked to hang up."""
        await self.answer(report)
        await cancelled.wait()
        await report(LineEnded(self._clock.epoch(), "post", "api", "canceled", turns=TURNS))

    async def ring_on(self, call: Call, report: Report_, cancelled: asyncio.Event) -> None:
        """Ring until given up."""
        await report(Ringing(self._clock.epoch()))
        await cancelled.wait()
        await report(LineEnded(self._clock.epoch(), "canceled", "api", "canceled", error="canceled"))


class ScriptedAnalyst:
    """Gives the same report, after as many failures as it is told."""

    def __init__(self) -> None:
        self.failures = 0
        self.asked = 0

    async def compose(self, call: Call) -> Report:
        self.asked += 1
        if self.asked <= self.failures:
            raise ValueError("no report today")
        return REPORT


@dataclass(frozen=True)
class Sent:
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> str:
        return str(json.loads(self.body)["event"]["type"])


class ScriptedSender(Sender):
    """Answers with the statuses it is given, then with 200."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Sent] = []
        self.answers: list[Attempt] = []

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        self.sent.append(Sent(url, dict(headers), body))
        return self.answers.pop(0) if self.answers else Attempt(200, 12, excerpt="ok")


@dataclass
class Rig:
    """Everything a test needs of a house."""

    url: str
    directory: Path
    clock: ManualClock = field(default_factory=ManualClock)
    worker_id: str = "worker-test"
    on_change: Callable[[Call], None] | None = None
    """Looks on from before the start."""

    async def __aenter__(self) -> Rig:
        self.db = Database(self.url)
        self.engine = TableEngine(self.db, self.clock, self.worker_id)
        self.dialer = ScriptedDialer(self.clock)
        self.analyst = ScriptedAnalyst()
        self.sender = ScriptedSender()
        self.switchboard = Switchboard(
            self.db,
            self.engine,
            self.dialer,
            self.analyst,
            self.sender,
            clock=self.clock,
            recordings_dir=self.directory,
            public_url="https://phone.example.com",
            # The clock jumps by days here, and nobody beats meanwhile.
            settings=SwitchboardSettings(lease_s=100 * 86_400.0),
        )
        if self.on_change is not None:
            self.switchboard.look_on(self.on_change)
        await self.switchboard.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        # Only a bound: every scripted line ends when it is told to, and is then written down.
        await self.switchboard.stop(grace_s=30.0)
        await self.db.close()

    async def account(self, name: str = "acme", **limits: int) -> tuple[Account, AgentKey]:
        """An account with a key; the first one owns OWN_NUMBER."""
        now = self.clock.epoch()
        account = await self.db.write(
            accounts.create_account,
            name,
            now,
            max_concurrent=limits.get("max_concurrent", 10),
            calls_per_minute=limits.get("calls_per_minute", 60),
            minute_allowance=limits.get("minute_allowance", 1000),
        )
        e164 = OWN_NUMBER if name == "acme" else "+12134932551"
        await self.db.write(numbers.add_number, account.id, e164, now)
        _, secret = await self.db.write(keys.create_key, account.id, "test", now)
        return await self.switchboard.authenticate(secret)

    async def until(self, account: Account, call_id: str, *states: str) -> Call:
        """Work until the call is in one of the states; 60 s of patience and no more."""
        async with asyncio.timeout(60):
            while True:
                await self.engine.work()
                call = await self.switchboard.get(account, call_id)
                if call.state in states:
                    return call
                await self.switchboard.wait_for_change(call.id, call.sequence, 0.05)

    async def event_types(self, account: Account, call_id: str) -> list[str]:
        return [event.type for event in await self.switchboard.events(account, call_id=call_id)]


def request(**changes: object) -> CallRequest:
    """The README's call, with a webhook unless `webhook_url` says otherwise."""
    given: dict[str, object] = {"to": TO, "objective": "Confirm the appointment.", "webhook_url": HOOK}
    return CallRequest(**{**given, **changes})  # type: ignore[arg-type]
