"""The OpenAPI document and its page say all there is, and lead nowhere else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from byourside_server.api.operations import OPERATIONS, Operation
from byourside_server.calls.call import JsonValue
from byourside_server.errors import STATUS_OF_TOKEN
from tests.api.conftest import Browser

ERRORS = json.loads((Path(__file__).parents[2] / "contract" / "errors.json").read_text())
# Answered before any operation is reached.
OF_THE_DOOR = {"method_not_allowed"}
Json = dict[str, JsonValue]


def document(api: Browser) -> Json:
    found: Json = api.get("/openapi.json").json()
    return found


def at(value: JsonValue, *names: str) -> JsonValue:
    for name in names:
        assert isinstance(value, dict)
        value = value[name]
    return value


def references(value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield str(value["$ref"])
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_reference_leads_to_a_schema_and_every_schema_is_used(api: Browser) -> None:
    found = document(api)
    schemas = at(found, "components", "schemas")
    assert isinstance(schemas, dict)
    assert {f"#/components/schemas/{name}" for name in schemas} == set(references(found))


def test_the_frameworks_own_error_shape_is_not_in_it(api: Browser) -> None:
    assert "HTTPValidationError" not in json.dumps(document(api))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_an_operation_names_its_security_its_answer_and_each_refusal(
    api: Browser, operation: Operation
) -> None:
    found = at(document(api), "paths", operation.path, operation.method.lower())
    assert isinstance(found, dict)
    assert found["security"] == ([] if operation.is_open else [{"agentKey": []}])
    responses = found["responses"]
    assert isinstance(responses, dict)
    assert "200" in responses
    for token in operation.refusals:
        content = at(responses, str(STATUS_OF_TOKEN[token]), "content", "application/json")
        assert at(content, "schema", "$ref") == "#/components/schemas/Error"
        assert at(content, "examples", token, "value", "error") == token
    if not operation.is_open:
        assert {"unauthorized", "internal_error"} <= set(operation.refusals)


def test_every_token_the_server_sends_is_documented_by_some_operation() -> None:
    documented = {token for operation in OPERATIONS for token in operation.refusals}
    assert documented | OF_THE_DOOR == set(STATUS_OF_TOKEN)


def test_the_request_example_is_one_that_is_accepted(api: Browser) -> None:
    body = at(document(api), "paths", "/v1/agent/calls", "post", "requestBody", "content", "application/json")
    assert api.post("/v1/agent/calls", json=at(body, "example")).status_code == 200


class Links(HTMLParser):
    """Collects what a page points at, what it can be pointed at by, and which tags it is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.to: set[str] = set()
        self.ids: set[str] = set()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("href", "src"):
                self.to.add(value or "")
            if name == "id":
                self.ids.add(value or "")


def test_the_page_needs_nothing_from_elsewhere_and_its_links_hold(api: Browser) -> None:
    answer = api.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = Links()
    page.feed(answer.text)
    assert not page.tags & {"script", "link", "img", "iframe", "object"}
    assert "url(" not in answer.text
    assert "@import" not in answer.text
    assert {link for link in page.to if not link.startswith("#")} == {"/openapi.json"}
    assert {link[1:] for link in page.to if link.startswith("#")} <= page.ids


def test_the_page_shows_every_operation_and_every_token(api: Browser) -> None:
    text = api.get("/docs").text
    for operation in OPERATIONS:
        assert f'id="{operation.id}"' in text
        assert operation.path in text
        assert all(f"<code>{token}</code>" in text for token in operation.refusals)


def test_the_pages_can_be_read_without_a_key(api: Browser) -> None:
    api.headers.pop("Authorization")
    assert api.get("/docs").status_code == api.get("/openapi.json").status_code == 200


def test_the_written_api_page_has_every_path_and_token() -> None:
    written = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    for operation in OPERATIONS:
        path = re.sub(r"\{call_id\}", "{id}", operation.path)
        assert f"{operation.method} {path}" in written, path
    for error in ERRORS:
        if error["status"]:
            assert f"| {error['status']} | `{error['token']}` |" in written, error["token"]
