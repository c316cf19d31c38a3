"""An engine and its weights on this machine, in a process of its own: found, loaded, then asked.

The server never loads such a package: some are GPL, all are large, and a crash of theirs ends no call.
Knows packages, files and the pipe; nothing of speech.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from byourside_server.providers.base import ProviderError, ProviderErrorKind
from byourside_server.providers.specification import Options, bad_configuration
from byourside_server.providers.worker_pipe import BadInput, serve
from byourside_server.providers.worker_process import WorkerProcess

PATIENCE_S = 60.0  # weights of some hundred megabytes off a cold disk; who listens has a patience of its own
DEFAULT_THREADS = 2
_LONGEST_REASON = 300

Settings = Mapping[str, str | float | None]
Answer = Callable[[bytes], bytes]


def need_package(engine: str, module: str, package: str, extra: str) -> None:
    """Raises ProviderError (BAD_CONFIGURATION) where a package is not installed. Does not import it."""
    if importlib.util.find_spec(module) is None:
        raise bad_configuration(
            f"{engine!r} needs the package {package}, which is not installed: "
            f"pip install 'byourside-server[{extra}]'"
        )


def needed_file(engine: str, options: Options, option: str, whence: str) -> Path:
    """The file that an option names. Raises ProviderError (BAD_CONFIGURATION) saying where to get it."""
    given = options.optional(option)
    if given is None:
        raise bad_configuration(f"{engine!r} needs the option {option!r}, a path: {whence}")
    path = Path(given)
    if not path.is_file():
        raise bad_configuration(f"{engine!r}: there is no file {given} (option {option!r}): {whence}")
    return path


class LocalEngine:
    """A worker process that holds one engine, loaded before its first request."""

    def __init__(self, name: str, module: str, settings: Settings) -> None:
        self._name = name
        self._worker = WorkerProcess(module, [json.dumps(settings)], timeout_s=PATIENCE_S)
        self._is_loaded = False

    @property
    def waiting(self) -> int:
        """Requests that are not yet answered."""
        return self._worker.waiting

    @property
    def process_id(self) -> int | None:
        """The running process, if there is one."""
        return self._worker.process_id

    async def load(self) -> None:
        """Start the process and read the weights. Raises ProviderError (BAD_CONFIGURATION) for bad ones."""
        if self._is_loaded:
            return
        try:
            await self._worker.ask(b"")
        except ProviderError as error:
            if error.kind is not ProviderErrorKind.BAD_INPUT:
                raise
            raise bad_configuration(f"{self._name!r} cannot be loaded: {error}") from None
        self._is_loaded = True

    async def ask(self, request: bytes) -> bytes:
        """The engine's answer. Raises ProviderError."""
        await self.load()
        return await self._worker.ask(request)

    async def close(self) -> None:
        """End the process; a second close does nothing."""
        await self._worker.close()


def serve_engine(load: Callable[[], Answer]) -> None:
    """Be such a process: load at the first request, of which an empty one asks nothing more.

    What goes wrong is told in a sentence, never in a traceback: that could quote what was to be said.
    """
    engine: list[Answer] = []

    def answer(request: bytes) -> bytes:
        if not engine:
            engine.append(_loaded(load))
        return _answered(engine[0], request) if request else b""

    serve(answer)


def _loaded(load: Callable[[], Answer]) -> Answer:
    try:
        return load()
    except BadInput:
        raise
    except Exception as trouble:  # foreign code: whatever it raises, it does not like its weights
        reason = (str(trouble).splitlines() or [""])[0][:_LONGEST_REASON]
        raise BadInput(f"{type(trouble).__name__}: {reason}") from None


def _answered(engine: Answer, request: bytes) -> bytes:
    try:
        return engine(request)
    except BadInput:
        raise
    except Exception as trouble:  # foreign code, as above
        raise BadInput(f"the engine failed ({type(trouble).__name__})") from None
