"""The process that holds espeak-ng: text in, telephone sound out, one sentence at a time.

espeak-ng is GPL-3 and keeps global state: it lives here alone, behind a pipe, and the server never
loads it. The library and its voices come from the `espeakng-loader` wheel.
Run as `python -m byourside_server.providers.espeak_worker`; requests are JSON {text, language}.
"""

import ctypes
import json
import os
from collections.abc import Callable

import espeakng_loader
import numpy as np

from byourside_server.providers.telephone_band import from_int16, to_telephone
from byourside_server.providers.worker_pipe import BadInput, serve

# 160: the slowest rate at which callers do not feel it drag; espeak's own 175 is hard to follow on a phone
WORDS_PER_MINUTE = 160

# From espeak-ng's speak_lib.h
_SYNCHRONOUS = 2
_CHARS_UTF8 = 1
_POSITION_CHARACTER = 1
_PARAMETER_RATE = 1

_SYNTH_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """The library, opened once."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = str(espeakng_loader.get_data_path()).encode()
        self._rate_hz: int = self._library.espeak_Initialize(_SYNCHRONOUS, 100, ctypes.c_char_p(data), 0)
        if self._rate_hz <= 0:
            raise RuntimeError("espeak-ng does not find its voices")
        self._pieces: list[bytes] = []
        self._callback = _SYNTH_CALLBACK(self._collect)  # kept: the library holds only its address
        self._library.espeak_SetSynthCallback(self._callback)
        self._library.espeak_Synth.argtypes = [
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        self._language = ""

    def say(self, text: str, language: str) -> bytes:
        """µ-law at 8 kHz. Raises BadInput for a language without a voice."""
        self._speak_in(language)
        return in_a_child(lambda: self._synthesize(text))

    def _synthesize(self, text: str) -> bytes:
        encoded = text.encode() + b"\0"
        status = self._library.espeak_Synth(
            encoded, len(encoded), 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None
        )
        if status != 0:
            raise RuntimeError(f"espeak_Synth gave {status}")
        return to_telephone(from_int16(b"".join(self._pieces)), self._rate_hz)

    def _speak_in(self, language: str) -> None:
        if language == self._language:
            return
        for voice in (language.lower(), language.partition("-")[0].lower()):
            if self._library.espeak_SetVoiceByName(voice.encode()) == 0:
                self._library.espeak_SetParameter(_PARAMETER_RATE, WORDS_PER_MINUTE, 0)
                self._language = language
                return
        self._language = ""
        raise BadInput(f"espeak has no voice for language {language!r}")

    def _collect(self, samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            self._pieces.append(ctypes.string_at(samples, count * np.dtype(np.int16).itemsize))
        return 0


def in_a_child(work: Callable[[], bytes]) -> bytes:
    """The result of `work`, done in a copy of this process that ends with it.

    The library carries phases of its voice from one utterance to the next, and neither a seed nor opening it
    again resets them: only a copy of the freshly opened one makes the same sound of the same words.
    Raises RuntimeError where the copy fails.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            with open(writing, "wb") as pipe:
                pipe.write(work())
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with open(reading, "rb") as pipe:
        result = pipe.read()
    if os.waitpid(child, 0)[1] != 0:
        raise RuntimeError("espeak-ng failed in its copy")
    return result


def main() -> None:
    """Answer until the parent closes the pipe."""
    espeak = Espeak()

    def answer(request: bytes) -> bytes:
        asked = json.loads(request)
        return espeak.say(asked["text"], asked["language"])

    serve(answer)


if __name__ == "__main__":
    main()
