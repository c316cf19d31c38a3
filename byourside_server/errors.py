"""The refusals a caller can meet, each a token with its HTTP status.

`contract/errors.json` holds the same table as public data; a test keeps the two equal.
Knows nothing of HTTP frameworks: the api room turns a `Refusal` into `{"error": token}`.
"""

from __future__ import annotations

STATUS_OF_TOKEN: dict[str, int] = {
    # published
    "to_required": 400,
    "objective_required": 400,
    "invalid_number": 400,
    "destination_blocked": 400,
    "caller_id_not_owned": 400,
    "invalid_fields": 400,
    "invalid_context": 400,
    "invalid_caller_id": 400,
    "invalid_webhook_url": 400,
    "unauthorized": 401,
    "not_found": 404,
    "rate_limited": 429,
    "over_minute_cap": 429,
    "placement_failed": 502,
    "store_error": 503,
    # extensions
    "invalid_json": 400,
    "invalid_objective": 400,
    "invalid_metadata": 400,
    "invalid_max_duration": 400,
    "invalid_language": 400,
    "invalid_voicemail": 400,
    "invalid_hang_up_on": 400,
    "invalid_scheduled_at": 400,
    "invalid_must_say": 400,
    "invalid_must_ask": 400,
    "invalid_idempotency_key": 400,
    "method_not_allowed": 405,
    "idempotency_in_flight": 409,
    "call_ended": 409,
    "body_too_large": 413,
    "range_not_satisfiable": 416,
    "idempotency_mismatch": 422,
    "internal_error": 500,
}

# Said at the door and in the transaction alike.
UNKNOWN_KEY = "The agent key is unknown or revoked: `byourside-server keys create` makes a new one."


class Refusal(Exception):
    """A request that is not carried out: whose fault and what to do next.

    `token` is one of STATUS_OF_TOKEN; `message` is one sentence naming the field and its cure;
    `retry_after_s` is set where waiting helps.
    """

    def __init__(self, token: str, message: str | None = None, *, retry_after_s: float | None = None) -> None:
        assert token in STATUS_OF_TOKEN, f"unknown refusal token {token}"
        super().__init__(message or token)
        self.token = token
        self.message = message
        self.retry_after_s = retry_after_s

    @property
    def status(self) -> int:
        return STATUS_OF_TOKEN[self.token]


class ConfigError(Exception):
    """A setting or command-line value that can't be used; the text names it and its cure."""
