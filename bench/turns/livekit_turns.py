"""LiveKit Agents with the shared stub ear, mind and voice.

    build/crowd/livekit/bin/python bench/turns/livekit_turns.py PORT FOLDER TURN

The session and its phone are those of `bench/crowd/livekit_phone.py`. The ear behaves as LiveKit's Deepgram
plugin: interim words and finals of the vendor's own; where a flush is asked for, Finalize.
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

# The session reads its own arguments: port, answer, turn, and delays that the engines below replace.
sys.argv[1:] = [PORT, str(Path(FOLDER, AGENT)), TURN, str(STT_S), str(FIRST_TOKEN_S), str(FIRST_AUDIO_S)]

import numpy as np  # noqa: E402
import uvloop  # noqa: E402
from livekit import rtc  # noqa: E402
from livekit.agents import stt  # noqa: E402
from livekit.agents.language import LanguageCode  # noqa: E402

from bench.crowd import livekit_phone as phone  # noqa: E402

SAYINGS, VOICE, MIND = read(Path(FOLDER)), Voice(Path(FOLDER)), StubMind()


class EarStream(stt.RecognizeStream):
    async def _run(self):
        self._ear, self._more, self._is_speaking = Ear(SAYINGS, STT_S), asyncio.Event(), False
        telling = asyncio.create_task(tell(self._ear, self._more, self._push))
        try:
            async for frame in self._input_ch:
                if isinstance(frame, rtc.AudioFrame):
                    sound = np.frombuffer(frame.data, "<i2").astype(np.int32)
                    self._ear.hear(companded(sound), now())
                else:
                    self._ear.ask(now())
                self._more.set()
        finally:
            telling.cancel()

    async def _push(self, result):
        kinds = stt.SpeechEventType
        if result.text and not self._is_speaking:
            self._is_speaking = True
            self._event_ch.send_nowait(stt.SpeechEvent(type=kinds.START_OF_SPEECH))
        if result.text:
            said = stt.SpeechData(language=LanguageCode("en"), text=result.text, confidence=0.95)
            kind = kinds.FINAL_TRANSCRIPT if result.is_final else kinds.INTERIM_TRANSCRIPT
            self._event_ch.send_nowait(stt.SpeechEvent(type=kind, alternatives=[said]))
        if result.is_final and self._is_speaking:
            self._is_speaking = False
            self._event_ch.send_nowait(stt.SpeechEvent(type=kinds.END_OF_SPEECH))


class Ears(phone.Ears):
    stretch = EarStream


class Thought(phone.Thought):
    def words(self):
        said = [each.text_content or "" for each in self._chat_ctx.messages() if each.role == "user"]
        return MIND.reply_to(said[-1] if said else "").split()


class Mind(phone.Mind):
    thought = Thought


class Sound(phone.Sound):
    def sound(self):
        return linear(VOICE.say(self._input_text)).astype("<i2").tobytes()


class Mouth(phone.Voice):
    utterance = Sound


if __name__ == "__main__":
    phone.ENGINES.update(ears=Ears, mind=Mind, voice=Mouth)
    uvloop.run(phone.main())
