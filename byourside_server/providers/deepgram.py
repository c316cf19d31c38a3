"""Deepgram: words over its listen socket, a voice over its speak request, both in telephone sound.

Knows addresses and parameters of the vendor; nothing of calls.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from byourside_server.providers.base import Expectation, ProviderError, ProviderErrorKind, Recognition
from byourside_server.providers.deepgram_stream import (
    CLOSE_STREAM,
    LONGEST_MESSAGE,
    DeepgramStream,
    Heard,
    is_summary,
    read_message,
    recognition_of,
)
from byourside_server.providers.heard_words import (
    BYTES_PER_SECOND,
    SHORTEST_SPEECH,
    refuse_too_long,
    two_letters,
)
from byourside_server.providers.http_voice import HttpTextToSpeech, Patience, Wanted
from byourside_server.providers.telephone_stream import UlawDecoder
from byourside_server.providers.vendor_http import Endpoint

BASE_URL = "https://api.deepgram.com/v1"
LISTEN_MODEL = "nova-3"
SPEAK_MODEL = "aura-2-thalia-en"
LONGEST_TEXT = 2000  # characters; the published limit of one request
MOST_KEYTERMS = 20
SOUND = {"encoding": "mulaw", "sample_rate": "8000"}
# A whole turn sent at once: a tenth of its length comes on top of the time for an answer.
WHOLE_TURN_SHARE = 0.1
CLOSE_S = 1.0

# The library writes every header to its debug log, and one of them is the key.
_quiet = logging.getLogger(f"{__name__}.socket")
_quiet.setLevel(logging.INFO)


class DeepgramTextToSpeech(HttpTextToSpeech):
    """A `TextToSpeech` over `POST /v1/speak`; a voice has one language, the last part of its name."""

    def __init__(self, endpoint: Endpoint, model: str, patience: Patience | None = None) -> None:
        self._model = model
        super().__init__(
            endpoint.vendor,
            endpoint,
            want=self._wanted,
            make_decoder=UlawDecoder,
            longest_text=LONGEST_TEXT,
            patience=patience or Patience(),
        )

    def _wanted(self, text: str, language: str) -> Wanted:
        spoken = self._model.rpartition("-")[2]
        if len(spoken) == 2 and spoken != two_letters(language):
            raise ProviderError(
                ProviderErrorKind.BAD_INPUT, f"the voice {self._model!r} does not speak {language!r}"
            )
        query = urlencode({"model": self._model, **SOUND, "container": "none"})
        return Wanted(f"/speak?{query}", {"text": text})


@dataclass(frozen=True)
class ListenRequest:
    """The ears to listen with. `language` replaces that of the call; `answer_s` is from Finalize to words."""

    model: str = LISTEN_MODEL
    language: str | None = None
    numerals: bool = False
    smart_format: bool = False
    connect_s: float = 1.0
    answer_s: float = 1.5

    def query(self, language: str, expect: Expectation) -> str:
        pairs = [
            *SOUND.items(),
            ("channels", "1"),
            ("model", self.model),
            ("language", self.language or language),
            ("interim_results", "true"),
            ("punctuate", "true"),
        ]
        pairs += [("numerals", "true")] * self.numerals + [("smart_format", "true")] * self.smart_format
        if self.model.startswith("nova-3"):  # older models refuse the parameter
            pairs += [("keyterm", phrase) for phrase in expect.phrases[:MOST_KEYTERMS]]
        return urlencode(pairs)


class DeepgramSpeechToText:
    """A `StreamingSpeechToText` over `wss://api.deepgram.com/v1/listen`."""

    def __init__(self, endpoint: Endpoint, request: ListenRequest | None = None) -> None:
        self.name = endpoint.vendor
        self._endpoint = endpoint
        self._request = request or ListenRequest()
        self._streams: set[DeepgramStream] = set()
        self._is_closed = False

    async def prepare(self, expect: Expectation) -> None:
        """Nothing to load."""
        self._refuse_if_closed()

    async def open_stream(self, *, language: str = "en-US") -> DeepgramStream:
        """A stream for one line, open for the whole call. Raises ProviderError."""
        self._refuse_if_closed()
        stream = DeepgramStream(
            lambda: self._connect(language, Expectation()), answer_s=self._request.answer_s
        )
        await stream.open()
        self._streams = {each for each in self._streams if not each.is_closed} | {stream}
        return stream

    async def transcribe(self, ulaw: bytes, expect: Expectation, *, language: str = "en-US") -> Recognition:
        """Words of one stretch of speech. Raises ProviderError."""
        self._refuse_if_closed()
        refuse_too_long(ulaw)
        if len(ulaw) < SHORTEST_SPEECH:
            return Recognition("", 0.0)
        patience_s = self._request.answer_s + WHOLE_TURN_SHARE * len(ulaw) / BYTES_PER_SECOND
        with self._translated():
            async with asyncio.timeout(patience_s), self._socket(language, expect) as socket:
                for at in range(0, len(ulaw), LONGEST_MESSAGE):
                    await socket.send(ulaw[at : at + LONGEST_MESSAGE])
                await socket.send(CLOSE_STREAM)
                return recognition_of(await _finals(socket))

    async def close(self) -> None:
        """Ends the streams that are still open, too; a second close does nothing."""
        self._is_closed = True
        streams, self._streams = self._streams, set()
        for stream in streams:
            await stream.close()

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise ProviderError(ProviderErrorKind.UNAVAILABLE, f"{self.name} is closed")

    @asynccontextmanager
    async def _socket(self, language: str, expect: Expectation) -> AsyncIterator[ClientConnection]:
        socket = await self._connect(language, expect)
        try:
            yield socket
        finally:
            socket.transport.abort()  # a farewell would keep the words waiting

    async def _connect(self, language: str, expect: Expectation) -> ClientConnection:
        base = self._endpoint.base_url.rstrip("/").replace("http", "ws", 1)
        with self._translated():
            return await connect(
                f"{base}/listen?{self._request.query(language, expect)}",
                additional_headers=dict(self._endpoint.headers),
                compression=None,  # µ-law does not shrink
                open_timeout=self._request.connect_s,
                close_timeout=CLOSE_S,
                logger=_quiet,
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except InvalidStatus as refused:
            response = refused.response
            raise self._endpoint.refusal(
                response.status_code, response.headers, bytes(response.body or b"")
            ) from None
        except TimeoutError as late:
            raise ProviderError(ProviderErrorKind.TIMED_OUT, f"{self.name} was too slow") from late
        except InvalidURI as mistake:
            what = f"{self.name}: base_url is no URL"
            raise ProviderError(ProviderErrorKind.BAD_CONFIGURATION, what) from mistake
        except (OSError, InvalidHandshake, ConnectionClosed) as broken:
            raise self._endpoint.lost(broken) from broken


async def _finals(socket: ClientConnection) -> list[Heard]:
    """Final results up to the vendor's word that there are no more."""
    finals = []
    async for message in socket:
        heard = read_message(message)
        if heard is not None and heard.is_final:
            finals.append(heard)
        elif heard is None and is_summary(message):
            return finals
    raise ProviderError(ProviderErrorKind.UNAVAILABLE, "deepgram: the stream was cut off")
