"""The door to whatever moves the work: five calls, so that the engine behind it can be replaced.

An item says "look at this row". It may come late, twice, or after the row has moved on; every handler asks
the tables first. Nothing's correctness depends on the engine, only its timeliness.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import sqlalchemy as sa

from byourside_server.calls.call import Call
from byourside_server.calls.wire import Json

Kind = Literal["dial", "analyse", "deliver"]
KINDS: tuple[Kind, ...] = ("dial", "analyse", "deliver")


@dataclass(frozen=True)
class Item:
    """One piece of work. The same key put twice is put once; a lower priority number goes first."""

    kind: Kind
    key: str
    args: tuple[str | int, ...]
    delay_s: float = 0.0
    priority: int = 1


Handler = Callable[..., Awaitable[None]]


class Rounds(Protocol):
    """Work whose rows say themselves when they are due: nothing is put for it, somebody goes and looks."""

    async def run(self) -> None:
        """Do what is due, as soon as it is, until called off."""
        ...

    async def walk(self) -> list[str]:
        """Do what is due now, to the end, and name it."""
        ...


class Engine(Protocol):
    """What the house asks of an engine."""

    worker_id: str
    """Unique to this start of this process: whoever bears another one is someone else."""

    async def start(self, handlers: Mapping[Kind, Handler], rounds: Rounds | None = None) -> None:
        """Begin to run items, each by the handler of its kind, and to walk the rounds."""
        ...

    def put(self, conn: sa.Connection, item: Item) -> None:
        """Add an item in the caller's transaction: it exists exactly if that commits."""
        ...

    async def requeue_from_others(self, alive: Collection[str]) -> int:
        """Give back what workers not in `alive` had begun, and say how many items that was."""
        ...

    async def outstanding(self, keys: Collection[str]) -> frozenset[str]:
        """Those of `keys` whose items wait or run."""
        ...

    async def purge(self, older_than_s: float) -> int:
        """Forget items done longer ago than that, and say how many."""
        ...

    async def stop(self) -> None:
        """Start no more items and let go."""
        ...


@dataclass(frozen=True)
class House:
    """What a transaction needs of the house around it: how work is put and told of, and the public record."""

    put: Callable[[sa.Connection, Item], None]
    record_of: Callable[[Call], Json]
    recorded_s: Callable[[str], float] = lambda call_id: 0.0
    """Seconds of recording that a call has: how long a line lived that can't be asked any more."""
    webhook_due: Callable[[], None] = lambda: None
    """Done after the commit of a webhook that may leave."""
