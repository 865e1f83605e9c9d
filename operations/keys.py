"""Making and revoking the keys of agents and operators."""

import hashlib
import secrets
from collections.abc import Iterable

from governance.canonical import Json
from governance.errors import NotFound
from storage import access, audit
from storage.database import Tx
from storage.tables import ApiKey, KeyKind, Role
from storage.tables.base import new_id

_PREFIX = {KeyKind.AGENT: "csa_", KeyKind.OPERATOR: "cso_"}


def hash_of(secret: str) -> str:
    """Return the hex SHA-256 under which a key's secret is looked up."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def create_key(
    tx: Tx, kind: KeyKind, principal: str, role: Role | None = None, scopes: Iterable[str] | None = None
) -> tuple[ApiKey, str]:
    """Make a key and return it with its secret, which is shown once.

    `scopes` narrow what an agent may use with this key; whether it has them, `governance.narrowing` checks.

    Raises storage.keyring.KeyProblem for an operator key where there is no encryption key to seal it under.
    """
    key_id, secret = new_id("key"), _PREFIX[kind] + secrets.token_urlsafe(32)
    sealed = tx.keys.sealer.seal(secret.encode(), key_id) if kind is KeyKind.OPERATOR else None
    key = await tx.add(
        ApiKey(
            id=key_id,
            tenant=tx.tenant,
            kind=kind,
            principal=principal,
            role=role,
            scopes=sorted(set(scopes)) if scopes is not None else None,
            secret_hash=hash_of(secret),
            sealed_secret=sealed,
            created_at=tx.now,
        )
    )
    detail: dict[str, Json] = {"key_id": key_id, "kind": kind, "principal": principal, "role": role}
    detail |= {"scopes": key.scopes} if key.scopes is not None else {}
    await audit.record(tx, "key.created", "system", detail=detail)
    return key, secret


async def revoke_key(tx: Tx, key_id: str) -> None:
    """Revoke a key at once. Raises NotFound where there is no live key under this id."""
    if not await access.revoke(tx, key_id):
        raise NotFound(f"There is no live key {key_id}; `countersign keys list` shows them.")
    await audit.record(tx, "key.revoked", "system", detail={"key_id": key_id})
