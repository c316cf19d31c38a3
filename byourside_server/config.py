"""What the operator may decide, read once at the start: flags, then environment, then `config.toml`.

A setting `port` is the flag `--port`, the variable `BYOURSIDE_PORT` and the line `port = …` in the data
directory's `config.toml`; `trunk.host` is `BYOURSIDE_TRUNK_HOST` and `host` under `[trunk]`. The first that
is given counts. Only `app` and `cli` read this; every other room is handed plain values.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from byourside_server.errors import ConfigError

FILE_NAME = "config.toml"
DATABASE_NAME = "byourside.db"
PREFIX = "BYOURSIDE_"
DEFAULT_DATA_DIR = "~/.byourside"
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
TRUE, FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})
LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True)
class TrunkConfig:
    """The SIP trunk that carries real calls."""

    host: str
    """Name or address of the carrier's SIP server."""
    port: int = 5060
    """Its UDP port."""
    user: str | None = None
    """Name for digest authentication; None where the carrier knows us by our address."""
    password: str | None = field(default=None, repr=False)
    """Secret for digest authentication."""
    domain: str | None = None
    """Domain in From and To; the host where None."""
    caller: str | None = None
    """User part of From where the carrier wants its own; the caller ID of the call where None."""


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
    database_url: str = ""
    """`sqlite:///FILE` or `postgresql+asyncpg://…`; a file in the data directory unless set."""
    trunk: TrunkConfig | None = None
    """Where real calls leave; without one, calls go to the sandbox telephone network."""
    sandbox_address: str | None = None
    """HOST:PORT of a sandbox network that runs already; without it the server starts one of its own."""
    sip_host: str = "127.0.0.1"
    """Address of this machine for SIP, as the trunk reaches it; RTP uses it too."""
    sip_port: int = 0
    """UDP port for SIP; 0 takes a free one."""
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
    """Calls on the line at once, over all accounts: the rows of the media process."""
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
    log_level: str = "info"
    """debug, info, warning or error."""
    transfers: Mapping[str, str] = field(default_factory=dict)
    """Numbers that a call may be handed over to, by the name the mind knows them by."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Where vendors' keys are looked up: the environment, then `[keys]` of the file."""

    @property
    def is_sandbox(self) -> bool:
        """True where no real phone can ring."""
        return self.trunk is None

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
    sources = _Sources(flags, environ, _read_file(data_dir / FILE_NAME))
    host, port = sources.text("host", "127.0.0.1"), sources.whole("port", 8080, 1, 65_535)
    config = Config(
        data_dir=data_dir,
        host=host,
        port=port,
        public_url=sources.url("public_url", _own_url(host, port)),
        database_url=sources.text("database_url", f"sqlite:///{data_dir / DATABASE_NAME}"),
        trunk=_trunk(sources),
        sandbox_address=sources.host_and_port("sandbox_address"),
        sip_host=sources.text("sip_host", "127.0.0.1"),
        sip_port=sources.whole("sip_port", 0, 0, 65_535),
        ring_timeout_s=sources.whole("ring_timeout_s", 40, 5, 180),
        text_to_speech=sources.text("text_to_speech", "embedded"),
        speech_to_text=sources.text("speech_to_text", "embedded"),
        mind=sources.text("mind", "embedded"),
        analysis=sources.text("analysis", "mind"),
        on_behalf_of=sources.optional_text("on_behalf_of"),
        max_live_calls=sources.whole("max_live_calls", 200, 1, 10_000),
        calls_per_minute=sources.whole("calls_per_minute", 60, 0, 100_000),
        minute_allowance=sources.number_or_unlimited("minute_allowance", 1000.0),
        max_concurrent=sources.whole("max_concurrent", 10, 0, 10_000),
        allow_local_webhooks=sources.yes_or_no("allow_local_webhooks", False),
        sip_trace=sources.yes_or_no("sip_trace", True),
        log_level=sources.one_of("log_level", "info", LOG_LEVELS),
        transfers=_transfers(sources),
        # An empty variable is as good as none here too.
        secrets={**sources.table("keys"), **{name: value for name, value in environ.items() if value}},
    )
    sources.refuse_unknown()
    return config


def _trunk(sources: _Sources) -> TrunkConfig | None:
    host = sources.optional_text("trunk.host")
    port = sources.whole("trunk.port", 5060, 1, 65_535)
    user, password = sources.optional_text("trunk.user"), sources.optional_text("trunk.password")
    domain, caller = sources.optional_text("trunk.domain"), sources.optional_text("trunk.caller")
    if host is None:
        if any(value is not None for value in (user, password, domain, caller)):
            raise ConfigError("trunk.host is missing: a trunk needs the name or address of its SIP server")
        return None
    if (user is None) != (password is None):
        raise ConfigError("trunk.user and trunk.password go together: give both or neither")
    if caller is not None and not E164.fullmatch(caller):
        raise ConfigError(f"trunk.caller must be a number in E.164, for example +14155550100, not {caller!r}")
    return TrunkConfig(host, port, user, password, domain, caller)


def _transfers(sources: _Sources) -> dict[str, str]:
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


def _read_file(path: Path) -> dict[str, object]:
    """The settings of the file by dotted name; none where there is no file."""
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as trouble:
        raise ConfigError(f"{path} can't be read: {trouble.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise ConfigError(f"{path} is not TOML: {wrong}") from None
    flat: dict[str, object] = {}
    for name, value in found.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": inner_value for inner, inner_value in value.items()}
        else:
            flat[name] = value
    return flat


class _Sources:
    """The three places a setting may be in, asked in their order; remembers what was asked for."""

    def __init__(
        self, flags: Mapping[str, str | None], environ: Mapping[str, str], file: Mapping[str, object]
    ) -> None:
        self._flags = flags
        self._environ = environ
        self._file = file
        self._known: list[str] = []

    def _find(self, name: str) -> tuple[str, object]:
        """Where the setting was given, for messages, and its value or None."""
        self._known.append(name)
        flag = self._flags.get(name)
        if flag is not None:
            return f"--{name.replace('_', '-')}", flag
        variable = PREFIX + name.upper().replace(".", "_")
        if self._environ.get(variable, "") != "":
            return variable, self._environ[variable]
        return f"{FILE_NAME}: {name}", self._file.get(name)

    def optional_text(self, name: str) -> str | None:
        where, value = self._find(name)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(f"{where} must be text, not {value!r}")
        return value.strip()

    def text(self, name: str, default: str) -> str:
        value = self.optional_text(name)
        return default if value is None else value

    def host_and_port(self, name: str) -> str | None:
        value = self.optional_text(name)
        if value is not None and not re.fullmatch(r"[^:\s]+:[0-9]{1,5}", value):
            raise ConfigError(f"{name} must be HOST:PORT, for example 127.0.0.1:5080, not {value!r}")
        return value

    def one_of(self, name: str, default: str, known: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value not in known:
            raise ConfigError(f"{name} must be one of {', '.join(known)}, not {value!r}")
        return value

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        where, value = self._find(name)
        if value is None:
            return default
        digits = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if not re.fullmatch(r"-?[0-9]{1,9}", digits) or not low <= int(digits) <= high:
            raise ConfigError(f"{where} must be a whole number from {low} to {high}, not {value!r}")
        return int(digits)

    def number_or_unlimited(self, name: str, default: float) -> float | None:
        where, value = self._find(name)
        if value is None:
            return default
        if value == "unlimited":
            return None
        digits = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", digits):
            raise ConfigError(f'{where} must be a number of minutes or "unlimited", not {value!r}')
        return float(digits)

    def table(self, name: str) -> dict[str, str]:
        """A table of the file whose names are the operator's own: `[keys]`, `[transfers]`."""
        found = {key: value for key, value in self._file.items() if key.startswith(f"{name}.")}
        self._known.extend(found)
        for key, value in found.items():
            if not isinstance(value, str) or not value.strip():
                raise ConfigError(f"{FILE_NAME}: {key} must be text")
        return {key.removeprefix(f"{name}."): str(value).strip() for key, value in found.items()}

    def yes_or_no(self, name: str, default: bool) -> bool:
        where, value = self._find(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in TRUE | FALSE:
            return value.lower() in TRUE
        raise ConfigError(f"{where} must be true or false, not {value!r}")

    def url(self, name: str, default: str) -> str:
        where, _ = self._find(name)
        value = self.text(name, default).rstrip("/")
        try:
            parts = urlsplit(value)
            sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            sound = False
        if not sound or parts.query or parts.fragment:
            raise ConfigError(f"{where} must be a URL such as https://phone.example.com, not {value!r}")
        return value

    def refuse_unknown(self) -> None:
        """A misspelt line in the file would silently be a default; the environment is others' too."""
        for name in self._file:
            if name not in self._known:
                near = difflib.get_close_matches(name, self._known, 1)
                hint = f": did you mean {near[0]}?" if near else ""
                raise ConfigError(f"{FILE_NAME} has {name!r}, which is no setting{hint}")
