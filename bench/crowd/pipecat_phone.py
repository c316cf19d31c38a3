"""Pipecat as its telephony guide builds a phone bot, with speech engines that answer after set delays.

    build/crowd/pipecat/bin/python bench/crowd/pipecat_phone.py PORT ANSWER.ul TURN STT_S TOKEN_S AUDIO_S

TURN is `smart` (its default: the smart-turn model) or `timeout`. FastAPI websocket, Twilio serializer,
Silero voice activity, two-channel recording in memory. Prints `ready` once it listens.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import asyncio
import json
import sys

import numpy as np
import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger

logger.remove()
logger.add(sys.stderr, level="ERROR")

from pipecat.audio.vad.silero import SileroVADAnalyzer  # noqa: E402
from pipecat.frames.frames import (  # noqa: E402
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline  # noqa: E402
from pipecat.pipeline.worker import PipelineParams, PipelineWorker  # noqa: E402
from pipecat.processors.aggregators.llm_context import LLMContext  # noqa: E402
from pipecat.processors.aggregators.llm_response_universal import (  # noqa: E402
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.audio.audio_buffer_processor import AudioBufferProcessor  # noqa: E402
from pipecat.serializers.twilio import TwilioFrameSerializer  # noqa: E402
from pipecat.services.llm_service import LLMService  # noqa: E402
from pipecat.services.stt_service import STTService  # noqa: E402
from pipecat.services.tts_service import TTSService  # noqa: E402
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport  # noqa: E402
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy  # noqa: E402
from pipecat.turns.user_turn_strategies import UserTurnStrategies  # noqa: E402
from pipecat.utils.time import time_now_iso8601  # noqa: E402
from pipecat.workers.runner import WorkerRunner  # noqa: E402

PORT, ANSWER, TURN = int(sys.argv[1]), sys.argv[2], sys.argv[3]
STT_S, TOKEN_S, AUDIO_S = (float(given) for given in sys.argv[4:7])
HEARD = "my name is john smith and friday at three thirty is fine"
WORDS = ["Of", "course,", "I", "have", "noted", "three", "thirty", "on", "Friday."]
PIECE = 3200


def linear(ulaw: bytes) -> bytes:
    """16-bit samples of µ-law bytes (ITU-T G.711)."""
    code = ~np.frombuffer(ulaw, np.uint8).astype(np.int32) & 0xFF
    size = ((((code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132
    return np.where(code & 0x80, -size, size).astype("<i2").tobytes()


with open(ANSWER, "rb") as file:
    SOUND = linear(file.read())


class Ears(STTService):
    """A streaming recogniser: takes every frame, has the words STT_S after the voice stopped."""

    def __init__(self):
        super().__init__(ttfs_p99_latency=max(0.1, STT_S))

    async def run_stt(self, audio):
        yield None

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, VADUserStoppedSpeakingFrame):
            self.create_task(self._tell())

    async def _tell(self):
        if STT_S:
            await asyncio.sleep(STT_S)
        await self.push_frame(TranscriptionFrame(HEARD, "", time_now_iso8601(), finalized=True))


class Mind(LLMService):
    """First token after TOKEN_S, the others at once."""

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        await self.push_frame(LLMFullResponseStartFrame())
        if TOKEN_S:
            await asyncio.sleep(TOKEN_S)
        for word in self.words(frame):
            await self.push_frame(LLMTextFrame(word + " "))
        await self.push_frame(LLMFullResponseEndFrame())

    def words(self, frame):
        return WORDS


class Voice(TTSService):
    """First sound after AUDIO_S, the rest at once."""

    def __init__(self):
        super().__init__(push_start_frame=True, push_stop_frames=True, sample_rate=8000)

    async def run_tts(self, text, context_id):
        if AUDIO_S:
            await asyncio.sleep(AUDIO_S)
        sound = self.sound(text)
        for at in range(0, len(sound), PIECE):
            yield TTSAudioRawFrame(sound[at : at + PIECE], 8000, 1, context_id=context_id)

    def sound(self, text):
        return SOUND


ENGINES = {"ears": Ears, "mind": Mind, "voice": Voice}
"""What a pipeline is built with; another bench puts its own in."""
app = FastAPI()


@app.websocket("/")
async def phone(websocket: WebSocket):
    await websocket.accept()
    await websocket.receive_text()
    start = json.loads(await websocket.receive_text())["start"]
    quiet = TwilioFrameSerializer.InputParams(auto_hang_up=False)
    transport = FastAPIWebsocketTransport(
        websocket=websocket,
        params=FastAPIWebsocketParams(
            audio_in_enabled=True,
            audio_out_enabled=True,
            add_wav_header=False,
            serializer=TwilioFrameSerializer(stream_sid=start["streamSid"], params=quiet),
        ),
    )
    strategies = UserTurnStrategies(stop=[SpeechTimeoutUserTurnStopStrategy()]) if TURN == "timeout" else None
    listening = LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer(), user_turn_strategies=strategies)
    context = LLMContextAggregatorPair(LLMContext(), user_params=listening)
    recorder = AudioBufferProcessor(num_channels=2)
    ears, mind, voice = (ENGINES[name]() for name in ("ears", "mind", "voice"))
    stages = [transport.input(), ears, context.user(), mind, voice, transport.output(), recorder]
    worker = PipelineWorker(
        Pipeline([*stages, context.assistant()]),
        params=PipelineParams(audio_in_sample_rate=8000, audio_out_sample_rate=8000),
        idle_timeout_secs=None,
    )

    @transport.event_handler("on_client_connected")
    async def connected(transport, client):
        await recorder.start_recording()

    @transport.event_handler("on_client_disconnected")
    async def disconnected(transport, client):
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print("ready", flush=True)


def serve():
    settings = uvicorn.Config(
        app, host="127.0.0.1", port=PORT, log_level="error", ws_per_message_deflate=False
    )
    Server(settings).run()


if __name__ == "__main__":
    serve()
