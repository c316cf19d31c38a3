"""The form of a new call: its fields as the JSON body that the API takes, and refusals back to fields.

The same parser reads both, so the form can't promise what the API does not keep.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from itertools import zip_longest

from byourside_server.calls.answering import HANG_UP_ON
from byourside_server.calls.call import FIELD_TYPES, JsonValue
from byourside_server.dashboard.visit import Form

Body = dict[str, JsonValue]

# Which control of the form a refusal speaks of, by its token.
CONTROL_OF_TOKEN = {
    "to_required": "to",
    "invalid_number": "to",
    "destination_blocked": "to",
    "objective_required": "objective",
    "invalid_objective": "objective",
    "invalid_context": "context",
    "invalid_fields": "fields",
    "caller_id_not_owned": "callerId",
    "invalid_caller_id": "callerId",
    "invalid_webhook_url": "webhookUrl",
    "invalid_max_duration": "maxDurationSec",
    "invalid_language": "language",
    "invalid_voicemail": "voicemail",
    "invalid_hang_up_on": "hangUpOn",
    "invalid_must_say": "mustSay",
    "invalid_must_ask": "mustAsk",
}
TEXTS = ("to", "objective", "context", "callerId", "webhookUrl", "language", "maxDurationSec")


@dataclass(frozen=True)
class FieldRow:
    """One row of the fields editor, as typed."""

    name: str = ""
    type: str = "string"
    description: str = ""


@dataclass(frozen=True)
class CallForm:
    """What was typed, to be shown again as it was."""

    values: dict[str, str]
    rows: tuple[FieldRow, ...]
    voicemail: str
    hang_up_on: tuple[str, ...]
    key: str
    """Makes a form that is sent twice one call."""


def empty_form(key: str) -> CallForm:
    """A form nobody has touched."""
    names = (*TEXTS, "mustSay", "mustAsk", "voicemailMessage")
    return CallForm(dict.fromkeys(names, ""), (FieldRow(),), "hang_up", (), key)


def typed(form: Form) -> CallForm:
    """What somebody has sent."""
    names = (*TEXTS, "mustSay", "mustAsk", "voicemailMessage")
    columns = (form.all("fieldName"), form.all("fieldType"), form.all("fieldDescription"))
    rows = tuple(
        FieldRow(name.strip(), kind if kind in FIELD_TYPES else "string", description.strip())
        for name, kind, description in zip_longest(*columns, fillvalue="")
    )
    voicemail = "leave_message" if form.one("voicemail") == "leave_message" else "hang_up"
    values = {name: form.one(name) for name in names}
    hang_up_on = tuple(verdict for verdict in HANG_UP_ON if verdict in form.all("hangUpOn"))
    return CallForm(values, rows or (FieldRow(),), voicemail, hang_up_on, form.one("key"))


def body_of(call: CallForm) -> Body:
    """The body that the API would be sent; what was left empty is not in it."""
    body: Body = {name: call.values[name] for name in TEXTS if call.values[name]}
    if "maxDurationSec" in body:
        digits = call.values["maxDurationSec"]
        is_number = digits.isascii() and digits.isdecimal() and len(digits) < 7
        body["maxDurationSec"] = int(digits) if is_number else digits
    fields: list[JsonValue] = [_field(row) for row in call.rows if row.name or row.description]
    if fields:
        body["fields"] = fields
    for name in ("mustSay", "mustAsk"):
        lines = [line.strip() for line in call.values[name].split("\n")]
        sentences: list[JsonValue] = [line for line in lines if line]
        if sentences:
            body[name] = sentences
    if call.voicemail == "leave_message":
        message = call.values["voicemailMessage"]
        body["voicemail"] = {"action": "leave_message", "message": message or None}
    if call.hang_up_on:
        body["hangUpOn"] = list(call.hang_up_on)
    return body


def hash_of(body: Body) -> str:
    """SHA-256 of the body: the same form sent again is the same request."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _field(row: FieldRow) -> JsonValue:
    return {"name": row.name, "type": row.type, "description": row.description or None}
