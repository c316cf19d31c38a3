"""From a trunk's name to its servers: SRV by priority and weight, else addresses. RFC 3263, RFC 2782.

Answers are kept as long as their TTL allows, and longer where the name servers are away: an old address is
better than none. No NAPTR: which transport a trunk is reached by is the operator's setting.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import random
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import dns.asyncresolver
import dns.exception
import dns.rdatatype
import dns.resolver

from byourside_server.lines.trunk import Trunk

DEFAULT_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}
SERVICES = {"udp": "_sip._udp", "tcp": "_sip._tcp", "tls": "_sips._tcp"}
# A TTL of nothing would ask before each call; one of a week would outlive the carrier's move.
SHORTEST_TTL_S, LONGEST_TTL_S = 5.0, 3600.0
# Of names the name servers do not know (the machine's own hosts file does), and of failures.
HOSTS_TTL_S, FAILURE_TTL_S = 60.0, 10.0
PATIENCE_S = 4.0

log = logging.getLogger(__name__)


class NoServers(Exception):
    """The trunk's name leads nowhere; says why and what to mend."""


@dataclass(frozen=True)
class Srv:
    """One SRV record."""

    priority: int
    weight: int
    port: int
    host: str


@dataclass(frozen=True)
class Target:
    """One server of a trunk."""

    address: str
    port: int
    # The name behind the address, where it is another.
    host: str
    priority: int = 0
    weight: int = 0

    @property
    def host_port(self) -> tuple[str, int]:
        return self.address, self.port

    def __str__(self) -> str:
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return f"{shown}:{self.port}"


class NameServers(Protocol):
    """What is asked of the DNS. An empty answer is a name without such records; OSError is no answer."""

    async def srv(self, name: str) -> tuple[list[Srv], float]: ...

    async def addresses(self, name: str) -> tuple[list[str], float]: ...


class Dns:
    """The name servers of this machine, with its hosts file behind them."""

    def __init__(self, *, ipv6: bool = False, resolver: dns.asyncresolver.Resolver | None = None) -> None:
        self._family, self._kind = (socket.AF_INET6, "AAAA") if ipv6 else (socket.AF_INET, "A")
        self._resolver = resolver

    async def srv(self, name: str) -> tuple[list[Srv], float]:
        answer = await self._ask(name, "SRV")
        if answer is None or answer.rrset is None:
            return [], FAILURE_TTL_S
        records = [Srv(each.priority, each.weight, each.port, each.target.to_text()) for each in answer]
        return records, float(answer.rrset.ttl)

    async def addresses(self, name: str) -> tuple[list[str], float]:
        try:
            answer = await self._ask(name, self._kind)
        except OSError:
            answer = None
        if answer is not None and answer.rrset is not None:
            return [each.to_text() for each in answer], float(answer.rrset.ttl)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                name.rstrip("."), None, family=self._family, type=socket.SOCK_DGRAM
            )
        except socket.gaierror as error:
            if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
                return [], FAILURE_TTL_S
            raise OSError(str(error)) from None
        return list(dict.fromkeys(str(each[4][0]) for each in found)), HOSTS_TTL_S

    async def _ask(self, name: str, kind: str) -> dns.resolver.Answer | None:
        """None where the name servers say there is none of that kind. OSError where they say nothing."""
        try:
            if self._resolver is None:
                self._resolver = dns.asyncresolver.Resolver()
            return await self._resolver.resolve(name, kind, lifetime=PATIENCE_S, search=kind != "SRV")
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return None
        except dns.exception.DNSException as error:
            raise OSError(str(error) or type(error).__name__) from None


@dataclass
class _Found:
    records: list[tuple[Srv, list[str]]]
    until: float


class Directory:
    """Servers of trunks by name, in the order to try them; remembers answers."""

    def __init__(self, names: NameServers, now: Callable[[], float], chance: random.Random) -> None:
        self._names, self._now, self._chance = names, now, chance
        self._found: dict[tuple[str, int | None, str], _Found] = {}
        self._asking: dict[tuple[str, int | None, str], asyncio.Future[_Found]] = {}
        # Trunk name → why its host leads nowhere just now.
        self.trouble: dict[str, str] = {}

    async def targets(self, trunk: Trunk) -> tuple[Target, ...]:
        """The trunk's servers, best first. Raises NoServers where there are none to be had."""
        key = trunk.host, trunk.port, trunk.transport
        found = self._found.get(key)
        if found is None or self._now() >= found.until:
            found = await self._renewed(trunk, key, found)
        return tuple(
            Target(address, srv.port, srv.host.rstrip("."), srv.priority, srv.weight)
            for srv, addresses in self._in_order(found.records)
            for address in addresses
        )

    def known(self, trunk: Trunk) -> tuple[Target, ...]:
        """What was last found, however old; nothing where nothing was."""
        found = self._found.get((trunk.host, trunk.port, trunk.transport))
        records = found.records if found is not None else []
        return tuple(
            Target(address, srv.port, srv.host.rstrip("."), srv.priority, srv.weight)
            for srv, addresses in sorted(records, key=lambda record: record[0].priority)
            for address in addresses
        )

    async def _renewed(
        self, trunk: Trunk, key: tuple[str, int | None, str], old: _Found | None
    ) -> _Found:
        """Ask anew, once for all who want to know."""
        asking = self._asking.get(key)
        if asking is None:
            asking = asyncio.ensure_future(self._look_up(trunk))
            self._asking[key] = asking
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        try:
            found = await asyncio.shield(asking)
        except NoServers as error:
            self.trouble[trunk.name] = str(error)
            if old is None:
                raise
            log.warning("old addresses of a trunk", extra={"trunk": trunk.name, "why": str(error)})
            found = _Found(old.records, self._now() + FAILURE_TTL_S)
        else:
            self.trouble.pop(trunk.name, None)
        self._found[key] = found
        return found

    async def _look_up(self, trunk: Trunk) -> _Found:
        host, now = trunk.host.strip("[]"), self._now()
        port = trunk.port or DEFAULT_PORTS[trunk.transport]
        try:
            ipaddress.ip_address(host)
        except ValueError:
            pass
        else:
            return _Found([(Srv(0, 0, port, host), [host])], float("inf"))
        try:
            if trunk.port is None:
                found = await self._by_srv(f"{SERVICES[trunk.transport]}.{host}", now)
                if found is not None:
                    return found
            addresses, ttl_s = await self._names.addresses(host)
        except OSError as error:
            raise NoServers(f"the name servers do not answer about {host} ({error})") from None
        if not addresses:
            raise NoServers(f"{host} has no address: mend the trunk's host")
        return _Found([(Srv(0, 0, port, host), addresses)], now + _kept_s(ttl_s))

    async def _by_srv(self, name: str, now: float) -> _Found | None:
        """None where the name has no SRV records (RFC 3263 §4.2: then its addresses)."""
        records, ttl_s = await self._names.srv(name)
        if not records:
            return None
        if all(record.host == "." for record in records):
            # RFC 2782: "the service is decidedly not available at this domain".
            raise NoServers(f"{name} says that there is no such service: set another transport")
        found = []
        for record in records:
            addresses, address_ttl_s = await self._names.addresses(record.host)
            ttl_s = min(ttl_s, address_ttl_s)
            if addresses:
                found.append((record, addresses))
        if not found:
            raise NoServers(f"{name} names {records[0].host}, which has no address")
        return _Found(found, now + _kept_s(ttl_s))

    def _in_order(self, records: Sequence[tuple[Srv, list[str]]]) -> list[tuple[Srv, list[str]]]:
        """RFC 2782: lowest priority first; within one, drawn by weight, those of weight 0 rarely first."""
        ordered: list[tuple[Srv, list[str]]] = []
        for priority in sorted({srv.priority for srv, _ in records}):
            left = sorted((r for r in records if r[0].priority == priority), key=lambda r: r[0].weight)
            while left:
                drawn = self._chance.randint(0, sum(srv.weight for srv, _ in left))
                for at, (srv, _) in enumerate(left):
                    drawn -= srv.weight
                    if drawn <= 0:
                        ordered.append(left.pop(at))
                        break
        return ordered


def _kept_s(ttl_s: float) -> float:
    return min(LONGEST_TTL_S, max(SHORTEST_TTL_S, ttl_s))
