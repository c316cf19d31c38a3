"""Will the trunks carry calls? Each is looked up, connected to, asked and registered with, as serving would.

No call is placed. What a carrier says only to a call (a wrong password where it wants no registration, a
caller ID it does not let through) shows on the first one's record.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from byourside_server.cli.archive import is_served
from byourside_server.cli.findings import Finding, Verdict
from byourside_server.config import Config, TrunkConfig

OPTIONS_PATIENCE_S = 4.0
REGISTER_PATIENCE_S = 8.0
CONNECT_PATIENCE_S = 5.0
# The kernel's, from which the sound's ports are taken.
PORT_RANGE_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")
CREDENTIALS_REFUSED = frozenset({401, 403, 407})


def check_trunks(config: Config) -> Iterator[Finding]:
    if config.is_sandbox:
        yield Finding("ok", "trunk", "none: calls go to the sandbox network, no real phone rings")
        return
    yield from asyncio.run(_examine_all(config))
    if is_served(config):
        yield from _as_serving(config)


async def _examine_all(config: Config) -> list[Finding]:
    examined = [_Examination(config, trunk) for trunk in config.trunks]
    return [finding for each in await asyncio.gather(*(e.findings() for e in examined)) for finding in each]


class _Examination:
    """One trunk, from its name to its answer."""

    def __init__(self, config: Config, given: TrunkConfig) -> None:
        # Imported here, as by all checks: most commands need no telephone.
        from byourside_server.app import USER_AGENT, tls_of, trunk_of
        from byourside_server.lines.exchange import to_owner
        from byourside_server.lines.sip_socket import SipSocket
        from byourside_server.lines.trunk_pace import Pace
        from byourside_server.lines.trunks import Door
        from byourside_server.sip.trunk_events import TrunkEvent

        self._config, self._given = config, given
        self._subject = f"trunk {given.name}"
        self._at = "trunk" if given.name == "trunk" else f"trunks.{given.name}"
        self._tls = tls_of(given)
        self._trunk = trunk_of(given, config)
        self._heard: asyncio.Queue[TrunkEvent] = asyncio.Queue()
        sip = SipSocket(to_owner, user_agent=USER_AGENT, on_trunk_event=self._heard.put_nowait)
        self._sip = sip
        self._door = Door(self._trunk, sip, Pace(None))

    async def findings(self) -> list[Finding]:
        from byourside_server.lines.tls_settings import TlsSettingsError

        try:
            # Any port: the configured one may be in use by the server that runs.
            await self._sip.open(self._config.sip_host, 0, tls=self._tls)
        except (OSError, TlsSettingsError) as trouble:
            return [self._finding("fail", f"no SIP on {self._config.sip_host}: {trouble}")]
        try:
            return [finding async for finding in self._all()]
        finally:
            await self._sip.close()

    async def _all(self) -> AsyncIterator[Finding]:
        from byourside_server.lines.trunk_names import Directory, Dns, NoServers

        loop = asyncio.get_running_loop()
        directory = Directory(Dns(ipv6=":" in self._config.sip_host), loop.time, random.Random())
        try:
            targets = await directory.targets(self._trunk)
        except NoServers as trouble:
            yield self._finding("fail", f"{trouble}: mend {self._at}.host")
            return
        ordered = ", then ".join(
            str(each) if each.host in (each.address, self._given.host) else f"{each} ({each.host})"
            for each in targets
        )
        yield self._finding("ok", f"{self._given.host} is {ordered} over {self._trunk.transport}")
        for target in targets:
            if self._trunk.transport != "udp":
                broken = await self._connect(target.host_port)
                if broken is not None:
                    yield broken
                    continue
            yield await self._ask(target.host_port)
        if self._trunk.register:
            yield await self._register(targets[0].host_port)
        elif self._trunk.user is not None:
            yield self._finding("ok", "user and password are first asked for by a call, not before")
        for finding in self._reachable(targets[0].address):
            yield finding

    async def _connect(self, address: tuple[str, int]) -> Finding | None:
        """What is wrong with the connection, None where it stands."""
        from byourside_server.lines.tls_settings import TlsSettingsError, connection_failure

        name = self._trunk.server_name or self._trunk.host
        try:
            context = self._tls.client_context() if self._trunk.transport == "tls" else None
            async with asyncio.timeout(CONNECT_PATIENCE_S):
                _, writer = await asyncio.open_connection(
                    *address, ssl=context, server_hostname=name if context is not None else None
                )
            writer.close()
        except TlsSettingsError as trouble:
            return self._finding("fail", str(trouble))
        except OSError as trouble:  # TimeoutError and SSLError among them
            why = connection_failure(trouble, f"{address[0]}:{address[1]}")
            return self._finding("fail", f"{why}: {self._cure_of(trouble)}")
        return None

    def _cure_of(self, trouble: OSError) -> str:
        import ssl

        if isinstance(trouble, ssl.SSLCertVerificationError):
            if "ostname" in trouble.verify_message or "IP address" in trouble.verify_message:
                return f"set {self._at}.server_name to the name it carries"
            if "expired" in trouble.verify_message or "not yet valid" in trouble.verify_message:
                return "see this machine's clock, and ask the carrier"
            return f"set {self._at}.ca_file to the authority that signed it"
        if isinstance(trouble, ssl.SSLError):
            return "is that port one for TLS (5061), and does the carrier want a cert_file of ours?"
        return f"see {self._at}.port and {self._at}.transport, and the firewalls between"

    async def _ask(self, address: tuple[str, int]) -> Finding:
        from byourside_server.lines.trunk_names import Target
        from byourside_server.lines.trunk_watch import NO_ANSWER
        from byourside_server.sip.trunk_events import OptionsAnswered

        sip, shown = self._sip, f"{address[0]}:{address[1]}"
        asked = self._door.address(Target(*address, address[0]))
        sip.do(lambda now: sip.endpoint.ask_options(asked, now, timeout_s=OPTIONS_PATIENCE_S))
        while not isinstance(event := await self._heard.get(), OptionsAnswered):
            pass
        took_ms = event.round_trip_s * 1000
        if event.status is None and event.why == NO_ANSWER:
            return self._finding(
                "warn",
                f"{shown} does not answer OPTIONS: some carriers never do; else see that it knows this"
                " machine's address, and that no firewall holds SIP back",
            )
        if event.status is None:
            return self._finding("fail", f"{shown} can't be reached ({event.why}): see {self._at}.port")
        said = f"{shown} answers OPTIONS with {event.status} in {took_ms:.0f} ms"
        if event.status == 503:
            return self._finding("warn", f"{said}: it is out of service just now")
        if event.status == 403 and not self._trunk.register:
            return self._finding(
                "warn", f"{said}: see that the carrier lets this machine's address and {self._at}.user in"
            )
        return self._finding("ok", said)

    async def _register(self, address: tuple[str, int]) -> Finding:
        from byourside_server.lines.trunk_names import Target
        from byourside_server.sip.trunk_events import Registered, RegistrationFailed

        sip, trunk = self._sip, self._trunk
        at = self._door.address(Target(*address, address[0]))
        started = time.monotonic()
        registration = sip.do(
            lambda now: sip.endpoint.register(at, trunk.user or "", int(trunk.expires_s), now)
        )
        event: object = None
        try:
            async with asyncio.timeout(REGISTER_PATIENCE_S):
                while not isinstance(event, Registered | RegistrationFailed):
                    event = await self._heard.get()
        except TimeoutError:
            pass
        sip.do(registration.stop)
        took_ms = (time.monotonic() - started) * 1000
        if isinstance(event, Registered):
            words = f"{trunk.user} registered in {took_ms:.0f} ms, for {event.expires_s} s"
            return self._finding("ok", words)
        if not isinstance(event, RegistrationFailed):
            cure = f"set {self._at}.register = false if this carrier takes none"
            return self._finding("fail", f"no answer to REGISTER: {cure}, else see the firewalls between")
        cure = f"set {self._at}.register = false if this carrier takes none"
        if event.status in CREDENTIALS_REFUSED:
            cure = f"see {self._at}.user, {self._at}.password and {self._at}.domain"
        return self._finding("fail", f"REGISTER was refused with {event.status} {event.reason}: {cure}")

    def _reachable(self, target: str) -> Iterator[Finding]:
        """Can the trunk answer the address that we give it, and send its sound there?"""
        said = self._trunk.advertised_host or self._config.sip_host
        seen = self._sip.endpoint.seen_as if self._trunk.transport == "udp" else None
        cure = "set sip_advertised_host to the public one, set sip_port, and have that port forwarded here"
        if _is_loopback(said) and not _is_loopback(target):
            words = f"sip_host {said} is loopback, which a carrier can't answer: set sip_host"
            yield self._finding("fail", words)
            return
        if seen is not None and seen[0] != said:
            words = f'it sees us as {seen[0]} and we say {said}: set sip_advertised_host = "{seen[0]}",'
            yield self._finding("warn", f"{words} set sip_port, and have that port forwarded here")
        elif _is_private(said) and not _is_private(target):
            yield self._finding("warn", f"{said} is private, and the carrier is not: {cure}")
        elif seen is not None:
            yield self._finding("ok", f"it sees us as {said}, which is what we say")
        low, high = _port_range()
        words = f"sound comes to UDP ports {low} to {high} of {said}: firewalls must let it in"
        yield self._finding("ok", words)

    def _finding(self, verdict: Verdict, words: str) -> Finding:
        return Finding(verdict, self._subject, words)


def _port_range() -> tuple[str, str]:
    """From which the kernel gives the sound its ports."""
    try:
        low, high = PORT_RANGE_FILE.read_text().split()
    except (OSError, ValueError):
        low, high = "1024", "65535"
    return low, high


def _is_loopback(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _as_serving(config: Config) -> Iterator[Finding]:
    """What the server that runs thinks of its trunks."""
    import httpx

    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.host, config.host)
    shown = f"[{host}]" if ":" in host else host
    try:
        health = httpx.get(f"http://{shown}:{config.port}/healthz", timeout=CONNECT_PATIENCE_S).json()
        trunks = health.get("trunks", {})
    except (httpx.HTTPError, ValueError, AttributeError) as trouble:
        yield Finding("warn", "serving", f"the server that runs says nothing of its trunks ({trouble})")
        return
    for name, state in trunks.items():
        verdict: Verdict = "ok" if state == "up" else "fail"
        yield Finding(verdict, "serving", f"the server that runs holds trunk {name} for {state}")
