"""The house's trunks in their order: which of them a number may take, and whether any can just now.

A book of plain facts about each; `route` walks through it for one call, `trunk_watch` keeps it up to date.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from byourside_server.lines.sip_socket import SipSocket
from byourside_server.lines.trunk import Trunk
from byourside_server.lines.trunk_health import TargetHealth
from byourside_server.lines.trunk_names import Directory, NameServers, Target
from byourside_server.lines.trunk_pace import Pace
from byourside_server.sip.endpoint import TrunkAddress

Address = tuple[str, int]


@dataclass
class Door:
    """One trunk, the socket that leads to it, and what is known of it."""

    trunk: Trunk
    sip: SipSocket
    pace: Pace
    live_calls: int = 0
    health: dict[Address, TargetHealth] = field(default_factory=dict)
    # "registered", or why not; None where the trunk is not registered with.
    registration: str | None = None
    registration_failed: bool = False

    def health_of(self, target: Target) -> TargetHealth:
        return self.health.setdefault(target.host_port, TargetHealth(self.trunk.breaks_after))

    @property
    def is_full(self) -> bool:
        return self.trunk.max_calls is not None and self.live_calls >= self.trunk.max_calls

    def address(self, target: Target) -> TrunkAddress:
        """The next hop, and as whom."""
        trunk = self.trunk
        return TrunkAddress(
            target.host_port,
            trunk.domain or trunk.host,
            trunk.user,
            trunk.password,
            trunk.transport,
            trunk.server_name or trunk.host,
        )


class Trunks:
    """All trunks, best first."""

    def __init__(
        self,
        doors: Sequence[tuple[Trunk, SipSocket]],
        names: NameServers,
        now: Callable[[], float],
        chance: random.Random | None = None,
    ) -> None:
        self.doors = tuple(Door(trunk, sip, Pace(trunk.calls_per_second)) for trunk, sip in doors)
        self.now = now
        self.directory = Directory(names, now, chance or random.Random())

    def fitting(self, number: str, caller_id: str | None = None) -> list[Door]:
        """Doors that take calls to this number (from this caller ID), longest prefix first, then in order."""
        fits = [(door.trunk.fit(number), door) for door in self.doors]
        found = [(length, door) for length, door in fits if length is not None]
        found.sort(key=lambda each: -each[0])  # stable: the operator's order stays within one length
        return [d for _, d in found if caller_id is None or d.trunk.may_show(caller_id)]

    def is_down(self, number: str) -> bool:
        """True only where every trunk that takes this number is known to be down, or none takes it."""
        return all(self.door_is_down(door) for door in self.fitting(number))

    def door_is_down(self, door: Door) -> bool:
        """Known to be down. What was never tried is not."""
        if door.registration_failed:
            return True
        targets = self.directory.known(door.trunk)
        if not targets:
            return door.trunk.name in self.directory.trouble
        now = self.now()
        return all(t.host_port in door.health and door.health[t.host_port].is_open(now) for t in targets)

    @property
    def ring_timeout_s(self) -> float:
        """Alike for all."""
        return self.doors[0].trunk.ring_timeout_s

    def up(self) -> dict[str, bool]:
        """Each trunk by name, and whether calls can be given to it; one never tried is thought well of."""
        return {door.trunk.name: not self.door_is_down(door) for door in self.doors}


def sandbox_trunk(host: str, port: int, ring_timeout_s: float) -> Trunk:
    """The sandbox network as a trunk: its phones fail on purpose, and nobody asks how they are."""
    return Trunk(
        "sandbox",
        host,
        port,
        domain=host,
        ring_timeout_s=ring_timeout_s,
        options_every_s=0.0,
        breaks_after=0,
        captions=True,
    )
