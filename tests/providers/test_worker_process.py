"""The workers here are real processes running tests/providers/parrot_worker.py."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from byourside_server.providers import worker_process
from byourside_server.providers.base import ProviderError, ProviderErrorKind
from byourside_server.providers.worker_pipe import read_message, write_message
from byourside_server.providers.worker_process import WorkerProcess

HERE = Path(__file__).parent
# Only the bound of a wait: processes are slow to start on a machine that is busy with something else.
PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def _parrot_can_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(HERE))


def is_running(process_id: int) -> bool:
    state = Path(f"/proc/{process_id}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_messages_of_any_length_pass_whole() -> None:
    reading, writing = os.pipe()
    for message in (b"", b"a", bytes(range(256)) * 200):
        write_message(writing, message)
        assert read_message(reading) == message
    os.close(writing)
    assert read_message(reading) is None
    os.close(reading)


def test_a_length_beyond_reason_is_an_error_and_not_an_allocation() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"\xff\xff\xff\xff")
    with pytest.raises(ValueError, match="out of step"):
        read_message(reading)
    os.close(writing)
    os.close(reading)


async def _ask_all(worker: WorkerProcess, *requests: bytes) -> list[bytes]:
    try:
        return [await worker.ask(request) for request in requests]
    finally:
        await worker.close()


def test_one_process_answers_request_after_request() -> None:
    answers = asyncio.run(_ask_all(WorkerProcess("parrot_worker"), b"say hello", b"pid", b"pid"))
    assert answers[0] == b"hello"
    assert answers[1] == answers[2]


def test_large_messages_do_not_jam_the_pipes() -> None:
    """Both ways far beyond a pipe's 64 kB."""
    words = b"x" * 1_000_000
    assert asyncio.run(_ask_all(WorkerProcess("parrot_worker"), b"say " + words)) == [words]


def test_what_the_engine_prints_does_not_reach_the_pipe() -> None:
    assert asyncio.run(_ask_all(WorkerProcess("parrot_worker"), b"print", b"say on")) == [b"printed", b"on"]


def test_a_worker_that_died_while_idle_is_replaced() -> None:
    async def story() -> tuple[int, bytes]:
        worker = WorkerProcess("parrot_worker")
        first = int(await worker.ask(b"pid"))
        os.kill(first, signal.SIGKILL)
        second = await worker.ask(b"pid")
        await worker.close()
        return first, second

    first, second = asyncio.run(story())
    assert int(second) != first


def test_a_request_that_kills_the_worker_fails_after_one_restart(tmp_path: Path) -> None:
    deaths = tmp_path / "deaths"

    async def story() -> bytes:
        worker = WorkerProcess("parrot_worker")
        try:
            with pytest.raises(ProviderError) as caught:
                await worker.ask(b"die " + str(deaths).encode())
            assert caught.value.kind is ProviderErrorKind.UNAVAILABLE
            return await worker.ask(b"say alive")
        finally:
            await worker.close()

    assert asyncio.run(story()) == b"alive"
    assert deaths.read_text() == "xx"


def test_a_worker_that_hangs_is_killed_and_reported_late() -> None:
    async def story() -> tuple[ProviderErrorKind, bytes]:
        worker = WorkerProcess("parrot_worker", timeout_s=PATIENCE_S)
        assert await worker.ask(b"say up") == b"up"
        worker._timeout_s = 0.2
        with pytest.raises(ProviderError) as caught:
            await worker.ask(b"hang")
        worker._timeout_s = PATIENCE_S
        answer = await worker.ask(b"say back")
        await worker.close()
        return caught.value.kind, answer

    assert asyncio.run(story()) == (ProviderErrorKind.TIMED_OUT, b"back")


def test_a_complaint_is_bad_input_and_the_worker_lives_on() -> None:
    async def story() -> tuple[bytes, bytes]:
        worker = WorkerProcess("parrot_worker")
        before = await worker.ask(b"pid")
        with pytest.raises(ProviderError, match="no such trick") as caught:
            await worker.ask(b"dance")
        assert caught.value.kind.is_permanent
        after = await worker.ask(b"pid")
        await worker.close()
        return before, after

    before, after = asyncio.run(story())
    assert before == after


def test_a_cancelled_caller_leaves_the_pipe_in_step() -> None:
    async def story() -> bytes:
        worker = WorkerProcess("parrot_worker")
        impatient = asyncio.ensure_future(worker.ask(b"say forgotten"))
        await asyncio.sleep(0)
        impatient.cancel()
        answer = await worker.ask(b"say mine")
        await worker.close()
        return answer

    assert asyncio.run(story()) == b"mine"


def test_closing_ends_the_process_and_closed_workers_say_so() -> None:
    async def story() -> int:
        worker = WorkerProcess("parrot_worker")
        process_id = int(await worker.ask(b"pid"))
        await worker.close()
        await worker.close()
        with pytest.raises(ProviderError, match="closed"):
            await worker.ask(b"pid")
        return process_id

    assert not is_running(asyncio.run(story()))


def test_no_worker_survives_a_parent_that_was_killed() -> None:
    """The kernel closes a dead parent's pipes: end of file is the worker's signal to go."""
    parent = (
        "import asyncio, os, signal\n"
        "from byourside_server.providers.worker_process import WorkerProcess\n"
        "print(asyncio.run(WorkerProcess('parrot_worker').ask(b'pid')).decode(), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = os.pathsep.join([str(worker_process.SOURCE_ROOT), str(HERE)])
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
    ) as process:
        # The worker holds no copy of our pipe (its output goes elsewhere), but inherits standard error.
        assert process.stdout is not None
        worker_id = int(process.stdout.readline())
        process.wait(PATIENCE_S)
    descriptor = os.pidfd_open(worker_id) if is_running(worker_id) else None
    if descriptor is not None:
        import select

        assert select.select([descriptor], [], [], PATIENCE_S)[0], "the worker is still there"
        os.close(descriptor)
    assert not is_running(worker_id)
