"""What a developer needs to place calls: keys, numbers, the webhook secret, and how many minutes are left."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from byourside_server.dashboard.pages import Pages
from byourside_server.dashboard.visit import Visit
from byourside_server.switchboard import Switchboard

MAX_NAME_CHARS = 60


class Developers:
    """`/developers`. Secrets stand on the page that answers the very form that asked, and on no other."""

    def __init__(self, switchboard: Switchboard, pages: Pages) -> None:
        self._switchboard = switchboard
        self._office = switchboard.office
        self._pages = pages

    async def show(self, visit: Visit) -> Response:
        """The page without any secret."""
        return await self._page(visit)

    async def create_key(self, visit: Visit) -> Response:
        """Make a key and show it, once."""
        name = visit.form.one("name")[:MAX_NAME_CHARS] or "unnamed"
        return await self._page(visit, new_key=await self._office.create_key(visit.account, name))

    async def revoke_key(self, visit: Visit) -> Response:
        """Stop a key. Raises Refusal `not_found`."""
        await self._office.revoke_key(visit.account, visit.form.one("key"))
        return RedirectResponse("/developers?note=revoked#keys", 303)

    async def set_caller_id(self, visit: Visit) -> Response:
        """Change the number shown where a call names none. Raises Refusal `caller_id_not_owned`."""
        await self._office.set_default_caller_id(visit.account, visit.form.one("number"))
        return RedirectResponse("/developers?note=caller_id#numbers", 303)

    async def show_secret(self, visit: Visit) -> Response:
        """Show the secret that signs webhooks."""
        return await self._page(visit, secret=await self._switchboard.webhook_secret(visit.account))

    async def rotate_secret(self, visit: Visit) -> Response:
        """Make a new secret and show it."""
        secret = await self._switchboard.rotate_webhook_secret(visit.account)
        return await self._page(visit, secret=secret, rotated=True)

    async def _page(
        self, visit: Visit, *, new_key: str | None = None, secret: str | None = None, rotated: bool = False
    ) -> Response:
        now = self._switchboard.clock.epoch()
        [account] = [one for one in await self._office.accounts() if one.id == visit.account.id]
        return self._pages.show(
            "developers",
            visit,
            title="Developers",
            account=account,
            keys=await self._office.keys(account),
            numbers=await self._office.numbers(account),
            allowance=await self._office.allowance(account),
            new_key=new_key,
            secret=secret,
            rotated=rotated,
            overlaps=len(account.signing_secrets(now)) > 1,
        )
