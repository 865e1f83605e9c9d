"""Changing limits while the server runs: admins, at once, on the record."""

from collections.abc import Iterable, Mapping
from typing import Any

from governance.automations import Actor
from governance.changed_limits import CHANGEABLE, encoded, with_changes
from governance.errors import Unprocessable
from governance.policy import Limits, Policy
from storage import audit, limits
from storage.database import Tx
from storage.tables import LimitsInForce


async def change_limits(
    tx: Tx,
    policy: Policy,
    changes: Mapping[str, Any],
    by: Actor,
    *,
    reset: Iterable[str] = (),
    reset_agents: Iterable[str] = (),
    reason: str | None = None,
) -> Limits:
    """Change limits, by the names and values of `Limits`; `reset` ones are again as countersign.toml says.

    `agent_caps` adds to the caps of single agents; those of `reset_agents` are the file's again. Whether `by` may do
    this and whether the values can be meant has been looked at. Returns the limits now in force. Raises Unprocessable
    for a limit that cannot be changed here and for an agent that is not in the policy.
    """
    _check(policy, {*changes, *reset}, changes.get("agent_caps", {}))
    row = await limits.changes(tx, locked=True)
    before = dict(row.changed) if row else {}
    after = {name: one for name, one in {**before, **encoded(changes)}.items() if name not in reset}
    after["agent_caps"] = _caps(before, changes, reset_agents) if "agent_caps" not in reset else {}
    if row is None:
        row = await tx.add(LimitsInForce(tenant=tx.tenant, changed=after, by=by.id or "", at=tx.now))
    row.changed, row.by, row.at = after, by.id or "", tx.now
    await tx.session.flush()
    detail = {"changed": encoded(changes), "reset": [*reset, *reset_agents], "before": before, "after": after}
    await audit.record(tx, "limits.changed", str(by), detail={**detail, "reason": reason})
    tx.announce("spend")
    return with_changes(policy.limits, after)


def _caps(before: Mapping[str, Any], changes: Mapping[str, Any], reset: Iterable[str]) -> dict[str, int | None]:
    caps = {**before.get("agent_caps", {}), **changes.get("agent_caps", {})}
    return {agent: cap for agent, cap in caps.items() if agent not in reset}


def _check(policy: Policy, names: set[str], agents: Iterable[str]) -> None:
    for name in sorted(names - CHANGEABLE):
        raise Unprocessable(f"{name}: is read from countersign.toml alone; change it there and reload.")
    for agent in agents:
        if agent not in policy.agents or policy.agents[agent].is_internal:
            raise Unprocessable(f"agent_weekly_spend_caps_usd: there is no agent {agent[:80]!r} in the policy.")
