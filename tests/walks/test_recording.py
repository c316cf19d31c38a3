"""The recording is what was said: each channel is compared with the transcript, by sound and by words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from byourside_server.media.g711 import ULAW_DECODE
from byourside_server.providers.base import Expectation
from byourside_server.providers.registry import open_speech_to_text, open_text_to_speech
from byourside_server.sandbox.clips import all_clips
from tests.peers.office import Sound, likeness
from tests.walks.conftest import Batch
from tests.walks.house import VOICE, undisturbed

RATE_HZ = 8000
SEARCH_S = 0.25
MAX_OFFSET_MS = 40.0
MIN_CORRELATION = 0.9
MAX_WORD_ERROR_RATE = 0.10
TALKS = ("agreeable", "says no", "interrupts")


def channels(path: Path) -> tuple[bytes, bytes]:
    """µ-law of the contact (left) and the agent (right)."""
    data = path.read_bytes()
    start = data.index(b"data") + 8
    samples = data[start : start + int.from_bytes(data[start - 4 : start], "little")]
    return samples[0::2], samples[1::2]


def wave(ulaw: bytes) -> Sound:
    samples: Sound = ULAW_DECODE[np.frombuffer(ulaw, np.uint8)].astype(np.float64)
    return samples


def best_offset(said: Sound, channel: Sound, start_s: float) -> tuple[float, float]:
    """Milliseconds by which `said` lies off `start_s` in the channel, and the correlation there."""
    first = max(0, int((start_s - SEARCH_S) * RATE_HZ))
    window = channel[first : first + len(said) + int(2 * SEARCH_S * RATE_HZ)]
    size = 1 << (len(window) + len(said)).bit_length()
    product = np.fft.rfft(window, size) * np.conj(np.fft.rfft(said, size))
    places = len(window) - len(said) + 1
    raw = np.fft.irfft(product, size)[:places]
    energy = np.convolve(window**2, np.ones(len(said)), "valid")[:places]
    correlation = raw / np.sqrt(np.maximum(energy, 1.0) * np.sum(said**2))
    best = int(np.argmax(correlation))
    return ((first + best) / RATE_HZ - start_s) * 1000, float(correlation[best])


def word_errors(reference: list[str], heard: list[str]) -> int:
    """Levenshtein distance in words."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(reference, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != other))
    return row[-1]


def words(text: str) -> list[str]:
    return "".join(c if c.isalnum() or c == "'" else " " for c in text.lower()).split()


@pytest.mark.parametrize("name", ["agreeable", "says no", "voicemail with message"])
def test_the_agents_channel_holds_every_synthesised_turn_at_its_time(batch: Batch, name: str) -> None:
    _, right = channels(batch.recording(name))
    channel = wave(right)
    turns = [t for t in batch.records[name]["turns"] if t["role"] == "agent" and not t["interrupted"]]
    assert turns

    async def synthesise() -> list[bytes]:
        voice = open_text_to_speech(VOICE)
        try:
            return [await voice.synthesize(turn["text"]) for turn in turns]
        finally:
            await voice.close()

    for turn, said in zip(turns, asyncio.run(synthesise()), strict=True):
        offset_ms, correlation = best_offset(wave(said), channel, turn["startMs"] / 1000)
        assert correlation > MIN_CORRELATION, (turn, correlation)
        assert abs(offset_ms) < MAX_OFFSET_MS, (turn, offset_ms)
        assert turn["endMs"] - turn["startMs"] == pytest.approx(len(said) / 8, abs=MAX_OFFSET_MS)


def contact_turns(batch: Batch) -> list[tuple[dict[str, Any], bytes]]:
    """With their sound, as far as this machine was in time: no record has words that came too late."""
    found = []
    for name in TALKS:
        left, _ = channels(batch.recording(name))
        for turn in undisturbed(batch.records[name]):
            if turn["role"] == "contact":
                first, last = max(0, turn["startMs"] - 200) * 8, (turn["endMs"] + 200) * 8
                found.append((turn, left[first:last]))
    assert found
    return found


def test_the_contacts_channel_is_recognised_as_the_turns_say(
    batch: Batch, record_property: Callable[[str, object], None]
) -> None:
    turns = contact_turns(batch)

    async def recognise() -> list[str]:
        ears = open_speech_to_text("embedded")
        try:
            return [(await ears.transcribe(ulaw, Expectation())).text for _, ulaw in turns]
        finally:
            await ears.close()

    heard = asyncio.run(recognise())
    pairs = [(turn["text"], text) for (turn, _), text in zip(turns, heard, strict=True)]
    errors = sum(word_errors(words(said), words(again)) for said, again in pairs)
    rate = errors / sum(len(words(said)) for said, _ in pairs)
    record_property("word_error_rate_against_turns", round(rate, 3))
    assert rate <= MAX_WORD_ERROR_RATE, [pair for pair in pairs if pair[0] != pair[1]]


def test_the_contacts_turns_are_what_the_simulated_people_said(
    batch: Batch, record_property: Callable[[str, object], None]
) -> None:
    """Every contact turn is compared with the clip whose sound lies at its place in the recording."""
    errors = total = 0
    for turn, ulaw in contact_turns(batch):
        sound = wave(ulaw)
        fitting = [clip for clip in all_clips() if abs(len(clip.ulaw) - len(ulaw)) < 0.8 * RATE_HZ]
        score, said = max((alike(sound, wave(clip.ulaw)), clip.text) for clip in fitting)
        assert score > MIN_CORRELATION, (turn, said, score)
        errors += word_errors(words(said), words(turn["text"]))
        total += len(words(said))
    record_property("word_error_rate_of_turns", f"{errors} of {total}")
    assert errors / total <= MAX_WORD_ERROR_RATE


def alike(sound: Sound, said: Sound) -> float:
    """As a whole, or in pieces: a machine that stood still has left a hole, and what follows comes later."""
    return max(match(sound, said), likeness(sound, said))


def match(a: Sound, b: Sound) -> float:
    """Highest normalised correlation of two sounds."""
    size = 1 << (len(a) + len(b)).bit_length()
    product = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)), size)
    return float(product.max() / np.sqrt(np.sum(a**2) * np.sum(b**2) + 1.0))
