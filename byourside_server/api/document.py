"""The OpenAPI document: FastAPI's routes, with bearer security and examples put in.

Everything it says comes from `operations`, `schemas` and the table of refusals.
"""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from byourside_server.api import schemas
from byourside_server.api.operations import OPERATIONS, Operation, Parameter
from byourside_server.calls.call import JsonValue
from byourside_server.errors import STATUS_OF_TOKEN

Json = dict[str, JsonValue]
REF = "#/components/schemas/{model}"
INTRODUCTION = (
    "A phone for AI agents: one POST, and a real phone rings.\n\n"
    "Send `Authorization: Bearer bys_ak_…` with every request under /v1. "
    'Every error is `{"error": token}`, with a sentence in `message` and the `requestId`. '
    "Bodies are UTF-8 JSON up to 256 KiB. `rate_limited` and 503 carry Retry-After."
)
EXAMPLE_REQUEST: Json = {
    "to": "+14155550123",
    "objective": "Confirm the appointment for tomorrow at 2pm and ask if they need to reschedule.",
    "fields": [{"name": "confirmed", "type": "boolean"}, {"name": "new_time", "type": "string"}],
}


def document_of(app: FastAPI, version: str, public_url: str) -> Json:
    """The whole document as JSON values."""
    made: Json = get_openapi(
        title="By Your Side",
        version=version,
        description=INTRODUCTION,
        routes=app.routes,
        servers=[{"url": public_url}],
    )
    components = made.setdefault("components", {})
    assert isinstance(components, dict)
    components["schemas"] = _schemas()
    components["securitySchemes"] = {
        "agentKey": {"type": "http", "scheme": "bearer", "description": "Your agent key, `bys_ak_…`."}
    }
    return made


def responses_of(operation: Operation) -> dict[int | str, Json]:
    """Every status an operation answers with, each with its shape."""
    found: dict[int | str, Json] = {200: _success(operation)}
    if "range_not_satisfiable" in operation.refusals:
        found[206] = {"description": "The part asked for.", "content": _files(operation)}
        found[304] = {"description": "Unchanged since the ETag in If-None-Match."}
    for status in sorted({STATUS_OF_TOKEN[token] for token in operation.refusals}):
        found[status] = _refusal(
            status, [token for token in operation.refusals if STATUS_OF_TOKEN[token] == status]
        )
    return found


def extra_of(operation: Operation) -> Json:
    """Parameters, body and security, which the framework can't know: handlers take the bare request."""
    extra: Json = {"security": [] if operation.is_open else [{"agentKey": []}]}
    if operation.parameters:
        extra["parameters"] = [_parameter(parameter) for parameter in operation.parameters]
    if operation.body is not None:
        content: Json = {"schema": _reference(operation.body.__name__), "example": EXAMPLE_REQUEST}
        extra["requestBody"] = {"required": True, "content": {"application/json": content}}
    return extra


def _success(operation: Operation) -> Json:
    if operation.answer is None:
        return {"description": "The whole file.", "content": _files(operation)}
    content: Json = {"schema": _reference(operation.answer.__name__)}
    return {
        "description": (operation.answer.__doc__ or "").strip(),
        "content": {"application/json": content},
    }


def _files(operation: Operation) -> Json:
    return {kind: {"schema": {"type": "string", "format": "binary"}} for kind in operation.media_types}


def _refusal(status: int, tokens: list[str]) -> Json:
    examples: Json = {
        token: {"value": {"error": token, "message": "…", "requestId": "req_5f0c1d2e3b4a5968"}}
        for token in tokens
    }
    refusal: Json = {
        "description": ", ".join(f"`{token}`" for token in tokens),
        "content": {"application/json": {"schema": _reference("Error"), "examples": examples}},
    }
    if status in (429, 503):
        refusal["headers"] = {
            "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
        }
    if status == 401:
        refusal["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return refusal


def _parameter(parameter: Parameter) -> Json:
    described: Json = {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.description,
        "schema": {"type": parameter.type},
    }
    if parameter.example is not None:
        described["example"] = parameter.example
    return described


def _reference(name: str) -> Json:
    return {"$ref": REF.format(model=name)}


def _schemas() -> Json:
    named: list[type[BaseModel]] = [schemas.Error]
    for row in OPERATIONS:
        named += [model for model in (row.answer, row.body) if model is not None and model not in named]
    _, found = models_json_schema([(model, "validation") for model in named], ref_template=REF)
    definitions = found["$defs"]
    assert isinstance(definitions, dict)
    return dict(sorted(definitions.items()))
