"""The client of Slack's Web API."""

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

_TIMEOUT = 8  # seconds; three calls in a row must end within the lease of the surface they draw


def new_client(token: str, base_url: str) -> AsyncWebClient:
    """Return a client without the SDK's own connection retries: a repeated post is a second message."""
    return AsyncWebClient(token=token, base_url=base_url, timeout=_TIMEOUT, retry_handlers=[])


def new_session() -> aiohttp.ClientSession:
    """Return connections that clients may use again, instead of a new one for every call; the caller closes them."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT))
