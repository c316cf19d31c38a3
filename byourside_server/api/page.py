"""The API's page for people: the OpenAPI document as one HTML page.

No script, no style sheet, no font from elsewhere: it reads the same on a machine without a network.
"""

from __future__ import annotations

import json
from html import escape

from byourside_server.calls.call import JsonValue

Json = dict[str, JsonValue]
# Nothing may be loaded or run; only the style inside the page counts.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid #8886; border-radius: .4rem; }
section { border-top: 1px solid #8886; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #888; }
code { overflow-wrap: anywhere; }
.method { display: inline-block; min-width: 3.5rem; font-weight: 700; }
"""


def page_of(document: Json) -> str:
    """The page of an OpenAPI document."""
    info, paths, components = (
        _object(document["info"]),
        _object(document["paths"]),
        _object(document["components"]),
    )
    title = escape(f"{info['title']} {info['version']}")
    operations = [
        (method, path, _object(operation))
        for path, methods in paths.items()
        for method, operation in _object(methods).items()
    ]
    index = "".join(
        f'<li><a href="#{escape(str(o["operationId"]))}"><span class="method">{method.upper()}</span>'
        f"<code>{escape(path)}</code></a> {escape(str(o['summary']))}</li>"
        for method, path, o in operations
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>{title}</h1>{_prose(info.get('description'))}"
        f'<p>The same as data: <a href="/openapi.json">/openapi.json</a></p><ul>{index}</ul>'
        + "".join(_operation(method, path, operation) for method, path, operation in operations)
        + "".join(_shape(name, _object(shape)) for name, shape in _object(components["schemas"]).items())
        + "</body></html>"
    )


def _operation(method: str, path: str, operation: Json) -> str:
    parts = [
        f'<section id="{escape(str(operation["operationId"]))}"><h2>{escape(str(operation["summary"]))}</h2>',
        f'<p><span class="method">{method.upper()}</span><code>{escape(path)}</code></p>',
        _prose(operation.get("description")),
    ]
    parameters = [_object(parameter) for parameter in _array(operation.get("parameters"))]
    if parameters:
        rows = [[_code(p["name"]), escape(str(p["in"])), _text(p.get("description"))] for p in parameters]
        parts += ["<h3>Parameters</h3>", _table(["Name", "In", "Meaning"], rows)]
    if "requestBody" in operation:
        content = _object(_object(_object(operation["requestBody"])["content"])["application/json"])
        example = escape(json.dumps(content["example"], indent=2, ensure_ascii=False))
        parts += [f"<h3>Body: {_type(_object(content['schema']))}</h3>", f"<pre>{example}</pre>"]
    rows = [
        [_code(status), _text(_object(response).get("description")), _content(_object(response))]
        for status, response in _object(operation["responses"]).items()
    ]
    return "".join([*parts, "<h3>Answers</h3>", _table(["Status", "Meaning", "Shape"], rows), "</section>"])


def _shape(name: str, shape: Json) -> str:
    required = _array(shape.get("required"))
    rows = [
        [
            _code(key) + (" *" if key in required else ""),
            _type(_object(value)),
            _text(_object(value).get("description")),
        ]
        for key, value in _object(shape.get("properties") or {}).items()
    ]
    return (
        f'<section id="shape-{escape(name)}"><h2>{escape(name)}</h2>{_prose(shape.get("description"))}'
        + _table(["Name (* always there)", "Type", "Meaning"], rows)
        + "</section>"
    )


def _type(schema: Json) -> str:
    """A schema in a few words, with links to the shapes it names."""
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).rpartition("/")[2])
        return f'<a href="#shape-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(_object(one)) for one in _array(schema["anyOf"]))
    if "const" in schema:
        return _code(json.dumps(schema["const"]))
    if "enum" in schema:
        return ", ".join(_code(value) for value in _array(schema["enum"]))
    if schema.get("type") == "array":
        return f"array of {_type(_object(schema.get('items') or {}))}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(_object(schema['additionalProperties']))}"
    return escape(str(schema.get("type", "any")))


def _content(response: Json) -> str:
    shapes = [
        _type(_object(_object(content)["schema"])) if "json" in media else escape(media)
        for media, content in _object(response.get("content") or {}).items()
    ]
    return ", ".join(shapes)


def _table(heads: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _prose(value: JsonValue) -> str:
    return "".join(f"<p>{_text(paragraph)}</p>" for paragraph in str(value or "").split("\n\n") if paragraph)


def _text(value: JsonValue) -> str:
    """Text with its `code` marked, the one piece of Markdown the document uses."""
    pieces = escape(str(value or "")).split("`")
    return "".join(f"<code>{piece}</code>" if place % 2 else piece for place, piece in enumerate(pieces))


def _code(value: JsonValue) -> str:
    return f"<code>{escape(str(value))}</code>"


def _object(value: JsonValue) -> Json:
    assert isinstance(value, dict)
    return value


def _array(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
