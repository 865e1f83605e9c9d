"""Many people answer at once: nobody waits for a connection that the calls they allow hold."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from storage.tables import KeyKind
from tests.integration.calls import API
from tests.stack import Stack

pytestmark = pytest.mark.both_databases

MANY = 32


@pytest.fixture
def stack_options() -> dict[str, Any]:
    return {"extra": "\n[limits]\nmax_open_requests = 100\n"}


async def test_thirty_two_approvals_at_once_are_all_recorded_and_all_run_once(stack: Stack) -> None:
    """closes l1-l2-l3-enforcement 8"""
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    proposed = [(await stack.propose(arguments={"service": f"s{n}"}))[1] for n in range(MANY)]
    answers = await asyncio.gather(
        *(
            stack.signed(bob, "POST", f"{API}/approvals/{one['approval']['id']}", {"decision": "approve"})
            for one in proposed
        )
    )
    assert Counter(status for status, _ in answers) == {200: MANY}
    ended = [await stack.settled(one["proposal_id"]) for one in proposed]
    assert Counter(one["state"] for one in ended) == {"succeeded": MANY}
    assert len(stack.service.calls) == MANY
