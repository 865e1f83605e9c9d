"""A stack whose policy lets replies and reactions decide, and whose app hears them."""

import asyncio
from pathlib import Path
from typing import Any

from bot.workspace import Message
from storage.tables import InboxEvent, InboxStatus, Surface, SurfaceStatus
from tests.integration.verbs import rows
from tests.policies import tool
from tests.stack import Stack, start_stack

HEARS = frozenset({"message.channels", "message.groups", "reaction_added", "reaction_removed"})
BOTH = "decide_by_reply = true\ndecide_by_reaction = true"
LOW = "".join(
    (
        tool("memo.write", title="Write a memo", action_class="memo", scopes="[]", risk="low_write"),
        tool("memo.read", title="Read a memo", action_class="memo", scopes="[]", risk="read_only"),
        tool("memo.two", title="Write with two", action_class="memo", scopes="[]", risk="low_write", quorum=2),
        tool("memo.strict", title="Write strictly", action_class="memo", scopes="[]", risk="low_write",
             more="buttons_only = true"),
    )
)  # fmt: skip


async def start_talking(url: str, folder: Path, slack: str = BOTH, **more: Any) -> Stack:
    """Start everything, with an app that is told what people say and react."""
    stack = await start_stack(url, folder, slack=slack, extra=LOW, **more)
    app = stack.slack.workspace.app
    app.events, app.scopes = app.events | HEARS, app.scopes | {"reactions:read"}
    return stack


async def asked(stack: Stack, tool: str = "memo.write", **more: Any) -> tuple[dict[str, Any], Message]:
    """Propose a call; return it and its card."""
    _, proposed = await stack.propose(tool, **more)
    card = await stack.card(f"Does {tool}")
    await posted(stack)
    return proposed, card


async def posted(stack: Stack) -> None:
    """Wait until the server knows the places of its cards; they are up a moment before."""
    await until_all(stack, Surface, SurfaceStatus.POSTED)


async def until_all(stack: Stack, table: Any, *statuses: Any) -> list[Any]:
    """Wait until every row of a table has one of these statuses; return them."""
    async with asyncio.timeout(30):
        while True:
            found = await rows(stack.database, table)
            if all(one.status in statuses for one in found):
                return found
            await asyncio.sleep(0.02)


async def in_thread(stack: Stack, tools: list[str]) -> tuple[list[dict[str, Any]], list[Message]]:
    """Propose calls in one thread where the agent works; return them and their cards there."""
    started = await stack.slack.say("U0ALICE", "C0DEPLOYS", "please take care of it")
    thread = {"channel": "C0DEPLOYS", "thread_ts": started.ts}
    proposed = [(await stack.propose(tool, thread=thread))[1] for tool in tools]
    workspace = stack.slack.workspace

    def cards() -> list[Message] | None:
        found = [one for one in workspace.thread("C0DEPLOYS", started.ts) if one.blocks]
        return found if len(found) == len(tools) else None

    found = await workspace.until(cards)
    await posted(stack)
    return proposed, found


async def reply(stack: Stack, person: str, card: Message, words: str) -> Message:
    """Write into the thread that a card heads or stands in; returns once the server has acknowledged it."""
    return await stack.slack.say(person, card.channel, words, card.thread_ts or card.ts)


async def react(stack: Stack, person: str, message: Message, emoji: str) -> None:
    """Put an emoji under a message."""
    await stack.slack.seat.happenings.reacted(person, message, emoji)


async def heard(stack: Stack) -> list[InboxEvent]:
    """Return what was kept so far, once all of it has been answered."""
    return await until_all(stack, InboxEvent, InboxStatus.DONE, InboxStatus.DEAD)


async def kept(stack: Stack) -> list[InboxEvent]:
    return await rows(stack.database, InboxEvent)


async def told(stack: Stack, person: str, containing: str) -> Message:
    """Wait for the private sentence to a person that holds a text."""
    workspace = stack.slack.workspace
    found = await workspace.until(lambda: [m for m in workspace.ephemerals(person) if containing in (m.text or "")])
    return found[-1]


async def state_of(stack: Stack, proposed: dict[str, Any]) -> str:
    """Return where a proposal stands now."""
    return str((await stack.call("GET", f"/api/v1/proposals/{proposed['proposal_id']}"))[1]["state"])
