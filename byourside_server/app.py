"""The house put together: reads the configuration, opens every door, serves, and closes again."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import cast

from byourside_server import __version__
from byourside_server.api.application import create_api
from byourside_server.api.desk import ApiSettings
from byourside_server.api.server import make_server
from byourside_server.clock import SystemClock
from byourside_server.config import Config, TrunkConfig
from byourside_server.conversation.brief import TransferTarget
from byourside_server.dashboard.application import create_dashboard
from byourside_server.dashboard.visit import DashboardSettings
from byourside_server.errors import ConfigError, Refusal
from byourside_server.guardrails.check import check_destination
from byourside_server.lines.equipment import Equipment
from byourside_server.lines.exchange import Exchange, to_owner
from byourside_server.lines.loop_watch import LoopWatch
from byourside_server.lines.media_memory import Weather
from byourside_server.lines.media_pool import MediaPool
from byourside_server.lines.media_port import MediaUnavailable
from byourside_server.lines.media_process import ProcessMediaPort
from byourside_server.lines.memory import search_seldom
from byourside_server.lines.sip_socket import SipSocket
from byourside_server.lines.sip_traces import SipTraces
from byourside_server.lines.tls_settings import TlsSettings, TlsSettingsError
from byourside_server.lines.trunk import Trunk
from byourside_server.lines.trunk_names import Dns
from byourside_server.lines.trunk_watch import TrunkWatch
from byourside_server.lines.trunks import Trunks, sandbox_trunk
from byourside_server.lines.virtual_clock import HouseClock
from byourside_server.mcp.late import open_mcp_late
from byourside_server.measures.book import Book
from byourside_server.metrics.access import Access, Readers
from byourside_server.metrics.application import Metered
from byourside_server.metrics.observation import Observation
from byourside_server.metrics.readings import Readings
from byourside_server.providers import registry
from byourside_server.providers.base import Expectation, ProviderError, SpeechToText
from byourside_server.providers.kept_speech import KeptSpeech, Limits
from byourside_server.sandbox.process import SandboxProcess
from byourside_server.sandbox.virtual_world import Furniture, VirtualWorld
from byourside_server.spans.export import open_exporter
from byourside_server.spans.post import SpanPost
from byourside_server.store.database import Database
from byourside_server.store.dbos_engine import DbosEngine
from byourside_server.switchboard import Switchboard, SwitchboardSettings
from byourside_server.thinking import Reader, Thinking, open_thinking
from byourside_server.webhooks.sender import Sender

log = logging.getLogger(__name__)

USER_AGENT = f"ByYourSide/{__version__}"
GRACE_S = 10.0


async def serve(config: Config) -> int:
    """Serve until told to stop (SIGTERM, SIGINT). Raises ConfigError for what the operator can mend."""
    listener = listen(config.host, config.port)
    with listener:
        async with open_rooms(config) as rooms:
            switchboard = rooms.switchboard
            settings = ApiSettings(
                version=__version__,
                public_url=config.public_url,
                allow_local_webhooks=config.allow_local_webhooks,
                trunks=switchboard.trunks_up,
                store_answers=switchboard.store_answers,
            )
            api = create_api(switchboard, settings=settings)
            tools = open_mcp_late(switchboard, version=__version__, public_url=config.public_url)
            async with tools as mount:
                pages = DashboardSettings(__version__, config.public_url, config.allow_local_webhooks)
                site = create_dashboard(switchboard, mount(api), settings=pages)
                metered = Metered(site, readings_of(rooms, config), access_of(config))
                server = make_server(metered, config.host, config.port, on_started=partial(_greet, config))
                search_seldom()
                await server.serve(sockets=[listener])
    return 0


def _greet(config: Config) -> None:
    """Say where the API is; whoever waits for this line may come, or tell the server to stop, at once."""
    sys.stdout.write(f"By Your Side {__version__} is listening on {config.public_url}\n")
    sys.stdout.flush()


def flag_of(error: OSError) -> str:
    """The flag that mends a failed bind: an address that is not this machine's is no fault of the port."""
    return "--host" if error.errno == errno.EADDRNOTAVAIL else "--port"


def listen(host: str, port: int) -> socket.socket:
    """The HTTP port, taken before anything else is started. Raises ConfigError where it can't be had."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"port {port} on {host} can't be had ({error.strerror}): choose another with {flag_of(error)}"
        ) from None
    return listener


@dataclass(frozen=True)
class Rooms:
    """What stands between the fronts and the telephone network."""

    switchboard: Switchboard
    exchange: Exchange | VirtualWorld
    book: Book


@contextlib.asynccontextmanager
async def open_house(config: Config) -> AsyncIterator[Switchboard]:
    """The switchboard of a house without fronts."""
    async with open_rooms(config) as rooms:
        yield rooms.switchboard


def readings_of(rooms: Rooms, config: Config) -> Readings:
    """What `/metrics` reads, and where."""
    media = rooms.exchange.media if isinstance(rooms.exchange, Exchange) else None
    return Readings(
        rooms.book,
        rooms.switchboard,
        rooms.exchange.trunks,
        config.max_live_calls,
        media.figures if isinstance(media, MediaPool) else None,
    )


def access_of(config: Config) -> Access:
    """Who may read it."""
    return Access(cast("Readers", config.metrics), config.metrics_token or "")


@contextlib.asynccontextmanager
async def open_rooms(config: Config) -> AsyncIterator[Rooms]:
    """Everything between the fronts and the telephone network, started and later stopped in order."""
    book = Book()
    exporter = None if config.otel_endpoint is None else open_exporter(config.otel_endpoint, __version__)
    recordings_dir = config.recordings_dir
    recordings_dir.mkdir(parents=True, exist_ok=True)
    async with contextlib.AsyncExitStack() as closing:
        database = Database(config.database_url, book)
        closing.push_async_callback(database.close)
        thinking = _open_thinking(config, book)
        closing.push_async_callback(thinking.close)
        clock = HouseClock(SystemClock())
        exchange: Exchange | VirtualWorld
        if config.is_virtual:
            exchange = await open_virtual_world(config, clock, thinking, closing, book)
        else:
            exchange = await open_exchange(config, recordings_dir, thinking, closing, book)
        switchboard = Switchboard(
            database,
            DbosEngine(database),
            exchange,
            Reader(thinking.analysis_model, config.on_behalf_of),
            Sender(allow_local=config.allow_local_webhooks),
            clock=clock if config.is_virtual else SystemClock(),
            receivers_clock=SystemClock() if config.is_virtual else None,
            # Else what an earlier start accepted while it was ahead of the machine would wait for hours.
            go_on_from=clock.reach if config.is_virtual else None,
            recordings_dir=recordings_dir,
            traces_dir=config.traces_dir,
            public_url=config.public_url,
            settings=SwitchboardSettings(
                max_live_calls=config.max_live_calls, languages=thinking.languages
            ),
            book=book,
        )
        switchboard.look_on(Observation(book).see)
        if exporter is not None:
            post = SpanPost(exporter, book, switchboard.find)
            post.start()
            # Closed after the switchboard's last word.
            closing.push_async_callback(post.stop)
            switchboard.look_on(post.see_call, post.see_sent)
        switchboard.trunk_is_down = exchange.trunks.is_down
        switchboard.trunks_up = exchange.trunks.up
        await switchboard.start()
        closing.push_async_callback(switchboard.stop, GRACE_S)
        yield Rooms(switchboard, exchange, book)


def _open_thinking(config: Config, book: Book) -> Thinking:
    try:
        return open_thinking(config.mind, config.analysis, config.secrets, book)
    except ProviderError as error:
        raise ConfigError(f"mind or analysis: {error}") from error


def transfer_targets(transfers: Mapping[str, str]) -> tuple[TransferTarget, ...]:
    """Whom calls may be handed over to. Raises ConfigError for a number that may not be dialled."""
    for name, number in transfers.items():
        try:
            check_destination(number)
        except Refusal as refusal:
            raise ConfigError(f"transfers.{name}: {number} may not be dialled ({refusal.token})") from None
    return tuple(TransferTarget(name, number) for name, number in transfers.items())


async def open_exchange(
    config: Config,
    recordings_dir: Path,
    thinking: Thinking,
    closing: contextlib.AsyncExitStack,
    book: Book,
) -> Exchange:
    """The telephone side: trunks or sandbox, SIP sockets, media processes, speech engines."""
    traces = SipTraces(config.traces_dir, SystemClock()) if config.sip_trace else None
    if traces is not None:
        config.traces_dir.mkdir(parents=True, exist_ok=True)
        closing.push_async_callback(traces.stop)
    trunks = await open_trunks(config, closing, traces)
    rows = -(-config.max_live_calls // config.media_processes)
    media = MediaPool([ProcessMediaPort(rows, config.sip_host) for _ in range(config.media_processes)])
    closing.push_async_callback(media.stop)
    try:
        await media.start()
        ears = registry.open_speech_to_text(config.speech_to_text, config.secrets, book)
        voice = registry.open_text_to_speech(config.text_to_speech, config.secrets, book)
    except (MediaUnavailable, ProviderError) as error:
        raise ConfigError(str(error)) from error
    closing.push_async_callback(ears.close)
    closing.push_async_callback(voice.close)
    # In the background: a call that comes sooner than the engine is ready merely waits for it.
    warming = asyncio.create_task(warm_up(ears))
    closing.callback(warming.cancel)
    loop_watch = LoopWatch()
    watching = asyncio.create_task(loop_watch.run())
    closing.callback(watching.cancel)
    return Exchange(
        Equipment(
            trunks=trunks,
            media=media,
            ears=ears,
            voice=voice,
            make_mind=thinking.make_mind,
            clock=SystemClock(),
            recordings_dir=recordings_dir,
            media_host=config.sip_host,
            today=date.today,
            on_behalf_of=config.on_behalf_of,
            transfers=transfer_targets(config.transfers),
            traces=traces,
            book=book,
        ),
        loop_watch,
    )


async def open_virtual_world(
    config: Config,
    clock: HouseClock,
    thinking: Thinking,
    closing: contextlib.AsyncExitStack,
    book: Book,
) -> VirtualWorld:
    """The telephone side at virtual time: lines and sandbox network in a thread of this process."""
    try:
        ears = registry.open_speech_to_text(config.speech_to_text, config.secrets, book)
        voice = registry.open_text_to_speech(config.text_to_speech, config.secrets, book)
    except ProviderError as error:
        raise ConfigError(str(error)) from error
    closing.push_async_callback(ears.close)
    closing.push_async_callback(voice.close)
    if config.sip_trace:
        config.traces_dir.mkdir(parents=True, exist_ok=True)
    world = VirtualWorld(
        Furniture(
            ears=ears,
            voice=voice,
            make_mind=thinking.make_mind,
            kept=KeptSpeech(config.kept_speech_dir, __version__, kept_limits(config)),
            clock=clock,
            recordings_dir=config.recordings_dir,
            traces_dir=config.traces_dir if config.sip_trace else None,
            capacity=config.max_live_calls,
            ring_timeout_s=config.ring_timeout_s,
            user_agent=USER_AGENT,
            ears_setting=config.speech_to_text,
            voice_setting=config.text_to_speech,
            on_behalf_of=config.on_behalf_of,
            transfers=transfer_targets(config.transfers),
            journal=config.sandbox_journal,
            weather=weather_of(config),
        )
    )
    await world.start()
    closing.push_async_callback(world.stop)
    return world


def kept_limits(config: Config) -> Limits:
    """How much speech is kept for the next start at virtual time, and for how long."""
    return Limits(config.kept_speech_mb * 1_000_000, config.kept_speech_days * 86_400.0)


def weather_of(config: Config) -> Weather | None:
    """What the sandbox's wires lose and delay; None where they do neither."""
    if not config.sandbox_loss_percent and not config.sandbox_jitter_ms:
        return None
    return Weather(config.sandbox_loss_percent / 100, config.sandbox_jitter_ms / 1000)


async def warm_up(ears: SpeechToText) -> None:
    """Have the recogniser loaded before the first call needs it."""
    try:
        await ears.prepare(Expectation())
    except ProviderError as error:
        log.error("speech-to-text is not ready", extra={"why": str(error)})


async def open_trunks(
    config: Config, closing: contextlib.AsyncExitStack, traces: SipTraces | None = None
) -> Trunks:
    """The configured trunks, looked after from now on; without one, the sandbox network."""
    watch = TrunkWatch()
    doors: list[tuple[Trunk, SipSocket]] = []
    if config.is_sandbox:
        host, port = await open_sandbox(config, closing)
        sip = await open_sip(config, watch, closing)
        doors.append((sandbox_trunk(host, port, config.ring_timeout_s), sip))
    # One socket for all trunks that see the same of us; the first has the configured port.
    sockets: dict[tuple[str | None, TlsSettings], SipSocket] = {}
    for given in config.trunks:
        trunk, tls = trunk_of(given, config), tls_of(given)
        known = sockets.get((trunk.advertised_host, tls))
        if known is None:
            port = config.sip_port + len(sockets) if config.sip_port else 0
            known = await open_sip(config, watch, closing, port, tls, trunk.advertised_host)
            sockets[trunk.advertised_host, tls] = known
        doors.append((trunk, known))
    if traces is not None:
        for _, sip in doors:
            sip.endpoint.tap(partial(traces.tap, (sip.host, sip.port)))
    for sip in sockets.values():
        sip.endpoint.trust(
            network for given, (_, used) in zip(config.trunks, doors, strict=True) if used is sip
            for network in given.networks
        )
    trunks = Trunks(doors, Dns(ipv6=":" in config.sip_host), asyncio.get_running_loop().time)
    watch.start(trunks)
    closing.push_async_callback(watch.stop)
    return trunks


async def open_sip(
    config: Config,
    watch: TrunkWatch,
    closing: contextlib.AsyncExitStack,
    port: int | None = None,
    tls: TlsSettings | None = None,
    advertised_host: str | None = None,
) -> SipSocket:
    """A SIP socket of this machine. Raises ConfigError where it can't be had."""
    port = config.sip_port if port is None else port
    sip = SipSocket(to_owner, user_agent=USER_AGENT, on_trunk_event=watch.receive)
    advertised = None if advertised_host is None else (advertised_host, port)
    try:
        await sip.open(config.sip_host, port, tls=tls, advertised=advertised)
    except OSError as error:
        why = error.strerror or str(error)
        which = "sip_host" if error.errno == errno.EADDRNOTAVAIL else "sip_port"
        raise ConfigError(f"SIP on {config.sip_host}:{port} can't be had ({why}): see {which}") from None
    except TlsSettingsError as error:
        raise ConfigError(str(error)) from None
    closing.push_async_callback(sip.close)
    return sip


def tls_of(given: TrunkConfig) -> TlsSettings:
    """What TLS connections of this trunk trust and show."""
    return TlsSettings(given.ca_file, given.verify, given.cert_file, given.key_file)


def trunk_of(given: TrunkConfig, config: Config) -> Trunk:
    """A trunk's settings as the lines know them."""
    return Trunk(
        name=given.name,
        host=given.host,
        port=given.port,
        transport=given.transport,
        domain=given.domain or given.host,
        server_name=given.server_name,
        user=given.user,
        password=given.password,
        register=given.register,
        expires_s=given.expires_s,
        caller=given.caller,
        caller_ids=given.caller_ids,
        from_account=given.from_ == "user",
        p_asserted_identity=given.p_asserted_identity,
        privacy=given.privacy,
        number_format=given.number_format,
        country_code=given.country_code or "",
        national_lead=given.national_lead,
        international_lead=given.international_lead,
        prefixes=given.prefixes,
        max_calls=given.max_calls,
        calls_per_second=given.calls_per_second,
        codecs=given.codecs,
        srtp=given.srtp,
        advertised_host=given.sip_advertised_host or config.sip_advertised_host,
        options_every_s=given.options_every_s,
        ring_timeout_s=config.ring_timeout_s,
    )


async def open_sandbox(config: Config, closing: contextlib.AsyncExitStack) -> tuple[str, int]:
    """Where the sandbox network listens: one that runs already, or one of our own."""
    if config.sandbox_address is not None:
        host, _, digits = config.sandbox_address.rpartition(":")
        return host, int(digits)
    sandbox = SandboxProcess(capacity=config.max_live_calls, journal=config.sandbox_journal)
    try:
        host, port = await sandbox.start()
    except OSError as error:
        raise ConfigError(str(error)) from error
    closing.push_async_callback(sandbox.stop)
    return host, port
