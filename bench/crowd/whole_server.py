"""The whole server with stub vendors: `python -m bench.crowd.whole_server TICKS serve [options]`.

Everything is the product's, from the HTTP door to SIP, conversation, store and media engine; only behind the
provider doors stand ears, mind and voice that cost nothing and answer at once. They are reached by
`speech_to_text = "stub"`, `text_to_speech = "stub"` and `mind = "stub"`. TICKS gets every tick of the engine.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from functools import partial
from itertools import count

from bench.crowd.speech import answer
from byourside_server import app
from byourside_server.cli import main
from byourside_server.lines.media_process import ProcessMediaPort
from byourside_server.measures.book import Book
from byourside_server.providers import language_registry, registry
from byourside_server.providers.base import (
    Completion,
    Expectation,
    Generation,
    LanguageModel,
    Recognition,
    TextDelta,
    Usage,
)
from byourside_server.providers.measured import MeasuredModel

STUB = "stub"
PIECE_BYTES = 4000
"""Half a second of the voice in each piece, as a vendor would stream it."""
WORDS = ("my name is john smith", "friday at three thirty works", "the number is 555 0128", "who is this")


class StubStream:
    """Counts what it is fed, and says the next of the sentences."""

    def __init__(self) -> None:
        self._turn = count()
        self._fed_bytes = 0

    def push(self, ulaw: bytes) -> None:
        self._fed_bytes += len(ulaw)

    async def finish(self, expect: Expectation) -> Recognition:
        words = WORDS[next(self._turn) % len(WORDS)] if self._fed_bytes else ""
        self._fed_bytes = 0
        return Recognition(words, 1.0 if words else 0.0)

    async def close(self) -> None:
        """Nothing to close."""


class StubEars:
    """Listens along; understands nothing."""

    name = STUB

    async def transcribe(self, ulaw: bytes, expect: Expectation, *, language: str = "en-US") -> Recognition:
        return Recognition(WORDS[0], 1.0)

    async def prepare(self, expect: Expectation) -> None:
        """Nothing to load."""

    async def open_stream(self, *, language: str = "en-US") -> StubStream:
        return StubStream()

    async def close(self) -> None:
        """Nothing to close."""


class StubVoice:
    """Says three seconds of speech, whatever the text."""

    name = STUB

    def __init__(self) -> None:
        self._sound = answer()

    async def stream(self, text: str, *, language: str = "en-US") -> AsyncIterator[bytes]:
        for at in range(0, len(self._sound), PIECE_BYTES):
            yield self._sound[at : at + PIECE_BYTES]

    async def synthesize(self, text: str, *, language: str = "en-US") -> bytes:
        return self._sound

    async def close(self) -> None:
        """Nothing to close."""


class StubModel:
    """One sentence for each question, never the same twice."""

    name = STUB

    def __init__(self) -> None:
        self._reply = count(1)

    async def generate(self, request: Generation) -> AsyncGenerator[TextDelta | Completion, None]:
        yield TextDelta(f"That is point {next(self._reply)}, and what else should I know?")
        yield Completion(usage=Usage(requests=1, prompt_tokens=100, completion_tokens=12))

    async def close(self) -> None:
        """Nothing to close."""


def put_stubs_behind_the_doors(ticks: str) -> None:
    """Have this process know the stubs by their name, and its engine write its ticks."""
    registry.SPEECH_TO_TEXT[STUB] = registry._plain(StubEars)
    registry.TEXT_TO_SPEECH[STUB] = registry._plain(StubVoice)
    language_registry.open_language_model = open_stub_model
    app.ProcessMediaPort = partial(ProcessMediaPort, engine_options=("--ticks-file", ticks))


def open_stub_model(spec: str, environ: Mapping[str, str], *, book: Book) -> LanguageModel:
    return MeasuredModel(StubModel(), book)


if __name__ == "__main__":
    put_stubs_behind_the_doors(sys.argv.pop(1))
    sys.exit(main())
