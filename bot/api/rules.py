"""`/rules`: remembered decisions, listed, tried, made by admins, and revoked."""

import json
from datetime import datetime
from typing import Any, Literal

from aiohttp import web
from typing_extensions import TypedDict

from bot.api import bodies
from bot.api.bodies import moment, moment_or_none
from bot.api.cursors import next_after
from bot.api.endpoints import Endpoint, Who
from bot.api.errors import answer
from bot.api.principals import Callers, Operator
from bot.api.queries import CURSOR, DRY_RUN, LIMIT, PAGING, switch
from bot.api.shapes import Instant, Page, Untrusted
from bot.office import Office, governing
from bot.office.governing import Actor
from governance.errors import NotFound, Unprocessable
from governance.policy import Policy
from governance.prefixes import covers
from governance.roles import Role, check_role
from governance.rules import Effect, Scope, reads_secret
from operations import remember
from storage import rules
from storage.tables import Rule

LIVE = switch("live", "0 shows those that have ended, too.", default=True)


class RuleJson(TypedDict):
    """A remembered decision. Its pattern is `{"fields": {…}}`, `{"any": true}`, or `{"same": true}` for one call."""

    id: str
    agent: str
    tool: str
    decision: Effect
    scope: Scope
    session_id: str | None
    pattern: dict[str, Any]
    authors: list[str]
    reason: str | None
    reason_is_untrusted: Untrusted
    approval_id: str | None
    created_at: Instant
    expires_at: Instant | None
    max_uses: int | None
    uses: int
    last_used_at: Instant | None
    ended_at: Instant | None
    ended_by: str | None
    ended_why: str | None


class RulePreviewJson(TypedDict):
    """What a rule would have matched in the last days."""

    dry_run: Literal[True]
    days: int
    matched: int
    approved: int
    rejected: int
    sentence: str


class Rules:
    """Handlers of `/rules`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers

    def endpoints(self) -> list[Endpoint]:
        """Return what is answered here."""
        one, made = "/rules/{id}", {200: RulePreviewJson, 201: RuleJson}
        return [
            Endpoint("GET", "/rules", self.index, Who.EITHER, {200: Page[RuleJson]}, query=(LIVE, *PAGING),
                     leads=(("items/0/id", one),)),
            Endpoint("POST", "/rules", self.create, Who.OPERATOR, made, bodies.RuleBody, (DRY_RUN,), (409, 503),
                     leads=(("id", one),)),
            Endpoint("GET", one, self.read, Who.EITHER, {200: RuleJson}),
            Endpoint("DELETE", one, self.revoke, Who.OPERATOR, {200: RuleJson}, refuses=(503,)),
        ]  # fmt: skip

    async def index(self, request: web.Request) -> web.Response:
        """`GET /rules`: remembered decisions, newest first; agents see their own."""
        caller = await self._callers.either(request)
        limit, live = LIMIT.read(request), LIVE.read(request)
        agent_id = None if isinstance(caller, Operator) else caller.id
        async with self._office.database.read(self._office.tenant) as tx:
            page = await rules.page(tx, agent_id=agent_id, live_only=live, before=CURSOR.read(request), limit=limit + 1)
        more = next_after(page, limit)
        shown: Page[RuleJson] = {"items": [rule_json(one) for one in page[:limit]], "next_cursor": more}
        return answer(shown)

    async def read(self, request: web.Request) -> web.Response:
        """`GET /rules/{id}`: one remembered decision."""
        caller = await self._callers.either(request)
        rule = await self._rule(request.match_info["id"])
        if not isinstance(caller, Operator) and rule.agent_id != caller.id:
            raise NotFound("There is no rule under this id.")
        return answer(rule_json(rule))

    async def create(self, request: web.Request) -> web.Response:
        """`POST /rules`: make a rule that nobody was asked about, signed by an admin.

        With `?dry_run=1` it only says what the rule would have matched.
        """
        operator = await self._callers.governor(request)
        body, _ = await bodies.read_body(request, bodies.RuleBody)
        draft = _draft(self._office.policy.current, body, operator.person, self._office.database.clock())
        if DRY_RUN.read(request):
            check_role(operator.role, Role.OPERATOR, "count what a rule would have matched")
            async with self._office.database.read(self._office.tenant) as tx:
                seen = await remember.preview(tx, draft.agent_id, draft.tool, draft.pattern)
            return answer(_preview(seen))
        check_role(operator.role, Role.ADMIN, "make rules that nobody was asked about; others remember an answer")
        rule = await self._office.database.write(self._office.tenant, lambda tx: remember.add_rule(tx, draft))
        return answer(rule_json(rule), 201)

    async def revoke(self, request: web.Request) -> web.Response:
        """`DELETE /rules/{id}`: revoke a rule, signed by one of its authors, an operator or an admin."""
        operator = await self._callers.governor(request)
        actor = Actor(operator.person, operator.role)
        return answer(rule_json(await governing.revoke_rule(self._office, actor, request.match_info["id"])))

    async def _rule(self, rule_id: str) -> Rule:
        async with self._office.database.read(self._office.tenant) as tx:
            rule = await tx.get(Rule, rule_id)
        if rule is None:
            raise NotFound("There is no rule under this id.")
        return rule


def rule_json(rule: Rule) -> RuleJson:
    """Return a rule as callers read it."""
    return {
        "id": rule.id, "agent": rule.agent_id, "tool": rule.tool, "decision": rule.effect, "scope": rule.scope,
        "session_id": rule.session_id or None, "pattern": _pattern(rule), "authors": rule.authors,
        "reason": rule.reason, "reason_is_untrusted": True, "approval_id": rule.request_id,
        "created_at": moment(rule.created_at), "expires_at": moment_or_none(rule.expires_at),
        "max_uses": rule.max_uses, "uses": rule.uses,
        "last_used_at": moment_or_none(rule.last_used_at),
        "ended_at": moment_or_none(rule.ended_at), "ended_by": rule.ended_by,
        "ended_why": rule.ended_why,
    }  # fmt: skip


def _preview(seen: remember.Preview) -> RulePreviewJson:
    return {
        "dry_run": True, "days": 30, "matched": seen.matched, "approved": seen.approved, "rejected": seen.rejected,
        "sentence": f"This rule {seen}.",
    }  # fmt: skip


def _pattern(rule: Rule) -> dict[str, Any]:
    """Return the pattern; of the very same call only that it is so, because its hash tells nobody anything."""
    pattern: dict[str, Any] = json.loads(rule.pattern)
    return {"same": True} if "same" in pattern else pattern


def _draft(policy: Policy, body: bodies.RuleBody, author: str, now: datetime) -> remember.Draft:
    _check(policy, body, now)
    tool = policy.tools.get(body.tool)
    return remember.Draft(
        body.agent, body.tool, Effect(body.decision), Scope.FOREVER, body.pattern.pattern, (author,),
        tool.risk if tool else None, tool.version if tool else None, reason=body.reason, until=body.expires_at,
        max_uses=body.max_uses, confirmed=body.confirmed,
    )  # fmt: skip


def _check(policy: Policy, body: bodies.RuleBody, now: datetime) -> None:
    agent = policy.agents.get(body.agent)
    if agent is None or agent.is_internal:
        raise Unprocessable(f"agent: there is no agent {body.agent!r} in the policy.")
    meant = [one for one in policy.tools.values() if not one.is_internal and covers(body.tool, one.name)]
    if not meant:
        raise Unprocessable(f"tool: {body.tool!r} is neither a tool nor a prefix of one.")
    secret = reads_secret(body.pattern.pattern, (field for one in meant for field in one.secret_fields))
    if secret is not None:
        raise Unprocessable(f"pattern: {secret} is secret, so a rule cannot look at it; leave it out.")
    if body.expires_at is not None and body.expires_at <= now:
        raise Unprocessable("expires_at: name a moment from now on.")
