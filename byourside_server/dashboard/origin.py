"""Does this request come from our own pages, and over which address?

Values out of headers only. `Origin` is what browsers send with every POST (Fetch §3.2); a page of somebody
else can neither leave it out nor write another in.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import Request


def is_ours(request: Request, public_url: str) -> bool:
    """Whether a POST was sent by a page of this server."""
    given = request.headers.get("origin")
    if given is None:
        return request.headers.get("sec-fetch-site") == "same-origin"
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return False
    public = urlsplit(public_url)
    return given == f"{public.scheme}://{public.netloc}" or parts.netloc == request.headers.get("host")


def address_of(request: Request) -> str:
    """Who is asking. A proxy on this machine is believed about the last hop, and no one else about any."""
    peer = request.client.host if request.client else ""
    told = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return told if told and _is_loopback(peer) else peer


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
