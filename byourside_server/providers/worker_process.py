"""One engine in a process of its own: started when first needed, restarted once if it dies.

The exchange runs on a single thread, so that requests queue in order, the asyncio loop never
waits, and a caller who is cancelled in the middle leaves the pipe in step. Knows nothing of speech.
"""

import asyncio
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from byourside_server.providers.base import ProviderError, ProviderErrorKind
from byourside_server.providers.worker_pipe import COMPLAINT, read_message, write_message

log = logging.getLogger(__name__)

SOURCE_ROOT = Path(__file__).resolve().parents[2]
CLOSE_PATIENCE_S = 2.0


class _WorkerDied(Exception):
    """The process ended or closed its pipe before it answered."""


class WorkerProcess:
    """`python -m module arguments`, spoken to with `ask`."""

    def __init__(self, module: str, arguments: Sequence[str] = (), *, timeout_s: float = 20.0) -> None:
        self._module = module
        self._arguments = tuple(arguments)
        self._timeout_s = timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=module.rpartition(".")[2])
        self._is_closed = False
        self.waiting = 0

    @property
    def process_id(self) -> int | None:
        """The running process, if there is one."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    async def ask(self, request: bytes) -> bytes:
        """The worker's answer; a worker found dead is replaced once. Raises ProviderError."""
        if self._is_closed:
            raise ProviderError(ProviderErrorKind.UNAVAILABLE, f"{self._module} is closed")
        self.waiting += 1
        try:
            future = self._thread.submit(self._exchange_with_restart, request)
            return await asyncio.wrap_future(future)
        finally:
            self.waiting -= 1

    async def close(self) -> None:
        """End the process and its thread; a second close does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        await asyncio.wrap_future(self._thread.submit(self._stop))
        self._thread.shutdown(wait=False)

    def _exchange_with_restart(self, request: bytes) -> bytes:
        for _ in range(2):
            try:
                return self._exchange(request)
            except _WorkerDied:
                log.warning("engine process died", extra={"worker": self._module})
                self._kill()
        raise ProviderError(ProviderErrorKind.UNAVAILABLE, f"{self._module} died twice over one request")

    def _exchange(self, request: bytes) -> bytes:
        process = self._running_process()
        assert process.stdin is not None
        assert process.stdout is not None
        timed_out = threading.Event()
        deadline = threading.Timer(self._timeout_s, _kill_for_lateness, (process, timed_out))
        deadline.start()
        try:
            write_message(process.stdin.fileno(), request)
            answer = read_message(process.stdout.fileno())
        except OSError:
            answer = None
        finally:
            deadline.cancel()
        if timed_out.is_set():
            self._kill()
            raise ProviderError(
                ProviderErrorKind.TIMED_OUT, f"{self._module} gave no answer in {self._timeout_s:g} s"
            )
        if not answer:
            raise _WorkerDied
        if answer[:1] == COMPLAINT:
            raise ProviderError(ProviderErrorKind.BAD_INPUT, answer[1:].decode())
        return answer[1:]

    def _running_process(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._kill()
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", self._module, *self._arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                env=_worker_environment(),
            )
        return self._process

    def _stop(self) -> None:
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(CLOSE_PATIENCE_S)
        except subprocess.TimeoutExpired:
            pass
        self._kill()

    def _kill(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None


def _kill_for_lateness(process: subprocess.Popen[bytes], timed_out: threading.Event) -> None:
    timed_out.set()
    process.kill()


def _worker_environment() -> dict[str, str]:
    """Ours, with this very package first, and one thread for numpy: the other cores carry calls."""
    search_path = [str(SOURCE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(search_path),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
