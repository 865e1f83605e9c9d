"""Lists page by page, one request for each."""

from collections.abc import AsyncIterator, Iterator

from countersign_client.asking import Asker
from countersign_client.drivers import Tasks, Threads
from countersign_client.proposing import approvals
from countersign_client.shapes import ApprovalRequest


def pages(
    driver: Threads, asker: Asker, *, status: str | None, request_type: str | None, limit: int | None
) -> Iterator[ApprovalRequest]:
    """Yield every request, newest first."""
    cursor = None
    while True:
        page = approvals(asker, cursor, status=status, request_type=request_type, limit=limit)
        items, cursor = driver.run(page)
        yield from items
        if cursor is None:
            return


async def pages_async(
    driver: Tasks, asker: Asker, *, status: str | None, request_type: str | None, limit: int | None
) -> AsyncIterator[ApprovalRequest]:
    """Yield every request, newest first."""
    cursor = None
    while True:
        page = approvals(asker, cursor, status=status, request_type=request_type, limit=limit)
        items, cursor = await driver.run(page)
        for item in items:
            yield item
        if cursor is None:
            return
