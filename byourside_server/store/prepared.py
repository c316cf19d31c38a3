"""Statements made once and run often.

The driver itself runs the text that SQLAlchemy has compiled: on SQLite 5 µs instead of 60 for a row by its
key, on PostgreSQL a third of the time. Knows no table and no call.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.util import await_only

from byourside_server.store.call_rows import Column
from byourside_server.store.postgres_text import PostgresText, one_of

# Named parameters, so that one mapping serves both databases.
_SQLITE = sqlite.dialect(paramstyle="named")
# Of a connection: what is to be run together.
_GATHERED = "byourside_gathered"

Row = Mapping[str, Any]


def driver(conn: sa.Connection) -> sqlite3.Connection:
    """SQLite's own connection under one of SQLAlchemy's."""
    return cast("sqlite3.Connection", conn.connection.dbapi_connection)


class Prepared:
    """One statement, whose values are `given` by name."""

    def __init__(self, statement: sa.Executable) -> None:
        self._postgres = PostgresText(statement)
        compiled = cast("sa.ClauseElement", statement).compile(
            dialect=_SQLITE, compile_kwargs={"render_postcompile": True}
        )
        self.sql = str(compiled)
        # What the statement itself says, such as the states of an IN; named ones are the caller's.
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self._names: tuple[str, ...] | None = None

    def tuples(self, conn: sa.Connection, **values: Column) -> Sequence[tuple[Any, ...]]:
        """Every row, as a tuple."""
        if conn.dialect.name == "sqlite":
            return driver(conn).execute(self.sql, {**self._fixed, **values}).fetchall()
        return [tuple(row) for row in self._ask(conn, values)]

    def rows(self, conn: sa.Connection, **values: Column) -> list[Row]:
        """Every row, by the names of its columns."""
        if conn.dialect.name != "sqlite":
            return [dict(row) for row in self._ask(conn, values)]
        cursor = driver(conn).execute(self.sql, {**self._fixed, **values})
        if self._names is None:
            self._names = tuple(column[0] for column in cursor.description)
        names = self._names
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def row(self, conn: sa.Connection, **values: Column) -> Row | None:
        """The one row there is, or None."""
        found = self.rows(conn, **values)
        assert len(found) < 2, "asked for by a key"
        return found[0] if found else None

    def value(self, conn: sa.Connection, **values: Column) -> Any:
        """The first column of the first row, None where there is none."""
        found = self.tuples(conn, **values)
        return found[0][0] if found else None

    def run(self, conn: sa.Connection, **values: Column) -> None:
        """Write."""
        if conn.dialect.name == "sqlite":
            driver(conn).execute(self.sql, {**self._fixed, **values})
        elif _GATHERED in conn.info:
            conn.info[_GATHERED].append((self._postgres, values))
        else:
            self._ask(conn, values)

    def run_each(self, conn: sa.Connection, rows: Sequence[Mapping[str, Column]]) -> None:
        """Write once for each of `rows`, in their order; on PostgreSQL all in one way there and back."""
        if not rows:
            return
        if conn.dialect.name == "sqlite":
            driver(conn).executemany(self.sql, [{**self._fixed, **row} for row in rows])
            return
        theirs = cast("Any", conn.connection.driver_connection)
        arguments = [self._postgres.arguments(row) for row in rows]
        await_only(theirs.executemany(self._postgres.sql, arguments))

    def _ask(self, conn: sa.Connection, values: Mapping[str, Column]) -> Sequence[Any]:
        assert _GATHERED not in conn.info, "what is gathered has not been written yet"
        return _fetch(conn, self._postgres.sql, self._postgres.arguments(values))


@contextlib.contextmanager
def together(conn: sa.Connection) -> Iterator[None]:
    """What is run inside goes to PostgreSQL as one statement at the end; nothing may be asked meanwhile.

    For writes that do not touch the same rows: none of them sees what the others do.
    """
    if conn.dialect.name == "sqlite":
        yield
        return
    gathered: list[tuple[PostgresText, Mapping[str, Column]]] = []
    conn.info[_GATHERED] = gathered
    try:
        yield
    finally:
        del conn.info[_GATHERED]
    if gathered:
        _fetch(conn, *one_of([text for text, _ in gathered], [values for _, values in gathered]))


def _fetch(conn: sa.Connection, sql: str, arguments: list[Any]) -> Sequence[Any]:
    """Rows from asyncpg's own connection; for functions that run in `AsyncConnection.run_sync`."""
    theirs = cast("Any", conn.connection.driver_connection)
    return cast("Sequence[Any]", await_only(theirs.fetch(sql, *arguments)))


def given(name: str) -> sa.BindParameter[Any]:
    """A value that comes with each run; a run without it is the driver's error."""
    return sa.bindparam(name, required=False)


def insert_of(table: sa.Table, *names: str) -> sa.Insert:
    """An insert of those columns, each from the value of its name."""
    return sa.insert(table).values({name: given(name) for name in names})
