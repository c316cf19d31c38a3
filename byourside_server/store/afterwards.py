"""What is done once a transaction is durable, and never where it is rolled back.

A transaction function asks for it; whoever commits does it, on the loop that asked for the transaction. It
must neither wait nor raise: what was written is written, and somebody looks for it sooner or later anyway.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import sqlalchemy as sa

Deed = Callable[[], None]
# Of a connection: what is to be done after its transaction.
_DEEDS = "byourside_afterwards"


def after_commit(conn: sa.Connection, deed: Deed) -> None:
    """Have this done once the transaction that runs is durable; asked for twice, it is done once."""
    conn.info[_DEEDS][deed] = None


@contextlib.contextmanager
def noting(conn: sa.Connection) -> Iterator[dict[Deed, None]]:
    """Note what is asked for inside: the deeds, in their order."""
    # Held, because a connection that has broken inside has no `info` any more.
    info = conn.info
    deeds: dict[Deed, None] = {}
    info[_DEEDS] = deeds
    try:
        yield deeds
    finally:
        del info[_DEEDS]
