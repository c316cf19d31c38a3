"""What the operator may decide, read once at the start: flags, then environment, then `config.toml`.

A setting `port` is the flag `--port`, the variable `BYOURSIDE_PORT` and the line `port = …` in the data
directory's `config.toml`; `trunk.host` is `BYOURSIDE_TRUNK_HOST` and `host` under `[trunk]`. The first that
is given counts. Only `app` and `cli` read this; every other room is handed plain values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from byourside_server.config.sources import FILE_NAME, PREFIX, Sources, read_file
from byourside_server.config.trunks import E164, TrunkConfig, read_trunks
from byourside_server.errors import ConfigError

__all__ = ["Config", "TrunkConfig", "load_config"]

DATABASE_NAME = "byourside.db"
DEFAULT_DATA_DIR = "~/.byourside"
SPEEDS = ("real", "virtual")
LOG_LEVELS = ("debug", "info", "warning", "error")
METRICS_READERS = ("off", "local", "token", "open")


@dataclass(frozen=True)
class Config:
    """Every setting, checked."""

    data_dir: Path
    """Where database, recordings and `config.toml` lie."""
    host: str = "127.0.0.1"
    """Address the HTTP API listens on."""
    port: int = 8080
    """Port the HTTP API listens on."""
    public_url: str = "http://127.0.0.1:8080"
    """How callers reach the API: the beginning of every `recordingUrl`."""
    database_url: str = field(default="", repr=False)
    """`sqlite:///FILE` or `postgresql+asyncpg://…`; a file in the data directory unless set."""
    trunks: tuple[TrunkConfig, ...] = ()
    """Where real calls leave, best first; without any, calls go to the sandbox telephone network."""
    sandbox_address: str | None = None
    """HOST:PORT of a sandbox network that runs already; without it the server starts one of its own."""
    sandbox_journal: Path | None = None
    """File that gets a JSON line for every call that reaches the sandbox network, and for every key."""
    sandbox_loss_percent: int = 0
    """Of all datagrams to and from the sandbox network, at virtual time: how many are lost."""
    sandbox_jitter_ms: int = 0
    """At virtual time every datagram takes from 0 to so long, and may be overtaken."""
    speed: str = "real"
    """How fast time goes in the sandbox: `real`, or `virtual`, as fast as this machine computes."""
    kept_speech_mb: int = 200
    """Megabytes of speech kept for the next start at virtual time; 0 writes none down."""
    kept_speech_days: int = 30
    """Days after which kept speech is deleted."""
    sip_host: str = "127.0.0.1"
    """Address of this machine for SIP, as the trunk reaches it; RTP uses it too."""
    sip_port: int = 0
    """UDP port for SIP; 0 takes a free one."""
    sip_advertised_host: str | None = None
    """Address written into SIP and SDP where the network sees another than `sip_host` (behind NAT)."""
    ring_timeout_s: int = 40
    """Seconds of ringing after which a call is `no_answer`."""
    text_to_speech: str = "embedded"
    """Engine that speaks."""
    speech_to_text: str = "embedded"
    """Engine that listens."""
    mind: str = "embedded"
    """Who holds the conversation: `embedded`, or language models such as `openai?model=…`."""
    analysis: str = "mind"
    """Who reads the transcript: `mind` (the same models), `embedded`, or models of its own."""
    on_behalf_of: str | None = None
    """Whom the agent says it is calling for."""
    max_live_calls: int = 200
    """Calls on the line at once, over all accounts: the rows of the media processes together."""
    media_processes: int = 1
    """Media engines side by side, each with its share of the calls; one holds about a core's worth."""
    calls_per_minute: int = 60
    """Of a new account: calls one key may place in a minute."""
    minute_allowance: float | None = 1000.0
    """Of a new account: outbound minutes per calendar month; None is no cap."""
    max_concurrent: int = 10
    """Of a new account: its calls on the line at once."""
    allow_local_webhooks: bool = False
    """For development: `webhookUrl` may be http://localhost, too."""
    sip_trace: bool = True
    """Whether the SIP messages of every call are kept, without their secrets."""
    metrics: str = "local"
    """Who may read `/metrics`: `off` nobody, `local` this machine, `token` who shows it, `open` everybody."""
    metrics_token: str | None = field(default=None, repr=False)
    """Of `metrics = "token"`: what a reader shows as bearer."""
    otel_endpoint: str | None = field(default=None, repr=False)
    """An OpenTelemetry collector (OTLP over HTTP) that gets a trace of every call; none unless set."""
    log_level: str = "info"
    """debug, info, warning or error."""
    transfers: Mapping[str, str] = field(default_factory=dict)
    """Numbers that a call may be handed over to, by the name the mind knows them by."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Where vendors' keys are looked up: the environment, then `[keys]` of the file."""

    @property
    def is_sandbox(self) -> bool:
        """True where no real phone can ring."""
        return not self.trunks

    @property
    def is_virtual(self) -> bool:
        """True where calls take as long as they are computed."""
        return self.speed == "virtual"

    @property
    def kept_speech_dir(self) -> Path:
        """Where speech made and recognised at virtual time lies."""
        return self.data_dir / "virtual-speech"

    @property
    def recordings_dir(self) -> Path:
        """Where recordings lie."""
        return self.data_dir / "recordings"

    @property
    def traces_dir(self) -> Path:
        """Where the SIP messages of calls lie."""
        return self.data_dir / "traces"

    @property
    def database_file(self) -> Path | None:
        """The SQLite file, None on PostgreSQL."""
        scheme, _, path = self.database_url.partition(":///")
        return Path(path) if scheme.startswith("sqlite") else None


def load_config(flags: Mapping[str, str | None], environ: Mapping[str, str]) -> Config:
    """Return the settings. Raises ConfigError that names the setting, where it was given, and the cure.

    `flags` are the command line's, by setting name; None is a flag that was not given.
    """
    given = flags.get("data_dir") or environ.get(f"{PREFIX}DATA_DIR") or DEFAULT_DATA_DIR
    data_dir = Path(given).expanduser().absolute()
    sources = Sources(flags, environ, read_file(data_dir / FILE_NAME))
    host, port = sources.text("host", "127.0.0.1"), sources.whole("port", 8080, 1, 65_535)
    config = Config(
        data_dir=data_dir,
        host=host,
        port=port,
        public_url=sources.url("public_url", _own_url(host, port)),
        database_url=sources.text("database_url", f"sqlite:///{data_dir / DATABASE_NAME}"),
        trunks=read_trunks(sources),
        sandbox_address=sources.host_and_port("sandbox_address"),
        sandbox_journal=_journal(sources),
        sandbox_loss_percent=sources.whole("sandbox_loss_percent", 0, 0, 50),
        sandbox_jitter_ms=sources.whole("sandbox_jitter_ms", 0, 0, 500),
        speed=sources.one_of("speed", "real", SPEEDS),
        kept_speech_mb=sources.whole("kept_speech_mb", 200, 0, 100_000),
        kept_speech_days=sources.whole("kept_speech_days", 30, 1, 3_650),
        sip_host=sources.text("sip_host", "127.0.0.1"),
        sip_port=sources.whole("sip_port", 0, 0, 65_535),
        sip_advertised_host=sources.ip_address("sip_advertised_host"),
        ring_timeout_s=sources.whole("ring_timeout_s", 40, 5, 180),
        text_to_speech=sources.text("text_to_speech", "embedded"),
        speech_to_text=sources.text("speech_to_text", "embedded"),
        mind=sources.text("mind", "embedded"),
        analysis=sources.text("analysis", "mind"),
        on_behalf_of=sources.optional_text("on_behalf_of"),
        max_live_calls=sources.whole("max_live_calls", 200, 1, 10_000),
        media_processes=sources.whole("media_processes", 1, 1, 64),
        calls_per_minute=sources.whole("calls_per_minute", 60, 0, 100_000),
        minute_allowance=sources.number_or_unlimited("minute_allowance", 1000.0),
        max_concurrent=sources.whole("max_concurrent", 10, 0, 10_000),
        allow_local_webhooks=sources.yes_or_no("allow_local_webhooks", False),
        sip_trace=sources.yes_or_no("sip_trace", True),
        metrics=sources.one_of("metrics", "local", METRICS_READERS),
        metrics_token=sources.optional_text("metrics_token"),
        otel_endpoint=_collector(sources),
        log_level=sources.one_of("log_level", "info", LOG_LEVELS),
        transfers=_transfers(sources),
        # An empty variable is as good as none here too.
        secrets={**sources.table("keys"), **{name: value for name, value in environ.items() if value}},
    )
    sources.refuse_unknown()
    _refuse_unreachable(config)
    _refuse_hasty(config)
    _refuse_unguarded(config)
    return config


def _refuse_unreachable(config: Config) -> None:
    """What carriers are told of us must be an address and a port they can send to."""
    advertised = {trunk.sip_advertised_host or config.sip_advertised_host for trunk in config.trunks}
    if advertised - {None} and not config.sip_port:
        raise ConfigError(
            "sip_advertised_host needs sip_port: the port that is forwarded to this machine, for example 5060"
        )
    if config.sip_host in ("0.0.0.0", "::") and (None in advertised or config.is_sandbox):
        raise ConfigError(
            f"sip_host {config.sip_host} is no address that others could send to:"
            " set it to this machine's, or set sip_advertised_host, too"
        )


def _refuse_unguarded(config: Config) -> None:
    """A token that is asked for must be there, and one that is there must be asked for."""
    if config.metrics == "token" and not config.metrics_token:
        raise ConfigError('metrics = "token" needs metrics_token: what readers show as bearer')
    if config.metrics_token is not None and config.metrics != "token":
        raise ConfigError('metrics_token guards nothing without metrics = "token"')
    token = config.metrics_token or ""
    if token and not re.fullmatch(r"[\x21-\x7e]{16,512}", token):
        raise ConfigError("metrics_token must be 16 to 512 visible ASCII characters without spaces")


def _refuse_hasty(config: Config) -> None:
    """A real phone rings in real time, and so does a network of another process."""
    if not config.is_virtual:
        if config.sandbox_loss_percent or config.sandbox_jitter_ms:
            raise ConfigError(
                "sandbox_loss_percent and sandbox_jitter_ms are the weather of virtual time: add"
                " --virtual-time, or take them out"
            )
        return
    if config.trunks:
        names = ", ".join(trunk.name for trunk in config.trunks)
        raise ConfigError(
            f"speed = virtual is for the sandbox alone, and a trunk is configured ({names}): a real phone"
            " rings in real time; remove the trunk, or --virtual-time"
        )
    if config.sandbox_address is not None:
        raise ConfigError(
            "speed = virtual has its sandbox network in the server itself: remove sandbox_address, or"
            " --virtual-time"
        )


def _transfers(sources: Sources) -> dict[str, str]:
    """`[transfers]` of the file: `reception = "+14155550100"`."""
    targets = sources.table("transfers")
    for name, number in targets.items():
        if not E164.fullmatch(number):
            raise ConfigError(
                f"{FILE_NAME}: transfers.{name} must be a number in E.164, for example +14155550100,"
                f" not {number!r}"
            )
    return targets


def _own_url(host: str, port: int) -> str:
    """An address that works from this machine: wildcard addresses are no one's."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{port}"


def _collector(sources: Sources) -> str | None:
    """The collector's address; a bare one gets the path that the protocol gives traces."""
    if sources.optional_text("otel_endpoint") is None:
        return None
    given = sources.url("otel_endpoint", "")
    return given if urlsplit(given).path.strip("/") else f"{given}/v1/traces"


def _journal(sources: Sources) -> Path | None:
    """Its directory must be there: one that can't be written would only show in the first call."""
    given = sources.optional_text("sandbox_journal")
    if given is None:
        return None
    journal = Path(given).expanduser().absolute()
    if not journal.parent.is_dir():
        raise ConfigError(f"sandbox_journal: there is no directory {journal.parent}: make it first")
    return journal
