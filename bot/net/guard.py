"""Sessions that connect only to addresses outside, whatever a name leads to."""

import asyncio
import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.net.addresses import is_outside


class ForbiddenAddress(OSError):
    """A host name led to an address inside; nothing was sent."""


class GuardedResolver(AbstractResolver):
    """Resolves names and refuses those that lead inside; the address it returns is the one connected to."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Resolve a name. Raises ForbiddenAddress for whatever is not globally routable unicast."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        for _family, _type, _protocol, _name, address in found:
            if not is_outside(str(address[0])):
                raise ForbiddenAddress(
                    f"{host} leads to {address[0]}, which is inside; set allow_private = true to mean it"
                )
        return [
            ResolveResult(
                hostname=host, host=str(address[0]), port=port, family=kind, proto=protocol, flags=socket.AI_NUMERICHOST
            )
            for kind, _type, protocol, _name, address in found
        ]

    async def close(self) -> None:
        """Nothing to close."""


def new_session(*, guarded: bool) -> aiohttp.ClientSession:
    """Return a session that opens a fresh connection for every request; a guarded one only to addresses outside.

    A connection kept alive may be given up by the other side just as we write to it, and then nobody knows whether a
    call that must not be repeated has happened. Cookies are not kept: one session calls for many, of every workspace.
    """
    if guarded:
        connector = aiohttp.TCPConnector(resolver=GuardedResolver(), use_dns_cache=False, force_close=True)
    else:
        connector = aiohttp.TCPConnector(force_close=True)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
