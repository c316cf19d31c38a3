"""Whole calls with ears, voice and mind that are late, fall silent and break, measured at the phone.

What the far phone heard is the truth: within two seconds of the contact's last word there is sound, a reply,
a filler or a goodbye, whatever has gone wrong. Virtual time; the faults come from a seed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from byourside_server.conversation.mind import Decision
from byourside_server.media.messages import SpeechStarted, SpeechStopped
from byourside_server.providers.base import ProviderError, ProviderErrorKind
from byourside_server.providers.speech_chain import TextToSpeechChain
from tests.lines.rehearsal import (
    LONG_SOUND,
    Aloud,
    Ears,
    EarsAlong,
    PiecewiseVoice,
    Rehearsal,
    Voice,
    play,
    rehearsal,
)

LONGEST_SILENCE_S = 2.0
# It takes 1.2 s of quiet behind a "hello" to know that no machine's greeting goes on.
LONGEST_AFTER_GREETING_S = 3.2
# Between two fillers the contact may be left alone for longer: he knows that we are there.
LONGEST_BETWEEN_FILLERS_S = 5.0
# What a tick, the far side's jitter buffer and the decision that speech is over add to any moment.
TOLERANCE_S = 0.15
LONGEST_CALL_S = 180.0
DOWN = ProviderError(ProviderErrorKind.UNAVAILABLE, "down")
FRAME = 160


@dataclass
class FaultyVoice:
    """Simulated: each sentence has a fault, or none, of its own."""

    chance: random.Random
    name: str = "simulated faults"
    spoken: list[str] = field(default_factory=list)

    async def stream(self, text: str, *, language: str = "en-US") -> AsyncIterator[bytes]:
        slow, gone = (self.chance.uniform(1.0, 9.0), 0.1), (0.05, 0.5)
        script: Sequence[tuple[float, float] | Exception] = self.chance.choice(
            [
                [(0.1, 1.0), (0.1, 0.8)],
                [slow, (0.1, 1.5)],
                [DOWN],
                [gone, DOWN],
                [gone, (self.chance.uniform(0.5, 60.0), 1.0)],
                [(0.05, 0.1)] * 15,
                [],
            ]
        )
        self.spoken.append(text)
        async for piece in PiecewiseVoice(list(script)).stream(text):
            yield piece

    async def synthesize(self, text: str, *, language: str = "en-US") -> bytes:
        return LONG_SOUND[:8000]

    async def close(self) -> None: ...


def faulty_reply(chance: random.Random, *, is_last: bool) -> Decision | Exception | Aloud:
    """A question, or a goodbye, that comes at once, late, in parts, or not at all."""
    decision = Decision("Goodbye.", then="hang_up") if is_last else Decision("Does that work?", asks="it")
    sentences = tuple((chance.uniform(0, 6), f"Sentence {number}.") for number in range(chance.randrange(3)))
    ways: list[Decision | Exception | Aloud] = [
        decision,
        Aloud(sentences, decision, chance.uniform(0.0, 4.0)),
        Aloud(sentences, decision, chance.uniform(0.0, 40.0)),
        Aloud(sentences, ValueError("a broken mind"), chance.uniform(0.0, 4.0)),
    ]
    return chance.choice(ways)


def faulty_words(chance: random.Random) -> tuple[float, str | Exception]:
    failure: list[str | Exception] = [DOWN, RuntimeError("a fault in the driver"), "", "yes", "yes it does"]
    return chance.choice([0.05, 0.3, chance.uniform(0.0, 6.0)]), chance.choice(failure)


async def converse(stage: Rehearsal) -> list[tuple[float, float]]:
    """The contact answers whenever the agent is done; (begin, end) of what he said, by the phone's clock."""
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(stage.line.run())
    await stage.pick_up()
    give_up_at = loop.time() + LONGEST_CALL_S
    stage.say()
    quiet_since = loop.time()
    while not running.done():
        assert loop.time() < give_up_at, "the phone was held for ever"
        await asyncio.sleep(0.1)
        is_agents_turn = stage.mind.thinking or stage.line._speaking._utterances
        if is_agents_turn or stage.line._conversation.heard_since is not None or not stage.transcript:
            quiet_since = loop.time()
        elif loop.time() - quiet_since > 1.0:
            stage.say()
            await asyncio.sleep(1.0)
            quiet_since = loop.time()
    await running
    return spoken_by_contact(stage)


def spoken_by_contact(stage: Rehearsal) -> list[tuple[float, float]]:
    """By the near engine's clock, which began with the phone's."""
    begun = [event.at_ms / 1000 for event in stage.near.told if isinstance(event, SpeechStarted)]
    ended = [event.end_ms / 1000 for event in stage.near.told if isinstance(event, SpeechStopped)]
    return list(zip(begun, ended, strict=True))


def sounds_in(ulaw: bytes) -> list[tuple[float, float]]:
    """(begin, end) of everything that sounded, in seconds."""
    frames = np.frombuffer(ulaw[: len(ulaw) // FRAME * FRAME], np.uint8).reshape(-1, FRAME)
    loud = np.concatenate([[False], (frames != 0xFF).any(axis=1), [False]])
    edges = np.flatnonzero(loud[1:] != loud[:-1])
    return [(float(a) * 0.02, float(b) * 0.02) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def silences_owed(
    contact: list[tuple[float, float]], agent: list[tuple[float, float]], ended_at: float
) -> list[tuple[float, float, bool]]:
    """(since, seconds, whether a filler or other words came before) of every silence in which we owe words.

    From the contact's last word on to the end of our answer: pauses inside it count, too.
    """
    found = []
    for number, (_, until) in enumerate(contact):
        next_word = contact[number + 1][0] if number + 1 < len(contact) else ended_at
        answer = [(a, b) for a, b in agent if b > until and a < next_word]
        moments = [until, *(b for _, b in answer)]
        starts = [a for a, _ in answer] or [next_word]
        pairs = enumerate(zip(moments[: len(starts)], starts, strict=True))
        found += [(since, start - since, place > 0) for place, (since, start) in pairs]
    return found


@pytest.mark.parametrize("seed", range(6))
def test_no_contact_waits_in_silence_whatever_breaks(tmp_path: Path, seed: int) -> None:
    async def story() -> None:
        chance = random.Random(seed)
        words = [(0.05, "hello"), *(faulty_words(chance) for _ in range(40))]
        kind = EarsAlong if chance.random() < 0.5 else Ears
        faulty_ears = kind([*words])
        if isinstance(faulty_ears, EarsAlong):
            faulty_ears.along = [*words]
        replies = [faulty_reply(chance, is_last=number == 3) for number in range(4)]
        voice = TextToSpeechChain([FaultyVoice(chance), Voice(takes_s=0.1)])
        async with rehearsal(tmp_path, decisions=replies, ears=faulty_ears, voice=voice) as stage:
            contact = await converse(stage)
            heard = stage.close_phone()
            agent = sounds_in(heard)
            assert contact
            assert agent, "not one word was said"
            owed = silences_owed(contact, agent, len(heard) / 8000)
            greeted_until = contact[0][1]
            for since, seconds, is_within_answer in owed:
                longest_s = LONGEST_BETWEEN_FILLERS_S if is_within_answer else LONGEST_SILENCE_S
                longest_s = LONGEST_AFTER_GREETING_S if since == greeted_until else longest_s
                assert seconds <= longest_s + TOLERANCE_S, (since, seconds, stage.transcript)
            assert stage.ended.state == "post"
            assert stage.ended.end_reason in {"completed", "mind_failed", "voice_failed", "no_response"}

    play(story)
