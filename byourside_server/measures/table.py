"""Everything this server measures: one row each, printed in docs/metrics.md and held equal to it by a test.

Names follow Prometheus: base units (seconds, bytes, ratios), `_total` for what only grows. No label holds
anything of a person, a number, a call or an account: values are from closed sets, or the operator's own names
of trunks and engines.
"""

from __future__ import annotations

from byourside_server.measures.book import Measure

# Seconds of a person's patience on the phone, of a network's answer, and of a disk.
PATIENCE = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
LONG = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
# Of silences, the shortest of which is 2 s.
SILENT = (2.5, 3.0, 4.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 60.0)
QUEUE = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
REQUEST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
COMMIT = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
GROUP = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
NETWORK = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
SHARE = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5)
MOS = (1.5, 2.0, 2.5, 3.0, 3.4, 3.6, 3.8, 4.0, 4.2, 4.3, 4.4)
# Of a tick of 20 ms: `media.messages.Lateness` counts in the same ones.
TICK = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


def _counter(name: str, help: str, *labels: str) -> Measure:
    return Measure(f"byourside_{name}", "counter", help, labels)


def _gauge(name: str, help: str, *labels: str) -> Measure:
    return Measure(f"byourside_{name}", "gauge", help, labels)


def _histogram(name: str, help: str, buckets: tuple[float, ...], *labels: str) -> Measure:
    return Measure(f"byourside_{name}", "histogram", help, labels, buckets)


# --- calls, once each when they are over ------------------------------------------------------------

CALLS = _counter("calls_total", "Calls that are over, by how they ended.", "state", "error")
CALL_ENDS = _counter(
    "call_ends_total", "Calls that are over, by who ended them and why.", "ended_by", "end_reason"
)
CALL_OUTCOMES = _counter(
    "call_outcomes_total",
    "Calls with a report, by what came of them and whether the objective was met.",
    "outcome",
    "objective_met",
)
CALL_DURATION = _histogram("call_duration_seconds", "From answer to hang-up, of answered calls.", LONG)
CALL_QUEUED = _histogram(
    "call_queued_seconds", "From when a call might have been dialled until it was.", QUEUE
)
CALL_RINGING = _histogram(
    "call_ringing_seconds", "How long phones rang, whether or not they were answered.", LONG
)
ANALYSES = _histogram(
    "analysis_seconds", "From hang-up until summary and fields were there, or given up.", QUEUE, "result"
)
ANSWERED = _histogram(
    "answering_seconds", "From answer to the verdict on who answered.", PATIENCE, "verdict", "by"
)
ATTEMPTS = _counter(
    "dial_attempts_total", "INVITEs, by trunk and what the trunk finally said.", "trunk", "sip_status"
)
MODEL_REQUESTS = _counter("model_requests_total", "Requests that calls made of language models.", "result")
MODEL_TOKENS = _counter("model_tokens_total", "Tokens that calls used of language models.", "kind")
REPLIES_AHEAD = _counter(
    "replies_ahead_total",
    "Replies that models were asked for before it was sure that the contact had finished, by what became of"
    " them.",
    "result",
)
TOKENS_DROPPED = _counter(
    "replies_ahead_dropped_tokens_total",
    "Tokens of replies asked for ahead and dropped; they are among the model tokens.",
    "kind",
)
COST_DROPPED = _counter(
    "replies_ahead_dropped_cost_usd_total",
    "US dollars that replies asked for ahead and dropped have cost, where prices are set.",
)
CALLS_OBSERVED_TWICE = _counter(
    "calls_seen_again_total", "Ends of calls told once more, and not counted again."
)

# --- what contacts waited for -----------------------------------------------------------------------

RESPONSE = _histogram(
    "turn_response_seconds",
    "From the contact's last voiced moment to the answer's first sound; a filler is none, the disclosure is.",
    PATIENCE,
)
STAGES = _histogram(
    "turn_stage_seconds",
    "What each stage of an answer took by itself; stages overlap and do not add up.",
    PATIENCE,
    "stage",
)
SILENCES = _histogram(
    "silence_seconds",
    "Silences of more than 2 s in which the agent owed words, by what took the most of them.",
    SILENT,
    "cause",
)

# --- how the sound travelled, of calls that are over -----------------------------------------------

CALL_MOS = _histogram(
    "call_mos", "Estimated mean opinion score (1 to 4.5), heard here or at the far end.", MOS, "side"
)
CALL_LOSS = _histogram("call_loss_ratio", "Share of a call's packets that could not be heard.", SHARE, "side")
CALL_JITTER = _histogram("call_jitter_seconds", "Jitter of a call's packets (RFC 3550).", NETWORK, "side")
CALL_ROUND_TRIP = _histogram("call_round_trip_seconds", "Mean round trip of a call by RTCP.", NETWORK)

# --- HTTP -------------------------------------------------------------------------------------------

REQUESTS = _counter(
    "http_requests_total",
    "Requests answered, by the template of their path; `other` is whatever has no place here.",
    "route",
    "method",
    "status",
)
REQUEST_TIME = _histogram(
    "http_request_seconds", "From a request's arrival until its answer began.", REQUEST, "route", "method"
)

# --- webhooks ---------------------------------------------------------------------------------------

DELIVERIES = _counter(
    "webhook_attempts_total",
    "Attempts to hand a webhook over, by what follows (delivered, retried, gave_up) and the answer or"
    " why none.",
    "result",
    "answer",
)
DELIVERY_TIME = _histogram("webhook_attempt_seconds", "How long an attempt took.", REQUEST, "result")

# --- store ------------------------------------------------------------------------------------------

COMMITS = _histogram("store_commit_seconds", "One transaction, from BEGIN until it is durable.", COMMIT)
COMMIT_GROUP = _histogram("store_commit_writes", "Writes that shared one transaction.", GROUP)
WRITES = _histogram(
    "store_write_seconds", "One write, from when it was asked for until it is durable.", COMMIT
)
STORE_TROUBLE = _counter("store_refusals_total", "Writes and reads that the database refused.")

# --- engines of speech and language -----------------------------------------------------------------

VENDOR_TIME = _histogram(
    "vendor_first_answer_seconds",
    "Until an engine's first sound, its words, or its first token.",
    PATIENCE,
    "door",
    "engine",
)
VENDOR_FAILURES = _counter(
    "vendor_failures_total",
    "Requests that an engine failed; in a chain the next one is asked.",
    "door",
    "engine",
    "kind",
)

# --- admission --------------------------------------------------------------------------------------

ADMISSIONS = _histogram(
    "admission_wait_seconds",
    "How long calls waited until one more would not make the others' sound late.",
    QUEUE,
)
ADMISSION_REFUSED = _counter("admissions_delayed_total", "Calls that were not let in at once.")

# --- read when somebody scrapes ---------------------------------------------------------------------

BUILD = _gauge("build_info", "1, with this edition.", "version", "python")
OPEN_CALLS = _gauge("open_calls", "Calls that are not over, by state.", "state")
OLDEST_DUE = _gauge("queue_oldest_seconds", "How long the call that waits longest could have been dialled.")
LIVE_CALLS = _gauge("live_calls", "Calls on the line in this process.")
LIVE_LIMIT = _gauge("live_calls_limit", "Calls on the line at once in this process, at most.")
WEBHOOKS_WAITING = _gauge("webhooks_waiting", "Calls whose next webhook has not been delivered yet.")
ENGINES = _gauge(
    "media_engines",
    "Media engines by state; `silent` ones did not answer in time, and their last figures stand.",
    "state",
)
ROWS = _gauge("media_rows", "Lines that the media engines hold.")
TICKS = _histogram("media_tick_lateness_seconds", "How late ticks of 20 ms began.", TICK)
TICKS_LATE = _counter("media_ticks_late_total", "Ticks that began more than 5 ms late; all were still run.")
TICKS_OVER = _counter("media_ticks_over_budget_total", "Ticks whose work took longer than the tick's 20 ms.")
MEDIA_CPU = _counter("media_cpu_seconds_total", "CPU time of the media engines.")
PACKETS_RECEIVED = _counter("media_packets_received_total", "RTP packets that came in time.")
PACKETS_SENT = _counter("media_packets_sent_total", "RTP packets sent.")
PACKETS_LOST = _counter(
    "media_packets_lost_total", "RTP packets that were not there when they were to be heard."
)
PACKETS_LATE = _counter("media_packets_late_total", "RTP packets that came too late.")
TRUNK_UP = _gauge("trunk_up", "1 where calls can be given to the trunk.", "trunk")
TRUNK_SERVERS = _gauge(
    "trunk_servers",
    "Servers of a trunk by breaker: closed, open, half_open (one call may try), silent (no answer to "
    "OPTIONS).",
    "trunk",
    "breaker",
)
TRUNK_CALLS = _gauge("trunk_live_calls", "Calls on the trunk now.", "trunk")
TRUNK_REGISTERED = _gauge("trunk_registered", "1 where a trunk that wants registration has it.", "trunk")
TRUNK_ROUND_TRIP = _gauge(
    "trunk_options_round_trip_seconds", "Last OPTIONS of the trunk's quickest server.", "trunk"
)
SPANS = _counter("spans_total", "Spans for the OpenTelemetry collector, by what became of them.", "result")
SCRAPE_PARTS = _gauge(
    "scrape_part_up", "0 where a part of these figures could not be asked for in time.", "part"
)

MEASURES: tuple[Measure, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Measure))
