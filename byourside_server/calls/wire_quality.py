"""How well a call went, as the public sees it: response times by stage, silences, and the sound's way."""

from __future__ import annotations

from byourside_server.calls.call import JsonValue
from byourside_server.calls.latency import LatencyFacts, TurnLatency
from byourside_server.calls.media_facts import MediaFacts

Json = dict[str, JsonValue]


def latency_record(latency: LatencyFacts) -> JsonValue:
    """The record's `latency`; null before the end, and where nobody was kept waiting."""
    if latency == LatencyFacts():
        return None
    return {
        "turnsMs": list(latency.turns_ms),
        "p50Ms": latency.p50_ms,
        "p95Ms": latency.p95_ms,
        "turns": [_turn_latency(turn) for turn in latency.turns],
        "silences": [
            {"startMs": silence.start_ms, "endMs": silence.end_ms, "cause": silence.cause}
            for silence in latency.silences
        ],
    }


def _turn_latency(turn: TurnLatency) -> Json:
    """What each stage took by itself, and under `at` when it was, from the contact's last voiced moment."""
    return {
        "turn": turn.turn,
        "totalMs": turn.total_ms,
        "endpointMs": turn.endpoint_took_ms,
        "sttMs": turn.stt_took_ms,
        "firstTokenMs": turn.first_token_took_ms,
        "firstAudioMs": turn.first_audio_took_ms,
        "firstPacketMs": turn.first_packet_took_ms,
        "at": {
            "quietMs": turn.quiet_ms,
            "wordsMs": turn.words_ms,
            "decidedMs": turn.decided_ms,
            "mindAskedMs": turn.mind_asked_ms,
            "firstTokenMs": turn.first_token_ms,
            "voiceAskedMs": turn.voice_asked_ms,
            "saidMs": turn.said_ms,
            "firstAudioMs": turn.first_audio_ms,
            "firstPacketMs": turn.first_packet_ms,
        },
    }


def media_record(facts: MediaFacts | None) -> JsonValue:
    """The record's `media`."""
    if facts is None:
        return None
    far_end: Json | None = None
    if facts.their_loss_percent is not None:
        far_end = {
            "lossPercent": round(facts.their_loss_percent, 2),
            "jitterMs": _rounded(facts.their_jitter_ms, 1),
            "mos": _rounded(facts.their_mos, 2),
        }
    return {
        "codec": facts.codec,
        "srtp": facts.srtp,
        "packetsSent": facts.packets_sent,
        "packetsReceived": facts.packets_received,
        "packetsLost": facts.packets_lost,
        "packetsLate": facts.packets_late,
        "packetsDuplicate": facts.packets_duplicate,
        "packetsRejected": facts.packets_rejected,
        "concealedMs": facts.concealed_ms,
        "lossPercent": round(facts.loss_percent, 2),
        "jitterMs": round(facts.jitter_ms, 1),
        "bufferMs": facts.buffer_ms,
        "roundTripMs": _rounded(facts.round_trip_ms, 1),
        "mos": _rounded(facts.mos, 2),
        "farEnd": far_end,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
