"""A call's WAV over HTTP: whole, or the part a player asks for (RFC 9110 §14).

One range at a time: a request for several gets the whole file, as §14.2 allows.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path
from typing import BinaryIO

from starlette.datastructures import Headers
from starlette.responses import Response, StreamingResponse

from byourside_server.api.answers import error_answer
from byourside_server.errors import Refusal

PIECE_BYTES = 64 * 1024
RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.IGNORECASE)
UNSATISFIABLE = Refusal("range_not_satisfiable")


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte asked for, or None for the whole file.

    Raises ValueError where no byte of the file is in it. A header this server can't read is ignored, as
    RFC 9110 §14.2 has it.
    """
    found = RANGE.fullmatch(header or "")
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        first, last = max(0, size - int(found[2])), size - 1
        if int(found[2]) == 0:
            raise ValueError("the last 0 bytes are none")
    else:
        first, last = int(found[1]), min(int(found[2] or size), size - 1)
        if found[2] and int(found[2]) < first:
            return None
    if first >= size:
        raise ValueError(f"byte {first} of {size}")
    return first, last


def recording_answer(
    path: Path, call_id: str, headers: Headers, request_id: str, *, is_head: bool
) -> Response:
    """200, 206, 304 or 416. Raises Refusal `not_found` where the file is gone."""
    try:
        sound = path.open("rb")
    except OSError:
        raise no_recording() from None
    facts = os.fstat(sound.fileno())
    etag = f'"{facts.st_size:x}-{facts.st_mtime_ns:x}"'
    shared = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'inline; filename="call-{call_id}.wav"',
        "ETag": etag,
        "Last-Modified": formatdate(facts.st_mtime, usegmt=True),
    }
    # Compared weakly (RFC 9110 §13.1.2): a proxy that packs answers marks every tag as weak.
    known = [tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")]
    if etag in known or known == ["*"]:
        sound.close()
        return Response(status_code=304, headers=shared)
    # If-Range (RFC 9110 §13.1.5): the part only of the very same file, else the whole.
    asked = headers.get("range") if headers.get("if-range", etag) == etag else None
    try:
        part = byte_range(asked, facts.st_size)
    except ValueError:
        sound.close()
        return error_answer(
            UNSATISFIABLE.token,
            UNSATISFIABLE.status,
            request_id,
            f"The recording has {facts.st_size} bytes; the range asks for none of them.",
            {"Content-Range": f"bytes */{facts.st_size}"},
        )
    first, last = part or (0, facts.st_size - 1)
    shared["Content-Length"] = str(last + 1 - first)
    if part is not None:
        shared["Content-Range"] = f"bytes {first}-{last}/{facts.st_size}"
    status = 200 if part is None else 206
    if is_head:
        sound.close()
        return Response(status_code=status, headers=shared, media_type="audio/wav")
    return StreamingResponse(_pieces(sound, first, last + 1 - first), status, shared, "audio/wav")


def no_recording() -> Refusal:
    return Refusal("not_found", "This call has no recording, or not yet: `recordingUrl` is set once it has.")


async def _pieces(sound: BinaryIO, first: int, wanted: int) -> AsyncIterator[bytes]:
    """`wanted` bytes from `first` on; read on a thread, since a disk may be slow."""
    with sound:
        sound.seek(first)
        while wanted > 0:
            piece = await asyncio.to_thread(sound.read, min(PIECE_BYTES, wanted))
            if not piece:
                return
            wanted -= len(piece)
            yield piece
