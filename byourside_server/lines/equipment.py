"""What a line is given to work with: doors and settings, put together once by `app`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from byourside_server.clock import Clock
from byourside_server.conversation.brief import TransferTarget
from byourside_server.conversation.mind import Mind
from byourside_server.lines.media_port import MediaPort
from byourside_server.lines.sip_traces import SipTraces
from byourside_server.lines.trunks import Trunks
from byourside_server.measures.book import Book
from byourside_server.providers.base import SpeechToText, TextToSpeech


@dataclass(frozen=True)
class Equipment:
    """Everything a Line needs that is not the call itself."""

    trunks: Trunks
    media: MediaPort
    ears: SpeechToText
    voice: TextToSpeech
    make_mind: Callable[[], Mind]
    clock: Clock
    recordings_dir: Path
    # The address this machine's RTP is reachable at, as written into the offer.
    media_host: str
    # The caller's calendar day: what "tomorrow" means.
    today: Callable[[], date]
    on_behalf_of: str | None = None
    # Whom calls may be handed over to.
    transfers: tuple[TransferTarget, ...] = ()
    # Where every call's SIP messages are kept; None keeps none.
    traces: SipTraces | None = None
    book: Book = field(default_factory=Book)


def recording_path(recordings_dir: Path, call_id: str) -> Path:
    """Where a call's WAV lies."""
    return recordings_dir / f"{call_id}.wav"
