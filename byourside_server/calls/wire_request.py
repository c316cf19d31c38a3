"""The request as the public writes it, read strictly and written back.

`parse_call_request` reads a POST body and refuses the first thing wrong with the published token and a
sentence that names the field and the cure; `request_document` is its inverse, for the store.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from byourside_server.calls.answering import HANG_UP_ON, Verdict
from byourside_server.calls.call import (
    FIELD_TYPES,
    MAX_MAX_DURATION_S,
    CallRequest,
    Field,
    JsonValue,
    VoicemailPolicy,
)
from byourside_server.calls.wire import Json
from byourside_server.clock import iso_utc, parse_iso_utc
from byourside_server.errors import Refusal

MAX_FIELDS = 20
MAX_TEXT_CHARS = 8_000
MAX_CONTEXT_CHARS = 32_000
MAX_FIELD_NAME_CHARS = 64
MAX_METADATA_CHARS = 8_000
MAX_URL_CHARS = 2_048
MAX_DEMANDS = 10
MAX_DEMAND_CHARS = 500
MIN_MAX_DURATION_S = 10
# 1970 to 9999: beyond these the calendar can't write a moment back in four digits of year.
EARLIEST_SCHEDULE, LATEST_SCHEDULE = 0.0, 253_402_300_799.0
UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f]")
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def parse_call_request(body: JsonValue, *, allow_local_webhooks: bool = False) -> CallRequest:
    """The request in a POST body. Raises Refusal with the token of the first field that is wrong.

    `allow_local_webhooks` is the developer's setting that admits `http://localhost` receivers.
    Whether the number may be dialled is the guardrails' question, not asked here.
    """
    if not isinstance(body, dict):
        raise Refusal("invalid_json", "The body must be a JSON object.")
    return CallRequest(
        to=_to(body.get("to")),
        objective=_objective(body.get("objective")),
        context=_text(body.get("context"), "context", "invalid_context", MAX_CONTEXT_CHARS),
        fields=_fields(body.get("fields")),
        webhook_url=_webhook_url(body.get("webhookUrl"), allow_local_webhooks),
        caller_id=_caller_id(body.get("callerId")),
        metadata=_metadata(body.get("metadata")),
        max_duration_s=_max_duration(body.get("maxDurationSec")),
        language=_language(body.get("language")),
        voicemail=_voicemail(body.get("voicemail")),
        scheduled_at=_scheduled_at(body.get("scheduledAt")),
        must_say=_demands(body.get("mustSay"), "mustSay", "invalid_must_say"),
        must_ask=_demands(body.get("mustAsk"), "mustAsk", "invalid_must_ask"),
        hang_up_on=_hang_up_on(body.get("hangUpOn")),
    )


def _to(value: JsonValue) -> str:
    if value is None or value == "":
        raise Refusal("to_required", "`to` is missing: give the number to call, for example +14155550123.")
    if not isinstance(value, str):
        raise Refusal("invalid_number", "`to` must be a string in E.164 form, for example +14155550123.")
    return value


def _objective(value: JsonValue) -> str:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise Refusal("objective_required", "`objective` is missing: say what the call should accomplish.")
    if not isinstance(value, str):
        raise Refusal("invalid_objective", "`objective` must be a string.")
    if len(value) > MAX_TEXT_CHARS:
        raise Refusal("invalid_objective", f"`objective` is longer than {MAX_TEXT_CHARS} characters.")
    return value


def _text(value: JsonValue, name: str, token: str, limit: int) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise Refusal(token, f"`{name}` must be a string.")
    if len(value) > limit:
        raise Refusal(token, f"`{name}` is longer than {limit} characters.")
    return value


def _fields(value: JsonValue) -> tuple[Field, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Refusal("invalid_fields", "`fields` must be an array of {name, type?, description?}.")
    if len(value) > MAX_FIELDS:
        raise Refusal("invalid_fields", f"`fields` has {len(value)} items; {MAX_FIELDS} is the most.")
    fields = tuple(_field(item, position) for position, item in enumerate(value))
    names = [field.name for field in fields]
    for name in names:
        if names.count(name) > 1:
            raise Refusal("invalid_fields", f"`fields` names {name!r} twice; names must be unique.")
    return fields


def _field(item: JsonValue, position: int) -> Field:
    where = f"`fields[{position}]`"
    if not isinstance(item, dict):
        raise Refusal("invalid_fields", f"{where} must be an object {{name, type?, description?}}.")
    name = item.get("name")
    if not isinstance(name, str) or not name.strip():
        raise Refusal("invalid_fields", f"{where} needs a `name`, a non-empty string.")
    if len(name) > MAX_FIELD_NAME_CHARS:
        raise Refusal("invalid_fields", f"{where} has a name longer than {MAX_FIELD_NAME_CHARS} characters.")
    given = item.get("type")
    field_type = next((known for known in FIELD_TYPES if known == given), None)
    if given is None:
        field_type = "string"
    if field_type is None:
        raise Refusal("invalid_fields", f"{where} has a `type` that is none of {', '.join(FIELD_TYPES)}.")
    description = item.get("description")
    if description is not None and not isinstance(description, str):
        raise Refusal("invalid_fields", f"{where} has a `description` that is not a string.")
    return Field(name=name, type=field_type, description=description)


def _webhook_url(value: JsonValue, allow_local: bool) -> str | None:
    if value is None:
        return None
    local_too = ", or http://localhost" if allow_local else ""
    refusal = Refusal("invalid_webhook_url", f"`webhookUrl` must be an https:// URL with a host{local_too}.")
    if not isinstance(value, str) or len(value) > MAX_URL_CHARS or UNSAFE_IN_URL.search(value):
        raise refusal
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise refusal from None
    if parts.username is not None or parts.password is not None:
        raise Refusal(
            "invalid_webhook_url",
            "`webhookUrl` must not hold a user name or password: webhooks are signed, check their signature.",
        )
    if not host:
        raise refusal
    local = allow_local and parts.scheme == "http" and host in ("localhost", "127.0.0.1", "::1")
    if parts.scheme != "https" and not local:
        raise refusal
    return value


def _caller_id(value: JsonValue) -> str | None:
    if value is not None and not isinstance(value, str):
        raise Refusal("invalid_caller_id", "`callerId` must be a string in E.164 form.")
    return value


def _metadata(value: JsonValue) -> dict[str, JsonValue] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Refusal("invalid_metadata", "`metadata` must be an object.")
    if len(repr(value)) > MAX_METADATA_CHARS:
        raise Refusal("invalid_metadata", f"`metadata` is larger than {MAX_METADATA_CHARS} characters.")
    return value


def _max_duration(value: JsonValue) -> int | None:
    if value is None:
        return None
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not MIN_MAX_DURATION_S <= int(str(value)) <= MAX_MAX_DURATION_S:
        raise Refusal(
            "invalid_max_duration",
            f"`maxDurationSec` must be a whole number from {MIN_MAX_DURATION_S} to {MAX_MAX_DURATION_S}.",
        )
    return int(str(value))


def _language(value: JsonValue) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not LANGUAGE_TAG.fullmatch(value):
        raise Refusal("invalid_language", "`language` must be a language tag, for example en-US.")
    return value


def _voicemail(value: JsonValue) -> VoicemailPolicy:
    if value is None:
        return VoicemailPolicy()
    if not isinstance(value, dict):
        raise Refusal("invalid_voicemail", "`voicemail` must be an object {action, message?}.")
    message = _text(value.get("message"), "voicemail.message", "invalid_voicemail", MAX_TEXT_CHARS)
    action = value.get("action")
    if action == "hang_up" or action is None:
        return VoicemailPolicy("hang_up", message)
    if action == "leave_message":
        return VoicemailPolicy("leave_message", message)
    raise Refusal("invalid_voicemail", "`voicemail.action` must be hang_up or leave_message.")


def _hang_up_on(value: JsonValue) -> tuple[Verdict, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(item in HANG_UP_ON for item in value):
        raise Refusal("invalid_hang_up_on", f"`hangUpOn` must hold some of {', '.join(HANG_UP_ON)}.")
    return tuple(verdict for verdict in HANG_UP_ON if verdict in value)


def _demands(value: JsonValue, name: str, token: str) -> tuple[str, ...]:
    """Sentences that must be spoken, without blanks around them and each once."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_DEMANDS:
        raise Refusal(token, f"`{name}` must be an array of at most {MAX_DEMANDS} sentences.")
    for position, sentence in enumerate(value):
        if not isinstance(sentence, str) or not sentence.strip():
            raise Refusal(token, f"`{name}[{position}]` must be a sentence, a non-empty string.")
        if len(sentence) > MAX_DEMAND_CHARS:
            raise Refusal(token, f"`{name}[{position}]` is longer than {MAX_DEMAND_CHARS} characters.")
    return tuple(dict.fromkeys(str(sentence).strip() for sentence in value))


def _scheduled_at(value: JsonValue) -> float | None:
    if value is None:
        return None
    refusal = Refusal(
        "invalid_scheduled_at",
        "`scheduledAt` must be an ISO 8601 time with its offset, for example 2026-06-17T14:03:12Z.",
    )
    if not isinstance(value, str):
        raise refusal
    try:
        at = parse_iso_utc(value)
    except ValueError:
        raise refusal from None
    if not EARLIEST_SCHEDULE <= at < LATEST_SCHEDULE:
        raise refusal
    return at


def request_document(request: CallRequest) -> Json:
    """The request as JSON again, in the public spelling: what the store keeps."""
    return {
        "to": request.to,
        "objective": request.objective,
        "context": request.context,
        "fields": [{"name": f.name, "type": f.type, "description": f.description} for f in request.fields],
        "webhookUrl": request.webhook_url,
        "callerId": request.caller_id,
        "metadata": request.metadata,
        "maxDurationSec": request.max_duration_s,
        "language": request.language,
        "voicemail": {"action": request.voicemail.action, "message": request.voicemail.message},
        "scheduledAt": iso_utc(request.scheduled_at),
        "mustSay": list(request.must_say),
        "mustAsk": list(request.must_ask),
        "hangUpOn": list(request.hang_up_on),
        # Seldom given, and never a part of the body.
        **({} if request.traceparent is None else {"traceparent": request.traceparent}),
    }


def kept_request(document: Mapping[str, Any]) -> CallRequest:
    """The request that `request_document` gave: what was checked when it came is not checked anew.

    A row of an older edition lacks what that did not know.
    """
    voicemail, scheduled_at = document.get("voicemail") or {}, document.get("scheduledAt")
    return CallRequest(
        to=document["to"],
        objective=document["objective"],
        context=document.get("context"),
        fields=tuple(Field(f["name"], f["type"], f["description"]) for f in document.get("fields") or ()),
        webhook_url=document.get("webhookUrl"),
        caller_id=document.get("callerId"),
        metadata=document.get("metadata"),
        max_duration_s=document.get("maxDurationSec"),
        language=document.get("language"),
        voicemail=VoicemailPolicy(voicemail.get("action") or "hang_up", voicemail.get("message")),
        scheduled_at=None if scheduled_at is None else parse_iso_utc(scheduled_at),
        must_say=tuple(document.get("mustSay") or ()),
        must_ask=tuple(document.get("mustAsk") or ()),
        hang_up_on=tuple(document.get("hangUpOn") or ()),
        traceparent=document.get("traceparent"),
    )
