"""Short forms for governing in Slack: commands, and what an agent did before."""

from typing import Any

from bot.workspace import Message
from bot.workspace.cast import APPROVALS
from tests.integration.calls import API
from tests.stack import Stack


async def ask(stack: Stack, person: str, command: str, text: str = "", channel: str = APPROVALS) -> Message:
    """Type a command and return its answer, however it came."""
    before = {one.ts for one in stack.slack.workspace.ephemerals(person)}
    done = await stack.slack.command(person, command, text, channel)
    assert done.status == 200

    def answered() -> Message | None:
        return next((one for one in stack.slack.workspace.ephemerals(person) if one.ts not in before), None)

    return await stack.slack.workspace.until(answered, timeout=30)


async def registered(stack: Stack, name: str = "Nightly", **body: Any) -> str:
    """The agent registers an automation; returns its id."""
    status, answer = await stack.call("POST", f"{API}/automations", {"name": name, **body})
    assert status == 201, answer
    id: str = answer["automation"]["id"]
    return id


async def started(stack: Stack, automation_id: str) -> str:
    """The agent starts a run; returns its id."""
    status, answer = await stack.call("POST", f"{API}/automations/{automation_id}/runs", {})
    assert status == 201, answer
    id: str = answer["run"]["id"]
    return id


async def status_of(stack: Stack, run_id: str) -> str:
    _, answer = await stack.call("GET", f"{API}/runs/{run_id}")
    status: str = answer["run"]["status"]
    return status


async def spent(stack: Stack, usd: str, report_id: str = "r1", **more: Any) -> None:
    """The agent reports what it cost."""
    body = {"report_id": report_id, "cost_usd": usd, **more}
    status, answer = await stack.call("POST", f"{API}/agents/deployer/spend/reports", body)
    assert status == 201, answer


def labels(message: Message) -> list[str]:
    """The words on the buttons under a list."""
    rows = [block for block in message.blocks if block["type"] == "actions"]
    return [one["text"]["text"] for row in rows for one in row["elements"]]
