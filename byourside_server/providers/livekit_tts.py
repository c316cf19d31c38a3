"""Voices of LiveKit Agents plugins: their frames, of any rate, as telephone sound in pieces.

Knows the speech interface of livekit-agents; no vendor behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from byourside_server.providers.base import ProviderError, ProviderErrorKind
from byourside_server.providers.heard_words import two_letters
from byourside_server.providers.http_voice import Patience
from byourside_server.providers.livekit_plugin import Plugin, connect_options, seconds
from byourside_server.providers.remembering_voice import RememberingVoice
from byourside_server.providers.resample import StreamResampler
from byourside_server.providers.specification import Options
from byourside_server.providers.telephone_band import encode_ulaw, from_int16
from byourside_server.providers.telephone_stream import Pieces

if TYPE_CHECKING:
    from livekit.agents import tts
    from livekit.rtc import AudioFrame

Result = TypeVar("Result")

LONGEST_TEXT = 2000  # characters; vendors differ, and a turn of a call is far shorter
USUAL_PATIENCE = Patience()

# option → what it sets; printed in the documentation
OPTIONS: Mapping[str, str] = {
    "key_env": "the environment variable that holds the key; without it the plugin reads its own",
    "connect_timeout_s": "longest wait for a connection",
    "first_audio_timeout_s": "longest wait for the first sound, from the request on",
    "gap_timeout_s": "longest wait between two pieces of sound",
}


class FrameDecoder:
    """Frames of 16-bit samples, any rate and channels, as µ-law; a change of rate midway is followed."""

    def __init__(self) -> None:
        self._rate_hz = 0
        self._resampler: StreamResampler | None = None

    def push(self, frame: AudioFrame) -> bytes:
        """µ-law of what this frame completes."""
        samples = from_int16(bytes(frame.data))
        if frame.num_channels > 1:
            samples = np.asarray(samples.reshape(-1, frame.num_channels).mean(axis=1), np.float32)
        before = b""
        if self._resampler is None or frame.sample_rate != self._rate_hz:
            before = self.finish()
            self._rate_hz, self._resampler = frame.sample_rate, StreamResampler(frame.sample_rate)
        return before + encode_ulaw(self._resampler.push(samples))

    def finish(self) -> bytes:
        """The rest."""
        resampler, self._resampler = self._resampler, None
        return encode_ulaw(resampler.finish()) if resampler is not None else b""


class LiveKitTextToSpeech(RememberingVoice):
    """A `TextToSpeech` over `livekit:<plugin>.<Class>`. `language` is its own, where it has one."""

    def __init__(self, plugin: Plugin, *, language: str | None, patience: Patience) -> None:
        super().__init__(plugin.name, self._made, longest_text=LONGEST_TEXT)
        self._plugin = plugin
        self._language = language
        self._patience = patience

    async def close(self) -> None:
        """A second close does nothing."""
        await super().close()
        await self._plugin.close()

    async def _made(self, text: str, language: str) -> AsyncGenerator[bytes, None]:
        if self._language is not None and two_letters(self._language) != two_letters(language):
            raise ProviderError(
                ProviderErrorKind.BAD_INPUT, f"{self.name} speaks {self._language!r} and not {language!r}"
            )
        decoder, pieces = FrameDecoder(), Pieces()
        async with contextlib.aclosing(self._frames(text)) as frames:
            async for frame in frames:
                piece = pieces.push(decoder.push(frame))
                if piece is not None:
                    yield piece
        last = pieces.push(decoder.finish()) or pieces.finish()
        if last is not None:
            yield last

    async def _frames(self, text: str) -> AsyncGenerator[AudioFrame, None]:
        clock = asyncio.get_running_loop().time
        first_by = clock() + self._patience.first_audio_s
        with self._plugin.translated():
            await self._plugin.ready()
            spoken = self._plugin.call(self._begin, text)
            try:
                patience_s = first_by - clock()
                while (audio := await _within(patience_s, anext(spoken, None))) is not None:
                    yield audio.frame
                    patience_s = self._patience.gap_s
            finally:
                await spoken.aclose()

    def _begin(self, text: str) -> tts.ChunkedStream | tts.SynthesizeStream:
        """The whole text in one request, or pushed into a stream where the plugin knows only that."""
        options = connect_options(self._patience.connect_s)
        instance: tts.TTS[Any] = self._plugin.instance
        try:
            return instance.synthesize(text, conn_options=options)
        except NotImplementedError:
            stream = instance.stream(conn_options=options)
        stream.push_text(text)
        stream.end_input()
        return stream


async def _within(seconds: float, step: Awaitable[Result]) -> Result:
    """One step of a generator: a limit across its yields would strike whoever holds it by then."""
    async with asyncio.timeout(max(0.0, seconds)):
        return await step


def open_livekit_text_to_speech(
    target: str, options: Options, environ: Mapping[str, str]
) -> LiveKitTextToSpeech:
    """The voice that `cartesia.TTS` and its options name. Connects to nothing yet.

    Raises ProviderError (BAD_CONFIGURATION) naming the option, the variable or the package to mend.
    """
    patience = Patience(
        connect_s=seconds(options, "connect_timeout_s", USUAL_PATIENCE.connect_s),
        first_audio_s=seconds(options, "first_audio_timeout_s", USUAL_PATIENCE.first_audio_s),
        gap_s=seconds(options, "gap_timeout_s", USUAL_PATIENCE.gap_s),
    )
    language = options.optional("language")
    plugin = Plugin(target, "tts.TTS", options, environ)
    return LiveKitTextToSpeech(plugin, language=language, patience=patience)
