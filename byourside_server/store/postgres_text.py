"""A statement as PostgreSQL's driver takes it: text with $1, $2 …, and which value goes where.

Several that write, and do not need each other's rows, make one statement of common table expressions: one
way to the server and back. Knows no table and no connection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import asyncpg

_DIALECT = asyncpg.dialect()  # type: ignore[no-untyped-call]
_PLACE = re.compile(r"\$(\d+)")


@dataclass(frozen=True, eq=False)
class PostgresText:
    """Compiled when it is first needed: most servers have no PostgreSQL."""

    statement: sa.Executable

    @cached_property
    def _compiled(self) -> tuple[str, tuple[str, ...], Mapping[str, Any]]:
        compiled = cast("sa.ClauseElement", self.statement).compile(
            dialect=_DIALECT, compile_kwargs={"render_postcompile": True}
        )
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        return str(compiled), tuple(getattr(compiled, "positiontup", None) or ()), fixed

    @property
    def sql(self) -> str:
        return self._compiled[0]

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The values in the order of their places."""
        _, names, fixed = self._compiled
        return [values[name] if name in values else fixed[name] for name in names]


def one_of(texts: Sequence[PostgresText], values: Sequence[Mapping[str, Any]]) -> tuple[str, list[Any]]:
    """Text and arguments that run all of them at once."""
    arguments: list[Any] = []
    for text, each in zip(texts, values, strict=True):
        arguments += text.arguments(each)
    return _joined(tuple(texts)), arguments


@lru_cache(maxsize=64)
def _joined(texts: tuple[PostgresText, ...]) -> str:
    parts, before = [], 0
    for text in texts:
        parts.append(_moved(text.sql, before))
        before += max((int(place) for place in _PLACE.findall(text.sql)), default=0)
    *first, last = parts
    if not first:
        return last
    return "WITH " + ", ".join(f"part_{n} AS ({part})" for n, part in enumerate(first)) + f" {last}"


def _moved(sql: str, by: int) -> str:
    """The text with its places so many further on."""
    return _PLACE.sub(lambda place: f"${int(place[1]) + by}", sql)
