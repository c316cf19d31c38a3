"""Simulated vendors for whole calls: a model that leads the talk, ears that know the clips, a voice.

Each stands behind a real server on loopback and misbehaves as `Trouble` says. Nothing here is a real vendor.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from byourside_server.providers.base import ToolCall
from byourside_server.sandbox.clips import all_clips
from tests.vendors import audio_server, chat_script, deepgram_server
from tests.vendors.audio_server import SimulatedAudioServer, SpokenByEspeak
from tests.vendors.chat_server import Answer, SimulatedChatServer
from tests.vendors.deepgram_server import SimulatedDeepgramServer

KEY = "simulated-key"
SAID = (
    "I'm calling to confirm the appointment for tomorrow at two p.m. Does that work for you?",
    "Wonderful. Do you need to reschedule?",
)
GOODBYE = ToolCall("call_1", "end_call", '{"reason": "done", "goodbye": "Thank you very much. Goodbye."}')
PIECE_BYTES = 320
SURE_SHARE = 0.5


@dataclass(frozen=True)
class Trouble:
    """Which engine fails and how; `fault` None is a healthy one."""

    engine: str  # mind, ears, ears_along or voice
    fault: str | None

    @property
    def name(self) -> str:
        return f"{self.engine}: {self.fault or 'healthy'}"


def all_troubles() -> list[Trouble]:
    """A healthy house, then every fault that the simulated vendors know."""
    tables = {
        "mind": chat_script.FAULTS,
        "ears": audio_server.FAULTS,
        "ears_along": deepgram_server.FAULTS,
        "voice": audio_server.FAULTS,
    }
    # Refusals of single fields concern how a request is written, not how long an answer takes.
    faulty = [
        Trouble(engine, fault)
        for engine, faults in tables.items()
        for fault in sorted(faults)
        if not fault.startswith("refuse_")
    ]
    return [Trouble("ears", None), Trouble("ears_along", None), *faulty]


def reply(body: dict[str, object]) -> Answer:
    """What the simulated model says next, by how often it has spoken."""
    messages = body.get("messages")
    assert isinstance(messages, list)
    spoken = sum(1 for each in messages if each.get("role") == "assistant")
    if spoken < len(SAID):
        return Answer(SAID[spoken], first_token_s=0.2, pieces_ms=20)
    return Answer("", tool_calls=(GOODBYE,), first_token_s=0.2)


class ClipEars:
    """Hears which of the sandbox's recordings came, by finding pieces of their middle to the sample."""

    def __init__(self) -> None:
        self._clips = [(_pieces(clip.ulaw), clip.text.lower().strip(".!? ")) for clip in all_clips()]

    def __call__(self, ulaw: bytes) -> str:
        heard = _plain(ulaw)
        shares = [
            (sum(piece in heard for piece in pieces) / len(pieces), text) for pieces, text in self._clips
        ]
        share, text = max(shares)
        return text if share >= SURE_SHARE else ""


def _pieces(ulaw: bytes) -> list[bytes]:
    """The middle three fifths, which nothing cuts off, in pieces that a lost packet spoils one by one."""
    middle = _plain(ulaw)[len(ulaw) // 5 : len(ulaw) * 4 // 5]
    return [middle[at : at + PIECE_BYTES] for at in range(0, len(middle) - PIECE_BYTES + 1, PIECE_BYTES)]


def _plain(ulaw: bytes) -> bytes:
    """G.711 has two zeros; what went through linear samples has one."""
    return ulaw.replace(b"\x7f", b"\xff")


@contextlib.contextmanager
def vendors(trouble: Trouble, *, with_embedded: bool) -> Iterator[dict[str, str]]:
    """Three vendors, one of them in trouble; the environment that points a server at them."""
    fault = {trouble.engine: trouble.fault}
    hear, voice = ClipEars(), SpokenByEspeak()
    rest = ", embedded" if with_embedded else ""

    def answer(body: dict[str, object]) -> Answer:
        said = reply(body)
        return Answer(said.text, said.tool_calls, said.pieces_ms, said.first_token_s, fault=fault.get("mind"))

    with (
        SimulatedChatServer(answer, key=KEY) as mind,
        SimulatedAudioServer(hear=hear, key=KEY, fault=fault.get("ears")) as ears,
        SimulatedDeepgramServer(hear=hear, key=KEY, fault=fault.get("ears_along")) as ears_along,
        SimulatedAudioServer(say=voice, key=KEY, fault=fault.get("voice"), slow_s=3.0) as mouth,
    ):
        listens_along = trouble.engine == "ears_along"
        whole = f"{_compatible(ears.base_url)}&rate_hz=8000"
        heard = f"deepgram?base_url={ears_along.base_url}" if listens_along else whole
        yield {
            "BYOURSIDE_MIND": f"{_compatible(mind.base_url)}{rest}",
            "BYOURSIDE_ANALYSIS": "embedded",
            "BYOURSIDE_SPEECH_TO_TEXT": f"{heard}{rest}",
            "BYOURSIDE_TEXT_TO_SPEECH": f"{_compatible(mouth.base_url)}{rest}",
            "SIMULATED_API_KEY": KEY,
            "DEEPGRAM_API_KEY": KEY,
        }


def _compatible(base_url: str) -> str:
    return f"compatible?model=simulated&key_env=SIMULATED_API_KEY&base_url={base_url}"
