"""Speech vendors as an operator names them: options and keys read, engines made, nothing connected yet.

Knows defaults and the names of keys; what is said over the wire is `openai_speech`'s and `deepgram`'s matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from byourside_server.providers import deepgram
from byourside_server.providers.http_voice import Patience
from byourside_server.providers.openai_speech import (
    PCM_RATE_HZ,
    OpenAiSpeechToText,
    OpenAiTextToSpeech,
    SpeechRequest,
    TranscriptionRequest,
)
from byourside_server.providers.specification import Options, bad_configuration, is_web_address, missing_key
from byourside_server.providers.telephone_band import LINE_RATE_HZ, WIDE_RATE_HZ
from byourside_server.providers.vendor_http import Endpoint

Environ = Mapping[str, str]


@dataclass(frozen=True)
class Vendor:
    """Where a vendor is and what it speaks with by default; None where only the operator knows.

    `scheme` is the word before the key in the Authorization header.
    """

    name: str
    base_url: str | None
    key_env: str | None
    voice_model: str | None = None
    ears_model: str | None = None
    scheme: str = "Bearer"


OPENAI = Vendor(
    "openai", "https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-4o-mini-tts", "gpt-4o-mini-transcribe"
)
GROQ = Vendor("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", ears_model="whisper-large-v3-turbo")
COMPATIBLE = Vendor("compatible", None, None)
DEEPGRAM = Vendor(
    "deepgram",
    deepgram.BASE_URL,
    "DEEPGRAM_API_KEY",
    deepgram.SPEAK_MODEL,
    deepgram.LISTEN_MODEL,
    scheme="Token",
)
DEFAULT_VOICE = "alloy"
FORMATS = ("pcm", "wav")
SWITCH = {"on": True, "off": False}


def open_openai_voice(vendor: Vendor, options: Options, environ: Environ) -> OpenAiTextToSpeech:
    """Raises ProviderError (BAD_CONFIGURATION) naming the option or the variable to set."""
    request = SpeechRequest(
        model=_model(vendor, vendor.voice_model, options),
        voice=options.text("voice", DEFAULT_VOICE),
        format=_choice(options, "format", FORMATS, "pcm"),
        rate_hz=int(_positive(options, "rate_hz", PCM_RATE_HZ)),
        speed=options.optional_number("speed"),
        instructions=options.optional("instructions"),
    )
    if not LINE_RATE_HZ <= request.rate_hz <= 96000:
        raise bad_configuration(f"{vendor.name!r}: option 'rate_hz' must be from 8000 to 96000")
    return OpenAiTextToSpeech(_endpoint(vendor, options, environ), request, _patience(options))


def open_openai_ears(vendor: Vendor, options: Options, environ: Environ) -> OpenAiSpeechToText:
    """Raises ProviderError (BAD_CONFIGURATION)."""
    rates = (str(WIDE_RATE_HZ), str(LINE_RATE_HZ))
    request = TranscriptionRequest(
        model=_model(vendor, vendor.ears_model, options),
        rate_hz=int(_choice(options, "rate_hz", rates, rates[0])),
        response_format=options.optional("response_format"),
        connect_s=_positive(options, "connect_timeout_s", TranscriptionRequest.connect_s),
        answer_s=_positive(options, "answer_timeout_s", TranscriptionRequest.answer_s),
    )
    if request.response_format not in (None, "json", "verbose_json"):
        raise bad_configuration(f"{vendor.name!r}: option 'response_format' must be json or verbose_json")
    return OpenAiSpeechToText(_endpoint(vendor, options, environ), request)


def open_deepgram_voice(options: Options, environ: Environ) -> deepgram.DeepgramTextToSpeech:
    """Raises ProviderError (BAD_CONFIGURATION)."""
    model = _model(DEEPGRAM, DEEPGRAM.voice_model, options)
    return deepgram.DeepgramTextToSpeech(_endpoint(DEEPGRAM, options, environ), model, _patience(options))


def open_deepgram_ears(options: Options, environ: Environ) -> deepgram.DeepgramSpeechToText:
    """Raises ProviderError (BAD_CONFIGURATION)."""
    request = deepgram.ListenRequest(
        model=_model(DEEPGRAM, DEEPGRAM.ears_model, options),
        language=options.optional("language"),
        numerals=SWITCH[_choice(options, "numerals", tuple(SWITCH), "off")],
        smart_format=SWITCH[_choice(options, "smart_format", tuple(SWITCH), "off")],
        connect_s=_positive(options, "connect_timeout_s", deepgram.ListenRequest.connect_s),
        answer_s=_positive(options, "answer_timeout_s", deepgram.ListenRequest.answer_s),
    )
    return deepgram.DeepgramSpeechToText(_endpoint(DEEPGRAM, options, environ), request)


def _endpoint(vendor: Vendor, options: Options, environ: Environ) -> Endpoint:
    base_url = options.optional("base_url") or vendor.base_url
    key_env = options.optional("key_env") or vendor.key_env
    if base_url is None:
        example = f"{vendor.name}?base_url=http://127.0.0.1:8000/v1&model=NAME"
        raise bad_configuration(f"{vendor.name!r} needs to know where: write {example}")
    if not is_web_address(base_url):
        raise bad_configuration(f"{vendor.name!r}: base_url must be http(s)://host/path without a user name")
    key = environ.get(key_env, "").strip() if key_env else ""
    if key_env and not key:
        raise missing_key(vendor.name, key_env)
    if not (key.isascii() and key.isprintable()):
        raise bad_configuration(f"{vendor.name!r}: {key_env} holds characters that no key has")
    headers = {"Authorization": f"{vendor.scheme} {key}"} if key else {}
    return Endpoint(vendor.name, base_url, key_env or "key_env", headers)


def _model(vendor: Vendor, default: str | None, options: Options) -> str:
    model = options.optional("model") or default
    if model is None:
        raise bad_configuration(f"{vendor.name!r} needs its model: write {vendor.name}?model=NAME")
    return model


def _patience(options: Options) -> Patience:
    return Patience(
        connect_s=_positive(options, "connect_timeout_s", Patience.connect_s),
        first_audio_s=_positive(options, "first_audio_timeout_s", Patience.first_audio_s),
        gap_s=_positive(options, "gap_timeout_s", Patience.gap_s),
    )


def _positive(options: Options, name: str, default: float) -> float:
    value = options.number(name, default)
    if not value:
        raise bad_configuration(f"option {name!r} must be more than 0")
    return value


def _choice(options: Options, name: str, choices: tuple[str, ...], default: str) -> str:
    given = options.text(name, default)
    if given not in choices:
        raise bad_configuration(f"option {name!r} must be one of {', '.join(choices)}, not {given!r}")
    return given
