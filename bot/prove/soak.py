"""`countersign prove slack`: many requests at once in a workspace that misbehaves, then a count of what went wrong."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from bot.prove import truth
from bot.prove.crowd import Crowd
from bot.prove.report import Report, percentiles
from bot.prove.stage import PEOPLE, Stage

_AT_ONCE = 40
_FAULTS = {"429": 0.04, "500": 0.02, "503": 0.01, "lost": 0.03, "drop": 0.02}
_SHOWN = 5

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Soak:
    """What to try. Everything random follows `seed`, as far as processes and networks let it."""

    requests: int = 500
    channels: int = 5
    restarts: int = 10
    seed: int = 1


async def soak(database_url: str, plan: Soak, progress: Progress) -> Report:
    """Run the soak on a scratch database of the kind configured. RuntimeError: the server does not start."""
    async with Stage(database_url, plan.channels, plan.seed) as stage:
        crowd = Crowd(stage, plan.seed)
        await crowd.open_threads()
        stage.slack.workspace.faults.at_random(plan.seed, _FAULTS)
        await _run(stage, crowd, plan, progress)
        stage.slack.workspace.faults.clear()
        rested = await truth.rest(stage)
        return await _judge(stage, crowd, plan, rested)


async def _run(stage: Stage, crowd: Crowd, plan: Soak, progress: Progress) -> None:
    gate, ended, due = asyncio.Semaphore(_AT_ONCE), 0, asyncio.Queue[None]()
    dice = random.Random(plan.seed)  # noqa: S311 - dice, not secrets
    moments = Counter(dice.randrange(plan.requests) for _ in range(plan.restarts))

    async def one(number: int) -> None:
        nonlocal ended
        async with gate:
            await crowd.story(number)
        for _ in range(moments[ended]):
            due.put_nowait(None)
        ended += 1
        progress(ended, plan.requests)

    trouble = [asyncio.create_task(_restart(stage, due, dice)), asyncio.create_task(_redeliver(stage, plan))]
    try:
        async with asyncio.TaskGroup() as stories:
            for number in range(plan.requests):
                stories.create_task(one(number))
    finally:
        for task in trouble:
            task.cancel()
        await asyncio.gather(*trouble, return_exceptions=True)
        if not stage.child.up.is_set():
            await stage.child.start()


async def _restart(stage: Stage, due: asyncio.Queue[None], dice: random.Random) -> None:
    """Kill the server a moment after it is due, and start it again."""
    while True:
        await due.get()
        await asyncio.sleep(dice.random())
        await stage.child.kill()
        await stage.child.start()


async def _redeliver(stage: Stage, plan: Soak) -> None:
    """Open Home tabs, and deliver the events again under new ids, as Slack now and then does."""
    dice = random.Random(plan.seed + 1)  # noqa: S311
    while True:
        await stage.child.up.wait()
        person = dice.choice(PEOPLE)
        await stage.slack.open_home(person)
        await stage.slack.seat.events.again(new_id=True)
        await asyncio.sleep(1 + dice.random())


async def _judge(stage: Stage, crowd: Crowd, plan: Soak, rested: float) -> Report:
    workspace, found, ends = stage.slack.workspace, await truth.shown(stage), await truth.ends(stage)
    report = Report("slack", plan.seed)
    injected = sum(call.fault is not None for call in workspace.calls)
    report.tried = {
        **crowd.tried, "server killed": len(stage.child.killed_at),
        "clicks whose server was killed": len(truth.cut_off(stage)), "faults of Slack's Web API": injected,
        "calls of the service": stage.effects.calls, "cards": len(found),
        **{f"requests {status}": count for status, count in sorted(ends.statuses.items())},
    }  # fmt: skip
    acks = [click.ack_seconds for click in workspace.clicks if click.ack_seconds is not None]
    report.measured = {
        "click to acknowledgement": percentiles(acks),
        "decision to true card": percentiles(truth.staleness(found)),
        "last story to rest": percentiles([rested]),
    }
    wrong = {
        "stale cards": truth.stale(found),
        "clicks that nothing followed": [f"{one.user} {one.what}" for one in truth.unanswered(stage)],
        "clicks acknowledged too late": [f"{one.user} {one.what}" for one in truth.too_late(stage)],
        "messages posted twice": truth.posted_twice(stage),
        "answers lost": await truth.lost_answers(stage, found),
        "effects doubled": ends.doubled,
        "successes without an effect": ends.missing,
        "effects without an approval": ends.uncalled_for,
        "payloads Slack refuses": workspace.violations,
    }
    report.breaches = {name: len(some) for name, some in wrong.items()}
    report.examples = {name: some[:_SHOWN] for name, some in wrong.items() if some}
    return report
