"""Our contender's stub vendors on loopback, over the real protocols: `python -m bench.turns.vendors FOLDER`.

Deepgram's listen socket, OpenAI's chat completions and OpenAI's speech, each with its set delay. Prints the
settings that point a server at them, as JSON, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from functools import partial
from pathlib import Path

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from bench.turns.ear import Ear, Result
from bench.turns.sayings import Sayings, read
from bench.turns.talk import FIRST_AUDIO_S, FIRST_TOKEN_S, STT_S, StubMind, Voice
from byourside_server.providers.telephone_band import LINE_RATE_HZ, decode_ulaw, resample, to_int16
from tests.vendors.audio_server import PCM_RATE_HZ, SimulatedAudioServer
from tests.vendors.chat_server import Answer, SimulatedChatServer
from tests.vendors.deepgram_server import SimulatedDeepgramServer

KEY = "simulated-key"
CONFIDENCE = 0.95


class StubEars(SimulatedDeepgramServer):
    """The shared stub ear behind the listen socket."""

    def __init__(self, sayings: Sayings) -> None:
        super().__init__(key=KEY)
        self._sayings = sayings

    async def _attend(self, socket: ServerConnection) -> None:
        ear, more = Ear(self._sayings, STT_S), asyncio.Event()
        telling = asyncio.create_task(tell(socket, ear, more))
        now = asyncio.get_running_loop().time
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                if isinstance(message, bytes):
                    ear.hear(message, now())
                elif json.loads(message)["type"] == "Finalize":
                    ear.ask(now())
                elif json.loads(message)["type"] == "CloseStream":
                    break
                more.set()
        telling.cancel()


async def tell(socket: ServerConnection, ear: Ear, more: asyncio.Event) -> None:
    """Send each result when it is due."""
    now = asyncio.get_running_loop().time
    with contextlib.suppress(ConnectionClosed):
        while True:
            due = ear.next_due()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await more.wait()
            more.clear()
            for result in ear.take(now()):
                await socket.send(json.dumps(message_of(result)))


def message_of(result: Result) -> dict[str, object]:
    """As Deepgram writes it."""
    best = {"transcript": result.text, "confidence": CONFIDENCE if result.text else 0.0}
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "start": result.begin / LINE_RATE_HZ,
        "duration": (result.end - result.begin) / LINE_RATE_HZ,
        "is_final": result.is_final,
        "speech_final": result.is_final and not result.is_asked,
        "from_finalize": result.is_asked,
        "channel": {"alternatives": [best]},
    }


def answer(thinker: StubMind, body: dict[str, object]) -> Answer:
    """The shared stub mind: the first token in its time, the rest at once."""
    messages = body["messages"]
    assert isinstance(messages, list)
    said = [str(each["content"]) for each in messages if each.get("role") == "user"]
    return Answer(thinker.reply_to(said[-1] if said else ""), first_token_s=FIRST_TOKEN_S)


def main(folder: Path) -> None:
    """Serve until standard input ends."""
    voice = Voice(folder)

    def say(text: str) -> bytes:
        return to_int16(resample(decode_ulaw(voice.say(text)), LINE_RATE_HZ, PCM_RATE_HZ))

    slow = {"fault": "slow_first_audio", "slow_s": FIRST_AUDIO_S}
    with (
        StubEars(read(folder)) as ears,
        SimulatedChatServer(partial(answer, StubMind()), key=KEY) as mind,
        SimulatedAudioServer(say=say, key=KEY, **slow) as mouth,  # type: ignore[arg-type]
    ):
        compatible = "compatible?model=simulated&key_env=SIMULATED_API_KEY&base_url="
        settings = {
            "BYOURSIDE_MIND": compatible + mind.base_url,
            "BYOURSIDE_ANALYSIS": "embedded",
            "BYOURSIDE_SPEECH_TO_TEXT": f"deepgram?base_url={ears.base_url}",
            "BYOURSIDE_TEXT_TO_SPEECH": compatible + mouth.base_url,
            "SIMULATED_API_KEY": KEY,
            "DEEPGRAM_API_KEY": KEY,
        }
        print(json.dumps(settings), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
