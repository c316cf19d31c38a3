"""What can go wrong, as one exception with a code, a status and a sentence.

Knows the published error tokens and those this package raises itself. Knows no sockets.
The same table stands as data in the repository's contract/errors.json; a test keeps the two equal.
"""

from typing import Dict, FrozenSet, Mapping, Optional, Tuple

MESSAGE_OF_CODE: Dict[str, str] = {
    # published
    "to_required": "The number to call is missing.",
    "objective_required": "The objective of the call is missing.",
    "invalid_number": "The number must be in E.164 form, for example +14155550123.",
    "destination_blocked": "This destination may not be called: premium rate, satellite, IRSF, or a country"
    " that is not supported.",
    "caller_id_not_owned": "The caller ID is not a number on your account.",
    "invalid_fields": "The fields are malformed, name one twice, or are more than 20.",
    "invalid_context": "The context must be a string.",
    "invalid_caller_id": "The caller ID must be a string in E.164 form.",
    "invalid_webhook_url": "The webhook URL must be a valid https:// URL.",
    "unauthorized": "The API key is missing or not valid.",
    "not_found": "There is no such call on this account.",
    "rate_limited": "Too many calls per minute for this key; wait a little and try again.",
    "over_minute_cap": "The minute allowance of this billing period is used up.",
    "placement_failed": "The carrier or trunk could not take the call; try again shortly.",
    "store_error": "The service has temporary trouble; try again shortly.",
    # extensions
    "invalid_json": "The request body is not a well-formed JSON object.",
    "invalid_objective": "The objective must be a string of acceptable length.",
    "invalid_metadata": "The metadata must be an object of acceptable size.",
    "invalid_max_duration": "The maximum duration must be a whole number of seconds in the allowed range.",
    "invalid_language": "The language must be a language tag, for example en-US.",
    "invalid_voicemail": "The voicemail setting must be {action: hang_up or leave_message, message}.",
    "invalid_hang_up_on": "hang_up_on must hold some of ivr, screening and unknown.",
    "invalid_scheduled_at": "The scheduled time must be ISO 8601 with its offset.",
    "invalid_must_say": "mustSay must be an array of at most 10 sentences.",
    "invalid_must_ask": "mustAsk must be an array of at most 10 questions.",
    "invalid_idempotency_key": "The idempotency key must be 1 to 255 visible ASCII characters.",
    "method_not_allowed": "This path does not answer this HTTP method.",
    "idempotency_in_flight": "The first request with this idempotency key is still being answered.",
    "call_ended": "The call is already over.",
    "body_too_large": "The request is larger than 256 KiB.",
    "range_not_satisfiable": "The Range header asks for bytes that the recording does not have.",
    "idempotency_mismatch": "This idempotency key was used before with a different request.",
    "internal_error": "The server met a fault of its own.",
    # raised here, never sent
    "network_error": "The API could not be reached.",
    "timeout": "The call did not end before the wait did.",
    "no_api_key": "An API key is needed; it begins with bys_ak_.",
    "http_error": "The answer is not one of this API's.",
}

# Trouble that passes: the same request may succeed a moment later.
PASSING_CODES: FrozenSet[str] = frozenset(
    {"rate_limited", "placement_failed", "store_error", "idempotency_in_flight", "network_error"}
)
PASSING_STATUSES: FrozenSet[int] = frozenset({429, 502, 503})

# What an answer without a token (a proxy's, a framework's) can still be told by.
CODE_OF_BARE_STATUS: Dict[int, str] = {401: "unauthorized", 404: "not_found", 429: "rate_limited"}


class ByoursideError(Exception):
    """A request that was not carried out, or a wait that ended too early.

    `code` is the API's error token or one of this package's own; `status` the HTTP status, or 0 where
    no answer was had; `str(error)` a sentence for people. `retry_after` is the server's wish in seconds,
    `request_id` what to quote to its operator, `idempotency_key` what to give `place_call` to repeat
    a placement whose outcome is unknown; each is None where there is none.
    """

    def __init__(
        self,
        code: str,
        status: int = 0,
        message: Optional[str] = None,
        *,
        retry_after: Optional[float] = None,
        request_id: Optional[str] = None,
    ) -> None:
        sentence = message or MESSAGE_OF_CODE.get(code) or f"The API refused the request: {code}."
        # All three in args, so that the exception survives pickling between processes.
        super().__init__(code, status, sentence)
        self.code = code
        self.status = status
        self.message = sentence
        self.retry_after = retry_after
        self.request_id = request_id
        self.idempotency_key: Optional[str] = None

    def __str__(self) -> str:
        return self.message

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed a moment later."""
        if self.code in MESSAGE_OF_CODE and self.code != "http_error":
            return self.code in PASSING_CODES
        return self.status in PASSING_STATUSES


def map_error(status: int, body: object, *, retry_after: Optional[float] = None) -> ByoursideError:
    """The exception for an answer that is not a success. Takes whatever the body turned out to be."""
    code, message, request_id = _read(body)
    if code is None:
        code = CODE_OF_BARE_STATUS.get(status, "http_error")
    if message is None and code == "http_error":
        message = f"The server answered HTTP {status} without a known error token."
    return ByoursideError(code, status, message, retry_after=retry_after, request_id=request_id)


def _read(body: object) -> Tuple[Optional[str], Optional[str], Optional[str]]:
    if not isinstance(body, Mapping):
        return None, None, None
    return _text(body.get("error")), _text(body.get("message")), _text(body.get("requestId"))


def _text(value: object) -> Optional[str]:
    return value if isinstance(value, str) and value else None
