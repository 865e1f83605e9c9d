"""Verbs of the Agent Approval Protocol, each prepared so that it can be broken at every statement (see
test_atomic_operations)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from governance.lifecycle import ExecutionStatus
from operations import aap, aap_instances
from operations.aap import Holder
from operations.aap_instances import Change
from storage.dossier import Dossier
from tests.integration.aap import DEPLOYER, INSTANCE, asked, creating, filing, instance, own, provisioner
from tests.integration.verbs import look, say

if TYPE_CHECKING:
    from tests.integration.test_atomic_operations import Scene

#: Parts of other verbs: they are broken where the verbs that use them are.
PARTS = {"resolved.owe_resolved", "resolved.owe_event", "claim.room_now", "aap_instances.repeated_change"}

Case = Callable[["Scene"], Awaitable[Any]]
CASES: list[tuple[str, Case]] = []
NOTIFIED = Holder("deployer", INSTANCE)


def case(verb: str) -> Callable[[Case], Case]:
    def register(made: Case) -> Case:
        CASES.append((verb, made))
        return made

    return register


async def approved_request(scene: Scene) -> str:
    """Ask for a call and have it approved; returns the request's id."""
    scene.policy = own(scene.policy)
    filed = await asked(scene.database, scene.policy)
    assert filed.request is not None
    assert filed.proposed is not None
    found: Dossier = await look(scene.database, filed.proposed)
    await say(scene.database, found, "U0BOB")
    return filed.request.id


@case("aap.file")
async def asked_for(scene: Scene) -> Any:
    return filing(own(scene.policy)), lambda got: got.request.proposal_id is not None


@case("aap.file")
async def resolved_at_once(scene: Scene) -> Any:
    await instance(scene.database)
    return filing(own(scene.policy), "note.auto", holder=NOTIFIED), lambda got: got.request.proposal_id is not None


@case("aap.cancel")
async def cancelled(scene: Scene) -> Any:
    await instance(scene.database)
    request = (await asked(scene.database, own(scene.policy), holder=NOTIFIED)).request
    assert request is not None
    return lambda tx: aap.cancel(tx, NOTIFIED, request.id), lambda got: got is None


@case("aap.consume")
async def consumed(scene: Scene) -> Any:
    id = await approved_request(scene)
    return lambda tx: aap.consume(tx, scene.policy, DEPLOYER, id, "k"), lambda got: got is True


@case("aap.tell_approved")
async def told(scene: Scene) -> Any:
    id = await approved_request(scene)
    return lambda tx: aap.tell_approved(tx, DEPLOYER, id), lambda got: got is None


@case("aap.conclude")
async def reported(scene: Scene) -> Any:
    id = await approved_request(scene)
    await scene.database.write("default", lambda tx: aap.consume(tx, scene.policy, DEPLOYER, id, "k"))
    done = ExecutionStatus.SUCCEEDED
    return lambda tx: aap.conclude(tx, scene.policy, DEPLOYER, id, done, "well"), lambda got: got is None


@case("aap_instances.create_provisioner")
async def a_provisioner(scene: Scene) -> Any:
    verb = lambda tx: aap_instances.create_provisioner(tx, "deployer")  # noqa: E731
    return verb, lambda got: got[1].startswith("csp_")


@case("aap_instances.revoke_provisioner")
async def a_provisioner_revoked(scene: Scene) -> Any:
    by = await provisioner(scene.database)
    return lambda tx: aap_instances.revoke_provisioner(tx, by.id), lambda got: got is True


@case("aap_instances.create_instance")
async def an_instance(scene: Scene) -> Any:
    return creating(await provisioner(scene.database)), lambda got: got[1] is True


@case("aap_instances.change_instance")
async def an_instance_changed(scene: Scene) -> Any:
    by, made = await instance(scene.database)
    change = Change("c", {"instance_name": "two"}, "two", removes=True)
    tell = lambda one: {"name": one.name, "url": one.url}  # noqa: E731
    verb = lambda tx: aap_instances.change_instance(tx, by, made.id, change, tell)  # noqa: E731
    return verb, lambda got: got == {"name": "two", "url": None}


@case("aap_instances.delete_instance")
async def an_instance_deleted(scene: Scene) -> Any:
    by, made = await instance(scene.database)
    await asked(scene.database, own(scene.policy), holder=NOTIFIED)
    return lambda tx: aap_instances.delete_instance(tx, by, made.id), lambda got: got is None
