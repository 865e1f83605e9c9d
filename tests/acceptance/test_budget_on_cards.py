"""What an agent has left of its budget of unasked calls stands on its cards, where the policy sets one."""

import json
from typing import Any

import pytest

from tests.acceptance.test_menu import said
from tests.stack import Stack


@pytest.fixture
def stack_options() -> dict[str, Any]:
    return {"agent": "max_autonomous_decisions_per_day = 3"}


async def test_the_card_and_details_say_how_much_of_the_budget_is_left(stack: Stack) -> None:
    await stack.propose("note.auto", wait=30)
    await stack.propose()
    card = await stack.card("Deploy to production")
    left = "1 of 3 today (2 left)"
    assert f"*Runs unasked*\\n{left}" in json.dumps(card.blocks)
    assert left in said(await stack.modal("U0BOB", card, "Details"))
