"""A form that places a call, and says while it is typed what the API would say to it."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace

from starlette.responses import JSONResponse, RedirectResponse, Response

from byourside_server.calls.call import CallRequest
from byourside_server.calls.wire_request import parse_call_request
from byourside_server.dashboard.call_form import (
    CONTROL_OF_TOKEN,
    CallForm,
    body_of,
    empty_form,
    hash_of,
    typed,
)
from byourside_server.dashboard.pages import Pages
from byourside_server.dashboard.visit import DashboardSettings, Visit
from byourside_server.dashboard.writing import plain
from byourside_server.errors import Refusal
from byourside_server.guardrails.check import Destination
from byourside_server.switchboard import Switchboard

FORM_KEY = re.compile(r"form-[A-Za-z0-9_-]{22}")
SENT_BEFORE = "A call was placed from this form already. Send it again to place another one."


class NewCall:
    """`/calls/new` and `/calls/check`."""

    def __init__(self, switchboard: Switchboard, pages: Pages, settings: DashboardSettings) -> None:
        self._switchboard = switchboard
        self._pages = pages
        self._settings = settings

    async def show(self, visit: Visit) -> Response:
        """The empty form."""
        return await self._page(visit, empty_form(new_key()))

    async def check(self, visit: Visit) -> Response:
        """What is wrong with the form as it is, as JSON; nothing is placed."""
        try:
            _, found = await self._read(visit, typed(visit.form))
        except Refusal as refusal:
            control = CONTROL_OF_TOKEN.get(refusal.token)
            if control is None:
                raise
            return JSONResponse({"ok": False, "control": control, "message": plain(refusal.message)})
        return JSONResponse({"ok": True, "country": found.country, "kind": found.kind.replace("_", " ")})

    async def place(self, visit: Visit) -> Response:
        """Place the call and show it, or show the form again with what is wrong."""
        call_form = typed(visit.form)
        if not FORM_KEY.fullmatch(call_form.key):
            raise Refusal("invalid_idempotency_key", "This form is not one of ours: load it anew.")
        try:
            request, _ = await self._read(visit, call_form)
            call = await self._switchboard.place(
                visit.account,
                await self._switchboard.office.own_key(visit.account),
                request,
                idempotency_key=call_form.key,
                body_hash=hash_of(body_of(call_form)),
            )
        except Refusal as refusal:
            return await self._again(visit, call_form, refusal)
        return RedirectResponse(f"/calls/{call.id}", 303)

    async def _read(self, visit: Visit, call_form: CallForm) -> tuple[CallRequest, Destination]:
        request = parse_call_request(
            body_of(call_form), allow_local_webhooks=self._settings.allow_local_webhooks
        )
        return request, await self._switchboard.validate(visit.account, request)

    async def _again(self, visit: Visit, call_form: CallForm, refusal: Refusal) -> Response:
        if refusal.token == "idempotency_mismatch":
            fresh = replace(call_form, key=new_key())
            return await self._page(visit, fresh, SENT_BEFORE, None, refusal.status)
        control = CONTROL_OF_TOKEN.get(refusal.token)
        return await self._page(visit, call_form, plain(str(refusal)), control, refusal.status)

    async def _page(
        self,
        visit: Visit,
        call_form: CallForm,
        trouble: str | None = None,
        control: str | None = None,
        status: int = 200,
    ) -> Response:
        return self._pages.show(
            "new_call",
            visit,
            status=status,
            title="New call",
            call_form=call_form,
            values=call_form.values,
            trouble=trouble,
            wrong=control,
            numbers=await self._switchboard.office.numbers(visit.account),
        )


def new_key() -> str:
    """A key that no other form has."""
    return f"form-{secrets.token_urlsafe(16)}"
