"""kill -9 between the click and the settled execution: after a restart exactly one effect, and a true card."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.workspace import Message, WorkspaceServer, demo_workspace
from tests.process import ServeProcess, propose, settled
from tests.service import Service
from tests.stack import SIGNING_SECRET

pytestmark = pytest.mark.process


@dataclass
class Scene:
    """A server process with a card waiting for Bob."""

    server: ServeProcess
    slack: WorkspaceServer
    service: Service
    secret: str
    proposal_id: str
    card: Message

    async def click(self) -> Any:
        return await self.slack.click("U0BOB", self.card, "Approve")

    async def restart(self) -> None:
        await self.server.start()


@contextlib.asynccontextmanager
async def scene(url: str, folder: Path) -> AsyncIterator[Scene]:
    folder.mkdir()
    async with WorkspaceServer(demo_workspace(signing_secret=SIGNING_SECRET)) as slack:
        service = Service()
        await service.start()
        server = ServeProcess(folder, url, slack.api_url, service.url)
        slack.workspace.app.request_url = f"{server.url}/slack/events"
        await server.start()
        secret = await server.agent_key()
        proposed = await propose(server.url, secret)
        card = await slack.workspace.until(lambda: slack.workspace.card("C0APPROVALS", "checkout"), timeout=30)
        try:  # the card as Bob's screen shows it, whatever it becomes meanwhile
            yield Scene(server, slack, service, secret, proposed["proposal_id"], card.snapshot())
        finally:
            await server.stop()
            await service.stop()


async def as_soon_as_the_click_is_acknowledged(scene: Scene) -> None:
    await scene.click()
    await scene.server.kill()


async def while_the_click_is_under_way(scene: Scene) -> None:
    clicking = asyncio.create_task(scene.click())
    await asyncio.sleep(0)
    await scene.server.kill()
    await clicking


async def while_the_call_is_in_flight(scene: Scene) -> None:
    killed = asyncio.Event()

    async def until_killed() -> None:
        await killed.wait()

    scene.service.script.append(until_killed)
    await scene.click()
    await scene.service.called(1)
    await scene.server.kill()
    killed.set()


async def when_the_answer_is_on_its_way(scene: Scene) -> None:
    await scene.click()
    await scene.service.called(1)
    await scene.server.kill()


async def before_the_card_tells_the_outcome(scene: Scene) -> None:
    scene.slack.workspace.faults.add("chat.update", "drop", times=50)
    await scene.click()
    await settled(scene.server.url, scene.secret, scene.proposal_id)
    await scene.server.kill()
    scene.slack.workspace.faults.clear()


POINTS: list[Callable[[Scene], Awaitable[None]]] = [
    while_the_click_is_under_way,
    as_soon_as_the_click_is_acknowledged,
    while_the_call_is_in_flight,
    when_the_answer_is_on_its_way,
    before_the_card_tells_the_outcome,
]


async def survive(url: str, folder: Path, kill_at: Callable[[Scene], Awaitable[None]]) -> None:
    async with scene(url, folder) as it:
        await kill_at(it)
        await it.restart()
        await it.click()  # the person saw no answer, or clicks again: it must not matter
        done = await settled(it.server.url, it.secret, it.proposal_id)
        assert (done["state"], it.service.effects) == ("succeeded", 1), kill_at.__name__
        await it.slack.workspace.until(lambda: tells_the_outcome(it), timeout=40)
        assert len(cards(it)) == 1, kill_at.__name__


def tells_the_outcome(scene: Scene) -> bool:
    shown = json.dumps([message.blocks for message in cards(scene)], ensure_ascii=False)
    return "Succeeded" in shown and "card.approve" not in shown


def cards(scene: Scene) -> list[Message]:
    return [message for message in scene.slack.workspace.messages_in("C0APPROVALS") if not message.thread_ts]


async def test_killed_at_any_moment_it_runs_once_and_the_card_is_true_on_sqlite(tmp_path: Path) -> None:
    """closes governed-proposals 5, 24; l1-l2-l3-enforcement 5"""
    await asyncio.gather(
        *(survive(f"sqlite:///{tmp_path / point.__name__}.db", tmp_path / point.__name__, point) for point in POINTS)
    )


async def test_killed_at_any_moment_it_runs_once_and_the_card_is_true_on_postgresql(
    postgresql_urls: list[str], tmp_path: Path
) -> None:
    """closes governed-proposals 5, 24; l1-l2-l3-enforcement 5"""
    points = zip(POINTS[1:], postgresql_urls, strict=False)
    await asyncio.gather(*(survive(url, tmp_path / point.__name__, point) for point, url in points))
