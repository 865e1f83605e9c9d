"""The shape of countersign.toml, strict: whatever is not described here is a mistake."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from bot.policy.connectors import ConnectorTable
from bot.policy.limits import LimitsTable
from bot.policy.strict import Strict
from bot.policy.words import (
    Cap,
    ChannelId,
    Duration,
    Id,
    Name,
    Pattern,
    PersonId,
    RateText,
    ReviewerId,
    TeamId,
    TierName,
)
from governance.tiers import ApprovalMode, Risk

Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class SlackTable(Strict):
    """`[slack]`: where the cards go, and what counts there besides their buttons, for calls of low risk only."""

    approvals_channel: ChannelId
    decide_by_reply: bool = False
    decide_by_reaction: bool = False


class RolesTable(Strict):
    """`[roles]`: people with rights over everything; offline deciders count while Slack cannot be reached."""

    admins: list[PersonId] = []
    operators: list[PersonId] = []
    offline_deciders: list[PersonId] = []


class WorkspaceTable(Strict):
    """`[[workspaces]]`: one more Slack workspace, which installs the app by OAuth; its people decide for its agents."""

    team_id: TeamId
    approvals_channel: ChannelId
    decide_by_reply: bool = False
    decide_by_reaction: bool = False
    admins: list[PersonId] = []
    operators: list[PersonId] = []
    offline_deciders: list[PersonId] = []


class DefaultsTable(Strict):
    """`[defaults]`: what holds where nothing else is written."""

    tier: TierName | None = None
    approval_ttl: Duration = timedelta(hours=48)


class NeedsHumanTable(Strict):
    """`[needs_human]`: what agents may not do at all, asked or not."""

    agents: list[Id] = []
    tools: list[Pattern] = []
    classes: list[Pattern] = []


class AgentTable(Strict):
    """`[[agents]]`: a program that wants to act."""

    id: Id
    name: Name
    creator: PersonId
    workspace: TeamId | None = None
    scopes: list[Id] = []
    people: list[PersonId] = []
    channels: list[ChannelId] = []
    tier: TierName | None = None
    tiers: dict[str, TierName] = {}
    needs_human: bool = False
    max_autonomous_decisions_per_hour: Count | None = None
    max_autonomous_decisions_per_day: Count | None = None
    parent: Id | None = None
    report_spend: bool = False
    weekly_spend_cap_usd: Cap | None = None


class ToolTable(Strict):
    """`[[tools]]`: a kind of action under governance, or `deploy.*`: what all below it inherit.

    Whatever a tool leaves out it takes from the longest prefix that writes it; nothing but the name is required
    where everything else is inherited.
    """

    name: Pattern
    title: Name | None = None
    action_class: Id | None = None
    capability: Id | None = None
    consequence: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None
    connector: ConnectorTable | None = None
    scopes: list[Id] = []
    risk: Risk | None = None
    approval_mode: ApprovalMode | None = None
    tier: TierName | None = None
    needs_human: bool = False
    reviewers: list[ReviewerId] = []
    quorum: Annotated[int, Field(ge=1, le=20)] = 1
    creator_may_approve: bool | None = None
    escalate_after: Duration | None = None
    escalate_to: list[ReviewerId] = []
    ttl: Duration | None = None
    concurrency: Count | None = None
    rate: RateText | None = None
    buttons_only: bool = False
    secret_fields: list[Name] = []
    input_schema: dict[str, Any] = {"type": "object"}


class ScopedTable(Strict):
    """`[[scoped]]`: what holds besides for one automation, run or session; it only ever tightens."""

    automation_id: Name | None = None
    run_id: Name | None = None
    session_id: Name | None = None
    tier: TierName | None = None
    tiers: dict[str, TierName] = {}


class RuleTable(Strict):
    """`[[rules]]`: calls that are denied whatever the tier. Rules that allow are remembered by people, not written."""

    tool: Pattern
    agent: Id | None = None
    decision: Literal["deny"]
    reason: Reason


class WebhooksTable(Strict):
    """`[webhooks]`: whether admins may have addresses inside told of events, and over http."""

    allow_private: bool = False


class PolicyFile(Strict):
    """The whole of countersign.toml."""

    slack: SlackTable | None = None
    workspaces: list[WorkspaceTable] = []
    include: list[Literal["builtin:agent-runtime", "builtin:assistant"]] = []
    roles: RolesTable = RolesTable()
    defaults: DefaultsTable = DefaultsTable()
    limits: LimitsTable = LimitsTable()
    webhooks: WebhooksTable = WebhooksTable()
    needs_human: NeedsHumanTable = NeedsHumanTable()
    classes: dict[Pattern, TierName] = {}
    agents: list[AgentTable] = []
    tools: list[ToolTable] = []
    scoped: list[ScopedTable] = []
    rules: list[RuleTable] = []


class PackFile(Strict):
    """A shipped pack of tools."""

    tools: list[ToolTable]
