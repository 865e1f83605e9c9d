"""The audit record over HTTP: whole, in order, forwards, and for operators alone."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from governance.chain import GENESIS
from governance.policy import Policy
from storage.database import Database
from storage.opening import open_database
from storage.tables import AuditEntry
from tests.conftest import ENCRYPTION_KEY, Clock
from tests.integration.calls import Key
from tests.integration.chain import seals
from tests.integration.streaming import Site, happen, site
from tests.integration.verbs import asked, count

AUDIT = "/api/v1/audit"


@pytest.fixture
async def running(sqlite_url: str, clock: Clock, policy: Policy) -> AsyncIterator[Site]:
    database: Database = await open_database(sqlite_url, ENCRYPTION_KEY, clock=clock)
    async with site(database, policy) as started:
        yield started
    await database.close()


async def read(running: Site, key: Key, query: str = "") -> tuple[int, Any]:
    target = AUDIT + query
    answer = await running.open(running.signed(key, target), target)
    return answer.status, await answer.body()


async def test_operators_read_what_was_just_committed_page_by_page_as_one_chain(running: Site, policy: Policy) -> None:
    admin = await running.operator()
    found = await asked(running.database, policy)
    await happen(running.database, found.proposal, 5, "because")
    status, page = await read(running, admin, "?limit=3")
    items = page["items"]
    assert (status, len(items)) == (200, 3)
    while page["next_cursor"]:
        _, page = await read(running, admin, f"?limit=3&cursor={page['next_cursor']}")
        items += page["items"]
    assert len(items) == await count(running.database, AuditEntry)
    assert [one["id"] for one in items] == list(range(1, len(items) + 1))
    assert [one["previous_hash"] for one in items] == [GENESIS, *(one["hash"] for one in items[:-1])]
    assert items[-1]["hash"] == (await seals(running.database))[-1].entry_hash
    assert found.request
    assert items[-1] == {
        **items[-1], "at": "2026-11-23T12:00:00Z", "kind": "approval.delegated", "actor": "person:U0BOB",
        "agent": "deployer", "proposal_id": found.proposal.id, "approval_id": None, "execution_id": None,
        "detail": {"status": "pending", "reason": "because"},
    }  # fmt: skip
    assert {one["approval_id"] for one in items if one["kind"] == "proposal.pending"} == {found.request.id}
    _, rest = await read(running, admin, f"?after={items[-3]['id']}")
    assert rest == {"items": items[-2:], "next_cursor": None}
    await happen(running.database, found.proposal, 1)
    _, more = await read(running, admin, f"?after={items[-1]['id']}")
    assert len(more["items"]) == 1


async def test_nobody_else_reads_it(running: Site) -> None:
    reviewer = await running.operator("U0BOB")
    status, told = await read(running, reviewer)
    assert (status, told["code"]) == (403, "FORBIDDEN")
    assert (await running.open(await running.agent(), AUDIT)).status == 401


@pytest.mark.parametrize("query", ["?after=-1", "?after=x", "?after=", "?cursor=x", "?limit=0", "?limit=201"])
async def test_a_query_that_cannot_be_meant_is_refused(running: Site, query: str) -> None:
    status, told = await read(running, await running.operator(), query)
    assert (status, told["code"]) == (422, "INVALID_QUERY")
