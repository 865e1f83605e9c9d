"""The line about a budget says what is used and left of each limit the policy sets, and nothing where it sets none."""

import pytest

from bot.cards.impact import budget_line
from governance.policy import Agent
from storage.tables import Budget


@pytest.mark.parametrize(
    ("hour", "day", "used", "line"),
    [
        (None, None, {Budget.HOUR: 3}, ""),
        (10, None, {Budget.HOUR: 3, Budget.DAY: 9}, "3 of 10 this hour (7 left)"),
        (10, 40, {Budget.HOUR: 12, Budget.DAY: 12}, "12 of 10 this hour (0 left), 12 of 40 today (28 left)"),
        (0, 1000, {}, "0 of 0 this hour (0 left), 0 of 1,000 today (1,000 left)"),
    ],
)
def test_used_and_left_of_each_limit(hour, day, used, line):
    agent = Agent("deployer", "Deployer", "U0ALICE", budget_per_hour=hour, budget_per_day=day)
    assert budget_line(agent, used) == line


def test_an_agent_the_policy_does_not_know_has_no_budget():
    assert budget_line(None, {}) == ""
