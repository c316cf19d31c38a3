"""How often may a password be tried? Waits that grow with every failure, per address and over all.

Knows no clock: seconds come in. Kept in memory: a new start forgets, which is no help to anyone against a
password of 120 random bits.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

FORGET_S = 3600.0
MAX_ADDRESSES = 10_000


@dataclass(frozen=True)
class Patience:
    """How many failures are free, and the longest wait after one more."""

    free: int
    longest_s: float

    def wait_s(self, failures: int) -> float:
        """Seconds to wait after that many failures: 1, 2, 4 … once the free ones are used up."""
        if failures < self.free:
            return 0.0
        return float(min(2.0 ** min(failures - self.free, 30), self.longest_s))


PER_ADDRESS = Patience(free=5, longest_s=900.0)
# One who tries from everywhere keeps the owner out for a minute at most.
OVER_ALL = Patience(free=50, longest_s=60.0)
EVERYWHERE = "*"


@dataclass(frozen=True)
class _Record:
    failures: int
    at: float


class Attempts:
    """Who has failed how often. An attempt counts as failed from its beginning until it is forgiven."""

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}

    def wait_s(self, address: str, now: float) -> float:
        """Seconds until this address may try again, 0 for now."""
        return max(
            self._left_s(neighbourhood(address), PER_ADDRESS, now), self._left_s(EVERYWHERE, OVER_ALL, now)
        )

    def begin(self, address: str, now: float) -> None:
        """Count an attempt before its outcome is known: many at once gain nothing."""
        for key in (EVERYWHERE, neighbourhood(address)):
            before = self._fresh(key, now)
            self._records.pop(key, None)  # to the end of the line: the oldest is forgotten first
            self._records[key] = _Record((before.failures if before else 0) + 1, now)
        while len(self._records) > MAX_ADDRESSES:
            del self._records[next(key for key in self._records if key != EVERYWHERE)]

    def forgive(self, address: str) -> None:
        """The attempt was right after all."""
        self._records.pop(neighbourhood(address), None)
        everywhere = self._records.get(EVERYWHERE)
        if everywhere is not None:
            self._records[EVERYWHERE] = _Record(everywhere.failures - 1, everywhere.at)

    def _left_s(self, key: str, patience: Patience, now: float) -> float:
        record = self._fresh(key, now)
        return max(0.0, record.at + patience.wait_s(record.failures) - now) if record else 0.0

    def _fresh(self, key: str, now: float) -> _Record | None:
        record = self._records.get(key)
        return record if record is not None and record.at > now - FORGET_S else None


def neighbourhood(address: str) -> str:
    """The address, or the /64 of an IPv6 one: that is what one customer is given."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
