"""Carrying the bytes of the stream: the same loop for threads and for asyncio."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import httpx

from countersign_client.drivers import Tasks, Threads, http_request
from countersign_client.flow import Answer, Lost
from countersign_client.following import Following
from countersign_client.shapes import Event
from countersign_client.sse import FrameTooLong

_TROUBLE = (httpx.TransportError, FrameTooLong)


def follow(driver: Threads, following: Following) -> Iterator[Event]:
    """Yield events for as long as somebody asks for the next one."""
    while True:
        trouble: Answer | Lost | None = None
        try:
            response = driver.http.send(http_request(driver.base, following.request()), stream=True)
            try:
                if response.status_code != 200:
                    trouble = Answer(response.status_code, dict(response.headers), response.read())
                else:
                    yield from following.opened()
                    for chunk in response.iter_bytes():
                        yield from following.take(chunk)
            finally:
                response.close()
        except _TROUBLE as error:
            trouble = Lost(str(error) or type(error).__name__)
        time.sleep(following.pause(trouble))


async def follow_async(driver: Tasks, following: Following) -> AsyncIterator[Event]:
    """Yield events for as long as somebody asks for the next one."""
    while True:
        trouble: Answer | Lost | None = None
        try:
            response = await driver.http.send(http_request(driver.base, following.request()), stream=True)
            try:
                if response.status_code != 200:
                    trouble = Answer(response.status_code, dict(response.headers), await response.aread())
                else:
                    for event in following.opened():
                        yield event
                    async for chunk in response.aiter_bytes():
                        for event in following.take(chunk):
                            yield event
            finally:
                await response.aclose()
        except _TROUBLE as error:
            trouble = Lost(str(error) or type(error).__name__)
        await asyncio.sleep(following.pause(trouble))
