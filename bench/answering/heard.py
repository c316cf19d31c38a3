"""What the server's own media engine hears of each recipe: real RTP into a real bank, as fast as it goes.

Knows frames and events. Does not know what is made of them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.answering.corpus import Recipe, Rendered, render
from byourside_server.media.bank import AudioBank
from byourside_server.media.messages import LineEvent
from byourside_server.media.rtp import PCMA, PCMU, TICK_MS, RtpPacket
from byourside_server.providers.telephone_band import decode_ulaw

BATCH = 50
TICK_S = TICK_MS / 1000


@dataclass(frozen=True)
class Heard:
    recipe: Recipe
    rendered: Rendered
    events: tuple[tuple[float, LineEvent], ...]
    """Each with the moment it was told, seconds since the answer (negative: before it)."""
    ends_at: float
    cpu_s: float
    """Of the engine, this call's share."""


def hear(recipes: Sequence[Recipe]) -> list[Heard]:
    """All of them, some at a time."""
    heard: list[Heard] = []
    for start in range(0, len(recipes), BATCH):
        heard += _batch(recipes[start : start + BATCH])
    return heard


def _batch(recipes: Sequence[Recipe]) -> list[Heard]:
    rendered = [render(recipe) for recipe in recipes]
    bank = AudioBank(len(recipes), np.random.default_rng(1))
    rows = [bank.open(recipe.id) for recipe in recipes]
    for recipe in recipes:
        bank.connect(recipe.id, recipe.codec, None)
    told: dict[str, list[tuple[float, LineEvent]]] = {recipe.id: [] for recipe in recipes}
    began = time.process_time()
    for tick in range(max(len(each.frames) for each in rendered)):
        bank.packets_to_send()
        here: list[tuple[int, bytes]] = []
        for row, recipe, each in zip(rows, recipes, rendered, strict=True):
            if tick == each.answer_tick:
                bank.start_recording(recipe.id, to_file=False)
            frame = each.frames[tick] if tick < len(each.frames) else None
            if frame is not None:
                here.append((row, _packet(recipe.codec, tick, frame)))
        if here:
            packets = np.frombuffer(b"".join(packet for _, packet in here), np.uint8).reshape(len(here), -1)
            bank.receive(np.array([row for row, _ in here]), packets, np.full(len(here), packets.shape[1]))
        bank.listen()
        while (event := bank.next_event()) is not None:
            told[event.line_id].append(((tick + 1) * TICK_S, event))
    each_s = (time.process_time() - began) / len(recipes)
    return [
        _one(recipe, sound, told[recipe.id], each_s) for recipe, sound in zip(recipes, rendered, strict=True)
    ]


def _one(recipe: Recipe, rendered: Rendered, told: list[tuple[float, LineEvent]], cpu_s: float) -> Heard:
    zero = (rendered.answer_tick or 0) * TICK_S
    ends_at = len(rendered.frames) * TICK_S - zero
    events = tuple((at - zero, event) for at, event in told if at - zero <= ends_at)
    return Heard(recipe, rendered, events, ends_at, cpu_s)


def _packet(codec: str, tick: int, frame: bytes) -> bytes:
    payload_type, payload = (PCMU, frame) if codec == "PCMU" else (PCMA, _as_alaw(frame))
    return RtpPacket(payload_type, tick & 0xFFFF, tick * 160, 7, payload).to_bytes()


def _as_alaw(frame: bytes) -> bytes:
    return bytes(_ALAW[np.frombuffer(frame, np.uint8)].tobytes())


def _alaw_table() -> np.ndarray:
    """G.711 A-law of every µ-law code: the nearest of its 256 values."""
    from byourside_server.media.g711 import ALAW_TO_ULAW

    linear = decode_ulaw(bytes(range(256)))
    alaw = decode_ulaw(bytes(ALAW_TO_ULAW.tolist()))
    return np.abs(linear[:, None] - alaw[None, :]).argmin(axis=1).astype(np.uint8)


_ALAW = _alaw_table()
