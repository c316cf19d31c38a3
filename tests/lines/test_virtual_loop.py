"""A loop whose clock is moved: how it jumps, how it is held, and what is asked of engines meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from byourside_server.clock import ManualClock
from byourside_server.lines.virtual_clock import CallClock, HouseClock
from byourside_server.lines.virtual_loop import VirtualLoop
from byourside_server.lines.virtual_providers import (
    EARS_TAKE_S,
    VOICE_TAKES_S,
    Outside,
    VirtualEars,
    VirtualVoice,
)
from byourside_server.providers.base import Expectation, ProviderError, ProviderErrorKind, Recognition
from byourside_server.providers.kept_speech import KeptSpeech

YES_NO = Expectation(frozenset({"yes_no"}))


class Engine:
    """Voice and ears that take real time: until `go`."""

    name = "engine"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go = asyncio.Event()
        self.fails: ProviderError | None = None

    async def synthesize(self, text: str, *, language: str = "en-US") -> bytes:
        self.asked.append(text)
        await self.go.wait()
        if self.fails is not None:
            raise self.fails
        return text.encode()

    async def stream(self, text: str, *, language: str = "en-US"):  # type: ignore[no-untyped-def]
        yield await self.synthesize(text, language=language)

    async def transcribe(self, ulaw: bytes, expect: Expectation, *, language: str = "en-US") -> Recognition:
        self.asked.append(f"{len(ulaw)} bytes")
        await self.go.wait()
        return Recognition("yes", 0.9)

    async def prepare(self, expect: Expectation) -> None:
        raise AssertionError("an engine that is not asked is not loaded")

    async def close(self) -> None: ...


def beside_a_house(
    story: Callable[[VirtualLoop, asyncio.AbstractEventLoop, Engine], Awaitable[None]],
) -> None:
    """Run a story on a virtual loop in this thread, with a loop of real time in another."""
    house = asyncio.new_event_loop()
    thread = threading.Thread(target=house.run_forever)
    thread.start()
    try:
        loops: list[VirtualLoop] = []

        def make() -> VirtualLoop:
            loops.append(VirtualLoop(waits_outside=True))
            return loops[0]

        async def told() -> None:
            await story(loops[0], house, Engine())

        with asyncio.Runner(loop_factory=make) as runner:
            runner.run(told())
    finally:
        house.call_soon_threadsafe(house.stop)
        thread.join()
        house.close()


def test_an_hour_is_slept_at_once() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.sleep(3600)
        assert loop.time() - began == pytest.approx(3600, abs=0.01)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(story())


def test_how_often_the_loop_turned_takes_no_time() -> None:
    """Else a call's times would depend on how much others did at the same moment."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for _ in range(1000):
            await asyncio.sleep(0)
        assert loop.time() == began

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(story())


def test_who_turns_round_until_it_is_time_gets_there() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + 1e-5
        while loop.time() < until:  # noqa: ASYNC110 (just this is what is tried)
            await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(story())


def test_time_stands_still_while_an_engine_works(tmp_path: Path) -> None:
    async def story(loop: VirtualLoop, house: asyncio.AbstractEventLoop, engine: Engine) -> None:
        voice = VirtualVoice(engine, KeptSpeech(tmp_path, "1"), Outside(loop, house))
        rung: list[float] = []
        loop.call_later(1.0, lambda: rung.append(loop.time()))
        threading.Timer(0.05, lambda: house.call_soon_threadsafe(engine.go.set)).start()
        began = loop.time()
        assert await voice.synthesize("hello") == b"hello"
        assert loop.time() - began == pytest.approx(VOICE_TAKES_S, abs=0.001)
        assert not rung
        await asyncio.sleep(1.0)
        assert rung

    beside_a_house(story)


def test_what_many_ask_at_once_is_asked_once_and_kept_for_the_next_start(tmp_path: Path) -> None:
    async def story(loop: VirtualLoop, house: asyncio.AbstractEventLoop, engine: Engine) -> None:
        outside = Outside(loop, house)
        ears = VirtualEars(engine, KeptSpeech(tmp_path, "1"), outside)
        sound = b"\xff" * 160 + b"\x12" * 800
        threading.Timer(0.02, lambda: house.call_soon_threadsafe(engine.go.set)).start()
        heard = await asyncio.gather(*(ears.transcribe(sound, YES_NO) for _ in range(5)))
        assert heard == [Recognition("yes", 0.9)] * 5
        assert engine.asked == ["960 bytes"]
        again = VirtualEars(engine, KeptSpeech(tmp_path, "1"), outside)
        began = loop.time()
        assert await again.transcribe(b"\x12" * 800 + b"\xff" * 320, YES_NO) == heard[0]
        assert loop.time() - began > EARS_TAKE_S
        assert len(engine.asked) == 1
        await again.transcribe(b"\x12" * 800, Expectation())
        assert len(engine.asked) == 2, "another question may have another answer"

    beside_a_house(story)


def test_what_failed_is_raised_and_asked_again(tmp_path: Path) -> None:
    async def story(loop: VirtualLoop, house: asyncio.AbstractEventLoop, engine: Engine) -> None:
        voice = VirtualVoice(engine, KeptSpeech(tmp_path, "1"), Outside(loop, house))
        house.call_soon_threadsafe(engine.go.set)
        engine.fails = ProviderError(ProviderErrorKind.UNAVAILABLE, "away")
        with pytest.raises(ProviderError, match="away"):
            await voice.synthesize("hello")
        engine.fails = None
        assert await voice.synthesize("hello") == b"hello"

    beside_a_house(story)


def test_the_house_is_never_behind_a_call_and_the_wall_catches_up() -> None:
    wall, now = ManualClock(1000.0), 50.0
    house = HouseClock(wall)
    call = CallClock(house.epoch(), lambda: now)
    now += 30
    assert call.epoch() == 1030.0
    assert house.epoch() == 1000.0
    house.reach(call.epoch())
    assert house.epoch() == 1030.0
    wall.advance(40)
    assert house.epoch() == 1040.0
