"""Pipecat with the shared stub ear, mind and voice.

    build/crowd/pipecat/bin/python bench/turns/pipecat_turns.py PORT FOLDER TURN

The pipeline is that of `bench/crowd/pipecat_phone.py`. The ear behaves as Pipecat's Deepgram service: interim
words, finals of the vendor's own, and Finalize where voice activity stops.
"""

import sys

PORT, FOLDER, TURN = sys.argv[1:4]

import asyncio  # noqa: E402
from pathlib import Path  # noqa: E402

from bench.turns.ear import Ear  # noqa: E402
from bench.turns.sayings import AGENT, read  # noqa: E402
from bench.turns.talk import FIRST_AUDIO_S, FIRST_TOKEN_S, STT_S, StubMind, Voice  # noqa: E402
from bench.turns.telling import now, tell  # noqa: E402
from bench.turns.voicing import companded, linear  # noqa: E402

# The pipeline reads its own arguments: port, answer, turn, and delays that the engines below replace.
sys.argv[1:] = [PORT, str(Path(FOLDER, AGENT)), TURN, str(STT_S), str(FIRST_TOKEN_S), str(FIRST_AUDIO_S)]

import numpy as np  # noqa: E402
from pipecat.frames.frames import (  # noqa: E402
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.services.stt_service import STTService  # noqa: E402
from pipecat.utils.time import time_now_iso8601  # noqa: E402

from bench.crowd import pipecat_phone as phone  # noqa: E402

SAYINGS, VOICE, MIND = read(Path(FOLDER)), Voice(Path(FOLDER)), StubMind()
FINAL_AT_LATEST_S = 0.35
"""From the end of speech to its final words: Pipecat's own figure for Deepgram, and 200 ms of VAD + 150."""


class Ears(STTService):
    def __init__(self):
        super().__init__(ttfs_p99_latency=FINAL_AT_LATEST_S)
        self._ear = Ear(SAYINGS, STT_S)
        self._more = asyncio.Event()
        self._telling = None

    async def run_stt(self, audio):
        if self._telling is None:
            self._telling = self.create_task(tell(self._ear, self._more, self._push))
        self._ear.hear(companded(np.frombuffer(audio, "<i2").astype(np.int32)), now())
        self._more.set()
        yield None

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, VADUserStoppedSpeakingFrame):
            self.request_finalize()
            self._ear.ask(now())
            self._more.set()

    async def _push(self, result):
        if result.is_asked:
            self.confirm_finalize()
        if result.text:
            kind = TranscriptionFrame if result.is_final else InterimTranscriptionFrame
            await self.push_frame(kind(result.text, "", time_now_iso8601()))


class Mind(phone.Mind):
    def words(self, frame):
        said = [each["content"] for each in frame.context.get_messages() if each["role"] == "user"]
        return MIND.reply_to(str(said[-1]) if said else "").split()


class Mouth(phone.Voice):
    def sound(self, text):
        return linear(VOICE.say(text)).astype("<i2").tobytes()


if __name__ == "__main__":
    phone.ENGINES.update(ears=Ears, mind=Mind, voice=Mouth)
    phone.serve()
