"""Keeps the book of trunks true: asks each server how it is (OPTIONS), registers where that is wanted.

One task for each trunk. Calls never wait for it; what it finds out stands in the book when they come.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from byourside_server.lines.trunk_names import NoServers, Target
from byourside_server.lines.trunks import Door, Trunks
from byourside_server.sip.registration import Registration
from byourside_server.sip.trunk_events import OptionsAnswered, Registered, RegistrationFailed, TrunkEvent

# An OPTIONS over UDP is sent four times within this (timer E).
PING_PATIENCE_S = 8.0
# How often a trunk that is not pinged is looked up again, and one that leads nowhere.
LOOK_UP_EVERY_S = 60.0
LOOK_UP_AGAIN_S = 10.0
# What another server of the same trunk would say as well: it is about us, not about the server.
_ABOUT_US = range(400, 500)
_SILENCE = 408
# `why` of an OPTIONS that was merely not answered; anything else is what the network said.
NO_ANSWER = "no answer"

log = logging.getLogger(__name__)


class TrunkWatch:
    """Looks after all trunks from `start` to `stop`."""

    def __init__(self) -> None:
        self._trunks: Trunks | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._clerks: dict[str, _Clerk] = {}

    def start(self, trunks: Trunks) -> None:
        self._trunks = trunks
        self._tasks = [asyncio.create_task(self._look_after(trunks, door)) for door in trunks.doors]

    async def stop(self) -> None:
        """Ask no more, and take registrations back."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for clerk in self._clerks.values():
            clerk.leave()

    def receive(self, event: TrunkEvent) -> None:
        """What a SIP socket heard of a trunk apart from calls."""
        match event:
            case OptionsAnswered():
                self._on_options(event)
            case Registered() | RegistrationFailed():
                clerk = event.registration.handle
                if isinstance(clerk, _Clerk):
                    clerk.receive(event)

    async def _look_after(self, trunks: Trunks, door: Door) -> None:
        trunk = door.trunk
        while True:
            wait_s = trunk.options_every_s or LOOK_UP_EVERY_S
            try:
                targets = await trunks.directory.targets(trunk)
            except NoServers as error:
                log.warning("trunk leads nowhere", extra={"trunk": trunk.name, "why": str(error)})
                wait_s = LOOK_UP_AGAIN_S
            except Exception:
                # The edge of a task that must go on: without it a trunk would be judged by old news for ever.
                log.exception("trunk not looked up", extra={"trunk": trunk.name})
            else:
                if trunk.register:
                    self._clerks.setdefault(trunk.name, _Clerk(door)).see(targets)
                if trunk.options_every_s:
                    self._ping(door, targets)
            await asyncio.sleep(wait_s)

    def _ping(self, door: Door, targets: Sequence[Target]) -> None:
        patience_s = min(PING_PATIENCE_S, door.trunk.options_every_s)
        for address in [door.address(target) for target in targets]:
            door.sip.do(partial(door.sip.endpoint.ask_options, address, timeout_s=patience_s))

    def _on_options(self, event: OptionsAnswered) -> None:
        trunks = self._trunks
        if trunks is None:
            return
        now = trunks.now()
        for door in trunks.doors:
            for target in trunks.directory.known(door.trunk):
                if door.address(target) != event.trunk:
                    continue
                health = door.health_of(target)
                before = health.is_silent
                unreachable = event.status is None and event.why != NO_ANSWER
                health.pinged(now, event.status, event.round_trip_s, unreachable=unreachable)
                if before != health.is_silent:
                    words = "trunk server silent" if health.is_silent else "trunk server back"
                    extra = {"trunk": door.trunk.name, "target": str(target), "why": event.why}
                    log.warning(words, extra=extra)


class _Clerk:
    """Registers with one server of a trunk, and with the next where that one fails."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._targets: list[Target] = []
        self._at: Target | None = None
        # Servers that failed one after another, since the last success.
        self._failed: list[Target] = []
        self._registration: Registration | None = None

    def see(self, targets: Sequence[Target]) -> None:
        """The trunk's servers as they are now."""
        self._targets = list(targets)
        if self._at not in self._targets:
            self._failed.clear()
            self._register(self._targets[0])

    def receive(self, event: Registered | RegistrationFailed) -> None:
        if event.registration is not self._registration:
            return
        door = self._door
        if isinstance(event, Registered):
            self._failed.clear()
            door.registration, door.registration_failed = f"registered for {event.expires_s} s", False
            return
        log.warning(
            "not registered",
            extra={"trunk": door.trunk.name, "target": str(self._at), "status": event.status},
        )
        assert self._at is not None
        self._failed.append(self._at)
        others = [target for target in self._targets if target not in self._failed]
        if others and (event.status not in _ABOUT_US or event.status == _SILENCE):
            self._register(others[0])
            return
        # It goes on trying by itself, the last one; then the round begins anew.
        self._failed.clear()
        door.registration, door.registration_failed = f"{event.status} {event.reason}", True

    def leave(self) -> None:
        registration, self._registration = self._registration, None
        if registration is not None:
            self._door.sip.do(registration.stop)

    def _register(self, target: Target) -> None:
        self.leave()
        door = self._door
        trunk, address = door.trunk, door.address(target)
        self._at = target
        if door.registration is None:
            door.registration = "asked for"
        registration = door.sip.do(
            lambda now: door.sip.endpoint.register(address, trunk.user or "", int(trunk.expires_s), now)
        )
        registration.handle = self
        self._registration = registration
