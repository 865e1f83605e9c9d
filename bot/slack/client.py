"""The client of Slack's Web API."""

from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

_TIMEOUT = 8  # seconds; three calls in a row must end within the lease of the surface they draw


class _Client(AsyncWebClient):
    """The SDK's client, which exchanges codes with the app's credentials in the body: its own way warns of its end."""

    async def oauth_v2_access(self, *, client_id: str, client_secret: str, **more: Any) -> AsyncSlackResponse:
        """Exchange a code for tokens."""
        given = {"client_id": client_id, "client_secret": client_secret, **more}
        return await self.api_call("oauth.v2.access", data={k: v for k, v in given.items() if v is not None})


def new_client(token: str, base_url: str) -> AsyncWebClient:
    """Return a client without the SDK's own connection retries: a repeated post is a second message."""
    return _Client(token=token, base_url=base_url, timeout=_TIMEOUT, retry_handlers=[])


def new_session() -> aiohttp.ClientSession:
    """Return connections that clients may use again, instead of a new one for every call; the caller closes them."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT))
