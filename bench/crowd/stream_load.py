"""The same callers as `rtp_load.c`, over the websocket of hosted telephony: µ-law in JSON, 20 ms each.

    python -m bench.crowd.stream_load URL CALLS SECONDS BARGE SEED OUT FILE:VOICED_END …

Prints one JSON line of counts; OUT.turns and OUT.barges get the samples, as `rtp_load` writes them. An
interruption counts as heard at the contender's `clear`, or at the end of its last voiced sound, whichever
comes first. Runs under our own interpreter on the load's core, so it costs the contender nothing.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import websockets

from bench.crowd.speech import FRAME, RATE_HZ
from byourside_server.media.g711 import decode_ulaw, encode_ulaw

TICK_S = FRAME / RATE_HZ
PAUSE_S, BARGE_AFTER_S, PATIENCE_S = 1.0, 1.0, 12.0
VOICED_MEAN = 300 / 8
"""Mean of |sample|, 16-bit; `rtp_load` counts on a scale eight times as fine."""
NOISE_LEVEL = 10 ** (-65 / 20) * 32767


def messages(sound: bytes) -> list[str]:
    """One payload per 20 ms."""
    return [base64.b64encode(sound[at : at + FRAME]).decode() for at in range(0, len(sound), FRAME)]


@dataclass
class Samples:
    """What all calls have measured."""

    turns: list[float] = field(default_factory=list)
    barges: list[float] = field(default_factory=list)
    unanswered: int = 0
    talked_over: int = 0
    sent: int = 0
    received: int = 0


@dataclass
class Utterance:
    payloads: list[str]
    voiced_frame: int


class Caller:
    """One call: its script, and what it hears."""

    def __init__(self, number: int, speech: list[Utterance], barge: float, samples: Samples) -> None:
        self._number, self._speech, self._barge, self._samples = number, speech, barge, samples
        self._random = random.Random(number * 7919 + 1)
        self._mode = "quiet"
        self._said = speech[0]
        self._position = 0
        self._voiced_end_at = self._answer_at = self._last_voiced_at = self._began_at = 0.0
        self._interrupting = self._will_interrupt = False
        self._stopped_at = 0.0

    async def run(self, url: str, noise: list[str], start_at: float, end_at: float) -> None:
        """Talk from `start_at` to `end_at`, monotonic seconds."""
        async with websockets.connect(url, compression=None, max_queue=None) as stream:
            stream_id = f"MZ{self._number:032d}"
            about = {
                "streamSid": stream_id,
                "callSid": f"CA{self._number}",
                "accountSid": "AC0",
                "tracks": ["inbound"],
            }
            shape = {"encoding": "audio/x-mulaw", "sampleRate": RATE_HZ, "channels": 1}
            await stream.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
            start = {"event": "start", "streamSid": stream_id, "start": {**about, "mediaFormat": shape}}
            await stream.send(json.dumps(start))
            hearing = asyncio.create_task(self._hear(stream))
            until = start_at + 1 + 3 * self._random.random()
            tick = 0
            while (now := time.monotonic()) < end_at:
                wait_s = start_at + tick * TICK_S - now
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                payload = self._next_payload(time.monotonic(), until) or noise[tick % len(noise)]
                media = {
                    "track": "inbound",
                    "chunk": str(tick),
                    "timestamp": str(tick * 20),
                    "payload": payload,
                }
                await stream.send(json.dumps({"event": "media", "streamSid": stream_id, "media": media}))
                self._samples.sent += 1
                tick += 1
            hearing.cancel()
            await stream.send(json.dumps({"event": "stop", "streamSid": stream_id}))

    def _next_payload(self, now: float, until: float) -> str | None:
        if self._mode == "quiet" and now >= until:
            self._speak()
        elif self._mode == "waiting" and self._answer_at:
            self._samples.turns.append(self._answer_at - self._voiced_end_at)
            self._mode, self._will_interrupt = "listening", self._random.random() < self._barge
        elif self._mode == "waiting" and now - self._voiced_end_at > PATIENCE_S:
            self._samples.unanswered += 1
            self._speak()
        elif self._mode == "listening" and self._will_interrupt and now - self._answer_at > BARGE_AFTER_S:
            self._speak()
            self._interrupting, self._began_at, self._stopped_at = True, now, 0.0
        elif self._mode == "listening" and now - self._last_voiced_at > PAUSE_S:
            self._speak()
        if self._mode != "speaking":
            return None
        is_over = now - self._last_voiced_at > 0.1 and self._last_voiced_at > self._began_at
        if self._interrupting and not self._stopped_at and is_over:
            self._stopped_at = self._last_voiced_at
        payload = self._said.payloads[self._position]
        if self._position == self._said.voiced_frame:
            self._end_of_voice(now)
        self._position += 1
        if self._position == len(self._said.payloads):
            self._mode = "waiting"
        return payload

    def _end_of_voice(self, now: float) -> None:
        if self._interrupting:
            if self._stopped_at:
                self._samples.barges.append(self._stopped_at - self._began_at)
            else:
                self._samples.talked_over += 1
            self._interrupting = False
        self._voiced_end_at, self._answer_at = now, 0.0

    def _speak(self) -> None:
        self._mode, self._position = "speaking", 0
        self._said = self._random.choice(self._speech)
        self._answer_at = self._voiced_end_at = 0.0

    async def _hear(self, stream: websockets.ClientConnection) -> None:
        async for message in stream:
            heard = json.loads(message)
            now = time.monotonic()
            if heard["event"] == "clear":
                if self._interrupting and not self._stopped_at:
                    self._stopped_at = now
                self._last_voiced_at = min(self._last_voiced_at, now)
            elif heard["event"] == "media":
                self._samples.received += 1
                sound = base64.b64decode(heard["media"]["payload"])
                if np.abs(decode_ulaw(sound).astype(np.int32)).mean() > VOICED_MEAN:
                    self._last_voiced_at = now + len(sound) / RATE_HZ
                    if self._voiced_end_at and not self._answer_at and not self._interrupting:
                        self._answer_at = now


def loaded(given: str) -> Utterance:
    """What a `FILE:VOICED_END` holds."""
    name, _, end = given.rpartition(":")
    return Utterance(messages(Path(name).read_bytes()), (int(end) - 1) // FRAME)


async def main(url: str, calls: int, seconds: float, barge: float, out: str, speech: list[Utterance]) -> None:
    random_noise = np.random.default_rng(1).standard_normal(FRAME * 50) * NOISE_LEVEL
    noise = messages(encode_ulaw(random_noise.astype(np.int16)).tobytes())
    samples = Samples()
    start_at = time.monotonic() + 1
    callers = [Caller(number, speech, barge, samples) for number in range(calls)]
    phases = (
        caller.run(url, noise, start_at + number * TICK_S / calls, start_at + seconds)
        for number, caller in enumerate(callers)
    )
    ended = await asyncio.gather(*phases, return_exceptions=True)
    broken = [repr(error) for error in ended if isinstance(error, Exception)]
    np.array(samples.turns, np.float32).tofile(f"{out}.turns")
    np.array(samples.barges, np.float32).tofile(f"{out}.barges")
    counts = {
        "calls": calls,
        "sent": samples.sent,
        "received": samples.received,
        "turns": len(samples.turns),
        "unanswered": samples.unanswered,
        "interruptions": len(samples.barges),
        "talked_over": samples.talked_over,
        "broken": broken[:3],
    }
    print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    given = sys.argv[1:]
    words = [loaded(argument) for argument in given[6:]]
    asyncio.run(main(given[0], int(given[1]), float(given[2]), float(given[3]), given[5], words))
