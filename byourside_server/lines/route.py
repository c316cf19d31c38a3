"""One call's way out: which trunk and server to dial next, and what each has said so far.

An INVITE is tried elsewhere only while nothing has rung; that is the line's to see to. Here every server is
tried once, a trunk that refuses for all of itself is left, and limits are waited for briefly.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from byourside_server.calls.onward import Onward, onward, speaks_against_trunk
from byourside_server.lines.sip_socket import SipSocket
from byourside_server.lines.trunk import Trunk
from byourside_server.lines.trunk_identity import Identity, identity
from byourside_server.lines.trunk_names import NoServers, Target
from byourside_server.lines.trunks import Door, Trunks
from byourside_server.sip.endpoint import TrunkAddress
from byourside_server.sip.events import Refused

# How long a call waits for its moment where every fitting trunk has had its calls of this second.
PATIENCE_S = 5.0
# A server on trial takes one call at a time; others look again this often.
LOOK_AGAIN_S = 0.25
# After this no other server is tried: somebody waits for this call.
PLACING_LIMIT_S = 60.0


@dataclass(frozen=True)
class Way:
    """A server to dial."""

    door: Door
    target: Target
    identity: Identity

    @property
    def trunk(self) -> Trunk:
        return self.door.trunk

    @property
    def sip(self) -> SipSocket:
        return self.door.sip

    @property
    def address(self) -> TrunkAddress:
        return self.door.address(self.target)

    @property
    def shown(self) -> str:
        """As the record names it."""
        return f"{self.target};transport={self.trunk.transport}"


@dataclass(frozen=True)
class NoWay:
    """No trunk is left to try; why, for the record."""

    why: str


class Route:
    """Ways for one call, one after another. `release` it once the line is over."""

    def __init__(self, trunks: Trunks, to: str, caller_id: str) -> None:
        self._trunks, self._to, self._caller_id = trunks, to, caller_id
        self._tried: set[tuple[str, str, int]] = set()
        self._left: set[str] = set()
        self._way: Way | None = None
        self._since = trunks.now()
        self._stopped = False

    async def next(self) -> Way | NoWay:
        """The next way to try; gives the one before back."""
        self._give_back()
        if self._stopped:
            return NoWay("the call is over")
        doors = self._trunks.fitting(self._to, self._caller_id)
        if not doors:
            return NoWay(self._nobody_fits())
        give_up_at = self._trunks.now() + PATIENCE_S
        while True:
            now = self._trunks.now()
            if self._tried and now - self._since > PLACING_LIMIT_S:
                return NoWay(f"placing took {PLACING_LIMIT_S:.0f} s")
            whys: list[str] = []
            # (seconds to wait, way): the best of those that have no moment free at once.
            waiting: list[tuple[float, Way | None]] = []
            for door in doors:
                if door.trunk.name in self._left:
                    continue
                way = await self._open_way(door, whys, waiting)
                if way is None:
                    continue
                wait_s = door.pace.wait_s(self._trunks.now())
                if wait_s == 0.0:
                    return self._take(way)
                whys.append(f"{door.trunk.name} has its calls of this second")
                waiting.append((wait_s, way))
            soonest_s, way = min(waiting, key=lambda each: each[0], default=(PATIENCE_S + 1, None))
            if self._trunks.now() + soonest_s > give_up_at:
                return NoWay("; ".join(whys) or "every server was tried")
            if way is not None and not way.door.is_full:
                # Its moment is taken now, so that those who come later wait behind it.
                return await self._take_later(way)
            await asyncio.sleep(max(soonest_s, LOOK_AGAIN_S))

    def carried(self) -> None:
        """It rang, or was answered."""
        if self._way is not None:
            self._way.door.health_of(self._way.target).carried()

    def refused(self, said: Refused) -> Onward:
        """The current way ended in a refusal before anything rang: what to do about it."""
        way, status = self._way, said.status
        assert way is not None, "refused by nobody"
        move = onward(status, local=said.local, q850_cause=said.q850_cause)
        health = way.door.health_of(way.target)
        if speaks_against_trunk(status, move):
            why = f"{status} to a call"
            if said.local:
                why = "no answer to a call" if status == 408 else "its connection failed"
            health.failed(self._trunks.now(), why, said.retry_after_s if status == 503 else None)
        elif move == "final":
            health.carried()
        else:
            health.refused()
        if move == "next_trunk":
            self._left.add(way.trunk.name)
        return move

    def release(self) -> None:
        """The line is over: its place on the trunk is free."""
        self._stopped = True
        self._give_back()

    async def _open_way(
        self, door: Door, whys: list[str], waiting: list[tuple[float, Way | None]]
    ) -> Way | None:
        """The first untried server of a trunk that takes calls; None, and why, where there is none."""
        name = door.trunk.name
        if door.registration_failed:
            whys.append(f"{name} is not registered ({door.registration})")
            return None
        try:
            targets = await self._trunks.directory.targets(door.trunk)
        except NoServers as error:
            whys.append(f"{name}: {error}")
            return None
        # After the only pause: a place that is free now is still free when it is taken.
        if door.is_full:
            whys.append(f"{name} has its {door.trunk.max_calls} calls at once")
            return None
        now = self._trunks.now()
        for target in targets:
            if (name, *target.host_port) in self._tried:
                continue
            health = door.health_of(target)
            if health.takes(now):
                return Way(door, target, identity(door.trunk, self._to, self._caller_id))
            whys.append(f"{name} {target} is {health.words(now)}")
            if not health.is_open(now):
                waiting.append((LOOK_AGAIN_S, None))
        return None

    def _take(self, way: Way) -> Way:
        way.door.pace.take(self._trunks.now())
        self._hold(way)
        return way

    async def _take_later(self, way: Way) -> Way | NoWay:
        wait_s = way.door.pace.take(self._trunks.now())
        self._hold(way)
        await asyncio.sleep(wait_s)
        return way if self._way is way else NoWay("the call is over")

    def _hold(self, way: Way) -> None:
        self._tried.add((way.trunk.name, *way.target.host_port))
        way.door.live_calls += 1
        way.door.health_of(way.target).begin(self._trunks.now())
        self._way = way

    def _give_back(self) -> None:
        way, self._way = self._way, None
        if way is not None:
            way.door.live_calls -= 1
            way.door.health_of(way.target).refused()

    def _nobody_fits(self) -> str:
        if self._trunks.fitting(self._to):
            return f"no trunk may show {self._caller_id}: see caller_ids"
        return "no trunk takes this number: see prefixes"
