"""The tools by which people change Countersign itself; they are countersigned like anything else."""

from dataclasses import replace
from typing import Any

from bot.policy.consequence import compile_consequence
from governance.canonical import content_hash
from governance.policy import INTERNAL, SET_TIER, Agent, Connector, Policy, Tool
from governance.schemas import compile_schema
from governance.tiers import ApprovalMode, Risk, Tier

_TIERS = [tier.value for tier in Tier]
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["agent", "target", "tier", "replaces", "reason"],
    "properties": {
        "agent": {"type": "string", "minLength": 1, "maxLength": 200},
        "target": {"type": "string", "maxLength": 200},
        "tier": {"enum": _TIERS},
        "replaces": {"enum": [*_TIERS, None]},
        "reason": {"type": "string", "minLength": 1, "maxLength": 2000},
    },
}
_CONSEQUENCE = "Lets agent {{ agent }} act at tier {{ tier }}{% if target %} for {{ target }}{% endif %} from now on"


def with_own_tools(policy: Policy) -> Policy:
    """Return the policy with Countersign's own agent and tools, which only people with a role can make use of."""
    people = frozenset((*policy.admins, *policy.operators))
    if not policy.admins:
        return policy
    own = Agent(INTERNAL, "Countersign", policy.admins[0], scopes=frozenset({INTERNAL}), people=people)
    tool = _set_tier(policy.admins)
    return replace(policy, agents={**policy.agents, own.id: own}, tools={**policy.tools, tool.name: tool})


def _set_tier(admins: tuple[str, ...]) -> Tool:
    return Tool(
        name=SET_TIER, title="Promote an agent", action_class=f"{INTERNAL}.tier", capability=f"{INTERNAL}.tier",
        connector=Connector(INTERNAL, idempotent=True),
        version=content_hash({"schema": _SCHEMA, "consequence": _CONSEQUENCE}),
        find_problems=compile_schema(_SCHEMA), input_schema=_SCHEMA,
        tell_consequence=compile_consequence(_CONSEQUENCE, ()),
        scopes=frozenset({INTERNAL}), risk=Risk.HIGH_WRITE, approval_mode=ApprovalMode.REQUIRES_APPROVAL,
        reviewers=admins,
    )  # fmt: skip
