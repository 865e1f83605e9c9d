"""The server dies between every two things it does; started again, it ends where it would have ended, by itself.

closes governed-proposals 5, 7, 24
closes autonomy-and-trust 21
closes l1-l2-l3-enforcement 1, 2, 5

A story is lived through once to learn its points (tests/crash_child.py), then once for each point: there the server is
killed, started again, and nobody helps. An ordinary run takes some points of every story, more of them on SQLite; a
thorough one takes every point on both.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.crash_child import Point
from tests.mortal import Mortal, live_and_die, mortal
from tests.profiles import is_thorough

pytestmark = pytest.mark.process

_AT_ONCE = 3
_NOT_OURS = ("auth.test", "conversations.", "users.", "usergroups.")  # asked when they are asked


@dataclass(frozen=True)
class Story:
    """What happens, and how often the service may then have been reached."""

    name: str
    prepare: Callable[[Mortal], Awaitable[Any]]
    act: Callable[[Mortal, Any], Awaitable[Any]]
    effects: int
    may_be_unknown: bool = False


async def nothing(one: Mortal) -> None:
    pass


async def a_request(one: Mortal) -> str:
    told = await one.propose("deploy.production")
    return str(told["approval"]["id"])


async def a_low_request(one: Mortal) -> None:
    await one.propose("memo.write")


async def replies(one: Mortal, _: Any) -> None:
    await one.reply("approve")
    await one.until(lambda: one.all_of("1", "approval_requests WHERE status = 'pending'"))


async def expires(one: Mortal, _: Any) -> None:
    one.ahead(49 * 3600)
    await one.until(lambda: one.all_of("1", "approval_requests WHERE status <> 'expired'"))


def proposes(tool: str) -> Callable[[Mortal, Any], Awaitable[Any]]:
    return lambda one, _: one.propose(tool)


def decides(decision: str) -> Callable[[Mortal, Any], Awaitable[Any]]:
    return lambda one, request_id: one.decide(request_id, decision)


STORIES = [
    Story("an L1 call", nothing, proposes("note.auto"), effects=1),
    Story("an L1 call that must not be repeated", nothing, proposes("note.once"), effects=1, may_be_unknown=True),
    Story("an L3 call", nothing, proposes("deploy.production"), effects=0),
    Story("approve", a_request, decides("approve"), effects=1),
    Story("reject", a_request, decides("reject"), effects=0),
    Story("approve by a reply", a_low_request, replies, effects=1),
    Story("expire", a_request, expires, effects=0),
]
NAMES = [story.name for story in STORIES]


def chosen(folder: Path, at_most: int) -> list[Point]:
    """The points at which to die, of those that were passed in a life without an accident."""
    passed = [one for one in (folder / "points").read_text().splitlines() if not any(word in one for word in _NOT_OURS)]
    names = Counter(passed)
    if is_thorough():
        return [(name, n) for name, times in names.items() for n in range(1, times + 1)]
    first = list(names)
    return [(name, 1) for name in first[:: max(len(first) // at_most, 1)]][: at_most + 1]


async def survive(story: Story, url: str, folder: Path, point: Point, undisturbed: dict[str, Any]) -> bool:
    """Die at one point; returns whether the point was met."""
    async with mortal(url, folder) as one:
        died = await live_and_die(one, story.prepare, story.act, point)
        ended = await one.ended_as()
        effects = len(one.service.calls) if story.may_be_unknown else one.service.effects
    if story.may_be_unknown and ended["executions"] == [("unknown",)]:
        assert effects <= 1, point
        assert died, point
        assert ended["cards"] == [["checkout"]], "nobody is asked what happened"
        ended |= {name: undisturbed[name] for name in ("executions", "proposals", "cards")}
    else:
        assert effects == story.effects, point
    assert ended == undisturbed, point
    return died


async def tell(story: Story, new_url: Callable[[], str], folder: Path, at_most: int) -> None:
    """Live through a story undisturbed, then die in it everywhere."""
    async with mortal(await asyncio.to_thread(new_url), folder / "undisturbed") as one:
        assert not await live_and_die(one, story.prepare, story.act, None)
        undisturbed = await one.ended_as()
        assert (one.service.effects, undisturbed["faults"]) == (story.effects, [])
    points, places = chosen(folder / "undisturbed", at_most), asyncio.Semaphore(_AT_ONCE)

    async def die(n: int, point: Point) -> bool:
        async with places:
            return await survive(story, await asyncio.to_thread(new_url), folder / str(n), point, undisturbed)

    died = await asyncio.gather(*(die(n, point) for n, point in enumerate(points)))
    missed = [point for point, met in zip(points, died, strict=True) if not met]
    assert len(missed) <= len(points) // 4, f"never came to {missed}"


@pytest.mark.parametrize("story", STORIES, ids=NAMES)
async def test_killed_between_any_two_writes_it_ends_as_if_nothing_had_been_on_sqlite(
    story: Story, new_sqlite: Callable[[], str], tmp_path: Path
) -> None:
    await tell(story, new_sqlite, tmp_path / "lives", at_most=8)


@pytest.mark.parametrize("story", STORIES, ids=NAMES)
async def test_killed_between_any_two_writes_it_ends_as_if_nothing_had_been_on_postgresql(
    story: Story, new_postgresql: Callable[[], str], tmp_path: Path
) -> None:
    await tell(story, new_postgresql, tmp_path / "lives", at_most=4)
