"""A finished call as numbers: read off its record, once for each call.

Only what closed sets name becomes a label; whatever else a record may say is `other`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping

from byourside_server.calls import lifecycle
from byourside_server.calls.call import Call, DialAttempt, SipFacts
from byourside_server.calls.latency import LatencyFacts, stages
from byourside_server.calls.media_facts import MediaFacts
from byourside_server.calls.outcomes import OUTCOME_OF_EARLY_SOUND, OUTCOME_OF_SIP_STATUS, PLACEMENT_FAILED
from byourside_server.conversation.events import END_REASONS
from byourside_server.measures import table
from byourside_server.measures.book import OVERFLOW, Book, Measure
from byourside_server.providers.base import Usage, total
from byourside_server.report.outcome import OUTCOMES

NONE = "none"
# Ends that no conversation knows of: of the line, of the store, and of those who look after both.
ENDS_OF_THE_LINE = frozenset(
    {
        "canceled",
        "dial_unknown",
        "hung_up",
        "line_broken",
        "media_lost",
        "no_common_codec",
        "server_stopped",
        "srtp_mismatch",
        "srtp_required",
        "worker_lost",
    }
)
_UNANSWERED = (*OUTCOME_OF_SIP_STATUS.values(), *OUTCOME_OF_EARLY_SOUND.values(), PLACEMENT_FAILED)
END_REASONS_KNOWN = frozenset(END_REASONS) | ENDS_OF_THE_LINE | {each.end_reason for each in _UNANSWERED}
ERRORS = frozenset(each.error for each in _UNANSWERED if each.error) | {
    "canceled",
    "internal_error",
    "media_lost",
    "server_stopped",
    "worker_lost",
}
ENDED_BY = frozenset({"agent", "contact", "api", "network", "server"})
# Ends told again are those of a moment ago; 36 characters each.
REMEMBERED = 10_000


class Observation:
    """Notes every call that is over in the book, once."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._seen: OrderedDict[str, None] = OrderedDict()

    def see(self, call: Call) -> None:
        """A call has changed. Only its end counts: what happened before is on the record then."""
        if call.state not in lifecycle.TERMINAL_STATES:
            return
        if call.id in self._seen:
            self._book.count(table.CALLS_OBSERVED_TWICE)
            return
        self._seen[call.id] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        note(self._book, call)


def note(book: Book, call: Call) -> None:
    """Everything that a finished call's record tells."""
    book.count(table.CALLS, call.state, word(call.error, ERRORS))
    book.count(table.CALL_ENDS, word(call.ended_by, ENDED_BY), word(call.end_reason, END_REASONS_KNOWN))
    _note_times(book, call)
    _note_sip(book, call.sip)
    _note_latency(book, call.latency)
    _note_media(book, call.media)
    if call.answering is not None:
        verdict = call.answering
        book.observe(table.ANSWERED, verdict.time_ms / 1000, verdict.verdict, verdict.by)
    if call.report is not None:
        outcome = word(call.report.outcome, OUTCOMES)
        book.count(table.CALL_OUTCOMES, outcome, call.report.objective_met)
    _note_usage(book, total([call.usage, call.report.usage if call.report else Usage()]))


def word(value: str | None, known: Collection[str]) -> str:
    """The value as a label: `none` where there is none, `other` where it is not one of those known."""
    if value is None:
        return NONE
    return value if value in known else OVERFLOW


def sip_status(attempt: DialAttempt) -> str:
    """What the trunk said: the statuses that mean something here by number, others by class."""
    if attempt.status is None:
        return "no_answer"
    if attempt.status in OUTCOME_OF_SIP_STATUS:
        return str(attempt.status)
    return f"{attempt.status // 100}xx" if 100 <= attempt.status <= 699 else OVERFLOW


def _note_times(book: Book, call: Call) -> None:
    due_at = max(call.created_at, call.request.scheduled_at or 0.0)
    _observe_span(book, table.CALL_QUEUED, due_at, call.dialing_at)
    _observe_span(book, table.CALL_DURATION, call.answered_at, call.ended_at)
    if call.analysis is not None:
        _observe_span(book, table.ANALYSES, call.ended_at, call.finished_at, call.analysis)


def _observe_span(
    book: Book, measure: Measure, begin: float | None, end: float | None, *labels: str
) -> None:
    if begin is not None and end is not None:
        book.observe(measure, max(0.0, end - begin), *labels)


def _note_sip(book: Book, sip: SipFacts) -> None:
    for attempt in sip.attempts:
        book.count(table.ATTEMPTS, attempt.trunk, sip_status(attempt))
    if sip.ring_s is not None:
        book.observe(table.CALL_RINGING, sip.ring_s)


def _note_latency(book: Book, latency: LatencyFacts) -> None:
    for turn in latency.turns:
        for stage, took_ms in stages(turn).items():
            if took_ms is None:
                continue
            if stage == "total":
                book.observe(table.RESPONSE, took_ms / 1000)
            else:
                book.observe(table.STAGES, took_ms / 1000, stage)
    for silence in latency.silences:
        book.observe(table.SILENCES, (silence.end_ms - silence.start_ms) / 1000, silence.cause)


def _note_media(book: Book, media: MediaFacts | None) -> None:
    if media is None:
        return
    if media.mos is not None:
        book.observe(table.CALL_MOS, media.mos, "here")
        book.observe(table.CALL_LOSS, media.loss_percent / 100, "here")
        book.observe(table.CALL_JITTER, media.jitter_ms / 1000, "here")
    if media.their_mos is not None and media.their_loss_percent is not None:
        book.observe(table.CALL_MOS, media.their_mos, "far_end")
        book.observe(table.CALL_LOSS, media.their_loss_percent / 100, "far_end")
    if media.their_jitter_ms is not None:
        book.observe(table.CALL_JITTER, media.their_jitter_ms / 1000, "far_end")
    if media.round_trip_ms is not None:
        book.observe(table.CALL_ROUND_TRIP, media.round_trip_ms / 1000)


def _note_usage(book: Book, usage: Usage) -> None:
    _count(book, table.MODEL_REQUESTS, {"answered": usage.requests, "failed": usage.failures})
    _count(book, table.MODEL_TOKENS, _tokens(usage))
    if usage.ahead is not None:
        ahead, lost = usage.ahead, usage.ahead.dropped_usage
        _count(book, table.REPLIES_AHEAD, {"taken_over": ahead.taken_over, "dropped": ahead.dropped})
        _count(book, table.TOKENS_DROPPED, _tokens(lost))
        if lost.cost_usd:
            book.count(table.COST_DROPPED, by=lost.cost_usd)


def _tokens(usage: Usage) -> Mapping[str, int]:
    """By kind; `cached` and `estimated` are among the others."""
    return {
        "prompt": usage.prompt_tokens,
        "cached": usage.cached_tokens,
        "completion": usage.completion_tokens,
        "estimated": usage.estimated_tokens,
    }


def _count(book: Book, measure: Measure, numbers: Mapping[str, int]) -> None:
    for label, number in numbers.items():
        if number:
            book.count(measure, label, by=number)
