"""The front doors, on one port: the API's, and Slack's, which lets in only what Slack has signed, and that once."""

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.signature import SignatureVerifier

from bot.api.routes import new_web_app
from bot.listeners import register_all
from bot.office import Office
from governance.errors import Unauthenticated
from storage import access


def new_bolt(office: Office, secret: str) -> AsyncApp:
    """Return the Bolt app. It authorizes from what auth.test said once, so that no click waits for it."""

    async def authorize(**_: Any) -> AuthorizeResult:
        identity = await office.identify()
        return AuthorizeResult(
            enterprise_id=None, team_id=identity.team_id, bot_token=office.client.token, bot_id=identity.bot_id,
            bot_user_id=identity.bot_user_id,
        )  # fmt: skip

    quiet = logging.getLogger("bot.bolt")
    quiet.setLevel(logging.ERROR)  # its warnings advise on settings that are as they are on purpose
    bolt = AsyncApp(signing_secret=secret, client=office.client, authorize=authorize, logger=quiet)
    register_all(bolt, office)
    return bolt


def _is_from_slack(verifier: SignatureVerifier, body: bytes, headers: Mapping[str, str]) -> bool:
    """Verify before anything is parsed: Bolt parses first, and strangers' nonsense must not get that far."""
    try:
        body.decode("utf-8")
        return verifier.is_valid_request(body, {name.lower(): value for name, value in headers.items()})
    except ValueError:
        return False


async def _is_new(office: Office, request: web.Request) -> bool:
    """Use a click's or command's signature up, so that a captured one works once. Events may come again as they are.

    What it is, the signed body says: nobody signed the headers, and Bolt reads a content type more narrowly than we.
    """
    if (await request.read()).startswith(b"{"):
        return True
    signature = hashlib.sha256(request.headers["X-Slack-Signature"].encode()).hexdigest()
    return await office.database.write(office.tenant, lambda tx: access.use_nonce(tx, "slack", signature))


def new_site(office: Office, bolt: AsyncApp, secret: str) -> web.Application:
    """Return the web application: the API's addresses and Slack's."""
    site = new_web_app(office)
    verifier = SignatureVerifier(secret)

    async def slack(request: web.Request) -> web.StreamResponse:
        """`POST /slack/events`: interactions, commands and events, signed by Slack."""
        if not _is_from_slack(verifier, await request.read(), request.headers):
            raise Unauthenticated("The call is not signed by Slack.")
        if not await _is_new(office, request):
            return web.Response()  # taken the first time; whoever plays it again learns nothing and moves nothing
        return await to_aiohttp_response(await bolt.async_dispatch(await to_bolt_request(request)))

    site.router.add_post("/slack/events", slack)
    return site
