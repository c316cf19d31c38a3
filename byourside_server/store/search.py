"""Looking inside the documents that a call's row keeps as JSON text."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Text


def matches(conn: sa.Connection, rows: sa.FromClause, text: str) -> sa.ColumnElement[bool]:
    """Whether a call's id begins with `text`, or its number or objective holds it, in any case."""
    digits = "".join(letter for letter in text if letter.isdecimal() and letter.isascii())
    found = [
        rows.c.id.startswith(text.lower(), autoescape=True),
        member_of(conn, rows.c.request, "objective").icontains(text, autoescape=True),
    ]
    if digits and not any(letter.isalpha() for letter in text):
        found.append(member_of(conn, rows.c.request, "to").contains(digits, autoescape=True))
    return sa.or_(*found)


def member_of(conn: sa.Connection, document: sa.ColumnElement[str], name: str) -> sa.ColumnElement[str]:
    """A text inside a JSON document, in the dialect's own words."""
    if conn.dialect.name == "postgresql":
        return sa.func.json_extract_path_text(sa.cast(document, sa.JSON), name, type_=Text)
    return sa.func.json_extract(document, f"$.{name}", type_=Text)
