"""Who calls: agents by bearer key, operators by signed calls. Every failure reads the same."""

import asyncio
import hashlib
import hmac
import re
from dataclasses import dataclass

from aiohttp import web

from bot.api.queries import refuse_unknown
from bot.api.rate import RateLimiter
from bot.office import Office
from bot.office.deciding import cannot_ask, check_member, may_decide_offline
from bot.slack import CLICK_AGE, KEY_AGE, SlackTrouble
from governance.errors import Forbidden, Unauthenticated
from governance.narrowing import narrowed
from governance.policy import Agent
from governance.roles import Role, role_of
from operations.keys import hash_of
from storage import access
from storage.database import Database
from storage.keyring import KeyProblem
from storage.tables import ApiKey, Door

MAX_AGE = 300
MAX_AHEAD = 60
_PATIENCE = 2.0  # seconds that reading waits for Slack
_NONCE = re.compile(r"[\x21-\x7e]{16,64}")
_NOT_SIGNED = "The call is not signed by a live operator key."
_DIGITS = re.compile(r"\d{1,12}", re.ASCII)
_SIGNING = tuple(f"X-Countersign-{name}" for name in ("Key", "Timestamp", "Nonce", "Signature"))


@dataclass(frozen=True, slots=True)
class Operator:
    """A person who calls by an operator key."""

    person: str
    key_id: str
    role: Role


class Callers:
    """Finds out who calls, and counts the call against that caller's rate."""

    def __init__(self, office: Office) -> None:
        self._office, self._rates = office, RateLimiter()

    async def agent(self, request: web.Request) -> Agent:
        """Return the agent behind `Authorization: Bearer`, with no more of its live scopes than the key gives.

        Raises Unauthenticated, Forbidden where the policy dropped the agent, TooMany where it calls too often, and
        Unprocessable for query values that a call which may write does not know.
        """
        agent, _key = await self.agent_by_key(request)
        refuse_unknown(request)
        return agent

    async def agent_by_key(self, request: web.Request) -> tuple[Agent, ApiKey]:
        """Return the agent behind `Authorization: Bearer`, and its key. Raises what `agent` raises."""
        key = await self._bearer(request)
        self._count(key)
        return self._agent_of(key), key

    async def check_still(self, request: web.Request) -> None:
        """Raise what `agent` raises where its key was revoked since, or its agent dropped; counts nothing."""
        self._agent_of(await self._bearer(request))

    async def _bearer(self, request: web.Request) -> ApiKey:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip() or not secret.isascii():
            raise Unauthenticated("Send your agent key as `Authorization: Bearer <secret>`.")
        key = await _agent_key(self._office.database, secret)
        if key is None or key.tenant != self._office.tenant:
            raise Unauthenticated("This key is unknown, expired or revoked.")
        return key

    def _agent_of(self, key: ApiKey) -> Agent:
        agent = self._office.policy.current.agents.get(key.principal)
        if agent is None:
            raise Forbidden(f"Agent {key.principal} is not in the policy.", code="UNKNOWN_AGENT")
        return narrowed(agent, key.scopes)

    async def operator(self, request: web.Request) -> Operator:
        """Return the operator who signed this call, and use up its nonce.

        Verified over the raw bytes, before anything is parsed; what no key of ours can have signed is not even read.
        Raises Unauthenticated, always the same, TooMany, and Unprocessable for query values that a call which may write
        does not know.
        """
        key = await self._signing_key(request)
        if key is None or not _is_signed(request, self._office, key, await request.read()):
            raise Unauthenticated(_NOT_SIGNED)
        nonce = request.headers["X-Countersign-Nonce"]
        if not await self._office.database.write(self._office.tenant, lambda tx: access.use_nonce(tx, key.id, nonce)):
            raise Unauthenticated(_NOT_SIGNED)
        self._count(key)
        refuse_unknown(request)
        return Operator(key.principal, key.id, _role_of(key, self._office))

    async def either(self, request: web.Request) -> Agent | Operator:
        """Return whoever calls to read: an agent by bearer key, else an operator by signature.

        Raises what `agent` and `operator` raise, and Forbidden for the key of somebody who is no member any more.
        """
        if "Authorization" in request.headers:
            return await self.agent(request)
        operator = await self.operator(request)
        await self._check_membership(operator.person)
        return operator

    async def governor(self, request: web.Request, *, tightens: bool = False) -> Operator:
        """Return the operator who signed a call that changes rules or agents: a full member, as at every click.

        Where it only reads or tightens, it is taken while Slack cannot be asked. Raises what `operator` raises,
        Forbidden and CannotAskSlack.
        """
        operator = await self.operator(request)
        if tightens:
            await self._check_membership(operator.person)
            return operator
        try:
            await check_member(self._office, operator.person, Door.API)
        except SlackTrouble as trouble:
            if not may_decide_offline(self._office, operator.person, Door.API):
                raise cannot_ask(self._office, operator.person) from trouble
        return operator

    async def still_may(self, request: web.Request, caller: Agent | Operator) -> bool:
        """Whether who was let in to read would be let in again. Nothing is counted or used up by asking."""
        key = await find_key(self._office.database, request)
        if key is None or key.tenant != self._office.tenant:
            return False
        if isinstance(caller, Agent):
            return caller.id in self._office.policy.current.agents
        try:
            await self._check_membership(caller.person, CLICK_AGE)
        except Forbidden:
            return False
        return True

    async def _check_membership(self, person_id: str, max_age: float = KEY_AGE) -> None:
        """Refuse who left, as clicks do; while Slack cannot be asked reading stays possible, unlike deciding."""
        if not self._office.client.token:
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                person = await self._office.directory.person(person_id, max_age)
        except (SlackTrouble, TimeoutError):
            return
        if not person.may_decide:
            raise Forbidden("This key stands for somebody who is no full member of the workspace.", code="NOT_A_MEMBER")

    def _count(self, key: ApiKey) -> None:
        limits = self._office.policy.current.limits
        self._rates.take(key.id, limits.rate_per_second, limits.rate_burst)

    async def _signing_key(self, request: web.Request) -> ApiKey | None:
        key = await _operator_key(self._office.database, request)
        return key if key is not None and key.tenant == self._office.tenant else None


async def find_key(database: Database, request: web.Request) -> ApiKey | None:
    """Return the live key of whatever tenant that a call names. Whether the call may use it is not asked here."""
    if "Authorization" not in request.headers:
        return await _operator_key(database, request)
    scheme, _, secret = request.headers["Authorization"].partition(" ")
    return await _agent_key(database, secret) if scheme.lower() == "bearer" and secret.isascii() else None


async def _agent_key(database: Database, secret: str) -> ApiKey | None:
    async with database.read("") as tx:
        return await access.agent_key(tx, hash_of(secret.strip()))


async def _operator_key(database: Database, request: web.Request) -> ApiKey | None:
    key_id = request.headers.get("X-Countersign-Key", "")[:64]
    if not key_id.isascii():  # bytes that are no text; a database would choke on them
        return None
    async with database.read("") as tx:
        return await access.operator_key(tx, key_id)


def _is_signed(request: web.Request, office: Office, key: ApiKey, body: bytes) -> bool:
    headers = request.headers
    if any(len(headers.getall(name, ())) != 1 for name in _SIGNING):  # whoever reads another one reads another call
        return False
    timestamp, nonce = headers.get("X-Countersign-Timestamp", ""), headers.get("X-Countersign-Nonce", "")
    if not _DIGITS.fullmatch(timestamp) or not _NONCE.fullmatch(nonce):
        return False
    # Timestamps are whole seconds, so what is compared with them is too: one of 300 s ago holds for that whole second.
    if not -MAX_AHEAD <= int(office.database.clock().timestamp()) - int(timestamp) <= MAX_AGE:
        return False
    try:
        secret = office.database.keys.sealer.unseal(key.sealed_secret or "v0::", key.id)
    except KeyProblem:
        return False
    text = "\n".join(["v1", request.method, request.raw_path, timestamp, nonce, hashlib.sha256(body).hexdigest()])
    expected = "v1=" + hmac.new(secret, _bytes(text), hashlib.sha256).hexdigest()
    return hmac.compare_digest(_bytes(expected), _bytes(headers.get("X-Countersign-Signature", "")))


def _bytes(text: str) -> bytes:
    """Return the bytes that came in, also those that are no UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def _role_of(key: ApiKey, office: Office) -> Role:
    """Return the key's role, but never more than the policy gives its person now."""
    by_policy = role_of(office.policy.current, key.principal)
    return min(key.role or by_policy, by_policy, key=list(Role).index)
