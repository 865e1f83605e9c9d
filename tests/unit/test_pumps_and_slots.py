"""Wake-ups, pumps and slots: no nudge is lost, no failure stops the next one, no more runs at once than fits."""

import asyncio
import logging

import pytest

from scheduler.pump import Pump
from scheduler.slots import Slots
from storage.signals import Signals


class Work:
    """Something to drain: counts its rounds, and holds each until it is let go."""

    def __init__(self):
        self.rounds, self.let_go, self.begun = 0, asyncio.Event(), asyncio.Queue()
        self.failing = False

    async def __call__(self):
        self.rounds += 1
        await self.begun.put(self.rounds)
        await self.let_go.wait()
        if self.failing:
            raise RuntimeError("broken round")


@pytest.fixture
async def work():
    return Work()


@pytest.fixture
async def pump(work):
    made = Pump("test", work)
    yield made
    await made.stop()


def test_an_announcement_wakes_whoever_listens_to_that_topic_and_nobody_else():
    signals = Signals()
    with signals.listen("a") as first, signals.listen("a") as second, signals.listen("b") as other:
        signals.announce(["a", "nobody listens"])
        assert (first.is_set(), second.is_set(), other.is_set()) == (True, True, False)
        signals.announce(["a", "b"])
        assert other.is_set()


def test_whoever_stopped_listening_is_not_woken():
    signals = Signals()
    with signals.listen("a") as heard:
        pass
    signals.announce(["a"])
    assert not heard.is_set()


async def test_a_pump_drains_when_nudged(pump, work):
    work.let_go.set()
    pump.start(Signals())
    pump.nudge()
    assert await work.begun.get() == 1
    pump.nudge()
    assert await work.begun.get() == 2


async def test_nudges_during_a_round_become_one_more_round(pump, work):
    pump.start(Signals())
    pump.nudge()
    await work.begun.get()
    for _ in range(5):
        pump.nudge()
    work.let_go.set()
    assert await work.begun.get() == 2
    pump.nudge()
    assert await work.begun.get() == 3


async def test_a_commit_that_announces_the_topic_nudges(pump, work):
    signals = Signals()
    work.let_go.set()
    pump.start(signals, "executions")
    pump.nudge()
    await work.begun.get()  # by now it listens as well
    signals.announce(["executions"])
    assert await work.begun.get() == 2


async def test_a_round_that_fails_is_logged_and_the_next_nudge_drains_again(pump, work, caplog):
    work.failing = True
    work.let_go.set()
    pump.start(Signals())
    pump.nudge()
    await work.begun.get()
    pump.nudge()
    assert await work.begun.get() == 2
    assert "the test pump failed; the next tick tries again" in caplog.text
    assert "broken round" in caplog.text


async def test_a_stopped_pump_drains_no_more(pump, work):
    pump.start(Signals())
    pump.nudge()
    await work.begun.get()
    await pump.stop()
    pump.nudge()
    assert work.rounds == 1


async def test_slots_count_what_is_free_and_tell_when_a_place_falls_free():
    freed = asyncio.Queue()
    slots, hold = Slots(2, lambda: freed.put_nowait(slots.free)), asyncio.Event()

    async def wait():
        await hold.wait()

    slots.run(wait())
    slots.run(wait())
    assert slots.free == 0
    hold.set()
    assert [await freed.get(), await freed.get()] == [1, 2]


async def test_a_task_that_fails_frees_its_place_and_is_logged(caplog):
    freed = asyncio.Event()
    slots = Slots(1, freed.set)

    async def fail():
        raise RuntimeError("broken task")

    with caplog.at_level(logging.ERROR):
        slots.run(fail())
        await freed.wait()
    assert slots.free == 1
    assert "a task failed; its lease runs out" in caplog.text
    assert "broken task" in caplog.text


@pytest.mark.parametrize("patient", [True, False])
async def test_stopping_lets_tasks_end_within_the_grace_and_cancels_the_rest(patient):
    ended, slots = [], Slots(1, lambda: None)

    async def work():
        await asyncio.Event().wait() if not patient else None
        ended.append("by itself")

    slots.run(work())
    await slots.stop(5 if patient else 0)
    assert ended == (["by itself"] if patient else [])
    assert slots.free == 1
