"""The HTTP application put together: rows of `operations` become routes, behind the door."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from byourside_server.api.answers import answer
from byourside_server.api.calls import Calls
from byourside_server.api.desk import ApiSettings, Desk
from byourside_server.api.document import document_of, extra_of, responses_of
from byourside_server.api.door import Door
from byourside_server.api.operations import OPERATIONS
from byourside_server.api.page import POLICY, page_of
from byourside_server.calls.call import JsonValue
from byourside_server.errors import STATUS_OF_TOKEN, Refusal

TOKEN_OF_FRAMEWORK_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


def create_api(switchboard: Desk, *, settings: ApiSettings) -> FastAPI:
    """The application over one switchboard, ready for an ASGI server."""
    app = FastAPI(
        title="By Your Side",
        version=settings.version,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    calls, pages = Calls(switchboard, settings), Pages(app, settings)
    handlers = {
        "place": calls.place,
        "list": calls.list,
        "validate": calls.validate,
        "get": calls.get,
        "cancel": calls.cancel,
        "recording": calls.recording,
        "sip_trace": calls.sip_trace,
        "call_events": calls.call_events,
        "events": calls.events,
        "health": pages.health,
    }
    for operation in OPERATIONS:
        app.add_api_route(
            operation.path,
            handlers[operation.id],
            methods=[operation.method],
            operation_id=operation.id,
            summary=operation.summary,
            description=operation.description,
            responses=responses_of(operation),
            openapi_extra=extra_of(operation),
            response_class=Response,
            response_model=None,
        )
    app.add_api_route("/openapi.json", pages.openapi, include_in_schema=False, response_model=None)
    app.add_api_route("/docs", pages.docs, include_in_schema=False, response_model=None)
    app.add_exception_handler(HTTPException, _framework_refused)
    app.add_exception_handler(RequestValidationError, _framework_refused)
    app.add_middleware(Door, desk=switchboard)
    return app


class Pages:
    """What needs no key: health and the descriptions. The document is made once, when first asked for."""

    def __init__(self, app: FastAPI, settings: ApiSettings) -> None:
        self._app = app
        self._settings = settings

    async def health(self, request: Request) -> Response:
        health: dict[str, JsonValue] = {"status": "ok", "version": self._settings.version}
        if self._settings.trunks is not None:
            trunks = self._settings.trunks()
            health["trunks"] = {name: "up" if is_up else "down" for name, is_up in trunks.items()}
        # Still 200: whoever restarts a server for this cuts its calls and mends no database.
        if self._settings.store_answers is not None and not await self._settings.store_answers():
            health |= {"status": "degraded", "store": "down"}
        return answer(health)

    async def openapi(self, request: Request) -> Response:
        return answer(document_of(self._app, self._settings.version, self._settings.public_url))

    async def docs(self, request: Request) -> Response:
        document = document_of(self._app, self._settings.version, self._settings.public_url)
        return Response(
            page_of(document), media_type="text/html", headers={"Content-Security-Policy": POLICY}
        )


async def _framework_refused(request: Request, failure: Exception) -> Response:
    """The framework's own errors leave through the door as ours; the door asks first, so none is expected."""
    status = failure.status_code if isinstance(failure, HTTPException) else 500
    token = TOKEN_OF_FRAMEWORK_STATUS.get(status, "internal_error")
    assert token in STATUS_OF_TOKEN
    raise Refusal(token) from failure
