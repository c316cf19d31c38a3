"""LiveKit Agents' session on a telephone's sound, with speech engines that answer after set delays.

    build/crowd/livekit/bin/python bench/crowd/livekit_phone.py PORT ANSWER.ul TURN STT_S TOKEN_S AUDIO_S

TURN is `detector` (its default end-of-turn model) or `vad`. The session sits behind the websocket of hosted
telephony through its own audio doors, all calls in one process: LiveKit's SIP server, its media server and
its process for each job are left out, which flatters it. Prints `ready` once it listens.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import asyncio
import base64
import json
import logging
import sys
import time
import uuid

import numpy as np
import uvloop
import websockets
from livekit import rtc
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, Agent, AgentSession, llm, stt, tts
from livekit.agents.language import LanguageCode
from livekit.agents.voice import io

PORT, ANSWER, TURN = int(sys.argv[1]), sys.argv[2], sys.argv[3]
STT_S, TOKEN_S, AUDIO_S = (float(given) for given in sys.argv[4:7])
HEARD = "my name is john smith and friday at three thirty is fine"
WORDS = ["Of", "course,", "I", "have", "noted", "three", "thirty", "on", "Friday."]
RATE_HZ, CHUNK_S = 8000, 0.04
SPEECH_LEVEL, STARTED_S, ENDED_S = 600, 0.2, 0.1
logging.basicConfig(level="ERROR")


def linear(ulaw: bytes) -> np.ndarray:
    """16-bit samples of µ-law bytes (ITU-T G.711)."""
    code = ~np.frombuffer(ulaw, np.uint8).astype(np.int32) & 0xFF
    size = ((((code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132
    return np.where(code & 0x80, -size, size).astype("<i2")


SORTED = np.argsort(linear(bytes(range(256))), kind="stable")
LEVELS = linear(bytes(range(256)))[SORTED].astype(np.int32)


def companded(samples: np.ndarray) -> bytes:
    """The nearest µ-law bytes."""
    above = np.clip(np.searchsorted(LEVELS, samples), 1, 255)
    nearer = samples - LEVELS[above - 1] < LEVELS[above] - samples
    return SORTED[above - nearer].astype(np.uint8).tobytes()


with open(ANSWER, "rb") as file:
    SOUND = linear(file.read()).tobytes()


class EarStream(stt.RecognizeStream):
    """Its own ends of speech by energy; the final words come STT_S after the voice stopped."""

    async def _run(self):
        spoken = quiet = 0.0
        told = False
        async for frame in self._input_ch:
            if not isinstance(frame, rtc.AudioFrame):
                continue
            sound = np.frombuffer(frame.data, np.int16)
            length = len(sound) / frame.sample_rate
            if int(np.abs(sound).max()) > SPEECH_LEVEL:
                spoken, quiet = spoken + length, 0.0
            elif spoken:
                quiet += length
            if spoken > STARTED_S and not told:
                told = True
                self._tell(stt.SpeechEventType.START_OF_SPEECH)
                self._tell(stt.SpeechEventType.INTERIM_TRANSCRIPT, "my name is")
            if spoken and quiet > max(ENDED_S, STT_S):
                if told:
                    self._tell(stt.SpeechEventType.FINAL_TRANSCRIPT, HEARD)
                    self._tell(stt.SpeechEventType.END_OF_SPEECH)
                spoken, quiet, told = 0.0, 0.0, False

    def _tell(self, kind, text=None):
        said = [stt.SpeechData(language=LanguageCode("en"), text=text, confidence=0.9)] if text else []
        self._event_ch.send_nowait(stt.SpeechEvent(type=kind, alternatives=said))


class Ears(stt.STT):
    stretch = EarStream

    def __init__(self):
        can = stt.STTCapabilities(streaming=True, interim_results=True, offline_recognize=False)
        super().__init__(capabilities=can)

    async def _recognize_impl(self, *arguments, **options):
        raise NotImplementedError

    def stream(self, *, language=None, conn_options=DEFAULT_API_CONNECT_OPTIONS):
        return self.stretch(stt=self, conn_options=conn_options)


class Thought(llm.LLMStream):
    async def _run(self):
        await asyncio.sleep(TOKEN_S)
        for word in self.words():
            delta = llm.ChoiceDelta(role="assistant", content=word + " ")
            self._event_ch.send_nowait(llm.ChatChunk(id="1", delta=delta))

    def words(self):
        return WORDS


class Mind(llm.LLM):
    thought = Thought

    def chat(self, *, chat_ctx, tools=None, conn_options=DEFAULT_API_CONNECT_OPTIONS, **options):
        return self.thought(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class Sound(tts.ChunkedStream):
    async def _run(self, output):
        output.initialize(
            request_id=uuid.uuid4().hex, sample_rate=RATE_HZ, num_channels=1, mime_type="audio/pcm"
        )
        await asyncio.sleep(AUDIO_S)
        output.push(self.sound())
        output.flush()

    def sound(self):
        return SOUND


class Voice(tts.TTS):
    utterance = Sound

    def __init__(self):
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False), sample_rate=RATE_HZ, num_channels=1
        )

    def synthesize(self, text, *, conn_options=DEFAULT_API_CONNECT_OPTIONS):
        return self.utterance(tts=self, input_text=text, conn_options=conn_options)


ENGINES = {"ears": Ears, "mind": Mind, "voice": Voice}
"""What a session is built with; another bench puts its own in."""


class PhoneIn(io.AudioInput):
    def __init__(self):
        super().__init__(label="phone")
        self.frames = asyncio.Queue()

    async def __anext__(self):
        frame = await self.frames.get()
        if frame is None:
            raise StopAsyncIteration
        return frame


class PhoneOut(io.AudioOutput):
    """Sends what the session says at the pace of speech, 40 ms a message."""

    def __init__(self, stream, stream_id):
        super().__init__(
            label="phone", capabilities=io.AudioOutputCapabilities(pause=True), sample_rate=RATE_HZ
        )
        self._stream, self._stream_id = stream, stream_id
        self._waiting = bytearray()
        self._pushed_s = 0.0
        self._flushed = self._playing = self._paused = False
        self._changed = asyncio.Event()
        self._tasks = set()
        self.task = asyncio.create_task(self._play())

    async def capture_frame(self, frame):
        await super().capture_frame(frame)
        self._waiting += bytes(frame.data)
        self._pushed_s += frame.duration
        self._changed.set()

    def flush(self):
        super().flush()
        self._flushed = True
        self._changed.set()

    def clear_buffer(self):
        if not self._pushed_s:
            return
        played_s = max(0.0, self._pushed_s - len(self._waiting) / 2 / RATE_HZ)
        self._waiting.clear()
        self._over()
        self._send({"event": "clear"})
        self.on_playback_finished(playback_position=played_s, interrupted=True)

    def pause(self):
        super().pause()
        self._paused = True
        self._send({"event": "clear"})

    def resume(self):
        super().resume()
        self._paused = False
        self._changed.set()

    def _over(self):
        self._pushed_s, self._flushed, self._playing = 0.0, False, False

    def _send(self, message):
        sending = self._stream.send(json.dumps({**message, "streamSid": self._stream_id}))
        self._tasks.add(asyncio.create_task(sending))

    async def _play(self):
        due = 0.0
        while True:
            if self._paused or not self._waiting:
                if not self._paused and self._flushed and self._pushed_s:
                    played_s = self._pushed_s
                    self._over()
                    self.on_playback_finished(playback_position=played_s, interrupted=False)
                self._changed.clear()
                await self._changed.wait()
                due = time.monotonic()
                continue
            if not self._playing:
                self._playing = True
                self.on_playback_started(created_at=time.time())
            size = int(CHUNK_S * RATE_HZ) * 2
            chunk = bytes(self._waiting[:size])
            del self._waiting[:size]
            payload = base64.b64encode(companded(np.frombuffer(chunk, np.int16))).decode()
            await self._stream.send(
                json.dumps({"event": "media", "streamSid": self._stream_id, "media": {"payload": payload}})
            )
            due += CHUNK_S
            wait_s = due - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)


async def phone(stream):
    await stream.recv()
    start = json.loads(await stream.recv())["start"]
    turns = {} if TURN == "detector" else {"turn_handling": {"turn_detection": TURN}}
    engines = {"stt": ENGINES["ears"](), "llm": ENGINES["mind"](), "tts": ENGINES["voice"]()}
    session = AgentSession(**engines, aec_warmup_duration=None, user_away_timeout=None, **turns)
    hears, says = PhoneIn(), PhoneOut(stream, start["streamSid"])
    session.input.audio, session.output.audio = hears, says
    await session.start(agent=Agent(instructions="You answer the phone."), record=False)
    async for message in stream:
        told = json.loads(message)
        if told["event"] == "stop":
            break
        if told["event"] == "media":
            sound = linear(base64.b64decode(told["media"]["payload"]))
            frame = rtc.AudioFrame(
                data=sound.tobytes(), sample_rate=RATE_HZ, num_channels=1, samples_per_channel=len(sound)
            )
            hears.frames.put_nowait(frame)
    hears.frames.put_nowait(None)
    says.task.cancel()
    await session.aclose()


async def main():
    async with websockets.serve(phone, "127.0.0.1", PORT, compression=None, max_queue=None):
        print("ready", flush=True)
        await asyncio.Future()


if __name__ == "__main__":
    uvloop.run(main())
