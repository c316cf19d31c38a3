"""Both ends of sandbox calls at virtual time, driven as the store drives them."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from byourside_server.calls.call import Call, CallRequest
from byourside_server.calls.happened import Answered, Happening, LineEnded, Ringing, TurnHeard
from byourside_server.clock import SystemClock
from byourside_server.conversation.embedded_mind import EmbeddedMind
from byourside_server.conversation.mind import Mind
from byourside_server.lines import virtual_loop
from byourside_server.lines.virtual_clock import HouseClock
from byourside_server.providers.kept_speech import KeptSpeech
from byourside_server.providers.simulated import ScriptedSpeechToText
from byourside_server.sandbox.clips import all_clips
from byourside_server.sandbox.virtual_world import Furniture, VirtualWorld
from tests.media.bank_kit import speech

WORDS = speech()
AGREEABLE, NO_ANSWER, SILENT = "+14155550123", "+14155550140", "+14155550149"
MENU, INTERRUPTING, HOLDING = "+14155550145", "+14155550147", "+14155550151"


class Spoken:
    """Says everything with the same words of a real voice: a phone's voice activity must hear them."""

    name = "spoken"

    async def stream(self, text: str, *, language: str = "en-US") -> AsyncIterator[bytes]:
        yield WORDS

    async def synthesize(self, text: str, *, language: str = "en-US") -> bytes:
        return WORDS

    async def close(self) -> None: ...


@asynccontextmanager
async def world(folder: Path, make_mind: Callable[[], Mind] = EmbeddedMind) -> AsyncIterator[VirtualWorld]:
    furniture = Furniture(
        ears=ScriptedSpeechToText({clip.ulaw: clip.text.lower() for clip in all_clips()}),
        voice=Spoken(),
        make_mind=make_mind,
        kept=KeptSpeech(folder / "kept", "1"),
        clock=HouseClock(SystemClock()),
        recordings_dir=folder,
        traces_dir=None,
        capacity=8,
        ring_timeout_s=40.0,
        user_agent="test",
    )
    opened = VirtualWorld(furniture)
    await opened.start()
    try:
        yield opened
    finally:
        await opened.stop()


def call_to(number: str, name: str = "call-1") -> Call:
    request = CallRequest(to=number, objective="Confirm the appointment for tomorrow at 2pm.")
    return Call(
        id=name,
        account_id="account-1",
        key_id=None,
        request=request,
        caller_id="+14155550100",
        state="dialing",
        created_at=0.0,
    )


async def lived_through(
    house: VirtualWorld,
    call: Call,
    during: Callable[[Happening, asyncio.Event], Awaitable[None]] | None = None,
) -> list[Happening]:
    """What a call reported."""
    told: list[Happening] = []
    cancelled = asyncio.Event()

    async def report(happening: Happening) -> None:
        told.append(happening)
        if during is not None:
            await during(happening, cancelled)

    async with asyncio.timeout(120):
        await house.run(call, report, cancelled)
    return told


def test_a_whole_call_takes_its_own_time_and_hardly_any_of_the_walls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it lasts is leapt over; what the machine needs to work it all out is the machine's affair."""
    leapt_s = 0.0
    leap = virtual_loop._JumpingSelector.select

    def select(
        selector: virtual_loop._JumpingSelector, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        nonlocal leapt_s
        if timeout is not None and timeout > 0 and not selector.holds:
            leapt_s += timeout
        return leap(selector, timeout)

    monkeypatch.setattr(virtual_loop._JumpingSelector, "select", select)

    async def story() -> list[Happening]:
        async with world(tmp_path) as house:
            return await lived_through(house, call_to(AGREEABLE))

    told = asyncio.run(story())
    kinds = [type(each) for each in told if not isinstance(each, TurnHeard)]
    assert kinds == [Ringing, Answered, LineEnded]
    ended, answered = told[-1], next(each for each in told if isinstance(each, Answered))
    assert isinstance(ended, LineEnded)
    assert ended.state == "post"
    assert ended.end_reason == "completed"
    talked_s = ended.at - answered.at
    assert talked_s > 10
    assert leapt_s > 0.99 * talked_s
    assert (tmp_path / "call-1.wav").stat().st_size / 16000 == pytest.approx(talked_s, abs=0.2)


def test_calls_at_once_are_alike_and_each_counts_its_own_time(tmp_path: Path) -> None:
    async def story() -> list[list[Happening]]:
        async with world(tmp_path) as house:
            return await asyncio.gather(
                *(lived_through(house, call_to(AGREEABLE, f"call-{n}")) for n in range(5))
            )

    lengths = []
    for told in asyncio.run(story()):
        ended, rang = told[-1], told[0]
        assert isinstance(ended, LineEnded)
        assert isinstance(rang, Ringing)
        assert [each.turn.text for each in told if isinstance(each, TurnHeard)]
        lengths.append(ended.at - rang.at)
    assert max(lengths) - min(lengths) < 0.3


def story_of(told: list[Happening]) -> list[Happening]:
    """What happened, by the time since the phone rang, in whole microseconds.

    The round trip in tenths of a millisecond: RTCP says it in 1/65536 s, at random moments (RFC 3550 §6.3).
    """
    assert isinstance(told[0], Ringing)
    rang_at = told[0].at
    story: list[Happening] = []
    for each in told:
        if isinstance(each, LineEnded) and each.media is not None and each.media.round_trip_ms is not None:
            each = replace(each, media=replace(each.media, round_trip_ms=round(each.media.round_trip_ms, 1)))
        story.append(each if isinstance(each, TurnHeard) else replace(each, at=round(each.at - rang_at, 6)))
    return story


@pytest.mark.parametrize("number", [AGREEABLE, MENU, INTERRUPTING, HOLDING])
def test_a_call_goes_to_the_byte_as_it_went_before_whoever_else_is_on_the_line(
    tmp_path: Path, number: str
) -> None:
    """Alone; then on other rows, begun at another moment, while three others talk."""

    async def alone(folder: Path) -> list[Happening]:
        async with world(folder) as house:
            return await lived_through(house, call_to(number))

    async def among_others(folder: Path) -> list[Happening]:
        async with world(folder) as house:
            begun = asyncio.Event()

            async def tell(happening: Happening, _: asyncio.Event) -> None:
                if isinstance(happening, TurnHeard):
                    begun.set()

            others = [
                asyncio.create_task(lived_through(house, call_to(other, f"other-{other}"), tell))
                for other in (SILENT, AGREEABLE, INTERRUPTING)
            ]
            await begun.wait()
            told = await lived_through(house, call_to(number))
            await asyncio.gather(*others)
            return told

    folders = [tmp_path / "alone", tmp_path / "among"]
    for folder in folders:
        folder.mkdir()
    first, second = asyncio.run(alone(folders[0])), asyncio.run(among_others(folders[1]))
    assert story_of(first) == story_of(second)
    sounds = [(folder / "call-1.wav").read_bytes() for folder in folders]
    assert sounds[0] == sounds[1]


def test_a_call_is_called_off_from_the_houses_side(tmp_path: Path) -> None:
    async def hang_up(happening: Happening, cancelled: asyncio.Event) -> None:
        if isinstance(happening, Answered):
            cancelled.set()

    async def story() -> list[Happening]:
        async with world(tmp_path) as house:
            return await lived_through(house, call_to(SILENT), hang_up)

    ended = asyncio.run(story())[-1]
    assert isinstance(ended, LineEnded)
    assert ended.ended_by == "api"


def test_what_breaks_a_line_is_raised_where_it_was_begun(tmp_path: Path) -> None:
    def no_mind() -> Mind:
        raise RuntimeError("no mind today")

    async def story() -> None:
        async with world(tmp_path, no_mind) as house:
            with pytest.raises(RuntimeError, match="no mind today"):
                await lived_through(house, call_to(AGREEABLE))

    asyncio.run(story())


def test_time_goes_on_for_the_next_call_after_one_that_nobody_answered(tmp_path: Path) -> None:
    async def story() -> list[str]:
        async with world(tmp_path) as house:
            ends = []
            for number, name in ((NO_ANSWER, "call-1"), (AGREEABLE, "call-2")):
                ended = (await lived_through(house, call_to(number, name)))[-1]
                assert isinstance(ended, LineEnded)
                ends.append(ended.state)
            return ends

    assert asyncio.run(story()) == ["no_answer", "post"]
