"""Who calls: agents by bearer key, operators by signed calls. Every failure reads the same."""

import hashlib
import hmac
import re
from dataclasses import dataclass

from aiohttp import web

from bot.office import Office
from governance.errors import Forbidden, Unauthenticated
from governance.policy import Agent
from operations.keys import hash_of
from storage import access
from storage.database import Tx
from storage.keyring import KeyProblem
from storage.tables import ApiKey, Role

MAX_AGE = 300
MAX_AHEAD = 60
_NONCE = re.compile(r"[\x21-\x7e]{16,64}")
_DIGITS = re.compile(r"\d{1,12}")


@dataclass(frozen=True, slots=True)
class Operator:
    """A person who calls by an operator key."""

    person: str
    key_id: str
    role: Role


async def agent_of(request: web.Request, office: Office) -> Agent:
    """Return the agent behind `Authorization: Bearer`. Raises Unauthenticated; Forbidden where policy dropped it."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthenticated("Send your agent key as `Authorization: Bearer <secret>`.")
    async with office.database.read(office.tenant) as tx:
        key = await access.agent_key(tx, hash_of(secret.strip()))
    if key is None or key.tenant != office.tenant:
        raise Unauthenticated("This key is unknown, expired or revoked.")
    agent = office.policy.current.agents.get(key.principal)
    if agent is None:
        raise Forbidden(f"Agent {key.principal} is not in the policy.", code="UNKNOWN_AGENT")
    return agent


async def operator_of(request: web.Request, office: Office) -> Operator:
    """Return the operator who signed this call, and use up its nonce. Raises Unauthenticated, always the same.

    Verified over the raw bytes, before anything is parsed.
    """
    body = await request.read()
    key = await _signing_key(request, office)
    if key is None or not _is_signed(request, office, key, body):
        raise Unauthenticated("The call is not signed by a live operator key.")
    nonce = request.headers["X-Countersign-Nonce"]

    async def use(tx: Tx) -> bool:
        return await access.use_nonce(tx, key.id, nonce)

    if not await office.database.write(office.tenant, use):
        raise Unauthenticated("The call is not signed by a live operator key.")
    return Operator(key.principal, key.id, _role_of(key, office))


async def _signing_key(request: web.Request, office: Office) -> ApiKey | None:
    async with office.database.read(office.tenant) as tx:
        key = await access.operator_key(tx, request.headers.get("X-Countersign-Key", "")[:64])
    return key if key is not None and key.tenant == office.tenant else None


def _is_signed(request: web.Request, office: Office, key: ApiKey, body: bytes) -> bool:
    headers = request.headers
    timestamp, nonce = headers.get("X-Countersign-Timestamp", ""), headers.get("X-Countersign-Nonce", "")
    if not _DIGITS.fullmatch(timestamp) or not _NONCE.fullmatch(nonce):
        return False
    if not -MAX_AHEAD <= office.database.clock().timestamp() - int(timestamp) <= MAX_AGE:
        return False
    try:
        secret = office.database.keys.sealer.unseal(key.sealed_secret or "v0::", key.id)
    except KeyProblem:
        return False
    text = "\n".join(["v1", request.method, request.raw_path, timestamp, nonce, hashlib.sha256(body).hexdigest()])
    expected = "v1=" + hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), headers.get("X-Countersign-Signature", "").encode())


def _role_of(key: ApiKey, office: Office) -> Role:
    """Return the key's role, but never more than the policy gives its person now."""
    policy = office.policy.current
    by_policy = Role.REVIEWER
    if key.principal in policy.operators:
        by_policy = Role.OPERATOR
    if key.principal in policy.admins:
        by_policy = Role.ADMIN
    roles = list(Role)
    return min(key.role or by_policy, by_policy, key=roles.index)


async def principal_of(request: web.Request, office: Office) -> Agent | Operator:
    """Return whoever calls: an agent by bearer key, else an operator by signature."""
    if "Authorization" in request.headers:
        return await agent_of(request, office)
    return await operator_of(request, office)
