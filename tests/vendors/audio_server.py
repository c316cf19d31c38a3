"""Simulated speech vendors behind one real HTTP server on 127.0.0.1.

Speaks `POST /v1/audio/speech` and `POST /v1/audio/transcriptions` as OpenAI published them, and Deepgram's
`POST /v1/speak`. The voice is a tone for each word unless another is handed in; what is "heard" is told by
a function. Misbehaves on request: FAULTS. Run it as
`python -m tests.vendors.audio_server` for a server that stays, with tones and an empty script.
"""

from __future__ import annotations

import asyncio
import io
import json
import math
import random
import threading
import wave
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from byourside_server.providers.embedded_tts import EspeakVoice
from byourside_server.providers.simulated import ToneTextToSpeech
from byourside_server.providers.telephone_band import (
    LINE_RATE_HZ,
    decode_ulaw,
    encode_ulaw,
    from_int16,
    resample,
    to_int16,
)
from tests.vendors.local_server import Hear, LocalServer, scripted, spoken

PCM_RATE_HZ = 24000
CHUNK = 4800  # 100 ms of 24 kHz PCM
Say = Callable[[str], bytes] | Callable[[str], Awaitable[bytes]]

# What can be made to go wrong, and what then happens.
FAULTS: Mapping[str, str] = {
    "slow_first_audio": "the answer begins after `slow_s`",
    "stall_midway": "half the sound, then nothing more on an open connection",
    "cut_off_midway": "half the sound, then the connection is cut",
    "server_error": "HTTP 500",
    "rate_limited": "HTTP 429, Retry-After: 7",
    "quota_used_up": "HTTP 429 with the code insufficient_quota",
    "unauthorized": "HTTP 401 that quotes the key",
    "bad_request": "HTTP 400 that quotes the text",
    "no_such_model": "HTTP 404",
    "moved": "HTTP 307 to another place",
    "garbage_audio": "compressed noise where samples were asked for",
    "mp3_audio": "an MP3's head where samples were asked for",
    "wrong_content_type": "HTTP 200 with JSON where sound was asked for, HTML where JSON was",
    "empty_answer": "HTTP 200 without a body",
    "broken_body": "sound that is half a WAV head; JSON that ends early",
    "no_text": "JSON without a text",
    "wav_for_pcm": "a WAV file whatever was asked for, with titles behind the samples",
    "odd_chunking": "pieces of 1, 3, 7, 331 … bytes: cut in the middle of samples",
    "hang": "the request is read and never answered",
}
REFUSALS: Mapping[str, tuple[int, str]] = {
    "server_error": (500, "server_error"),
    "rate_limited": (429, "rate_limit_exceeded"),
    "quota_used_up": (429, "insufficient_quota"),
    "unauthorized": (401, "invalid_api_key"),
    "bad_request": (400, "invalid_value"),
    "no_such_model": (404, "model_not_found"),
}


@dataclass(frozen=True)
class SeenRequest:
    """A request as it came: JSON or form fields in `fields`, an uploaded WAV as µ-law in `ulaw`."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    fields: Mapping[str, object]
    ulaw: bytes = b""
    file_rate_hz: int = 0


@dataclass
class _Answer:
    status: int
    content_type: str
    body: AsyncIterator[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)


class _CutOff(Exception):
    """The connection is to be cut now."""


async def tones(text: str) -> bytes:
    """Simulated speech: each word a tone of its own, 320 ms a word. 24 kHz PCM."""
    return _to_pcm(await ToneTextToSpeech().synthesize(text))


def _to_pcm(ulaw: bytes) -> bytes:
    return to_int16(resample(decode_ulaw(ulaw), LINE_RATE_HZ, PCM_RATE_HZ))


class SpokenByEspeak:
    """Simulated vendor's speech that can be understood: espeak's. Use as `say`, and close it."""

    def __init__(self, language: str = "en-US") -> None:
        self._voice = EspeakVoice()
        self._language = language

    async def __call__(self, text: str) -> bytes:
        return _to_pcm(await self._voice.say(text, self._language))

    async def close(self) -> None:
        await self._voice.close()


class SimulatedAudioServer(LocalServer):
    """Answers as a speech vendor would. `key` None lets everybody in; `fault` is a name of FAULTS or None.

    `faults` are for the next requests, one each, before `fault` counts. `confidence` None leaves it out.
    """

    def __init__(
        self,
        *,
        say: Say = tones,
        hear: Hear | None = None,
        key: str | None = None,
        fault: str | None = None,
        slow_s: float = 0.5,
        chunk_pause_s: float = 0.0,
        confidence: float | None = 0.9,
        no_speech_probability: float = 0.0,
    ) -> None:
        super().__init__()
        self.say, self.hear, self.key, self.fault = say, hear or scripted([]), key, fault
        self.slow_s, self.chunk_pause_s = slow_s, chunk_pause_s
        self.confidence, self.no_speech_probability = confidence, no_speech_probability
        self.faults: list[str | None] = []
        self.transcription: bytes | None = None
        """The body of every transcription, where a test wants its own."""
        self.requests: list[SeenRequest] = []
        self.connections = 0
        self.hung_up = threading.Event()
        """Set once a client closed its connection in the middle of an answer."""

    async def _open(self) -> int:
        tasks: set[asyncio.Task[None]] = set()

        def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            task = asyncio.create_task(self._attend(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        async def end() -> None:
            listening.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        listening = await asyncio.start_server(meet, "127.0.0.1", 0)
        self._closing.push_async_callback(end)
        port: int = listening.sockets[0].getsockname()[1]
        return port

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read_request(reader)) is not None:
                self.requests.append(request)
                answer = await self._answer(request)
                await _write(writer, answer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.hung_up.set()
        except _CutOff:
            writer.transport.abort()
        finally:
            writer.close()

    async def _answer(self, request: SeenRequest) -> _Answer:
        fault = self.faults.pop(0) if self.faults else self.fault
        assert fault is None or fault in FAULTS, f"no fault is called {fault!r}"
        given = request.headers.get("authorization", "")
        if self.key is not None and given.split(" ")[-1] != self.key:
            fault = "unauthorized"
        if fault == "hang":
            await asyncio.Event().wait()
        if fault == "slow_first_audio":
            await asyncio.sleep(self.slow_s)
        if fault == "moved":
            return _Answer(307, "text/plain", _whole(b""), {"Location": "http://127.0.0.1:9/elsewhere"})
        if fault is not None and fault in REFUSALS:
            return _refusal(fault, f"{given} said {request.fields.get('input', '')}")
        if fault == "empty_answer":
            return _Answer(200, "application/octet-stream", _whole(b""))
        if request.path.endswith("/audio/transcriptions"):
            return await self._transcription(request, fault)
        return await self._speech(request, fault)

    async def _speech(self, request: SeenRequest, fault: str | None) -> _Answer:
        is_telephone = request.path.endswith("/speak")
        pcm = await spoken(self.say, str(request.fields["text" if is_telephone else "input"]))
        sound = encode_ulaw(resample(from_int16(pcm), PCM_RATE_HZ, LINE_RATE_HZ)) if is_telephone else pcm
        if request.fields.get("response_format") == "wav" or fault == "wav_for_pcm":
            sound = _wav(pcm) + (b"LIST\x40\x00\x00\x00" + b"\x7f" * 64 if fault == "wav_for_pcm" else b"")
        if fault == "wrong_content_type":
            return _Answer(200, "application/json", _whole(b'{"audio": "aGVsbG8="}'))
        if fault == "garbage_audio":
            sound = random.Random(1).randbytes(len(sound))
        if fault == "mp3_audio":
            sound = b"ID3\x04" + random.Random(1).randbytes(len(sound))
        if fault == "broken_body":
            sound = b"RIFF\x00\x00\x00\x00WAVEfmt \x10"
        return _Answer(200, "audio/pcm", self._chunks(sound, fault))

    async def _chunks(self, sound: bytes, fault: str | None) -> AsyncIterator[bytes]:
        sizes = [1, 3, 7, 331, 1023, 4801] if fault == "odd_chunking" else [CHUNK]
        at = number = 0
        while at < len(sound):
            if at >= len(sound) // 2 and fault == "stall_midway":
                await asyncio.Event().wait()
            if at >= len(sound) // 2 and fault == "cut_off_midway":
                raise _CutOff
            size = sizes[number % len(sizes)]
            yield sound[at : at + size]
            at, number = at + size, number + 1
            await asyncio.sleep(self.chunk_pause_s)

    async def _transcription(self, request: SeenRequest, fault: str | None) -> _Answer:
        if fault == "wrong_content_type":
            return _Answer(200, "text/html", _whole(b"<html>hello</html>"))
        if fault == "broken_body":
            return _Answer(200, "application/json", _whole(b'{"text": "yes'))
        if fault == "no_text":
            return _Answer(200, "application/json", _whole(b'{"words": []}'))
        if self.transcription is not None:
            return _Answer(200, "application/json", _whole(self.transcription))
        text = await self._beside(self.hear, request.ulaw)
        answer: dict[str, object] = {"text": text}
        logprob = math.log(self.confidence) if self.confidence else None
        if request.fields.get("include[]") == "logprobs" and logprob is not None:
            answer["logprobs"] = [{"token": word, "logprob": logprob} for word in text.split()]
        if request.fields.get("response_format") == "verbose_json" and logprob is not None:
            answer["segments"] = [
                {"text": text, "avg_logprob": logprob, "no_speech_prob": self.no_speech_probability}
            ]
        return _Answer(200, "application/json", _whole(json.dumps(answer).encode()))


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    if body:
        yield body


def _refusal(fault: str, quoting: str) -> _Answer:
    status, code = REFUSALS[fault]
    body = json.dumps({"error": {"message": f"no: {quoting}", "type": "x", "code": code}}).encode()
    return _Answer(status, "application/json", _whole(body), {"Retry-After": "7"} if status == 429 else {})


def _wav(pcm: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as opened:
        opened.setnchannels(1)
        opened.setsampwidth(2)
        opened.setframerate(PCM_RATE_HZ)
        opened.writeframes(pcm)
    return file.getvalue()


async def _read_request(reader: asyncio.StreamReader) -> SeenRequest | None:
    """The next request on a connection; None where the client hung up between two."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    target = urlsplit(first.split(" ")[1])
    query = dict(parse_qsl(target.query))
    if headers.get("content-type", "").startswith("multipart/form-data"):
        fields, upload = _form(headers["content-type"], body)
        ulaw, rate_hz = _ulaw_of_wav(upload)
        return SeenRequest(target.path, query, headers, fields, ulaw, rate_hz)
    return SeenRequest(target.path, query, headers, json.loads(body) if body else {})


def _form(content_type: str, body: bytes) -> tuple[dict[str, object], bytes]:
    head = b"Content-Type: " + content_type.encode() + b"\r\n\r\n"
    fields: dict[str, object] = {}
    upload = b""
    for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename():
            upload = content
        else:
            fields[str(part.get_param("name", header="content-disposition"))] = content.decode()
    return fields, upload


def _ulaw_of_wav(upload: bytes) -> tuple[bytes, int]:
    with wave.open(io.BytesIO(upload)) as opened:
        assert (opened.getnchannels(), opened.getsampwidth()) == (1, 2)
        rate_hz = opened.getframerate()
        samples = from_int16(opened.readframes(opened.getnframes()))
    return encode_ulaw(np.asarray(resample(samples, rate_hz, LINE_RATE_HZ))), rate_hz


async def _write(writer: asyncio.StreamWriter, answer: _Answer) -> None:
    """In chunks, as vendors stream."""
    head = [f"HTTP/1.1 {answer.status} Simulated", f"Content-Type: {answer.content_type}"]
    head += [f"{name}: {value}" for name, value in answer.headers.items()]
    writer.write("\r\n".join([*head, "Transfer-Encoding: chunked", "", ""]).encode())
    await writer.drain()
    async for chunk in answer.body:
        writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()


if __name__ == "__main__":
    with SimulatedAudioServer() as server:
        print(server.base_url, flush=True)  # noqa: T201
        threading.Event().wait()
