"""Which handler answers a path and method: read once from the application's routes.

The framework's own way to a handler (its router, dependencies and exit stacks) costs more than reading a
call from the store, and this house uses none of it: a handler takes the bare request and gives an answer.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

Handler = Callable[[Request], Awaitable[Response]]


@dataclass
class Place:
    """A path template, and who answers there."""

    path: str
    template: re.Pattern[str]
    handlers: dict[str, Handler] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()
    """What may be asked of it, sorted, with HEAD and OPTIONS."""


class Signpost:
    """All places of an application."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._places: dict[str, Place] = {}
        for route in routes:
            if isinstance(route, Route):
                place = self._places.setdefault(route.path, Place(route.path, route.path_regex))
                for method in route.methods or ():
                    place.handlers.setdefault(method, route.endpoint)
        for place in self._places.values():
            methods = set(place.handlers) | {"OPTIONS"} | ({"HEAD"} if "GET" in place.handlers else set())
            place.allowed = tuple(sorted(methods))

    def at(self, path: str) -> tuple[Place, Mapping[str, str]] | None:
        """The place of a path and the variable parts of it; None where nothing lives there.

        The first template that fits owns the path: `/calls/validate` is not also a call named "validate".
        """
        for place in self._places.values():
            found = place.template.fullmatch(path)
            if found is not None:
                return place, found.groupdict()
        return None
