"""Queries on what the Agent Approval Protocol keeps: requests, instances and provisioners."""

from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlmodel import col

from governance.aap import WAITING
from storage.database import Tx
from storage.tables import AapInstance, AapInstanceChange, AapProvisioner, AapRequest, ApiKey, Proposal

#: What the idempotency key of a request's proposal begins with; the request's id follows.
KEY = "aap:"


async def by_key(tx: Tx, agent_id: str, instance_id: str, key: str) -> AapRequest | None:
    """Return the request that this caller made under this idempotency key."""
    query = select(AapRequest).where(
        col(AapRequest.tenant) == tx.tenant, col(AapRequest.agent_id) == agent_id,
        col(AapRequest.instance_id) == instance_id, col(AapRequest.idempotency_key) == key,
    )  # fmt: skip
    return (await tx.session.scalars(query)).first()


async def locked(tx: Tx, request_id: str) -> AapRequest | None:
    """Return a request with its row locked, so that it is consumed once."""
    query = select(AapRequest).where(col(AapRequest.id) == request_id, col(AapRequest.tenant) == tx.tenant)
    return (
        await tx.session.scalars(query.with_for_update(key_share=True).execution_options(populate_existing=True))
    ).first()


async def of_proposal(tx: Tx, proposal: Proposal) -> AapRequest | None:
    """Return the request by which a proposal came in over the protocol, or None where it came in otherwise."""
    key = proposal.idempotency_key or ""
    if not key.startswith(KEY):
        return None
    found = await tx.get(AapRequest, key.removeprefix(KEY))
    if found is None or found.note is not None or found.agent_id != proposal.agent_id:
        return None
    return found if found.proposal_id in (None, proposal.id) else None


async def waiting_of(tx: Tx, agent_id: str, instance_id: str) -> list[str]:
    """Return the ids of an instance's proposals that wait for people."""
    query = (
        select(col(AapRequest.proposal_id))
        .join(Proposal, col(Proposal.id) == col(AapRequest.proposal_id))
        .where(
            col(AapRequest.tenant) == tx.tenant, col(AapRequest.agent_id) == agent_id,
            col(AapRequest.instance_id) == instance_id, col(Proposal.state).in_(WAITING),
        )
        .order_by(col(AapRequest.id))
    )  # fmt: skip
    return [id for id in await tx.session.scalars(query) if id is not None]


async def instance(tx: Tx, instance_id: str) -> AapInstance | None:
    """Return an instance that lives: neither deleted nor with its key revoked."""
    query = (
        select(AapInstance)
        .join(ApiKey, col(ApiKey.id) == col(AapInstance.key_id))
        .where(
            col(AapInstance.id) == instance_id, col(AapInstance.tenant) == tx.tenant,
            col(AapInstance.deleted_at).is_(None), col(ApiKey.revoked_at).is_(None),
        )
    )  # fmt: skip
    return (await tx.session.scalars(query)).first()


async def hold_instance(tx: Tx, instance_id: str, *, shared: bool = False) -> AapInstance | None:
    """Return an instance, deleted ones too, that nobody changes before this transaction ends."""
    query = select(AapInstance).where(col(AapInstance.id) == instance_id, col(AapInstance.tenant) == tx.tenant)
    held = query.with_for_update(read=shared).execution_options(populate_existing=True)
    return (await tx.session.scalars(held)).first()


async def instance_of_key(tx: Tx, key_id: str) -> str:
    """Return the id of the instance whose credential a key is, empty where it is an agent's own."""
    query = select(col(AapInstance.id)).where(col(AapInstance.key_id) == key_id, col(AapInstance.tenant) == tx.tenant)
    return (await tx.session.scalar(query)) or ""


async def instance_under(tx: Tx, provisioner_id: str, key: str) -> AapInstance | None:
    """Return the instance that was made under this idempotency key, deleted ones too."""
    query = select(AapInstance).where(
        col(AapInstance.tenant) == tx.tenant, col(AapInstance.provisioner_id) == provisioner_id,
        col(AapInstance.idempotency_key) == key,
    )  # fmt: skip
    return (await tx.session.scalars(query)).first()


async def change_under(tx: Tx, instance_id: str, provisioner_id: str, key: str) -> AapInstanceChange | None:
    """Return the change of an instance that was made under this idempotency key."""
    query = select(AapInstanceChange).where(
        col(AapInstanceChange.tenant) == tx.tenant, col(AapInstanceChange.instance_id) == instance_id,
        col(AapInstanceChange.provisioner_id) == provisioner_id, col(AapInstanceChange.idempotency_key) == key,
    )  # fmt: skip
    return (await tx.session.scalars(query)).first()


async def provisioner(tx: Tx, secret_hash: str) -> AapProvisioner | None:
    """Return the live provisioner of any tenant with this SHA-256 hex of its token."""
    query = select(AapProvisioner).where(
        col(AapProvisioner.secret_hash) == secret_hash, col(AapProvisioner.revoked_at).is_(None)
    )
    return (await tx.session.scalars(query)).first()


async def provisioners(tx: Tx) -> list[AapProvisioner]:
    """Return this tenant's provisioners, oldest first."""
    query = select(AapProvisioner).where(col(AapProvisioner.tenant) == tx.tenant)
    return list(await tx.session.scalars(query.order_by(col(AapProvisioner.created_at), col(AapProvisioner.id))))


async def revoke_provisioner(tx: Tx, id: str) -> bool:
    """Revoke a provisioner; False where there is none to revoke. Its instances live on."""
    statement = (
        update(AapProvisioner)
        .where(
            col(AapProvisioner.id) == id, col(AapProvisioner.tenant) == tx.tenant,
            col(AapProvisioner.revoked_at).is_(None),
        )
        .values(revoked_at=tx.now)
    )  # fmt: skip
    return cast(CursorResult[Any], await tx.session.execute(statement)).rowcount == 1
