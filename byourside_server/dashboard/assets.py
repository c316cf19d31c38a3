"""Style sheets, scripts and the icon: read once, served under an address that changes with their content."""

from __future__ import annotations

import hashlib
from importlib.resources import files

from starlette.responses import Response

from byourside_server.errors import Refusal

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Assets:
    """Every file of the folder `static`. Scripts import each other, so all share one version."""

    def __init__(self) -> None:
        self._files = {
            entry.name: entry.read_bytes()
            for entry in sorted(files(__package__).joinpath("static").iterdir(), key=lambda entry: entry.name)
            if _ending(entry.name) in MEDIA_TYPES
        }
        content = b"\0".join(name.encode() + b"\0" + data for name, data in self._files.items())
        self.version = hashlib.sha256(content).hexdigest()[:16]

    def url(self, name: str) -> str:
        """Where a file lies; KeyError for one that is not there."""
        assert name in self._files, name
        return f"/assets/{self.version}/{name}"

    def answer(self, version: str, name: str) -> Response:
        """The file. Raises Refusal `not_found`, also for a version that is not this one."""
        if version != self.version or name not in self._files:
            raise Refusal("not_found", "There is no such file.")
        forever = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(self._files[name], headers=forever, media_type=MEDIA_TYPES[_ending(name)])


def _ending(name: str) -> str:
    return name[name.rfind(".") :]
