"""Which page lives where, and what its door asks of a visitor: one table."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import Response

from byourside_server.dashboard.visit import Visit

Handler = Callable[[Visit], Awaitable[Response]]
PART = re.compile(r"\{(\w+)\}")
# Paths that are pages; everything else belongs to whoever stands behind the dashboard.
OWN_PATHS = re.compile(r"/|/(?:sign-in|sign-out|account|calls|developers|assets)(?:/.*)?")
# Where a sign-in may lead on to: only pages of our own that can be looked at.
LEADS_ON = re.compile(r"/|/calls|/calls/[A-Za-z0-9_-]{1,64}|/developers|/\?days=(?:1|7|30)")


@dataclass(frozen=True)
class Route:
    """One path and method, and the handler's name."""

    method: str
    path: str
    name: str
    data: bool = False
    """True where a script asks, which has no use for pages: refusals are JSON, strangers get 401."""

    def parts_of(self, path: str) -> dict[str, str] | None:
        """The named parts of a path that fits, None for one that does not."""
        found = re.fullmatch(PART.sub(r"(?P<\1>[A-Za-z0-9_-]{1,64})", self.path), path)
        return found.groupdict() if found else None


# The first that fits counts: `/calls/new` is not a call named "new".
ROUTES = (
    Route("GET", "/", "overview"),
    Route("GET", "/calls", "calls"),
    Route("GET", "/calls/live", "calls_live", data=True),
    Route("GET", "/calls/new", "new_call"),
    Route("POST", "/calls/new", "place_call"),
    Route("POST", "/calls/check", "check_call", data=True),
    Route("GET", "/calls/{call_id}", "call"),
    Route("GET", "/calls/{call_id}/live", "call_live", data=True),
    Route("GET", "/calls/{call_id}/recording", "recording", data=True),
    Route("GET", "/calls/{call_id}/peaks", "peaks", data=True),
    Route("GET", "/calls/{call_id}/sip-trace", "sip_trace", data=True),
    Route("POST", "/calls/{call_id}/hang-up", "hang_up"),
    Route("POST", "/calls/{call_id}/replay", "replay"),
    Route("GET", "/developers", "developers"),
    Route("POST", "/developers/keys", "create_key"),
    Route("POST", "/developers/keys/revoke", "revoke_key"),
    Route("POST", "/developers/caller-id", "set_caller_id"),
    Route("POST", "/developers/secret", "show_secret"),
    Route("POST", "/developers/secret/rotate", "rotate_secret"),
    Route("POST", "/account", "look_at"),
    Route("POST", "/sign-out", "sign_out"),
    Route("POST", "/sign-out/everywhere", "sign_out_everywhere"),
)


def routes_at(path: str) -> list[tuple[Route, dict[str, str]]]:
    """The routes of the first path that fits, each with the path's parts."""
    found: list[tuple[Route, dict[str, str]]] = []
    for route in ROUTES:
        parts = route.parts_of(path)
        if parts is not None and (not found or route.path == found[0][0].path):
            found.append((route, parts))
    return found


def way_on(wanted: str) -> str:
    """Where to go after signing in: the page that was asked for, if it is one of ours."""
    return wanted if LEADS_ON.fullmatch(wanted) else "/"
