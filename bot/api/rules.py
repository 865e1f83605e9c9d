"""`/rules`: remembered decisions, listed, tried, made by admins, and revoked."""

import json
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.api import bodies
from bot.api.bodies import moment
from bot.api.cursors import cursor_after, cursor_of
from bot.api.errors import answer
from bot.api.principals import Callers, Operator
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


class Rules:
    """Handlers of `/rules`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers

    async def index(self, request: web.Request) -> web.Response:
        """`GET /rules?live=&limit=&cursor=`: newest first; agents see their own."""
        caller = await self._callers.either(request)
        limit, live = bodies.limit_of(request), bodies.flag_of(request, "live", default=True)
        agent_id = None if isinstance(caller, Operator) else caller.id
        async with self._office.database.read(self._office.tenant) as tx:
            page = await rules.page(tx, agent_id=agent_id, live_only=live, before=cursor_of(request), limit=limit + 1)
        more = cursor_after(page[limit - 1].created_at, page[limit - 1].id) if len(page) > limit else None
        return answer({"items": [rule_json(one) for one in page[:limit]], "next_cursor": more})

    async def read(self, request: web.Request) -> web.Response:
        """`GET /rules/{id}`."""
        caller = await self._callers.either(request)
        rule = await self._rule(request.match_info["id"])
        if not isinstance(caller, Operator) and rule.agent_id != caller.id:
            raise NotFound("There is no rule under this id.")
        return answer(rule_json(rule))

    async def create(self, request: web.Request) -> web.Response:
        """`POST /rules`, signed by an admin; with `?dry_run=1` it only says what the rule would have matched."""
        operator = await self._callers.governor(request)
        body, _ = await bodies.read_body(request, bodies.RuleBody)
        draft = _draft(self._office.policy.current, body, operator.person, self._office.database.clock())
        if bodies.dry_run_of(request):
            check_role(operator.role, Role.OPERATOR, "count what a rule would have matched")
            async with self._office.database.read(self._office.tenant) as tx:
                seen = await remember.preview(tx, draft.agent_id, draft.tool, draft.pattern)
            counts = {"matched": seen.matched, "approved": seen.approved, "rejected": seen.rejected}
            return answer({"dry_run": True, "days": 30, **counts, "sentence": f"This rule {seen}."})
        check_role(operator.role, Role.ADMIN, "make rules that nobody was asked about; others remember an answer")
        rule = await self._office.database.write(self._office.tenant, lambda tx: remember.add_rule(tx, draft))
        return answer(rule_json(rule), 201)

    async def revoke(self, request: web.Request) -> web.Response:
        """`DELETE /rules/{id}`, signed by one of its authors, an operator or an admin."""
        operator = await self._callers.governor(request)
        actor = Actor(operator.person, operator.role)
        return answer(rule_json(await governing.revoke_rule(self._office, actor, request.match_info["id"])))

    async def _rule(self, rule_id: str) -> Rule:
        async with self._office.database.read(self._office.tenant) as tx:
            rule = await tx.get(Rule, rule_id)
        if rule is None:
            raise NotFound("There is no rule under this id.")
        return rule


def rule_json(rule: Rule) -> dict[str, Any]:
    """Return a rule as callers read it."""
    return {
        "id": rule.id, "agent": rule.agent_id, "tool": rule.tool, "decision": rule.effect, "scope": rule.scope,
        "session_id": rule.session_id or None, "pattern": _pattern(rule), "authors": rule.authors,
        "reason": rule.reason, "reason_is_untrusted": True, "approval_id": rule.request_id,
        "created_at": moment(rule.created_at), "expires_at": moment(rule.expires_at) if rule.expires_at else None,
        "max_uses": rule.max_uses, "uses": rule.uses,
        "last_used_at": moment(rule.last_used_at) if rule.last_used_at else None,
        "ended_at": moment(rule.ended_at) if rule.ended_at else None, "ended_by": rule.ended_by,
        "ended_why": rule.ended_why,
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
