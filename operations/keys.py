"""Making, rotating and revoking the keys of agents and operators."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from governance.canonical import Json
from governance.errors import Conflict, NotFound
from storage import aap, access, audit
from storage.database import Tx
from storage.tables import ApiKey, KeyKind, Role
from storage.tables.base import new_id

_PREFIX = {KeyKind.AGENT: "csa_", KeyKind.OPERATOR: "cso_"}
_SYSTEM = "system"  # whoever has the command line

#: What of a key is its own; the rest passes on to the key that it is rotated to.
_ITS_OWN = {"id", "secret_hash", "sealed_secret", "created_at", "expires_at", "revoked_at", "replaced_by"}


def hash_of(secret: str) -> str:
    """Return the hex SHA-256 under which a key's secret is looked up."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def create_key(
    tx: Tx, kind: KeyKind, principal: str, role: Role | None = None, scopes: Iterable[str] | None = None, *,
    expires_at: datetime | None = None, by: str = _SYSTEM,
) -> tuple[ApiKey, str]:  # fmt: skip
    """Make a key and return it with its secret, which is shown once.

    `scopes` narrow what an agent may use with this key; whether it has them, `governance.narrowing` checks.

    Raises storage.keyring.KeyProblem for an operator key where there is no encryption key to seal it under.
    """
    given = sorted(set(scopes)) if scopes is not None else None
    rights = {"tenant": tx.tenant, "kind": kind, "principal": principal, "role": role, "scopes": given}
    key, secret = await _add(tx, rights, expires_at)
    detail: dict[str, Json] = {"key_id": key.id, "kind": kind, "principal": principal, "role": role}
    detail |= {"scopes": key.scopes} if key.scopes is not None else {}
    detail |= {"expires_at": expires_at.isoformat()} if expires_at else {}
    await audit.record(tx, "key.created", by, detail=detail)
    return key, secret


async def rotate_key(tx: Tx, key_id: str, overlap: timedelta, *, by: str = _SYSTEM) -> tuple[ApiKey, str]:
    """Make another key with the same rights and return it with its secret, which is shown once; the old key works on
    for `overlap`, but no longer than it would have. A key that was made to expire gives its lifetime to the new one.

    Raises NotFound where there is no live key under this id, Conflict where it was rotated before or is an instance's,
    and KeyProblem as `create_key` does.
    """
    old = await access.locked(tx, key_id)
    if old is None or not access.is_live(old, tx.now):
        raise no_live_key(key_id)
    if old.replaced_by is not None:
        raise Conflict(f"Key {old.id} was rotated to {old.replaced_by}; rotate that one.", code="ALREADY_ROTATED")
    if await aap.instance_of_key(tx, old.id):  # its successor would outlive the instance, and be the agent's own
        raise Conflict(
            f"Key {old.id} belongs to an instance; delete the instance and make another.", code="KEY_OF_AN_INSTANCE"
        )
    lasts = old.expires_at - old.created_at if old.expires_at else None
    key, secret = await _add(tx, old.model_dump(exclude=_ITS_OWN), tx.now + lasts if lasts else None)
    old.replaced_by, old.expires_at = key.id, min(old.expires_at or tx.now + overlap, tx.now + overlap)
    detail = {"key_id": old.id, "new_key_id": key.id, "principal": old.principal, "until": old.expires_at.isoformat()}
    await audit.record(tx, "key.rotated", by, detail=detail)
    return key, secret


async def revoke_key(tx: Tx, key_id: str, *, by: str = _SYSTEM) -> None:
    """Revoke a key at once. Raises NotFound where there is no live key under this id."""
    if not await access.revoke(tx, key_id):
        raise no_live_key(key_id)
    await audit.record(tx, "key.revoked", by, detail={"key_id": key_id})


def no_live_key(key_id: str) -> NotFound:
    """Return the refusal of a key's id that is none, or is not live any more."""
    return NotFound(f"There is no live key {key_id}; `countersign keys list` shows them.")


async def _add(tx: Tx, rights: dict[str, Any], expires_at: datetime | None) -> tuple[ApiKey, str]:
    kind = KeyKind(str(rights["kind"]))
    id, secret = new_id("key"), _PREFIX[kind] + secrets.token_urlsafe(32)
    sealed = tx.keys.sealer.seal(secret.encode(), id) if kind is KeyKind.OPERATOR else None
    key = ApiKey(
        **rights, id=id, secret_hash=hash_of(secret), sealed_secret=sealed, created_at=tx.now, expires_at=expires_at
    )
    return await tx.add(key), secret
