"""Plugins of LiveKit Agents, by name: found, checked, built from text, and their errors understood.

They run here without a room and without LiveKit's server. What they need of it, an HTTP session, they find in
a context of their own. Knows no single plugin; imports livekit only when one is named.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import importlib
import logging
import re
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from byourside_server.providers.base import ProviderError, ProviderErrorKind
from byourside_server.providers.retry_after import retry_after
from byourside_server.providers.specification import Options, bad_configuration, missing_key
from byourside_server.providers.vendor_http import KIND_OF_CODE, KIND_OF_STATUS
from byourside_server.providers.written_arguments import takes, written_arguments

if TYPE_CHECKING:
    from livekit.agents import APIConnectOptions, APIError

Result = TypeVar("Result")

PREFIX = "livekit:"
_TARGET = re.compile(r"(?P<module>[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)*)\.(?P<name>[A-Za-z_]\w*)")
# Never options: the key comes by the name of its variable, since an engine's name is shown and logged.
_HIDDEN = frozenset({"api_key"})
_LONGEST_REASON = 300
_DEEPEST_CAUSE = 5


def load_class(target: str, base: str) -> type:
    """The class that `cartesia.TTS` names; `base` is `tts.TTS` or `stt.STT` of livekit.agents.

    Raises ProviderError (BAD_CONFIGURATION) that says what to install or which classes there are.
    """
    match = _TARGET.fullmatch(target)
    if match is None:
        raise bad_configuration(
            f"{PREFIX + target!r} names no plugin: write livekit:<plugin>.<Class>, as in livekit:deepgram.STT"
        )
    plugin = match["module"].partition(".")[0]
    agents = _imported("livekit.agents", plugin)
    module = _imported(f"livekit.plugins.{match['module']}", plugin)
    _quieten()
    kind, _, name = base.partition(".")
    wanted: type = getattr(getattr(agents, kind), name)
    found = getattr(module, match["name"], None)
    if not isinstance(found, type) or not issubclass(found, wanted):
        fitting = sorted(
            key
            for key, value in vars(module).items()
            if isinstance(value, type) and issubclass(value, wanted)
        )
        raise bad_configuration(
            f"{PREFIX + target!r} is no {name} of livekit-agents; {plugin} has {', '.join(fitting) or 'none'}"
        )
    return found


def _imported(module: str, plugin: str) -> Any:
    package = f"livekit-plugins-{plugin.replace('_', '-')}"
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        name = missing.name or ""
        if module == name or module.startswith(f"{name}."):
            absent = package if name.startswith("livekit.plugins") else "livekit-agents"
            raise bad_configuration(
                f"{absent} is not installed: pip install 'byourside-server[livekit]' {package}"
            ) from missing
        raise bad_configuration(f"{package} needs {name!r}, which is not installed") from missing
    except (ImportError, RuntimeError) as broken:  # RuntimeError: plugins register on the main thread only
        raise bad_configuration(f"{module} cannot be loaded: {broken}") from broken


def _quieten() -> None:
    """Their log lines may quote what was said; what went wrong is told by ProviderError."""
    logging.getLogger("livekit").setLevel(logging.CRITICAL + 1)


def seconds(options: Options, name: str, default: float) -> float:
    """A wait that the operator may set. Raises ProviderError (BAD_CONFIGURATION)."""
    value = options.number(name, default)
    if not value:
        raise bad_configuration(f"option {name!r} must be longer than 0 seconds")
    return value


def connect_options(connect_s: float) -> APIConnectOptions:
    """One attempt: whether to ask again is the chain's to decide."""
    from livekit.agents import APIConnectOptions

    return APIConnectOptions(max_retry=0, retry_interval=0.0, timeout=connect_s)


class Plugin:
    """One plugin's instance and the context in which its methods are called."""

    def __init__(self, target: str, base: str, options: Options, environ: Mapping[str, str]) -> None:
        """Raises ProviderError (BAD_CONFIGURATION). Options that are not its own were asked for before."""
        self.name = PREFIX + target
        build = load_class(target, base)
        if options.optional("api_key") is not None:
            raise bad_configuration(f"{self.name!r}: put the key into a variable and write key_env=ITS_NAME")
        self._key_env = options.optional("key_env")
        key = _key(self.name, build, self._key_env, environ)
        given = {"api_key": key} if key is not None else {}
        arguments = written_arguments(self.name, build, options, given=given, hidden=_HIDDEN)
        options.refuse_unknown()
        self.arguments = frozenset(arguments)
        self._context = contextvars.Context()
        self._closing = contextlib.AsyncExitStack()
        self._opening: asyncio.Task[Any] | None = None
        self.instance: Any = self._built(build, arguments, key)

    def _built(self, build: type, arguments: Mapping[str, object], key: str | None) -> object:
        try:
            return self._context.run(build, **arguments)
        except Exception as refusal:  # whatever a foreign constructor raises, it does not like its arguments
            reason = str(refusal)[:_LONGEST_REASON]
            reason = reason.replace(key, "…") if key else reason
            raise bad_configuration(f"{self.name!r} cannot be set up: {reason}") from None

    async def ready(self) -> None:
        """Before anything else: the HTTP session belongs to the loop that runs now. Raises ProviderError."""
        from livekit.agents.utils import http_context

        self.refuse_if_closed()
        if self._opening is None:
            opening = self._closing.enter_async_context(http_context.open())
            self._opening = asyncio.create_task(opening, context=self._context)
        await asyncio.shield(self._opening)

    def call(self, method: Callable[..., Result], *arguments: object, **named: object) -> Result:
        """A method that only starts tasks, such as `stream`. Raises what it raises."""
        return self._context.run(method, *arguments, **named)

    async def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """A coroutine of the plugin's, to its end. Raises what it raises."""
        return await asyncio.create_task(work, context=self._context.copy())

    async def close(self) -> None:
        """A second close does nothing."""
        instance, self.instance = self.instance, None
        if instance is None:
            return
        with self.translated():
            await self.run(instance.aclose())
        if self._opening is not None:
            await self._opening
            await asyncio.create_task(self._closing.aclose(), context=self._context)

    def refuse_if_closed(self) -> None:
        if self.instance is None:
            raise ProviderError(ProviderErrorKind.UNAVAILABLE, f"{self.name} is closed")

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """What a plugin raises becomes a ProviderError, without its words: they may quote text or key."""
        try:
            yield
        except ProviderError:
            raise
        except Exception as error:  # a plugin is foreign code: what it raises must not end a call
            raise self.error_of(error) from None

    def error_of(self, error: Exception) -> ProviderError:
        """What the plugin's exception stands for."""
        return error_of(self.name, error, f"the key in {self._key_env}" if self._key_env else "its key")


def _key(name: str, build: type, variable: str | None, environ: Mapping[str, str]) -> str | None:
    if variable is None:
        return None
    if not takes(build, "api_key"):
        raise bad_configuration(f"{name!r} takes no api_key, so that key_env has no use")
    key = environ.get(variable, "").strip()
    if not key:
        raise missing_key(name, variable)
    return key


def error_of(name: str, error: Exception, key: str = "its key") -> ProviderError:
    """What a plugin's exception stands for; `key` is how to speak of the key."""
    from livekit.agents import APIConnectionError, APIError, APIStatusError, APITimeoutError

    if isinstance(error, TimeoutError | APITimeoutError):
        return ProviderError(ProviderErrorKind.TIMED_OUT, f"{name} was too slow")
    if isinstance(error, APIStatusError):
        return _refusal(name, error, error.status_code, key)
    if isinstance(error, APIConnectionError):
        if any(isinstance(cause, TimeoutError) for cause in _causes(error)):
            return ProviderError(ProviderErrorKind.TIMED_OUT, f"{name} could not be reached in time")
        return ProviderError(ProviderErrorKind.UNAVAILABLE, f"{name}: the connection failed")
    if isinstance(error, APIError):
        return ProviderError(ProviderErrorKind.BAD_ANSWER, f"{name} answered with an error or without sound")
    if isinstance(error, NotImplementedError):
        return ProviderError(ProviderErrorKind.BAD_CONFIGURATION, f"{name} cannot do what a call needs")
    return ProviderError(ProviderErrorKind.UNAVAILABLE, f"{name} broke ({type(error).__name__})")


def _refusal(name: str, error: APIError, status: int, key: str) -> ProviderError:
    code = error.body.get("code") if isinstance(error.body, dict) else None
    kind = KIND_OF_CODE.get(str(code)) or KIND_OF_STATUS.get(status)
    if kind is None:
        is_refusal = 300 <= status < 500
        kind = ProviderErrorKind.BAD_CONFIGURATION if is_refusal else ProviderErrorKind.UNAVAILABLE
    what = f"HTTP {status}" if 100 <= status < 600 else "a closed connection"
    next_step = f": {key} is not accepted" if status in (401, 403) else ""
    wait_s = next(filter(None, map(_wish_of, _causes(error))), None)
    return ProviderError(kind, f"{name} answered with {what}{next_step}", retry_after_s=wait_s)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What led to an error, also where the plugin hid it."""
    cause: BaseException | None = error
    for _ in range(_DEEPEST_CAUSE):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__


def _wish_of(error: BaseException) -> float | None:
    """Retry-After, where an HTTP library's error carries the answer's headers."""
    answer = getattr(error, "response", error)
    headers = getattr(answer, "headers", None)
    return retry_after(headers) if isinstance(headers, Mapping) else None
