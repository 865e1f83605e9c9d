"""`/keys`: the keys of agents and operators, made, rotated and revoked by admins, signed."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from aiohttp import web

from bot.api.bodies import read_body
from bot.api.cursors import next_after
from bot.api.endpoints import Endpoint, Who
from bot.api.errors import answer
from bot.api.principals import Callers
from bot.api.queries import CURSOR, LIMIT, PAGING
from bot.api.webhooks import bodies as webhook_bodies
from bot.api.webhooks.bodies import KeyBody
from bot.api.webhooks.wire import KeyJson, KeySecretJson, KeysJson, key_json
from bot.office import Office
from governance.errors import Conflict, Forbidden, Unprocessable
from governance.roles import Role, check_role, role_of
from operations.keys import create_key, no_live_key, revoke_key, rotate_key
from storage import access
from storage.database import Tx
from storage.keyring import KeyProblem
from storage.tables import ApiKey, KeyKind

_LONGEST = timedelta(days=3653)
_Making = Callable[[Tx], Awaitable[tuple[ApiKey, str]]]


class Keys:
    """Handlers of `/keys`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers, self._database = office, callers, office.database

    def endpoints(self) -> list[Endpoint]:
        """Return the addresses, and what each takes and answers."""
        op, one = Who.OPERATOR, "/keys/{id}"
        return [
            Endpoint("GET", "/keys", self.index, op, {200: KeysJson}, query=PAGING),
            Endpoint("POST", "/keys", self.create, op, {201: KeySecretJson}, KeyBody, refuses=(409, 503)),
            Endpoint("POST", f"{one}/rotate", self.rotate, op, {201: KeySecretJson}, webhook_bodies.RotateBody,
                     refuses=(404, 409, 503)),
            Endpoint("DELETE", one, self.revoke, op, {200: KeyJson}, refuses=(404,)),
        ]  # fmt: skip

    async def index(self, request: web.Request) -> web.Response:
        """List keys without their secrets, newest first."""
        await self._admin(request, tightens=True)
        limit, before = LIMIT.read(request), CURSOR.read(request)
        async with self._database.read(self._office.tenant) as tx:
            page = await access.page(tx, before, limit + 1)
            shown = [key_json(one, tx.now) for one in page[:limit]]
        more = next_after(page, limit)
        return answer({"items": shown, "next_cursor": more})

    async def create(self, request: web.Request) -> web.Response:
        """Make a key for an agent, or one more for yourself. Its secret is in this answer and nowhere else."""
        person = await self._admin(request)
        body, _ = await read_body(request, KeyBody)
        kind, principal = self._principal(body, person)
        self._check_expiry(body.expires_at)
        used = request.headers["X-Countersign-Key"]

        async def make(tx: Tx) -> tuple[ApiKey, str]:
            ends = [body.expires_at, await _end_of(tx, used)] if kind is KeyKind.OPERATOR else [body.expires_at]
            end = min((one for one in ends if one is not None), default=None)
            return await create_key(tx, kind, principal, body.role, expires_at=end, by=f"person:{person}")

        return await self._made(make)

    async def rotate(self, request: web.Request) -> web.Response:
        """Make a key with the same rights; the old one works on for `overlap_hours`, 24 unless said otherwise."""
        person, id = await self._admin(request), request.match_info["id"]
        body, _ = await read_body(request, webhook_bodies.RotateBody)

        async def rotate(tx: Tx) -> tuple[ApiKey, str]:
            old = await access.locked(tx, id)
            if old is not None and old.kind is KeyKind.OPERATOR:
                _check_own(old.principal, person)
            return await rotate_key(tx, id, body.overlap, by=f"person:{person}")

        return await self._made(rotate)

    async def revoke(self, request: web.Request) -> web.Response:
        """Revoke a key at once."""
        person, id = await self._admin(request, tightens=True), request.match_info["id"]

        async def revoke(tx: Tx) -> ApiKey:
            await revoke_key(tx, id, by=f"person:{person}")
            row = await access.locked(tx, id)
            if row is None:
                raise no_live_key(id)
            return row

        row = await self._database.write(self._office.tenant, revoke)
        return answer(key_json(row, self._database.clock()))

    async def _made(self, verb: _Making) -> web.Response:
        try:
            row, secret = await self._database.write(self._office.tenant, verb)
        except KeyProblem as problem:
            raise Conflict(f"No key was made: {problem}.", code="NO_ENCRYPTION_KEY") from None
        return answer({**key_json(row, self._database.clock()), "secret": secret}, 201)

    async def _admin(self, request: web.Request, *, tightens: bool = False) -> str:
        operator = await self._callers.governor(request, tightens=tightens)
        check_role(operator.role, Role.ADMIN, "look at keys, make and revoke them")
        return operator.person

    def _principal(self, body: KeyBody, person: str) -> tuple[KeyKind, str]:
        """Return whom a key is to stand for. Raises Unprocessable and Forbidden."""
        policy = self._office.policy.current
        if body.operator is not None:
            _check_own(body.operator, person)
            if body.role is not None and not role_of(policy, person).covers(body.role):
                raise Forbidden(f"role: the policy does not make {person} {body.role}.")
            return KeyKind.OPERATOR, body.operator
        agent = policy.agents.get(body.agent or "")
        if agent is None or agent.is_internal:
            raise Unprocessable(f"agent: there is no agent {body.agent!r} in the policy.")
        return KeyKind.AGENT, agent.id

    def _check_expiry(self, at: datetime | None) -> None:
        now = self._database.clock()
        if at is not None and not now < at <= now + _LONGEST:
            raise Unprocessable("expires_at: name a moment from now on, within ten years.")


async def _end_of(tx: Tx, key_id: str) -> datetime | None:
    """Return when the key ends that a person calls by: one that they make with it lasts no longer."""
    key = await tx.get(ApiKey, key_id)
    return key.expires_at if key is not None else None


def _check_own(principal: str, person: str) -> None:
    """Raise Forbidden where an operator key stands for somebody else: who has its secret answers in their name."""
    if principal != person:
        raise Forbidden(
            "Over the API you make operator keys for yourself alone; `countersign keys` on the server makes others.",
            code="NOT_YOUR_KEY",
        )
