"""What can be asked of this server, one row each: path, method, words for the document, shapes, refusals.

The application makes its routes from these rows and the OpenAPI document its pages, so neither can have
what the other lacks.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from byourside_server.api import schemas

AUTHORIZED = ("unauthorized", "store_error", "internal_error")
READABLE = ("invalid_json", "body_too_large")
OF_A_CALL = (*AUTHORIZED, "not_found")
OF_A_BODY = (
    "to_required",
    "objective_required",
    "invalid_number",
    "destination_blocked",
    "caller_id_not_owned",
    "invalid_fields",
    "invalid_context",
    "invalid_caller_id",
    "invalid_webhook_url",
    "invalid_objective",
    "invalid_metadata",
    "invalid_max_duration",
    "invalid_language",
    "invalid_voicemail",
    "invalid_hang_up_on",
    "invalid_scheduled_at",
    "invalid_must_say",
    "invalid_must_ask",
)


@dataclass(frozen=True)
class Parameter:
    """One thing outside the body that a request may carry."""

    name: str
    place: str
    """`path`, `query` or `header`."""
    type: str
    description: str
    example: str | int | None = None


@dataclass(frozen=True)
class Operation:
    """One row."""

    id: str
    """The handler's name, and the operationId."""
    method: str
    path: str
    summary: str
    description: str
    answer: type[BaseModel] | None
    """None for an answer that is a file and not JSON."""
    refusals: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: type[BaseModel] | None = None
    is_open: bool = False
    """True where no key is asked for."""
    media_types: tuple[str, ...] = ()
    """Of an answer that is a file: what it may be."""


CALL_ID = Parameter("call_id", "path", "string", "The call.", "f47ac10b-58cc-4372-a567-0e02b2c3d479")
LIMIT = Parameter("limit", "query", "integer", "At most so many, 1 to 100; out of range is clamped.", 20)
AFTER = Parameter(
    "after", "query", "integer", "Only events later in the log: `nextAfter` of the page before.", 0
)
LAST_EVENT_ID = Parameter(
    "Last-Event-ID", "header", "string", "Of a stream: the `id` of the last event that arrived.", "42.3"
)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "place",
        "POST",
        "/v1/agent/calls",
        "Place a call",
        "Validates, runs the guardrails, answers at once; the call runs by itself. A refusal costs nothing.",
        schemas.Placed,
        (
            *OF_A_BODY,
            *READABLE,
            *AUTHORIZED,
            "rate_limited",
            "over_minute_cap",
            "placement_failed",
            "invalid_idempotency_key",
            "idempotency_in_flight",
            "idempotency_mismatch",
        ),
        (
            Parameter(
                "Idempotency-Key",
                "header",
                "string",
                "1 to 255 visible ASCII characters. The same key and body within 24 hours place one call "
                "and get its answer again. Extension.",
                "order-7421",
            ),
            Parameter(
                "traceparent",
                "header",
                "string",
                "W3C Trace Context: the call's own trace, where the operator keeps any, hangs on this span. "
                "One that can't be read counts as none. Extension.",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ),
        ),
        schemas.CallToPlace,
    ),
    Operation(
        "list",
        "GET",
        "/v1/agent/calls",
        "List calls",
        "The account's calls, most recent first.",
        schemas.CallList,
        AUTHORIZED,
        (
            LIMIT,
            Parameter("before", "query", "string", "Only older calls: `nextCursor` of the page before."),
            Parameter("status", "query", "string", "Only calls with this status.", "completed"),
        ),
    ),
    Operation(
        "validate",
        "POST",
        "/v1/agent/calls/validate",
        "Check a call without placing it",
        "The same checks as a placement, and the same refusals; counts against no limit. Extension.",
        schemas.Validated,
        (*OF_A_BODY, *READABLE, *AUTHORIZED),
        body=schemas.CallToPlace,
    ),
    Operation(
        "get",
        "GET",
        "/v1/agent/calls/{call_id}",
        "Get a call",
        "The call as it is now. Another account's call is not_found.",
        schemas.CallRecord,
        OF_A_CALL,
        (CALL_ID,),
    ),
    Operation(
        "cancel",
        "POST",
        "/v1/agent/calls/{call_id}/cancel",
        "Cancel a call",
        "A waiting call is never dialed; a live one is hung up. It ends `failed` with error `canceled`, or, "
        "once answered, with the result it had reached. Extension.",
        schemas.CallRecord,
        (*OF_A_CALL, "call_ended"),
        (CALL_ID,),
    ),
    Operation(
        "recording",
        "GET",
        "/v1/agent/calls/{call_id}/recording",
        "Get the recording",
        "WAV, stereo: the contact left, the agent right. Byte ranges are served.",
        None,
        (*OF_A_CALL, "range_not_satisfiable"),
        (CALL_ID, Parameter("Range", "header", "string", "One byte range.", "bytes=0-65535")),
        media_types=("audio/wav",),
    ),
    Operation(
        "sip_trace",
        "GET",
        "/v1/agent/calls/{call_id}/sip-trace",
        "Get the SIP trace",
        "Every SIP message of the call, sent and received, without credentials, media keys and what people "
        "typed or pressed; a second old at most while the call lives. Extension.",
        None,
        OF_A_CALL,
        (
            CALL_ID,
            Parameter("format", "query", "string", "`pcap` for a capture file; text otherwise.", "pcap"),
            Parameter("numbers", "query", "string", "`hidden` to show it to others.", "hidden"),
        ),
        media_types=("text/plain", "application/vnd.tcpdump.pcap"),
    ),
    Operation(
        "call_events",
        "GET",
        "/v1/agent/calls/{call_id}/events",
        "List a call's events",
        "What its webhooks carried or will carry, oldest first. With `Accept: text/event-stream` a stream of "
        "the same, live, with each turn as it is spoken (event `turn`); it ends with the call. Extension.",
        schemas.EventList,
        OF_A_CALL,
        (CALL_ID, AFTER, LIMIT, LAST_EVENT_ID),
    ),
    Operation(
        "events",
        "GET",
        "/v1/agent/events",
        "List events",
        "The account's event log, oldest first. Poll with `after` where no webhook can reach you, or ask for "
        "`text/event-stream` and be told. Extension.",
        schemas.EventList,
        AUTHORIZED,
        (AFTER, LIMIT, LAST_EVENT_ID),
    ),
    Operation(
        "health", "GET", "/healthz", "Health", "Answers while the server runs.", schemas.Health, is_open=True
    ),
)
