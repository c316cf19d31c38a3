"""Ears of LiveKit Agents plugins: a turn at a time, or listening along where the plugin can.

Knows the recognition interface of livekit-agents; no vendor behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from byourside_server.providers.base import (
    Expectation,
    Recognition,
    SpeechToText,
)
from byourside_server.providers.heard_words import BYTES_PER_SECOND, SHORTEST_SPEECH, refuse_too_long
from byourside_server.providers.livekit_plugin import Plugin, connect_options, seconds
from byourside_server.providers.livekit_stream import (
    Heard,
    LiveKitSpeechStream,
    frame_of,
    heard_in,
    recognition_of,
)
from byourside_server.providers.specification import Options
from byourside_server.providers.written_arguments import takes

if TYPE_CHECKING:
    from livekit.agents import stt

# A whole turn sent at once: a tenth of its length comes on top of the time for an answer.
WHOLE_TURN_SHARE = 0.1

# option → what it sets; printed in the documentation
OPTIONS: Mapping[str, str] = {
    "key_env": "the environment variable that holds the key; without it the plugin reads its own",
    "connect_timeout_s": "longest wait for a connection",
    "answer_timeout_s": "longest wait for the words, from the end of the speech on",
    "settle_s": "listening along: final words after which nothing comes for so long are all",
}


@dataclass(frozen=True)
class Patience:
    """How long ears may take. `answer_s` is less than a line waits, so that what was heard by then counts."""

    connect_s: float = 1.0
    answer_s: float = 1.4
    settle_s: float = 0.4


USUAL_PATIENCE = Patience()


class LiveKitSpeechToText:
    """A `SpeechToText` over `livekit:<plugin>.<Class>`."""

    def __init__(self, plugin: Plugin, patience: Patience = USUAL_PATIENCE) -> None:
        self.name = plugin.name
        self._plugin = plugin
        self._patience = patience

    async def prepare(self, expect: Expectation) -> None:
        """Open what connections will be made with. Raises ProviderError."""
        with self._plugin.translated():
            await self._plugin.ready()

    async def transcribe(self, ulaw: bytes, expect: Expectation, *, language: str = "en-US") -> Recognition:
        """Words of one stretch of speech; these plugins take no expectation. Raises ProviderError."""
        self._plugin.refuse_if_closed()
        refuse_too_long(ulaw)
        if len(ulaw) < SHORTEST_SPEECH:
            return Recognition("", 0.0)
        instance: stt.STT[Any] = self._plugin.instance
        capabilities = instance.capabilities
        with self._plugin.translated():
            await self._plugin.ready()
            async with asyncio.timeout(self._patience_for(ulaw)):
                if capabilities.streaming and not capabilities.offline_recognize:
                    return recognition_of(await self._streamed(ulaw, language))
                return recognition_of(await self._recognised(ulaw, language))

    async def close(self) -> None:
        """A second close does nothing."""
        await self._plugin.close()

    def _patience_for(self, ulaw: bytes) -> float:
        return self._patience.answer_s + WHOLE_TURN_SHARE * len(ulaw) / BYTES_PER_SECOND

    async def _recognised(self, ulaw: bytes, language: str) -> list[Heard]:
        instance: stt.STT[Any] = self._plugin.instance
        event = await self._plugin.run(
            instance.recognize(
                [frame_of(ulaw)],
                conn_options=connect_options(self._patience.connect_s),
                **self._language(instance.recognize, language),
            )
        )
        heard = heard_in(event)
        return [heard] if heard is not None else []

    async def _streamed(self, ulaw: bytes, language: str) -> list[Heard]:
        stream = self._new_stream(language)
        try:
            stream.push_frame(frame_of(ulaw))
            stream.end_input()
            heard = [heard_in(event) async for event in stream]
        finally:
            await stream.aclose()
        return [each for each in heard if each is not None and each.is_final]

    def _new_stream(self, language: str) -> stt.RecognizeStream:
        instance: stt.STT[Any] = self._plugin.instance
        return self._plugin.call(
            instance.stream,
            conn_options=connect_options(self._patience.connect_s),
            **self._language(instance.stream, language),
        )

    def _language(self, method: object, language: str) -> dict[str, str]:
        """The call's language, unless the operator named one."""
        is_chosen = bool({"language", "detect_language"} & self._plugin.arguments)
        return (
            {"language": language} if callable(method) and takes(method, "language") and not is_chosen else {}
        )


class LiveKitStreamingSpeechToText(LiveKitSpeechToText):
    """The same for a plugin that can listen along: a `StreamingSpeechToText`."""

    def __init__(self, plugin: Plugin, patience: Patience = USUAL_PATIENCE) -> None:
        super().__init__(plugin, patience)
        self._streams: set[LiveKitSpeechStream] = set()

    async def open_stream(self, *, language: str = "en-US") -> LiveKitSpeechStream:
        """A stream for one line, open for the whole call. Raises ProviderError."""
        self._plugin.refuse_if_closed()
        stream = LiveKitSpeechStream(
            self.name,
            lambda: self._new_stream(language),
            self._plugin.error_of,
            answer_s=self._patience.answer_s,
            settle_s=self._patience.settle_s,
        )
        with self._plugin.translated():
            await self._plugin.ready()
            stream.open()
        self._streams = {each for each in self._streams if not each.is_closed} | {stream}
        return stream

    async def close(self) -> None:
        """Ends the streams that are still open, too; a second close does nothing."""
        streams, self._streams = self._streams, set()
        for stream in streams:
            await stream.close()
        await super().close()


def open_livekit_speech_to_text(target: str, options: Options, environ: Mapping[str, str]) -> SpeechToText:
    """The ears that `deepgram.STT` and its options name. Connects to nothing yet.

    Raises ProviderError (BAD_CONFIGURATION) naming the option, the variable or the package to mend.
    """
    patience = Patience(
        connect_s=seconds(options, "connect_timeout_s", USUAL_PATIENCE.connect_s),
        answer_s=seconds(options, "answer_timeout_s", USUAL_PATIENCE.answer_s),
        settle_s=seconds(options, "settle_s", USUAL_PATIENCE.settle_s),
    )
    plugin = Plugin(target, "stt.STT", options, environ)
    if plugin.instance.capabilities.streaming:
        return LiveKitStreamingSpeechToText(plugin, patience)
    return LiveKitSpeechToText(plugin, patience)
