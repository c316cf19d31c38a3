"use strict";
// What can go wrong, as one error with a code, a status and a sentence. Knows no sockets.
// The published tokens stand as data in the repository's contract/errors.json; a test keeps the two equal.

const MESSAGE_OF_CODE = {
  // published
  to_required: "The number to call is missing.",
  objective_required: "The objective of the call is missing.",
  invalid_number: "The number must be in E.164 form, for example +14155550123.",
  destination_blocked:
    "This destination may not be called: premium rate, satellite, IRSF, or a country that is not supported.",
  caller_id_not_owned: "The caller ID is not a number on your account.",
  invalid_fields: "The fields are malformed, name one twice, or are more than 20.",
  invalid_context: "The context must be a string.",
  invalid_caller_id: "The caller ID must be a string in E.164 form.",
  invalid_webhook_url: "The webhook URL must be a valid https:// URL.",
  unauthorized: "The API key is missing or not valid.",
  not_found: "There is no such call on this account.",
  rate_limited: "Too many calls per minute for this key; wait a little and try again.",
  over_minute_cap: "The minute allowance of this billing period is used up.",
  placement_failed: "The carrier or trunk could not take the call; try again shortly.",
  store_error: "The service has temporary trouble; try again shortly.",
  // extensions
  invalid_json: "The request body is not a well-formed JSON object.",
  invalid_objective: "The objective must be a string of acceptable length.",
  invalid_metadata: "The metadata must be an object of acceptable size.",
  invalid_max_duration: "The maximum duration must be a whole number of seconds in the allowed range.",
  invalid_language: "The language must be a language tag, for example en-US.",
  invalid_hang_up_on: "hangUpOn must be an array of some of ivr, screening and unknown.",
  invalid_voicemail: "The voicemail setting must be {action: hang_up or leave_message, message}.",
  invalid_scheduled_at: "The scheduled time must be ISO 8601 with its offset.",
  invalid_must_say: "mustSay must be an array of at most 10 sentences.",
  invalid_must_ask: "mustAsk must be an array of at most 10 questions.",
  invalid_idempotency_key: "The idempotency key must be 1 to 255 visible ASCII characters.",
  method_not_allowed: "This path does not answer this HTTP method.",
  idempotency_in_flight: "The first request with this idempotency key is still being answered.",
  call_ended: "The call is already over.",
  body_too_large: "The request is larger than 256 KiB.",
  range_not_satisfiable: "The Range header asks for bytes that the recording does not have.",
  idempotency_mismatch: "This idempotency key was used before with a different request.",
  internal_error: "The server met a fault of its own.",
  // raised here, never sent
  network_error: "The API could not be reached.",
  timeout: "The call did not end before the wait did.",
  no_api_key: "An API key is needed; it begins with bys_ak_.",
  http_error: "The answer is not one of this API's.",
};

// Trouble that passes: the same request may succeed a moment later.
const PASSING_CODES = new Set([
  "rate_limited",
  "placement_failed",
  "store_error",
  "idempotency_in_flight",
  "network_error",
]);
const PASSING_STATUSES = new Set([429, 502, 503]);

// What an answer without a token (a proxy's, a framework's) can still be told by.
const CODE_OF_BARE_STATUS = { 401: "unauthorized", 404: "not_found", 429: "rate_limited" };

/**
 * A request that was not carried out, or a wait that ended too early.
 *
 * `code` is the API's error token or one of this package's own; `status` the HTTP status, or 0 where no
 * answer was had. `retryAfter` is the server's wish in seconds, `requestId` what to quote to its operator,
 * `idempotencyKey` what to give `placeCall` to repeat a placement whose outcome is unknown.
 */
class ByoursideError extends Error {
  constructor(code, status = 0, message = undefined, { retryAfter = null, requestId = null, cause } = {}) {
    const sentence = message || ownMessage(code) || `The API refused the request: ${code}.`;
    super(sentence, cause === undefined ? undefined : { cause });
    this.name = "ByoursideError";
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
    this.requestId = requestId;
    this.idempotencyKey = null;
  }

  /** Whether the same request may succeed a moment later. */
  get retryable() {
    if (ownMessage(this.code) && this.code !== "http_error") return PASSING_CODES.has(this.code);
    return PASSING_STATUSES.has(this.status);
  }
}

/** The error for an answer that is not a success; takes whatever the body turned out to be. */
function mapError(status, body, { retryAfter = null } = {}) {
  const told = body !== null && typeof body === "object" && !Array.isArray(body) ? body : {};
  const code = text(told.error) ?? CODE_OF_BARE_STATUS[status] ?? "http_error";
  let message = text(told.message);
  if (message === undefined && code === "http_error") {
    message = `The server answered HTTP ${status} without a known error token.`;
  }
  return new ByoursideError(code, status, message, { retryAfter, requestId: text(told.requestId) ?? null });
}

function ownMessage(code) {
  return Object.hasOwn(MESSAGE_OF_CODE, code) ? MESSAGE_OF_CODE[code] : undefined;
}

function text(value) {
  return typeof value === "string" && value ? value : undefined;
}

module.exports = { ByoursideError, MESSAGE_OF_CODE, mapError };
