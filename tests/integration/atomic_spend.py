"""Verbs about money, each prepared so that it can be broken at every statement (see test_atomic_operations)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from governance.automations import Actor, ActorKind, RunStatus
from operations import limits, spend, spend_stop
from operations.spend import Spent
from storage.tables import SpendStop
from tests.integration.spending import ADMIN, automation, capped, relimit, spent, tick
from tests.integration.verbs import rows

if TYPE_CHECKING:
    from tests.integration.test_atomic_operations import Scene

#: Parts of other verbs: they are broken where the verbs that use them are.
PARTS = {"spend_stop.stop_at_cap"}

Case = Callable[["Scene"], Awaitable[Any]]
CASES: list[tuple[str, Case]] = []
USD = 1_000_000


def case(verb: str) -> Callable[[Case], Case]:
    def register(made: Case) -> Case:
        CASES.append((verb, made))
        return made

    return register


def reporting(scene: Scene, usd: int, stopped: tuple[str, ...] = (), **more: Any) -> Any:
    policy, by = capped(scene.policy), Actor(ActorKind.AGENT, "stranger")
    sent = Spent("r1", usd * USD, **more)
    verb = lambda tx: spend.report(tx, policy, policy.agents["stranger"], sent, by)  # noqa: E731
    return verb, lambda got: (got.stopped, got.duplicate) == (stopped, False)


async def stop_of(scene: Scene) -> SpendStop:
    """An agent at its cap, with a paused run."""
    await automation(scene.database, RunStatus.RUNNING)
    await spent(scene.database, capped(scene.policy), "11")
    await tick(scene.database, capped(scene.policy))
    (stop,) = await rows(scene.database, SpendStop)
    assert isinstance(stop, SpendStop)
    return stop


def attending(scene: Scene, stop: SpendStop) -> Any:
    return lambda tx: spend_stop.attend(tx, capped(scene.policy), stop.id), lambda got: got is None


@case("spend.report")
async def a_cost(scene: Scene) -> Any:
    return reporting(scene, 1)


@case("spend.report")
async def a_cost_to_warn_of(scene: Scene) -> Any:
    return reporting(scene, 9)


@case("spend.report")
async def a_cost_that_stops_runs(scene: Scene) -> Any:
    runs = await automation(scene.database, RunStatus.RUNNING, RunStatus.QUEUED)
    return reporting(scene, 11, ("stranger",), run_id=runs[0])


@case("spend.report")
async def a_cost_of_a_new_week_before_the_loop_came_by(scene: Scene) -> Any:
    await stop_of(scene)
    scene.clock.forward(days=7)
    return reporting(scene, 11, ("stranger",))


@case("spend_stop.attend")
async def a_stop_of_last_week(scene: Scene) -> Any:
    stop = await stop_of(scene)
    scene.clock.forward(days=7)
    return attending(scene, stop)


@case("spend_stop.attend")
async def a_stop_below_a_raised_cap(scene: Scene) -> Any:
    stop = await stop_of(scene)
    await relimit(scene.database, capped(scene.policy), weekly_spend_cap=None)
    await scene.database.write("", spend_stop.look_again)
    return attending(scene, stop)


@case("spend_stop.attend")
async def a_stop_whose_lift_lapsed(scene: Scene) -> Any:
    stop = await stop_of(scene)
    await scene.database.write(stop.tenant, lambda tx: spend_stop.lift(tx, stop, scene.clock()))
    return attending(scene, stop)


@case("spend_stop.lift")
async def a_stop_lifted(scene: Scene) -> Any:
    stop = await stop_of(scene)
    return lambda tx: spend_stop.lift(tx, stop, stop.release_at, ADMIN), lambda got: got is True


@case("spend_stop.look_again")
async def every_stop_looked_at(scene: Scene) -> Any:
    await stop_of(scene)
    return spend_stop.look_again, lambda got: got == 1


@case("spend.hold_to_caps")
async def a_cap_lowered_below_what_was_spent(scene: Scene) -> Any:
    await automation(scene.database, RunStatus.RUNNING)
    await spent(scene.database, capped(scene.policy), "8")
    return lambda tx: spend.hold_to_caps(tx, capped(scene.policy, "5.00")), lambda got: got == ("stranger",)


@case("limits.change_limits")
async def limits_changed(scene: Scene) -> Any:
    verb = lambda tx: limits.change_limits(tx, scene.policy, {"run_review_threshold": 3}, ADMIN)  # noqa: E731
    return verb, lambda got: got.run_review_threshold == 3


@case("limits.change_limits")
async def limits_changed_and_reset(scene: Scene) -> Any:
    await relimit(scene.database, scene.policy, run_review_threshold=3, agent_caps={"deployer": 1})
    verb = lambda tx: limits.change_limits(  # noqa: E731
        tx, scene.policy, {"creation_enabled": False}, ADMIN, reset=["run_review_threshold"], reset_agents=["deployer"]
    )
    return verb, lambda got: (got.run_review_threshold, got.creation_enabled, got.agent_caps) == (20, False, {})
