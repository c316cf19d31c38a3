"""Templates become pages. Everything put into one is escaped; a name it does not know is a fault."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from byourside_server.dashboard.assets import Assets
from byourside_server.dashboard.visit import DashboardSettings, Visit
from byourside_server.dashboard.writing import FILTERS, TABLES

# What has just happened, by the name that the address carries: never a text out of the address.
NOTES = {
    "hung_up": "The call is being hung up.",
    "over": "The call was over already.",
    "replayed": "The webhook is being sent once more.",
    "revoked": "The key is revoked; it stopped working just now.",
    "caller_id": "The default caller ID is changed.",
}


class Pages:
    """Every page of the dashboard."""

    def __init__(self, settings: DashboardSettings, assets: Assets) -> None:
        self._env = Environment(
            loader=PackageLoader("byourside_server.dashboard"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._env.filters.update(FILTERS)
        self._env.globals.update(TABLES, asset=assets.url, version=settings.version)

    def show(self, name: str, visit: Visit, *, status: int = 200, **values: object) -> HTMLResponse:
        """A page for somebody who is signed in."""
        note = NOTES.get(visit.request.query_params.get("note", ""))
        return self.show_stranger(name, status=status, visit=visit, note=note, **values)

    def show_stranger(self, name: str, *, status: int = 200, **values: object) -> HTMLResponse:
        """A page that tells nothing."""
        text = self._env.get_template(f"{name}.html").render({"visit": None, "note": None, **values})
        return HTMLResponse(text, status)
