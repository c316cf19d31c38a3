"""Finished calls as the store tells of them, for tests that look on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from byourside_server.calls.answering import Answering
from byourside_server.calls.call import Call, CallRequest, DialAttempt, Report, SipFacts
from byourside_server.calls.latency import LatencyFacts, Silence, TurnLatency
from byourside_server.calls.media_facts import MediaFacts
from byourside_server.calls.transcript import Turn
from byourside_server.providers.base import Ahead, Usage

NOW = 1_781_704_992.0
SECRET_WORDS = ("Hallway", "blue", "+14155550123", "+12134932550", "acct_acme", "hooks.example.com")
TURNS = (
    Turn(0, "contact", "Hallway speaking.", 300, 1100),
    Turn(1, "agent", "Is the sofa blue?", 1800, 3000, asks="field:colour"),
    Turn(2, "contact", "It is blue.", 3500, 4200),
    Turn(3, "agent", "Goodbye.", 7000, 7600),
)
ANSWERS = (
    TurnLatency(
        first_packet_ms=700,
        turn=1,
        quiet_ms=200,
        words_ms=350,
        decided_ms=400,
        mind_asked_ms=210,
        first_token_ms=460,
        voice_asked_ms=460,
        said_ms=470,
        first_audio_ms=600,
    ),
    TurnLatency(first_packet_ms=2800, turn=3, quiet_ms=200, decided_ms=600, said_ms=600, first_audio_ms=2700),
    TurnLatency(first_packet_ms=500, turn=None),
)
MEDIA = MediaFacts(
    codec="PCMU",
    srtp=None,
    packets_sent=500,
    packets_received=495,
    packets_lost=5,
    packets_late=2,
    packets_duplicate=0,
    packets_rejected=0,
    concealed_ms=100,
    jitter_ms=12.0,
    buffer_ms=60,
    round_trip_ms=80.0,
    their_loss_percent=2.0,
    their_jitter_ms=8.0,
)
COMPLETED = Call(
    id="2f7f0c1e-7a3b-4c0f-9a52-0d3a1c9f4b11",
    account_id="acct_acme",
    key_id="key_1",
    request=CallRequest(
        to="+14155550123",
        objective="Ask Mr. Hallway whether the sofa is blue.",
        context="The sofa was bought by Mrs. Hallway.",
        webhook_url="https://hooks.example.com/x",
    ),
    caller_id="+12134932550",
    state="completed",
    created_at=NOW,
    attempt=1,
    dialing_at=NOW + 0.5,
    ringing_at=NOW + 1.0,
    answered_at=NOW + 4.0,
    ended_at=NOW + 12.0,
    finished_at=NOW + 12.4,
    answered_by="human",
    answering=Answering("human", "words", 1500, 0.9),
    ended_by="agent",
    end_reason="completed",
    sip=SipFacts(
        200,
        "OK",
        ring_s=3.0,
        trunk="second",
        attempts=(
            DialAttempt("first", "10.0.0.9:5060", 503, "Service Unavailable"),
            DialAttempt("second", "10.0.0.8:5060", 200, "OK"),
        ),
    ),
    turns=TURNS,
    report=Report("The sofa is blue.", {"colour": "blue"}, {}, "yes", "said so", usage=Usage(requests=1)),
    analysis="done",
    latency=LatencyFacts((700, 2800, 500), ANSWERS, (Silence(4200, 7000, "voice"),)),
    media=MEDIA,
    mind="openai/gpt-5-mini",
    usage=Usage(
        requests=3,
        failures=1,
        prompt_tokens=900,
        cached_tokens=400,
        completion_tokens=60,
        cost_usd=0.02,
        estimated_tokens=210,
        ahead=Ahead(
            asked=3,
            taken_over=1,
            dropped_usage=Usage(
                requests=1,
                failures=1,
                prompt_tokens=500,
                cached_tokens=250,
                completion_tokens=30,
                cost_usd=0.01,
                estimated_tokens=210,
            ),
        ),
    ),
)
BUSY = replace(
    COMPLETED,
    id="busy",
    state="declined",
    answered_at=None,
    answered_by=None,
    answering=None,
    ended_at=NOW + 2.0,
    finished_at=NOW + 2.0,
    ended_by="contact",
    end_reason="busy",
    sip=SipFacts(
        486, "Busy", 17, trunk="first", attempts=(DialAttempt("first", "10.0.0.9:5060", 486, "Busy"),)
    ),
    turns=(),
    report=None,
    analysis=None,
    latency=LatencyFacts(),
    media=None,
    usage=Usage(),
)


def call(**changes: Any) -> Call:
    """The completed call with other facts."""
    return replace(COMPLETED, **changes)
