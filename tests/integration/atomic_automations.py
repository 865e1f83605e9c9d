"""The verbs about automations, runs and grants as cases to break at each of their statements."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from governance.automations import AutomationStatus, RunStatus
from operations import automations, ending, grants, health, runs, timing
from operations.automations import Draft
from operations.runs import Step
from storage.tables import Grant, OwedReview
from tests.integration.automating import ADMIN, ALICE, DEPLOYER, limited, made, ran, started
from tests.integration.verbs import TENANT, rows

#: Parts of other verbs: they are broken where the verbs that use them are.
PARTS = {
    "automations.found_for_change", "automations.found_locked", "dependency.revoke_dependency", "lifecycle.acknowledge",
    "lifecycle.acknowledge_agent", "lifecycle.end_questions", "lifecycle.extend", "lifecycle.pause_runs",
    "lifecycle.retire", "owing.demand_look", "owing.demand_review", "owing.find", "telling.note_down",
    "telling.tell_owner",
}  # fmt: skip
Case = Callable[[Any], Awaitable[Any]]
CASES: list[tuple[str, Case]] = []


def case(verb: str) -> Callable[[Case], Case]:
    """Register a case of a verb."""

    def register(made: Case) -> Case:
        CASES.append((verb, made))
        return made

    return register


def is_status(status: AutomationStatus) -> Callable[[Any], bool]:
    return lambda got: got.status is status


@case("automations.create")
async def registered_by_an_agent(scene: Any) -> Any:
    draft = Draft("Nightly", agents=("deployer",))
    verb = lambda tx: automations.create(tx, scene.policy, DEPLOYER, draft)  # noqa: E731
    return verb, is_status(AutomationStatus.ACTIVE)


@case("automations.create")
async def registered_as_the_last_before_a_review(scene: Any) -> Any:
    policy = limited(scene.policy, per_agent_creation_review_threshold=1)
    verb = lambda tx: automations.create(tx, policy, DEPLOYER, Draft("Nightly"))  # noqa: E731
    return verb, is_status(AutomationStatus.ACTIVE)


@case("automations.update")
async def narrowed_while_it_runs(scene: Any) -> Any:
    row = await made(scene.database, scene.policy)
    await started(scene.database, scene.policy, row.id)
    changes = {"tools": ("note.auto",), "name": "Weekly"}
    verb = lambda tx: automations.update(tx, scene.policy, DEPLOYER, row.id, changes)  # noqa: E731
    return verb, is_status(AutomationStatus.PAUSED)


@case("automations.pause")
async def paused_with_a_run(scene: Any) -> Any:
    row = await made(scene.database, scene.policy)
    await started(scene.database, scene.policy, row.id)
    verb = lambda tx: automations.pause(tx, scene.policy, ADMIN, row.id, "stop")  # noqa: E731
    return verb, is_status(AutomationStatus.PAUSED)


@case("automations.resume")
async def resumed(scene: Any) -> Any:
    row = await made(scene.database, scene.policy)
    await scene.database.write(TENANT, lambda tx: automations.pause(tx, scene.policy, ALICE, row.id, None))
    verb = lambda tx: automations.resume(tx, scene.policy, ADMIN, row.id)  # noqa: E731
    return verb, is_status(AutomationStatus.ACTIVE)


@case("ending.retire_by")
async def retired(scene: Any) -> Any:
    row = await made(scene.database, scene.policy)
    await started(scene.database, scene.policy, row.id)
    return lambda tx: ending.retire_by(tx, scene.policy, ADMIN, row.id, "old"), lambda got: got.retired_at is not None


@case("ending.extend_by")
async def extended(scene: Any) -> Any:
    row = await made(scene.database, scene.policy)
    await scene.database.write(TENANT, lambda tx: ending.retire_by(tx, scene.policy, ALICE, row.id, None))
    verb = lambda tx: ending.extend_by(tx, scene.policy, ADMIN, row.id, None, "needed")  # noqa: E731
    return verb, is_status(AutomationStatus.ACTIVE)


@case("ending.delete")
async def deleted_with_its_run_grant_and_question(scene: Any) -> Any:
    row = await made(scene.database, scene.policy)
    await started(scene.database, scene.policy, row.id)
    await scene.database.write(TENANT, lambda tx: grants.give(tx, scene.policy, ADMIN, row.id, "stranger", None))
    changes = {"tools": ("note.auto",)}
    await scene.database.write(TENANT, lambda tx: automations.update(tx, scene.policy, ALICE, row.id, changes))
    return lambda tx: ending.delete(tx, scene.policy, ADMIN, row.id), lambda got: got.deleted_at is not None


@case("ending.restore")
async def restored_with_its_review(scene: Any) -> Any:
    row = await made(scene.database, scene.policy)
    changes = {"tools": ("note.auto",)}
    await scene.database.write(TENANT, lambda tx: automations.update(tx, scene.policy, ALICE, row.id, changes))
    await scene.database.write(TENANT, lambda tx: ending.delete(tx, scene.policy, ALICE, row.id))
    return lambda tx: ending.restore(tx, scene.policy, ADMIN, row.id), lambda got: got.review_required


@case("ending.purge")
async def purged(scene: Any) -> Any:
    row = await made(scene.database, scene.policy)
    await started(scene.database, scene.policy, row.id)
    await scene.database.write(TENANT, lambda tx: ending.delete(tx, scene.policy, ALICE, row.id))
    scene.clock.forward(days=7)
    return lambda tx: ending.purge(tx, row.id), bool


@case("runs.start")
async def a_run_admitted(scene: Any) -> Any:
    row = await made(scene.database, scene.policy)
    verb = lambda tx: runs.start(tx, scene.policy, DEPLOYER, row.id)  # noqa: E731
    return verb, lambda got: got.status is RunStatus.QUEUED


@case("runs.change")
async def the_last_run_before_a_review(scene: Any) -> Any:
    policy = limited(scene.policy, run_review_threshold=1)
    row = await made(scene.database, policy)
    run = await ran(scene.database, policy, row.id, RunStatus.RUNNING)
    step = Step(RunStatus.COMPLETED, {"n": 1})
    verb = lambda tx: runs.change(tx, policy, DEPLOYER, run.id, step)  # noqa: E731
    return verb, lambda got: got.ended_at is not None


@case("grants.give")
async def given(scene: Any) -> Any:
    row = await made(scene.database, scene.policy)
    verb = lambda tx: grants.give(tx, scene.policy, ADMIN, row.id, "stranger", "helps")  # noqa: E731
    return verb, lambda got: got.revoked_at is None


@case("grants.revoke")
async def taken_back_while_it_runs(scene: Any) -> Any:
    row = await made(scene.database, scene.policy)
    await started(scene.database, scene.policy, row.id)
    give = lambda tx: grants.give(tx, scene.policy, ADMIN, row.id, "stranger", None)  # noqa: E731
    grant = await scene.database.write(TENANT, give)
    verb = lambda tx: grants.revoke(tx, scene.policy, ADMIN, grant.id, "enough")  # noqa: E731
    return verb, lambda got: got.revoked_at is not None


@case("grants.lapse")
async def lapsed(scene: Any) -> Any:
    row = await made(scene.database, scene.policy)
    await scene.database.write(TENANT, lambda tx: grants.give(tx, scene.policy, ADMIN, row.id, "stranger", None))
    (grant,) = await rows(scene.database, Grant)
    scene.clock.forward(hours=8)
    return lambda tx: grants.lapse(tx, scene.policy, grant.id), lambda got: got is None


@case("health.check")
async def critical_findings(scene: Any) -> Any:
    row = await made(scene.database, scene.policy)
    for _ in range(5):
        await ran(scene.database, scene.policy, row.id, RunStatus.RUNNING, RunStatus.FAILED)
    return lambda tx: health.check(tx, scene.policy, row.id), lambda got: got == 1


@case("timing.attend")
async def warned_of_its_end(scene: Any) -> Any:
    row = await made(scene.database, scene.policy, expires_at=scene.clock.now + timedelta(days=8))
    scene.clock.forward(days=2)
    return lambda tx: timing.attend(tx, scene.policy, row.id), lambda got: got is None


@case("timing.attend")
async def ended_by_time(scene: Any) -> Any:
    row = await made(scene.database, scene.policy, expires_at=scene.clock.now + timedelta(hours=1))
    await started(scene.database, scene.policy, row.id)
    scene.clock.forward(hours=1)
    return lambda tx: timing.attend(tx, scene.policy, row.id), lambda got: got is None


@case("timing.nudge")
async def reminded(scene: Any) -> Any:
    row = await made(scene.database, scene.policy)
    changes = {"tools": ("note.auto",)}
    await scene.database.write(TENANT, lambda tx: automations.update(tx, scene.policy, ALICE, row.id, changes))
    (owed,) = await rows(scene.database, OwedReview)
    scene.clock.forward(days=8)
    return lambda tx: timing.nudge(tx, scene.policy, owed.request_id), lambda got: got is None
