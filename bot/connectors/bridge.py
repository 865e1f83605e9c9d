"""HTTP for the MCP client over our own sessions: the same addresses are refused, and no redirect is followed."""

from collections.abc import AsyncIterator

import aiohttp
import httpx2

from bot.net import ForbiddenAddress

#: What each side works out for itself.
_NOT_SENT_ON = frozenset({"host", "content-length", "accept-encoding", "connection", "transfer-encoding"})
#: Without its Location a redirect is an answer like any other, and leads nowhere.
_NOT_TAKEN_OVER = frozenset({"content-encoding", "content-length", "transfer-encoding", "connection", "location"})
_MAX_BODY = 4 * 1024 * 1024


class Bridge(httpx2.AsyncBaseTransport):
    """Carries the requests of an `httpx2.AsyncClient` through an aiohttp session, and remembers what was refused."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.forbidden: str | None = None  #: why an address was refused
        self.refusal: aiohttp.ClientResponse | None = None  #: the answer to the last POST, where it is 300 or above
        self.out_of_reach = False  #: whether nothing of the last POST was sent

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request. Raises httpx2.ConnectError where nothing was sent, httpx2.ReadError afterwards."""
        headers = [(name, value) for name, value in request.headers.multi_items() if name not in _NOT_SENT_ON]
        is_post = request.method == "POST"
        if is_post:
            self.refusal, self.out_of_reach = None, False
        try:
            response = await self._session.request(
                request.method, str(request.url), data=await request.aread() or None,
                headers=headers, allow_redirects=False, timeout=aiohttp.ClientTimeout(total=None),
            )  # fmt: skip
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            inner = getattr(error, "os_error", None)
            if isinstance(inner, ForbiddenAddress) or isinstance(error.__cause__, ForbiddenAddress):
                self.forbidden = str(inner or error)
            self.out_of_reach = self.out_of_reach or is_post
            raise httpx2.ConnectError(str(error), request=request) from error
        except (aiohttp.ClientError, OSError) as error:
            raise httpx2.ReadError(str(error), request=request) from error
        if is_post and response.status >= 300:
            self.refusal = response
        return _taken_over(response, request)


def _taken_over(response: aiohttp.ClientResponse, request: httpx2.Request) -> httpx2.Response:
    kept = [(name, value) for name, value in response.headers.items() if name.lower() not in _NOT_TAKEN_OVER]
    return httpx2.Response(response.status, headers=kept, stream=_Body(response), request=request)


class _Body(httpx2.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = 0
        try:
            async for chunk in self._response.content.iter_any():
                length += len(chunk)
                if length > _MAX_BODY:
                    raise httpx2.ReadError("the answer is longer than any answer should be")
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            raise httpx2.ReadError(str(error)) from error

    async def aclose(self) -> None:
        """Give the connection up."""
        self._response.close()
