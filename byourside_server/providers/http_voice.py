"""A voice behind one HTTP request: text posted, sound read as it comes, and remembered.

The same for every vendor that answers a POST with sound; what is posted and what the sound is made of is
handed in. Knows no vendor.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass

from byourside_server.providers.remembering_voice import RememberingVoice
from byourside_server.providers.telephone_stream import SoundDecoder, telephone_pieces
from byourside_server.providers.vendor_http import Endpoint, VendorHttp


@dataclass(frozen=True)
class Patience:
    """How long a voice may take: to be reached, to its first sound, between two pieces of it."""

    connect_s: float = 1.0
    first_audio_s: float = 1.2
    gap_s: float = 1.5


@dataclass(frozen=True)
class Wanted:
    """What to post for one sentence."""

    path: str
    body: Mapping[str, object]


class HttpTextToSpeech(RememberingVoice):
    """A `TextToSpeech` over one endpoint. `want` raises ProviderError for what the vendor cannot say."""

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        *,
        want: Callable[[str, str], Wanted],
        make_decoder: Callable[[], SoundDecoder],
        longest_text: int,
        patience: Patience,
    ) -> None:
        super().__init__(name, self._made, longest_text=longest_text)
        self._http = VendorHttp(endpoint, connect_s=patience.connect_s)
        self._want = want
        self._make_decoder = make_decoder
        self._patience = patience

    async def _made(self, text: str, language: str) -> AsyncGenerator[bytes, None]:
        wanted = self._want(text, language)
        received = self._http.sound(
            wanted.path,
            json_body=wanted.body,
            first_s=self._patience.first_audio_s,
            gap_s=self._patience.gap_s,
        )
        async with (
            contextlib.aclosing(received),
            contextlib.aclosing(telephone_pieces(received, self._make_decoder())) as pieces,
        ):
            async for piece in pieces:
                yield piece

    async def close(self) -> None:
        """A second close does nothing."""
        await super().close()
        await self._http.close()
