"""Questions about governance reach people whatever Slack does, and their cards tell how each of them ended."""

from operations.question import supersede
from storage.tables import RequestType
from tests.integration.asking import REVIEW, answer, ask, owing_agent
from tests.integration.desk import Desk, is_decidable, words
from tests.integration.verbs import REJECT, TENANT


async def test_a_question_that_slack_would_not_take_is_told_once_it_does_and_stays_true(desk: Desk) -> None:
    """closes automation-governance 15, 16"""
    desk.workspace.faults.add("chat.postMessage", "500", 3)
    first = await owing_agent(desk.database, desk.policy)
    await desk.keep_trying(3)
    desk.workspace.faults.clear()
    await desk.settle()
    assert is_decidable(desk.card())
    desk.workspace.faults.add("chat.update", "internal_error", 1)
    await answer(desk.database, desk.policy, first, REJECT, reason="too many")
    await desk.settle()
    assert not is_decidable(desk.card())
    assert "Rejected* by <@U0ADMIN>" in words(desk.card())

    await ask(desk.database, desk.policy, RequestType.DEPTH_OVERRIDE)
    again = await ask(desk.database, desk.policy, REVIEW, reviewers=("U0ALICE",))
    await desk.settle()
    target = (again.target_type or "", again.target_id or "")
    await desk.database.write(TENANT, lambda tx: supersede(tx, REVIEW, target, "the agent has left"))
    await desk.settle()
    over = [one for one in desk.cards() if "No longer asked" in words(one)]
    assert [is_decidable(one) for one in over] == [False]
    assert sum(is_decidable(one) for one in desk.cards()) == 1
