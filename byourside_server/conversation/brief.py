"""What the agent is told before the call: the goal, the fields to learn, and the limits.

Plain values. `context` is background for the mind alone and is never said to the contact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from byourside_server.calls.answering import Verdict
from byourside_server.calls.call import DEFAULT_MAX_DURATION_S, CallRequest, Field, VoicemailPolicy


@dataclass(frozen=True)
class TransferTarget:
    """Where the operator allows a call to be handed over to: a name for the mind, a number for the line."""

    name: str
    number: str


@dataclass(frozen=True)
class Brief:
    """One call's task. `must_say` and `must_ask` are spoken whatever the mind thinks of it.

    `today` is the contact's or the caller's date, for words like "tomorrow".
    """

    objective: str
    context: str | None = None
    fields: tuple[Field, ...] = ()
    language: str | None = None
    voicemail: VoicemailPolicy = field(default_factory=VoicemailPolicy)
    max_duration_s: float = DEFAULT_MAX_DURATION_S
    on_behalf_of: str | None = None
    today: date = date(2026, 1, 1)
    must_say: tuple[str, ...] = ()
    must_ask: tuple[str, ...] = ()
    transfers: tuple[TransferTarget, ...] = ()
    hang_up_on: tuple[Verdict, ...] = ()


def brief_of(
    request: CallRequest,
    *,
    today: date,
    language: str | None = None,
    on_behalf_of: str | None = None,
    transfers: tuple[TransferTarget, ...] = (),
) -> Brief:
    """The brief of a call as requested; the conversation and the report are given the same."""
    return Brief(
        objective=request.objective,
        context=request.context,
        fields=request.fields,
        language=language or request.language,
        voicemail=request.voicemail,
        max_duration_s=float(request.max_duration_s or DEFAULT_MAX_DURATION_S),
        on_behalf_of=on_behalf_of,
        today=today,
        must_say=request.must_say,
        must_ask=request.must_ask,
        transfers=transfers,
        hang_up_on=request.hang_up_on,
    )
