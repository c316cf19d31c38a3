"""Speech over the HTTP protocol that OpenAI published and many servers speak.

`POST /audio/speech` for the voice, streamed; `POST /audio/transcriptions` for the ears, a turn at a time.
Knows the fields of these two requests; nothing of calls.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from byourside_server.providers.base import Expectation, ProviderError, ProviderErrorKind, Recognition
from byourside_server.providers.heard_words import (
    SHORTEST_SPEECH,
    house_spelling,
    prompt_of,
    refuse_too_long,
    two_letters,
    wav_of,
)
from byourside_server.providers.http_voice import HttpTextToSpeech, Patience, Wanted
from byourside_server.providers.telephone_band import (
    LINE_RATE_HZ,
    WIDE_RATE_HZ,
    decode_ulaw,
    resample,
    to_int16,
)
from byourside_server.providers.telephone_stream import PcmDecoder
from byourside_server.providers.vendor_http import Endpoint, VendorHttp

LONGEST_TEXT = 4096  # characters; the published limit of `input`
PCM_RATE_HZ = 24000  # of response_format=pcm
# For an answer that says nothing about its own certainty: enough to act on, less than a proven one.
UNPROVEN_CONFIDENCE = 0.8
# whisper's own rule for "nobody spoke": both hold
NO_SPEECH_PROBABILITY = 0.6
FAILED_LOGPROB = -1.0
# By the model's first letters: the answer's format, and whether it is asked for token probabilities.
ANSWER_FORMATS: Mapping[str, tuple[str, bool]] = {
    "whisper": ("verbose_json", False),
    "gpt-4o-transcribe-diarize": ("json", False),
    "gpt-4o": ("json", True),
    "": ("json", False),
}


@dataclass(frozen=True)
class SpeechRequest:
    """The voice to speak with. `format` is "pcm", or "wav" for servers that know no other."""

    model: str
    voice: str
    format: str = "pcm"
    rate_hz: int = PCM_RATE_HZ
    speed: float | None = None
    instructions: str | None = None

    def wanted(self, text: str, _language: str) -> Wanted:
        """The request for one sentence; these voices take the language from the text."""
        body: dict[str, object] = {
            "model": self.model,
            "voice": self.voice,
            "input": text,
            "response_format": self.format,
        }
        if self.speed is not None:
            body["speed"] = self.speed
        if self.instructions is not None:
            body["instructions"] = self.instructions
        return Wanted("/audio/speech", body)


class OpenAiTextToSpeech(HttpTextToSpeech):
    """A `TextToSpeech` over `POST {base_url}/audio/speech`."""

    def __init__(self, endpoint: Endpoint, request: SpeechRequest, patience: Patience | None = None) -> None:
        super().__init__(
            endpoint.vendor,
            endpoint,
            want=request.wanted,
            make_decoder=lambda: PcmDecoder(request.rate_hz),
            longest_text=LONGEST_TEXT,
            patience=patience or Patience(),
        )


@dataclass(frozen=True)
class TranscriptionRequest:
    """The ears to listen with. `rate_hz` is 16000 or 8000, `answer_s` the time for a whole answer."""

    model: str
    rate_hz: int = WIDE_RATE_HZ
    response_format: str | None = None
    connect_s: float = 1.0
    answer_s: float = 1.5

    def fields(self, expect: Expectation, language: str) -> dict[str, str]:
        prefix = next(each for each in ANSWER_FORMATS if self.model.startswith(each))
        answer_format, with_logprobs = ANSWER_FORMATS[prefix]
        fields = {
            "model": self.model,
            "language": two_letters(language),
            "response_format": self.response_format or answer_format,
        }
        if prompt := prompt_of(expect):
            fields["prompt"] = prompt
        if with_logprobs:
            fields["include[]"] = "logprobs"
        return fields


class OpenAiSpeechToText:
    """A `SpeechToText` over `POST {base_url}/audio/transcriptions`."""

    def __init__(self, endpoint: Endpoint, request: TranscriptionRequest) -> None:
        self.name = endpoint.vendor
        self._http = VendorHttp(endpoint, connect_s=request.connect_s)
        self._request = request

    async def prepare(self, expect: Expectation) -> None:
        """Nothing to load."""
        self._http.refuse_if_closed()

    async def transcribe(self, ulaw: bytes, expect: Expectation, *, language: str = "en-US") -> Recognition:
        """Words of one stretch of speech. Raises ProviderError."""
        self._http.refuse_if_closed()
        refuse_too_long(ulaw)
        if len(ulaw) < SHORTEST_SPEECH:
            return Recognition("", 0.0)
        rate_hz = self._request.rate_hz
        pcm = to_int16(resample(decode_ulaw(ulaw), LINE_RATE_HZ, rate_hz))
        answer = await self._http.json(
            "/audio/transcriptions",
            fields=self._request.fields(expect, language),
            files={"file": ("speech.wav", wav_of(pcm, rate_hz), "audio/wav")},
            within_s=self._request.answer_s,
        )
        return _recognition(answer, self.name)

    async def close(self) -> None:
        await self._http.close()


def _recognition(answer: Mapping[str, object], vendor: str) -> Recognition:
    text = answer.get("text")
    if not isinstance(text, str):
        raise ProviderError(ProviderErrorKind.BAD_ANSWER, f"{vendor} answered without a text")
    segments = [each for each in _objects(answer.get("segments")) if isinstance(each.get("text"), str)]
    if segments:
        spoken = [each for each in segments if not _is_silence(each)]
        text = " ".join(str(each["text"]) for each in spoken)
        logprobs = [_number(each, "avg_logprob") for each in spoken]
    else:
        logprobs = [_number(each, "logprob") for each in _objects(answer.get("logprobs"))]
    words = house_spelling(text)
    return Recognition(words, _confidence(logprobs) if words else 0.0)


def _is_silence(segment: Mapping[str, object]) -> bool:
    """Words that whisper made up over silence ("Thank you for watching.") by its own account."""
    nobody = _number(segment, "no_speech_prob") or 0.0
    return nobody > NO_SPEECH_PROBABILITY and (_number(segment, "avg_logprob") or 0.0) < FAILED_LOGPROB


def _confidence(logprobs: Sequence[float | None]) -> float:
    """The geometric mean of the tokens' probabilities."""
    known = [each for each in logprobs if each is not None]
    return min(1.0, math.exp(sum(known) / len(known))) if known else UNPROVEN_CONFIDENCE


def _objects(value: object) -> list[Mapping[str, object]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _number(of: Mapping[str, object], name: str) -> float | None:
    value = of.get(name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
