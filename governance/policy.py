"""The policy as configured: agents, tools, people and tiers. Built by bot/policy from countersign.toml."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from governance.canonical import Json
from governance.tiers import ApprovalMode, Risk, Tier, derived_mode

DEFAULT_TTL = timedelta(hours=48)

#: The agent and the connector kind by which people change Countersign itself, countersigned like anything else.
INTERNAL = "countersign"
SET_TIER = f"{INTERNAL}.set_tier"

#: Where something stands in countersign.toml: keys and, for entries of arrays, their numbers from 0.
Place = tuple[str | int, ...]

#: The tenant of the workspace that is connected by token.
TENANT = "default"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one argument. `field` is a JSON Pointer, empty for the whole."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Connector:
    """How a kind of tool is really run. What a kind has no use for stays empty."""

    kind: str
    idempotent: bool = False
    timeout: timedelta = timedelta(seconds=30)
    attempts: int = 3
    url: str = ""  #: http, and mcp over HTTP
    secret_env: str | None = None  #: http: what signs; mcp over HTTP: the bearer token
    allow_private: bool = False
    entry: str = ""  #: python: a name in the entry point group `countersign.tools`
    command: tuple[str, ...] = ()  #: mcp over stdio
    env: tuple[str, ...] = ()  #: python and mcp over stdio: names of the variables the process is given
    tool: str = ""  #: mcp: the tool's name over there


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` starts in any `per`."""

    count: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class Tool:
    """A kind of action under governance, compiled: its schema and its consequence line are callables."""

    name: str
    title: str
    action_class: str
    capability: str
    connector: Connector
    version: str  #: hash of schema, connector, risk, class, capability, scopes and consequence
    find_problems: Callable[[Json], list[Problem]]
    tell_consequence: Callable[[Mapping[str, Any]], str]
    input_schema: Mapping[str, Any] = field(default_factory=dict)  #: what forms are made from; `find_problems` judges
    scopes: frozenset[str] = frozenset()
    risk: Risk | None = None
    approval_mode: ApprovalMode | None = None
    tier: Tier | None = None
    reviewers: tuple[str, ...] = ()
    quorum: int = 1
    creator_may_approve: bool | None = None
    ttl: timedelta | None = None
    secret_fields: tuple[str, ...] = ()
    needs_human: bool = False
    escalate_after: timedelta | None = None
    escalate_to: tuple[str, ...] = ()
    concurrency: int | None = None  #: how many of its calls may run at once
    rate: Rate | None = None  #: how often its calls may start
    buttons_only: bool = False  #: replies and reactions never decide its calls
    places: Mapping[str, Place] = field(default_factory=dict)  #: where each key of it was written

    @property
    def is_internal(self) -> bool:
        """Whether Countersign runs it on itself; no agent may propose such a tool."""
        return self.connector.kind == INTERNAL

    @property
    def mode(self) -> ApprovalMode:
        """The approval mode in force: the written one, else the one its risk implies."""
        return self.approval_mode or derived_mode(self.risk)


@dataclass(frozen=True, slots=True)
class Agent:
    """A program that wants to act."""

    id: str
    name: str
    creator: str
    scopes: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()  #: whom `on_behalf_of` may name
    channels: frozenset[str] = frozenset()  #: where its threads may lie
    tier: Tier | None = None
    tiers: Mapping[str, Tier] = field(default_factory=dict)  #: tool, action class or prefix of either -> tier
    needs_human: bool = False
    budget_per_hour: int | None = None  #: how many calls may run unasked in one hour of UTC, and in one day
    budget_per_day: int | None = None
    parent: str | None = None  #: the agent that made it; what it costs is charged to all above it, too
    report_spend: bool = False  #: whether its own key may report what it cost
    place: Place = ()

    @property
    def is_internal(self) -> bool:
        """Whether it stands for people who ask Countersign to change something about itself."""
        return self.id == INTERNAL


@dataclass(frozen=True, slots=True)
class ScopedPolicy:
    """What holds besides everything else for one automation, run or session: it can only tighten."""

    automation_id: str | None = None
    run_id: str | None = None
    session_id: str | None = None
    tier: Tier | None = None
    tiers: Mapping[str, Tier] = field(default_factory=dict)
    place: Place = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A rule that the operator wrote into the file: calls of these agents to these tools are denied."""

    tool: str  #: a name or a prefix
    agent: str | None = None  #: None for every agent
    reason: str = ""
    place: Place = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one caller may use up, and how far agents may go with automations and money.

    Admins may change all but the first three while it runs; see `storage.limits.limits_in_force`.
    """

    max_open_requests: int = 50
    rate_per_second: float = 50.0
    rate_burst: int = 200
    approval_ttl: timedelta = timedelta(hours=72)  #: how long a question about governance waits for people
    default_expires_after: timedelta = timedelta(days=90)  #: of automations; zero: they do not expire
    creation_enabled: bool = True
    per_agent_daily_creation_limit: int = 10  #: in any 24 hours; 0: none
    active_agent_automation_cap: int = 50  #: of all agents together; 0: none
    lineage_depth_limit: int = 3
    per_agent_creation_review_threshold: int = 5  #: creations until people owe the agent a look; 0: never
    run_review_threshold: int = 20  #: runs until people owe the automation a look; 0: never
    weekly_spend_cap: int | None = None  #: micro-dollars of each agent; 0: nothing may be spent; None: no cap
    agent_caps: Mapping[str, int | None] = field(default_factory=dict)  #: of agents that have their own
    spend_warning_threshold_ratio: float = 0.8  #: of the cap; 0: no warnings
    expiration_warning_window: timedelta = timedelta(days=7)  #: how early the first of three warnings comes
    health_check_interval: timedelta = timedelta(hours=6)
    health_window_run_limit: int = 20
    health_failure_rate_threshold: float = 0.5
    health_guardrail_stop_threshold: int = 2  #: 0: guardrail stops are no finding


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything the operator decided, as of one load of countersign.toml."""

    agents: Mapping[str, Agent]
    tools: Mapping[str, Tool]
    approvals_channel: str
    admins: tuple[str, ...]
    operators: tuple[str, ...] = ()
    offline_deciders: tuple[str, ...] = ()
    default_tier: Tier | None = None
    class_tiers: Mapping[str, Tier] = field(default_factory=dict)  #: action class or prefix -> tier
    needs_human: frozenset[str] = frozenset()  #: tools, action classes and prefixes that agents may not use at all
    scoped: tuple[ScopedPolicy, ...] = ()
    refused: tuple[Refused, ...] = ()
    default_ttl: timedelta = DEFAULT_TTL
    limits: Limits = field(default_factory=Limits)
    decide_by_reply: bool = False  #: plain replies count where the risk is low
    decide_by_reaction: bool = False  #: and so do reactions
    private_webhooks: bool = False  #: admins may have addresses inside told of events
    hash: str = ""

    @classmethod
    def empty(cls) -> "Policy":
        """Return the policy of a workspace that the file does not name: nothing may be done in it."""
        return cls(agents={}, tools={}, approvals_channel="", admins=())

    def ttl_of(self, tool: Tool) -> timedelta:
        """Return how long a request for `tool` may wait for people."""
        return tool.ttl or self.default_ttl
