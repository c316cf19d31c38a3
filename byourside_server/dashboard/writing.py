"""How values are written on pages: moments, stretches of time, statuses, figures.

Returns text; only moments are markup, of digits made here.
"""

from __future__ import annotations

import json

from markupsafe import Markup

from byourside_server.calls import lifecycle
from byourside_server.calls.call import Call, FieldValue, JsonValue
from byourside_server.clock import iso_utc

STATUS_WORDS = {
    "queued": "Queued",
    "dialing": "Dialing",
    "in_progress": "On the line",
    "completed": "Completed",
    "no_answer": "No answer",
    "voicemail": "Voicemail",
    "declined": "Declined",
    "failed": "Failed",
}
# What a status looks like: one accent for what lives or went well, red for what broke, grey for the rest.
STATUS_TONES = {"dialing": "live", "in_progress": "live", "completed": "good", "failed": "bad"}
STATE_WORDS = {"post": "Writing the report", "canceled": "Canceled"}
EVENT_WORDS = {
    "call.queued": "Accepted and queued",
    "call.dialing": "Dialing",
    "call.ringing": "Ringing",
    "call.in_progress": "Answered",
    "call.ended": "Hung up",
    "call.completed": "Completed, report written",
    "call.no_answer": "No answer",
    "call.voicemail": "Voicemail, report written",
    "call.declined": "Declined",
    "call.failed": "Failed",
}
# The stages of a wait, as the call page heads them.
STAGE_WORDS = {
    "endpoint": "End of turn",
    "stt": "Words",
    "first_token": "Reply",
    "first_audio": "Voice",
    "first_packet": "Line",
    "total": "In all",
}
CAUSE_WORDS = {"recognition": "the recogniser", "mind": "the mind", "voice": "the voice"}
WEBHOOK_WORDS = {
    "head": "Being delivered",
    "wait": "Waiting",
    "sent": "Delivered",
    "dead": "Given up",
    "gone": "Given up: the receiver wants no more of this call",
}
MET_WORDS = {"yes": "Objective met", "no": "Objective not met", "unknown": "Objective: not known"}
STEP_WORDS = {"disclosure": "Disclosure", "must_say": "Must say", "must_ask": "Must ask"}


def moment(epoch: float | None) -> Markup:
    """A moment as `<time>` in UTC; the browser writes it in its own zone."""
    if epoch is None:
        return Markup("–")
    iso = iso_utc(epoch) or ""
    return Markup('<time datetime="{}" data-moment>{} UTC</time>').format(iso, iso[:16].replace("T", " "))


def second(epoch: float) -> Markup:
    """A moment's time of day to the second, as `<time>` in UTC; the browser writes it in its own zone."""
    iso = iso_utc(epoch) or ""
    return Markup('<time datetime="{}" data-moment="second">{} UTC</time>').format(iso, iso[11:19])


def span(seconds: float | None) -> str:
    """Seconds as 0:27 or 1:02:03."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def after(seconds: float | None) -> str:
    """A short time with one decimal, 1.4 s."""
    return "–" if seconds is None else f"{seconds:.1f} s"


def minutes(seconds: float) -> str:
    """Seconds as minutes, 12.5."""
    return f"{seconds / 60:,.1f}"


def percent(part: int, whole: int) -> str:
    """A share, or a dash where there is nothing to share."""
    return f"{100 * part / whole:.0f} %" if whole else "–"


def status(call: Call) -> str:
    """The public status of a call."""
    return lifecycle.PUBLIC_STATUS[call.state]


def status_words(call: Call) -> str:
    """Where a call is, in words."""
    return STATE_WORDS.get(call.state, STATUS_WORDS[status(call)])


def tone(name: str) -> str:
    """How a status looks: live, good, bad or plain."""
    return STATUS_TONES.get(name, "plain")


def is_over(call: Call) -> bool:
    """Whether nothing will happen to the call any more."""
    return call.state in lifecycle.TERMINAL_STATES


def talked_s(call: Call) -> float | None:
    """Seconds between answer and hang-up."""
    if call.answered_at is None or call.ended_at is None:
        return None
    return call.ended_at - call.answered_at


def value(found: FieldValue) -> str:
    """An extracted value as people write it."""
    if found is None:
        return "not learnt"
    if isinstance(found, bool):
        return "yes" if found else "no"
    return str(found)


def words(token: str | None) -> str:
    """A token as words: `worker_lost` is worker lost."""
    return (token or "–").replace("_", " ")


def plain(sentence: str | None) -> str:
    """A message for programmers without its backticks."""
    return (sentence or "").replace("`", "")


def document(body: JsonValue) -> str:
    """JSON to be read."""
    return json.dumps(body, indent=2, ensure_ascii=False)


FILTERS = {
    "moment": moment,
    "second": second,
    "span": span,
    "after": after,
    "minutes": minutes,
    "status": status,
    "status_words": status_words,
    "tone": tone,
    "is_over": is_over,
    "talked_s": talked_s,
    "value": value,
    "words": words,
    "plain": plain,
    "document": document,
}
TABLES = {
    "CAUSE_WORDS": CAUSE_WORDS,
    "STAGE_WORDS": STAGE_WORDS,
    "STATUS_WORDS": STATUS_WORDS,
    "EVENT_WORDS": EVENT_WORDS,
    "WEBHOOK_WORDS": WEBHOOK_WORDS,
    "MET_WORDS": MET_WORDS,
    "STEP_WORDS": STEP_WORDS,
}
