"""A scripted LiveKit plugin: voices and ears that do what real ones may, one oddity a class.

`install` makes it importable as `livekit.plugins.scripted` for one test.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import types
from collections.abc import Callable
from typing import Any, Literal

import pytest
from aiohttp import ClientSession
from livekit import rtc
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectionError,
    APIConnectOptions,
    APIError,
    APIStatusError,
    APITimeoutError,
    NotGivenOr,
    stt,
    tts,
    utils,
)

from tests.vendors.plugin_vendors import tone

log = logging.getLogger("livekit.plugins.scripted")

FAILURES: dict[str, Callable[[], Exception]] = {
    "timeout": APITimeoutError,
    "connection": APIConnectionError,
    "slow connection": lambda: _because_of(APIConnectionError(), TimeoutError()),
    "rate": lambda: APIStatusError("slow down, my secret", status_code=429, body={"code": "x"}),
    "quota": lambda: APIStatusError("pay", status_code=429, body={"code": "insufficient_quota"}),
    "key": lambda: APIStatusError("no", status_code=401),
    "text": lambda: APIStatusError("what is 'my secret'?", status_code=422),
    "server": lambda: APIStatusError("oh", status_code=503),
    "socket": lambda: APIStatusError("closed", status_code=1006),
    "vendor": lambda: APIError("error: my secret"),
    "bug": lambda: KeyError("my secret"),
}


def _because_of(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


class _Speaking:
    """What both kinds of stream do: odd pieces of a stereo tone at 48 kHz, then what was asked for."""

    def __init__(self, fails: str, silent: bool, stalls: bool) -> None:
        self.fails, self.silent, self.stalls = fails, silent, stalls

    async def run(self, emitter: tts.AudioEmitter) -> None:
        if self.silent:
            await asyncio.Event().wait()
        sound = tone(48000, channels=2)
        for at in range(0, len(sound), 4999):
            emitter.push(sound[at : at + 4999])
        emitter.flush()
        if self.stalls:
            await asyncio.Event().wait()
        if self.fails:
            await asyncio.sleep(0.01)  # let what was pushed be passed on
            log.error("a plugin that tells of my secret")
            raise FAILURES[self.fails]()


class _Chunked(tts.ChunkedStream):
    def __init__(self, speaking: _Speaking, **named: Any) -> None:
        super().__init__(**named)
        self._speaking = speaking

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(request_id="r", sample_rate=48000, num_channels=2, mime_type="audio/pcm")
        await self._speaking.run(output_emitter)


class _Streamed(tts.SynthesizeStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        text = "".join([part async for part in self._input_ch if isinstance(part, str)])
        assert text == "Hello there."
        output_emitter.initialize(
            request_id="r", sample_rate=48000, num_channels=2, mime_type="audio/pcm", stream=True
        )
        output_emitter.start_segment(segment_id="s")
        await _Speaking("", False, False).run(output_emitter)
        output_emitter.end_segment()


class Voice(tts.TTS[Any]):
    """Stereo at 48 kHz in odd pieces; `fails` names one of FAILURES, met after the sound."""

    def __init__(
        self,
        *,
        pace: Literal["slow", "fast"] = "slow",
        pitch: float = 1.0,
        fails: str = "",
        silent: bool = False,
        stalls: bool = False,
        client: rtc.AudioResampler | None = None,
    ) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=False), sample_rate=48000, num_channels=2)
        self._speaking = _Speaking(fails, silent, stalls)
        self.sessions: list[ClientSession] = []

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        self.sessions.append(utils.http_context.http_session())
        return _Chunked(self._speaking, tts=self, input_text=text, conn_options=conn_options)


class StreamOnlyVoice(tts.TTS[Any]):
    """Text can only be pushed."""

    def __init__(self, api_key: str) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=True), sample_rate=48000, num_channels=2)
        if api_key == "wrong":
            raise ValueError(f"{api_key} is no key")

    def synthesize(self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS) -> Any:
        raise NotImplementedError

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.SynthesizeStream:
        return _Streamed(tts=self, conn_options=conn_options)


# What a scripted stream does at its nth flush: waits (seconds), interims and finals with the second they end.
Step = float | tuple[Literal["interim", "final"], str, float] | Exception
SCRIPT: list[list[Step]] = []


class Ears(stt.STT[Any]):
    """Streams by SCRIPT; `offline` lets it take whole recordings too."""

    def __init__(self, offline: bool = False, fails: str = "") -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(streaming=True, interim_results=True, offline_recognize=offline)
        )
        self._fails = fails
        self.streams: list[_Listening] = []
        self.languages: list[object] = []

    async def _recognize_impl(
        self,
        buffer: Any,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        self.languages.append(language)
        if self._fails:
            raise FAILURES[self._fails]()
        return _event("final", "Hello, World.", 0.0)

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        self.languages.append(language)
        stream = _Listening(stt=self, conn_options=conn_options)
        self.streams.append(stream)
        return stream


class _Listening(stt.RecognizeStream):
    pushed = 0

    async def _run(self) -> None:
        async for data in self._input_ch:
            if isinstance(data, rtc.AudioFrame):
                self.pushed += data.samples_per_channel
                continue
            for step in SCRIPT.pop(0) if SCRIPT else []:
                if isinstance(step, float):
                    await asyncio.sleep(step)
                elif isinstance(step, Exception):
                    raise step
                else:
                    self._event_ch.send_nowait(_event(*step))


def _event(kind: str, text: str, end_s: float) -> stt.SpeechEvent:
    kinds = {
        "interim": stt.SpeechEventType.INTERIM_TRANSCRIPT,
        "final": stt.SpeechEventType.FINAL_TRANSCRIPT,
    }
    data = stt.SpeechData(language="en", text=text, end_time=end_s, confidence=0.0)  # type: ignore[arg-type]
    return stt.SpeechEvent(type=kinds[kind], alternatives=[data])


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """For one test."""
    module = types.ModuleType("livekit.plugins.scripted")
    for each in (Voice, StreamOnlyVoice, Ears):
        setattr(module, each.__name__, each)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys.modules[__name__], "SCRIPT", [])
