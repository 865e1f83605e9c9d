"""The front doors, on one port: the API's, and Slack's, which lets in only what Slack has signed, and that once."""

import hashlib
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_sdk.signature import SignatureVerifier

from bot.aap.desk import aap_desk
from bot.api.routes import new_web_app
from bot.dispatch import dispatch
from bot.install import Installing
from bot.office import Office
from bot.switchboard import Switchboard
from governance.errors import Unauthenticated
from storage import access


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


def new_site(switchboard: Switchboard, installing: Installing, secret: str) -> web.Application:
    """Return the web application: the API's addresses and Slack's, each answered by the branch that is meant."""
    routes = [_answered_by_branch(switchboard, n, route) for n, route in enumerate(switchboard.main.routes)]
    site = new_web_app(routes, switchboard.offices)
    site.middlewares.append(aap_desk)
    verifier = SignatureVerifier(secret)

    async def slack(request: web.Request) -> web.StreamResponse:
        """`POST /slack/events`: interactions, commands and events, signed by Slack."""
        if not _is_from_slack(verifier, await request.read(), request.headers):
            raise Unauthenticated("The call is not signed by Slack.")
        if not await _is_new(switchboard.main.office, request):
            return web.Response()  # taken the first time; whoever plays it again learns nothing and moves nothing
        return await to_aiohttp_response(await dispatch(switchboard, await to_bolt_request(request)))

    async def begin(request: web.Request) -> web.StreamResponse:
        """`GET /slack/install`: sends the browser to Slack."""
        return await to_aiohttp_response(await installing.begin(await to_bolt_request(request)))

    async def finish(request: web.Request) -> web.StreamResponse:
        """`GET /slack/oauth_redirect`: where Slack sends it back to."""
        return await to_aiohttp_response(await installing.finish(await to_bolt_request(request)))

    site.router.add_post("/slack/events", slack)
    site.router.add_get("/slack/install", begin, allow_head=False)
    site.router.add_get("/slack/oauth_redirect", finish, allow_head=False)
    return site


def _answered_by_branch(switchboard: Switchboard, n: int, route: web.RouteDef) -> web.RouteDef:
    """Return a route that asks each time whose call it is; the branches' routes stand in the same order."""

    async def handle(request: web.Request) -> web.StreamResponse:
        branch = await switchboard.of_caller(request)
        handler: Any = branch.routes[n].handler
        answer: web.StreamResponse = await handler(request)
        return answer

    return web.RouteDef(route.method, route.path, handle, route.kwargs)
