"""A call's SIP messages over HTTP: as text for people, as a capture file for packet analysers."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import QueryParams
from starlette.responses import Response

from byourside_server.errors import Refusal
from byourside_server.sip import pcap
from byourside_server.sip.trace import Passage, as_text


def sip_trace_answer(call_id: str, passages: Sequence[Passage], query: QueryParams) -> Response:
    """Text, or pcap with `format=pcap`; with `numbers=hidden` fit to be shown to others.

    Raises Refusal `not_found` where nothing was kept.
    """
    if not passages:
        raise Refusal("not_found", "This call has no SIP trace: it was not dialled yet, or none was kept.")
    if query.get("numbers") == "hidden":
        passages = [passage.without_numbers for passage in passages]
    if query.get("format") == "pcap":
        name, media_type, body = f"call-{call_id}.pcap", pcap.MEDIA_TYPE, pcap.as_pcap(passages)
    else:
        text = as_text(call_id, passages).encode("utf-8", "backslashreplace")
        name, media_type, body = f"call-{call_id}-sip.txt", "text/plain; charset=utf-8", text
    headers = {"Cache-Control": "private, no-cache", "Content-Disposition": f'inline; filename="{name}"'}
    return Response(body, headers=headers, media_type=media_type)
