"""Instances of agents over the Agent Approval Protocol: made, changed and deleted by a provisioner."""

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from governance.canonical import Json, canonical, keyed_hash, parse_strict
from governance.errors import Conflict, NotFound, Unauthenticated, Unprocessable
from operations.keys import create_key, hash_of, revoke_key
from operations.withdraw import withdraw
from storage import aap, audit
from storage.database import Tx
from storage.keyring import Keyring
from storage.tables import AapInstance, AapInstanceChange, AapProvisioner, KeyKind
from storage.tables.base import new_id

_PREFIX = "csp_"
_DELETED = "its instance was deleted"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where an instance is notified. Its receiver has answered the challenge."""

    url: str
    registration_id: str
    signing_secret: str


@dataclass(frozen=True, slots=True)
class Draft:
    """An instance to be made. `submission` is the call as it came in, by which a repetition is known."""

    id: str
    key: str
    submission: Mapping[str, Json]
    name: str
    delivery: Delivery | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be different; `removes` says that it is notified no more."""

    key: str
    submission: Mapping[str, Json]
    name: str | None = None
    delivery: Delivery | None = None
    removes: bool = False


async def create_provisioner(tx: Tx, agent_id: str) -> tuple[AapProvisioner, str]:
    """Make a provisioner of one agent's instances and return it with its token, which is shown once."""
    secret = _PREFIX + secrets.token_urlsafe(32)
    made = await tx.add(AapProvisioner(
        id=new_id("key"), tenant=tx.tenant, agent_id=agent_id, secret_hash=hash_of(secret), created_at=tx.now
    ))  # fmt: skip
    detail: dict[str, Json] = {"key_id": made.id, "kind": "provisioner", "principal": agent_id, "role": None}
    await audit.record(tx, "key.created", "system", detail=detail)
    return made, secret


async def revoke_provisioner(tx: Tx, provisioner_id: str) -> bool:
    """Revoke a provisioner at once, its instances stay; False where there is no live one under this id."""
    if not await aap.revoke_provisioner(tx, provisioner_id):
        return False
    await audit.record(tx, "key.revoked", "system", detail={"key_id": provisioner_id})
    return True


def check_repeats(tx: Tx, made: AapInstance | None, submission: Mapping[str, Json]) -> AapInstance | None:
    """Return the instance that a call repeats, None where it is new. Raises Conflict where it is another call, or the
    instance has been deleted."""
    if made is None:
        return None
    if made.submission_hash != _hash(tx, submission):
        raise _other_call()
    if made.deleted_at is not None:
        raise Conflict("The instance made under this key has been deleted.", code="instance_deleted")
    return made


def token_of(keys: Keyring, instance: AapInstance) -> str:
    """Return an instance's token, for the answer to the call that made it. Raises KeyProblem."""
    return keys.sealer.unseal(instance.sealed_token or "v0::", instance.id).decode()


async def create_instance(tx: Tx, by: AapProvisioner, draft: Draft) -> tuple[AapInstance, bool]:
    """Make an instance with a key of its own; returns it, and whether it is new.

    Raises Conflict as `check_repeats` does, Unprocessable where there is no key to seal its token under, and
    Unauthenticated where the provisioner was revoked while the receiver was asked.
    """
    await _check_live(tx, by)
    if not tx.keys.sealer.ready:
        raise Unprocessable("Set COUNTERSIGN_ENCRYPTION_KEY to have instances.", code="no_encryption_key")
    earlier = check_repeats(tx, await aap.instance_under(tx, by.id, draft.key), draft.submission)
    if earlier is not None:
        return earlier, False
    key, token = await create_key(tx, KeyKind.AGENT, by.agent_id)
    instance = AapInstance(
        id=draft.id, tenant=tx.tenant, agent_id=by.agent_id, name=draft.name, key_id=key.id, provisioner_id=by.id,
        idempotency_key=draft.key, submission_hash=_hash(tx, draft.submission),
        sealed_token=tx.keys.sealer.seal(token.encode(), draft.id), created_at=tx.now,
    )  # fmt: skip
    _notify_at(tx, instance, draft.delivery)
    await tx.add(instance)
    await _note_down(tx, by, instance, "instance.created")
    return instance, True


async def change_instance(
    tx: Tx, by: AapProvisioner, instance_id: str, change: Change, tell: Callable[[AapInstance], Json]
) -> Json:
    """Change an instance; returns what `tell` says of it then. A repetition gets the answer of the first time.

    Raises NotFound, Conflict for another change under the key, or Unauthenticated as `create_instance` does.
    """
    await _check_live(tx, by)
    instance = own(await aap.hold_instance(tx, instance_id), by)
    earlier = await repeated_change(tx, by, instance, change)
    if earlier is not None:
        return earlier
    if change.name is not None:
        instance.name = change.name
    if change.removes or change.delivery is not None:
        _notify_at(tx, instance, change.delivery)
    told = tell(instance)
    await tx.add(AapInstanceChange(
        instance_id=instance.id, provisioner_id=by.id, idempotency_key=change.key, tenant=tx.tenant,
        submission_hash=_hash(tx, change.submission), answer=canonical(told).decode(), at=tx.now,
    ))  # fmt: skip
    await _note_down(tx, by, instance, "instance.changed")
    return told


async def repeated_change(tx: Tx, by: AapProvisioner, instance: AapInstance, change: Change) -> Json | None:
    """Return what the change was answered that this one repeats, None where it is new. Raises Conflict."""
    earlier = await aap.change_under(tx, instance.id, by.id, change.key)
    if earlier is None:
        return None
    if earlier.submission_hash != _hash(tx, change.submission):
        raise _other_call()
    return parse_strict(earlier.answer.encode())


async def delete_instance(tx: Tx, by: AapProvisioner, instance_id: str) -> None:
    """Delete an instance: its key works no more, what waits is taken back, and nobody is notified. Again is fine.

    Raises NotFound for what is none of this provisioner's agent.
    """
    instance = await aap.hold_instance(tx, instance_id)
    if instance is None or instance.agent_id != by.agent_id:
        raise _not_found()
    if instance.deleted_at is not None:
        return
    instance.deleted_at, instance.sealed_token = tx.now, None
    _notify_at(tx, instance, None)
    await tx.session.flush()
    with suppress(NotFound):  # somebody has revoked it before
        await revoke_key(tx, instance.key_id)
    for proposal_id in await aap.waiting_of(tx, instance.agent_id, instance.id):
        await withdraw(tx, proposal_id, instance.agent_id, _DELETED)
    await _note_down(tx, by, instance, "instance.deleted")


def own(instance: AapInstance | None, by: AapProvisioner) -> AapInstance:
    """Return an instance of this provisioner's agent. Raises NotFound for any other, as for one that is deleted."""
    if instance is None or instance.agent_id != by.agent_id or instance.deleted_at is not None:
        raise _not_found()
    return instance


async def _check_live(tx: Tx, by: AapProvisioner) -> None:
    stored = await tx.get(AapProvisioner, by.id)
    if stored is None or stored.revoked_at is not None:
        raise Unauthenticated("This provisioner has been revoked.")


def _not_found() -> NotFound:
    return NotFound("There is no instance of yours under this id.", code="not_found")


def _other_call() -> Conflict:
    return Conflict("This idempotency key was used for another call.", code="idempotency_conflict")


def _notify_at(tx: Tx, instance: AapInstance, delivery: Delivery | None) -> None:
    instance.url = delivery.url if delivery else None
    instance.registration_id = delivery.registration_id if delivery else None
    secret = delivery.signing_secret.encode() if delivery else None
    instance.sealed_secret = tx.keys.sealer.seal(secret, instance.id) if secret else None


def _hash(tx: Tx, submission: Mapping[str, Json]) -> str:
    return keyed_hash(tx.keys.digest_key, dict(submission))


async def _note_down(tx: Tx, by: AapProvisioner, instance: AapInstance, kind: str) -> None:
    detail: dict[str, Json] = {"instance": instance.id, "name": instance.name, "key_id": instance.key_id}
    await audit.record(tx, kind, f"provisioner:{by.id}", agent_id=instance.agent_id, detail=detail)
