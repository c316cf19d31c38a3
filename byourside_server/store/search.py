"""Looking inside the documents that a call's row keeps as JSON text."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Text


def matches(
    conn: sa.Connection, columns: sa.ReadOnlyColumnCollection[str, Any], text: str
) -> sa.ColumnElement[bool]:
    """Whether a call's id begins with `text`, or its number or objective holds it, in any case."""
    digits = "".join(letter for letter in text if letter.isdecimal() and letter.isascii())
    found = [
        columns.id.startswith(text.lower(), autoescape=True),
        member_of(conn, columns.request, "objective").icontains(text, autoescape=True),
    ]
    if digits and not any(letter.isalpha() for letter in text):
        found.append(member_of(conn, columns.request, "to").contains(digits, autoescape=True))
    return sa.or_(*found)


def member_of(conn: sa.Connection, document: sa.ColumnElement[str], name: str) -> sa.ColumnElement[str]:
    """A text inside a JSON document, in the dialect's own words."""
    if conn.dialect.name == "postgresql":
        return sa.func.json_extract_path_text(sa.cast(document, sa.JSON), name, type_=Text)
    return sa.func.json_extract(document, f"$.{name}", type_=Text)
